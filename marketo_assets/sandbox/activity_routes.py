"""Activity types, paging tokens, and the three endpoints that read the log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox import activity_view
from marketo_assets.sandbox.activity import Activity
from marketo_assets.sandbox.activity_numbers import CHANGE_DATA_VALUE, DELETE_LEAD, NEW_LEAD
from marketo_assets.sandbox.activity_paging import DATE, PagingToken, cut_page, read_token
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import read_moment
from marketo_assets.sandbox.lead_routes import check_fields
from marketo_assets.sandbox.list_routes import require
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

MOST_TYPES = 10
MOST_LEADS = 30
View = Callable[[Activity, Switches, int], dict[str, Any]]


def routes() -> list[Route]:
    """Return the five operations under `/rest/v1/activities`."""
    base, may = "/rest/v1/activities", frozenset({"Read-Only Activity", "Read-Write Activity"})
    page = frozenset({"nextPageToken", "batchSize"})
    leads = page | {"leadIds", "listId"}
    return [
        Route("GET", f"{base}/types.json", types, may),
        Route("GET", f"{base}/pagingtoken.json", paging_token, may, frozenset({"sinceDatetime"})),
        Route("GET", f"{base}.json", activities, may, leads | {"activityTypeIds", "assetIds"}, by_form=True),
        Route("GET", f"{base}/leadchanges.json", lead_changes, may, leads | {"fields"}, by_form=True),
        Route("GET", f"{base}/deletedleads.json", deleted_leads, may, page, by_form=True),
    ]


async def types(call: Call) -> Response:
    """Answer every activity type of the instance."""
    return call.success(kind.shown() for kind in call.sandbox.activity_types.by_id.values())


async def paging_token(call: Call) -> Response:
    """Answer the token that stands for a moment, its second included."""
    since = read_moment(call.parameters.required("sinceDatetime"))
    return call.done(nextPageToken=_text(call, PagingToken(DATE, int(since.timestamp()))))


async def activities(call: Call) -> Response:
    """Answer activities of up to ten types, in pages.

    Raises: ApiError 1003 for a type that the instance does not have, or for asset ids with several types.
    """
    token = _token(call, "activities")
    type_ids = _numbers(call, "activityTypeIds", MOST_TYPES)
    if type_ids is None:
        raise ApiError("1002", "Missing value for the required parameter 'activityTypeIds'")
    for type_id in type_ids:
        if type_id not in call.sandbox.activity_types.by_id:
            raise ApiError("1003", f"Invalid activity type id '{type_id}'")
    asset_ids = _numbers(call, "assetIds", 300)
    if asset_ids and len(set(type_ids)) > 1:
        raise ApiError("1003", "assetIds is allowed with a single activity type only")

    def keeps(line: Activity) -> bool:
        return asset_ids is None or line.value_id in asset_ids

    def shown(line: Activity, switches: Switches, lead_id: int) -> dict[str, Any]:
        told = activity_view.activity(line, switches, lead_id)
        for item in told["attributes"]:
            if api_name := _api_names(call, line.type_id).get(item["name"]):
                item["apiName"] = api_name
        return told

    return _page(call, token, type_ids, keeps, shown)


async def lead_changes(call: Call) -> Response:
    """Answer the new leads, and the changes of the fields named, in pages.

    Raises: ApiError 1006 for a field that REST does not know, also one that was hidden between two pages.
    """
    token = _token(call, "leadchanges")
    names = call.parameters.several("fields")
    if names is None:
        raise ApiError("1002", "Missing value for the required parameter 'fields'")
    check_fields(call, names)
    watched = frozenset(names)

    def keeps(line: Activity) -> bool:
        if line.type_id == CHANGE_DATA_VALUE:
            return line.field in watched
        return not call.sandbox.switches.new_lead_by_fields or bool(call.sandbox.filled_at_birth(line) & watched)

    return _page(call, token, (NEW_LEAD, CHANGE_DATA_VALUE), keeps, activity_view.lead_change)


async def deleted_leads(call: Call) -> Response:
    """Answer the deletions of leads that are not pruned yet, in pages."""
    token = _token(call, "deletedleads")
    return _page(call, token, (DELETE_LEAD,), lambda _: True, activity_view.activity)


def _page(
    call: Call, token: PagingToken, type_ids: Collection[int], keeps: Callable[[Activity], bool], view: View
) -> Response:
    sandbox, told = call.sandbox, call.parameters
    most = told.integer("batchSize", 300, least=1, most=300)
    lead_ids = _numbers(call, "leadIds", MOST_LEADS)
    if (list_id := told.text("listId")) is not None:
        on_list = _on_list(call, list_id)
        lead_ids = on_list if lead_ids is None else [lead_id for lead_id in lead_ids if lead_id in set(on_list)]
    now = sandbox.clock.now().timestamp()
    lines = sandbox.activities.read(type_ids, (token.second, token.number), lead_ids, now)
    page = cut_page(lines, token, most=most, keeps=keeps, switches=sandbox.switches, now=int(now))
    shown = [view(line, sandbox.switches, sandbox.activities.shown_lead_id(line)) for line in page.lines]
    return call.success(shown, nextPageToken=_text(call, page.next), moreResult=page.has_more)


def _api_names(call: Call, type_id: int) -> dict[str, str | None]:
    # Only attributes of custom types have one.
    kind = call.sandbox.activity_types.by_id[type_id]
    return {attribute.name: attribute.api_name for attribute in kind.attributes} if kind.api_name else {}


def _on_list(call: Call, list_id: str) -> list[int]:
    members = call.sandbox.members.members(require(call, "static_list", list_id).id)
    if len(members) >= call.sandbox.limits.leads_per_list:
        raise ApiError("1003", f"The list must hold fewer than {call.sandbox.limits.leads_per_list} leads")
    return [member.lead_id for member in members]


def _token(call: Call, family: str) -> PagingToken:
    token = read_token(call.parameters.required("nextPageToken"), family)
    age = call.sandbox.clock.now().timestamp() - token.issued
    if token.series != call.sandbox.token_series or age > call.sandbox.limits.paging_token_days * 86_400:
        raise ApiError("1003", "Invalid nextPageToken")
    return replace(token, family=family)


def _text(call: Call, token: PagingToken) -> str:
    issued = int(call.sandbox.clock.now().timestamp())
    return replace(token, issued=issued, series=call.sandbox.token_series).text()


def _numbers(call: Call, name: str, most: int) -> list[int] | None:
    values = call.parameters.several(name)
    if values is not None and len(values) > most:
        raise ApiError("1003", f"Number of {name} must not exceed {most}")
    return None if values is None else [to_integer(value, "Long") for value in values]
