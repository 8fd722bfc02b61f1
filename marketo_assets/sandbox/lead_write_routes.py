"""Writing leads: Sync Leads, Delete Leads, Merge Leads. What becomes of each record of a sync is in lead_sync.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox.changes import Why
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.lead_sync import ACTIONS, LeadSync, SyncRequest, skipped
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route
from marketo_assets.sandbox.world import UnknownLeadError

MOST_RECORDS = 300
MOST_LOSERS = 25
_SYNC_MEMBERS = frozenset({"input", "action", "lookupField", "partitionName", "asyncProcessing"})
_SOURCE = "Web service API"


def routes() -> list[Route]:
    """Return the three operations that write leads."""
    write = frozenset({"Read-Write Lead"})
    merge_parameters = frozenset({"leadId", "leadIds", "mergeInCRM"})
    return [
        Route("POST", "/rest/v1/leads.json", sync, write, takes_json=True),
        Route("POST", "/rest/v1/leads/delete.json", delete, write, frozenset({"id"}), takes_json_if_any=True),
        Route("POST", "/rest/v1/leads/{leadId}/merge.json", merge, write, merge_parameters),
    ]


async def sync(call: Call) -> Response:
    """Create and update leads; the n-th result tells of the n-th record."""
    told = _known(call.json, _SYNC_MEMBERS)
    records = _records(told)
    request = _read_sync(told)
    field = call.sandbox.world.fields.get(request.lookup_field)
    if field is None or field.hidden or not field.rest:
        raise ApiError("1006", f"Field '{request.lookup_field}' not found")
    if not field.searchable:
        raise ApiError("1011", f"Field '{request.lookup_field}' is not supported as a lookup field")
    async with call.sandbox.exports.still() as world:
        work = LeadSync(world, request, records, call.sandbox.clock.now(), Why("Sync Leads", _SOURCE))
        return call.success([work.write(record) for record in records])


async def delete(call: Call) -> Response:
    """Delete leads named in the body or, without one, by `id`."""
    ids = call.parameters.several("id")
    if call.json:
        records = _records(_known(call.json, frozenset({"input"})))
        wanted = [_id_of(record) for record in records]
    elif ids:
        wanted = [to_integer(text, "Long") for text in ids]
        _check_count(wanted)
    else:
        raise ApiError("609")
    answered: list[dict[str, Any]] = []
    async with call.sandbox.exports.still() as world:
        for lead_id in wanted:
            try:
                world.delete(lead_id, call.sandbox.clock.now(), Why("Delete Leads", _SOURCE))
                answered.append({"id": lead_id, "status": "deleted"})
            except UnknownLeadError:
                answered.append({"id": lead_id} | skipped("1004", "Lead not found"))
    return call.success(answered)


async def merge(call: Call) -> Response:
    """Merge the leads named into the one of the path; the answer says only that it was done.

    Raises: ApiError 1004 for a lead that is not there, 1080 for more than 25 losers, 1003 for a lead named twice and
    for mergeInCRM, because this instance has no CRM.
    """
    told, winner = call.parameters, to_integer(call.path["leadId"], "Long")
    if told.text("mergeInCRM", "false") not in ("true", "false"):
        raise ApiError("1001", "Invalid value for 'mergeInCRM'. Required of type 'Boolean'")
    if told.text("mergeInCRM") == "true":
        raise ApiError("1003", "mergeInCRM is for instances that a CRM is connected to")
    one, many = told.text("leadId"), told.several("leadIds") or []
    losers = [to_integer(text, "Long") for text in [*([one] if one else []), *many]]
    if not losers:
        raise ApiError("1003", "Either leadId or leadIds must name the leads to be merged")
    if len(losers) > MOST_LOSERS:
        raise ApiError("1080", f"No more than {MOST_LOSERS} leads can be merged at once")
    async with call.sandbox.exports.still() as world:
        try:
            world.merge(winner, losers, call.sandbox.clock.now(), Why("Merge Leads", _SOURCE))
        except UnknownLeadError:
            raise ApiError("1004") from None
        except ValueError:
            raise ApiError("1003", "A lead cannot be merged into itself or twice") from None
    return call.done()


def _read_sync(told: Mapping[str, Any]) -> SyncRequest:
    action, lookup_field = told.get("action", "createOrUpdate"), told.get("lookupField", "email")
    if action not in ACTIONS:
        raise ApiError("1003", f"Invalid action '{action}'. Allowed: {', '.join(ACTIONS)}")
    if not isinstance(lookup_field, str) or not isinstance(told.get("partitionName", ""), str):
        raise ApiError("1001", "lookupField and partitionName are required of type 'String'")
    if told.get("asyncProcessing", False) is not False:
        # What it answers is nowhere documented.
        raise ApiError("1003", "asyncProcessing is not supported")
    return SyncRequest(action, lookup_field, told.get("partitionName"))


def _known(told: dict[str, Any], members: frozenset[str]) -> dict[str, Any]:
    for name in told:
        if name not in members:
            raise ApiError("1003", f"Unknown parameter '{name}'")
    return told


def _records(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    records = told.get("input")
    if records is None:
        raise ApiError("1002", "Missing value for the required parameter 'input'")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ApiError("1001", "Invalid value for 'input'. Required of type 'List'")
    _check_count(records)
    return records


def _check_count(records: list[Any]) -> None:
    if not 1 <= len(records) <= MOST_RECORDS:
        raise ApiError("1003", f"A call takes between 1 and {MOST_RECORDS} records")


def _id_of(record: dict[str, Any]) -> int:
    lead_id = record.get("id")
    if set(record) != {"id"} or not isinstance(lead_id, int) or isinstance(lead_id, bool):
        raise ApiError("1001", "Each record is an 'id' of type 'Long'")
    return lead_id
