"""Reading leads: by id, by filter type, and the lead partitions."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from marketo_assets.sandbox.bulk_extract import read_page_token, write_page_token
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route
from marketo_assets.sandbox.state import Sandbox

DEFAULT_FIELDS = ["id", "email", "updatedAt", "createdAt", "firstName", "lastName"]
_FILTER_PARAMETERS = frozenset({"filterType", "filterValues", "fields", "batchSize", "nextPageToken"})


def routes() -> list[Route]:
    """Return the operations that read leads."""
    lead = frozenset({"Read-Only Lead", "Read-Write Lead"})
    return [
        Route("GET", "/rest/v1/lead/{leadId}.json", by_id, lead, frozenset({"fields"})),
        Route("GET", "/rest/v1/leads.json", by_filter, lead, _FILTER_PARAMETERS, by_form=True),
        Route("GET", "/rest/v1/leads/partitions.json", partitions, lead),
    ]


async def by_id(call: Call) -> Response:
    """Answer one lead.

    Raises: ApiError 1004 for an unknown id (a switch makes it an empty result: the sources say neither).
    """
    lead_id = to_integer(call.path["leadId"], "Long")
    lead = call.sandbox.world.lead(lead_id, lead_fields(call))
    if lead is None and call.sandbox.switches.missing_lead == "1004":
        raise ApiError("1004")
    return call.success([] if lead is None else [lead])


async def by_filter(call: Call) -> Response:
    """Answer the leads whose field holds one of the values, in pages; absent ids are silently absent.

    Raises: ApiError 1003 for more matches or values than Marketo takes, 1011 for a field it cannot search by.
    """
    sandbox, told = call.sandbox, call.parameters
    filter_type, values = told.required("filterType"), told.several("filterValues")
    if values is None:
        raise ApiError("1002", "Missing value for the required parameter 'filterValues'")
    field = sandbox.world.fields.get(filter_type)
    if field is None or field.hidden or not field.searchable:
        raise ApiError("1011", f"Field '{filter_type}' is not supported as a filter type")
    if len(values) > sandbox.limits.filter_values:
        raise ApiError("1003", f"Number of filterValues must not exceed {sandbox.limits.filter_values}")
    if field.data_type == "integer":
        values = [str(to_integer(value, "Long")) for value in values]
    batch = told.integer("batchSize", 300, least=1, most=300)
    start, names = read_page_token(told.text("nextPageToken")), lead_fields(call)
    ids = sandbox.world.find(filter_type, values)
    if len(ids) > sandbox.limits.leads_per_filter:
        raise ApiError("1003", "Too many results match the filter")
    if sandbox.switches.readable_after_seconds:
        ids = [lead_id for lead_id in ids if _is_readable(sandbox, lead_id)]
    has_more = start + batch < len(ids)
    more = {"nextPageToken": write_page_token(start + batch)} if has_more else {}
    leads = sandbox.world.leads(ids[start : start + batch], names)
    return call.success(leads, moreResult=has_more, **more)


async def partitions(call: Call) -> Response:
    """Answer every lead partition."""
    return call.success(call.sandbox.partitions.values())


def check_fields(call: Call, names: Iterable[str]) -> None:
    """Return if REST knows every one of *names*.

    Raises: ApiError 1006 naming the first that it does not.
    """
    for name in names:
        field = call.sandbox.world.fields.get(name)
        if field is None or field.hidden or not field.rest:
            raise ApiError("1006", f"Field '{name}' not found")


def lead_fields(call: Call) -> list[str]:
    """Return the lead fields that *call* asks for, or the usual ones. Raises: ApiError 1006."""
    asked = call.parameters.several("fields")
    if asked is None:
        return [name for name in DEFAULT_FIELDS if name in call.sandbox.world.fields]
    check_fields(call, asked)
    # A lead record always contains its id, says the Swagger file.
    return list(dict.fromkeys(["id", *asked]))


def _is_readable(sandbox: Sandbox, lead_id: int) -> bool:
    created = sandbox.world.created(lead_id)
    return created + sandbox.switches.readable_after_seconds <= sandbox.clock.now().timestamp()
