"""Static lists and smart campaigns as the lead database knows them: 300 at a time, with paging tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from marketo_assets.sandbox.asset_shelf import Asset
from marketo_assets.sandbox.bulk_extract import read_page_token, write_page_token
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.folders import WORKSPACE
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

Item = TypeVar("Item")
LEAD = frozenset({"Read-Only Lead", "Read-Write Lead"})
_CAMPAIGN = frozenset({"Read-Only Campaign", "Read-Write Campaign"})
PAGING = frozenset({"batchSize", "nextPageToken"})
_FILTERS = PAGING | {"id", "name", "programName", "workspaceName"}


def routes() -> list[Route]:
    """Return the four operations."""
    return [
        Route("GET", "/rest/v1/lists.json", lists, LEAD, _FILTERS, by_form=True),
        Route("GET", "/rest/v1/lists/{listId}.json", list_by_id, LEAD),
        Route("GET", "/rest/v1/campaigns.json", campaigns, _CAMPAIGN, _FILTERS | {"isTriggerable"}, by_form=True),
        Route("GET", "/rest/v1/campaigns/{campaignId}.json", campaign_by_id, _CAMPAIGN),
    ]


async def lists(call: Call) -> Response:
    """Answer static lists by id, name, program or workspace, or all of them."""
    return cut(
        call, _found(call, "static_list"), lambda page: [_list(call, asset) for asset in page], has_more_member=False
    )


async def list_by_id(call: Call) -> Response:
    """Answer one static list. Raises: ApiError 1013 for an unknown one."""
    return call.success([_list(call, require(call, "static_list", call.path["listId"]))])


async def campaigns(call: Call) -> Response:
    """Answer smart campaigns by id, name, program or workspace, or all of them."""
    found = _found(call, "smart_campaign")
    wanted = call.parameters.text("isTriggerable")
    if wanted not in (None, "true", "false"):
        raise ApiError("1001", f"Invalid value '{wanted}'. Required of type 'Boolean'")
    if wanted == "true":
        found = [asset for asset in found if asset.values["isRequestable"]]
    return cut(call, found, lambda page: [_campaign(call, asset) for asset in page], has_more_member=False)


async def campaign_by_id(call: Call) -> Response:
    """Answer one smart campaign. Raises: ApiError 1013 for an unknown one."""
    return call.success([_campaign(call, require(call, "smart_campaign", call.path["campaignId"]))])


def require(call: Call, kind: str, text: str) -> Asset:
    """Return the asset of that kind whose id *text* is.

    Raises: ApiError 1001 for no number, 1013 for an unknown one.
    """
    asset = call.sandbox.assets.find(kind, to_integer(text))
    if asset is None:
        raise ApiError("1013", "Object not found")
    return asset


def cut(
    call: Call, items: Sequence[Item], shown: Callable[[Sequence[Item]], list[Any]], *, has_more_member: bool = True
) -> Response:
    """Return the page of *items* that *call* asks for, *shown*: up to 300, with a token as long as there are more."""
    batch = call.parameters.integer("batchSize", 300, least=1, most=300)
    start = read_page_token(call.parameters.text("nextPageToken"))
    more: dict[str, Any] = {"nextPageToken": write_page_token(start + batch)} if start + batch < len(items) else {}
    if has_more_member:
        more["moreResult"] = start + batch < len(items)
    return call.success(shown(items[start : start + batch]), **more)


def _found(call: Call, kind: str) -> list[Asset]:
    told = {name: call.parameters.several(name) for name in ("id", "name", "programName", "workspaceName")}
    for text in told["id"] or ():
        to_integer(text)
    found = call.sandbox.assets.all(kind)
    for name, of in (
        ("id", lambda asset: str(asset.id)),
        ("name", lambda asset: asset.name),
        ("programName", lambda asset: _program(call, asset).get("programName")),
        ("workspaceName", lambda _: WORKSPACE),
    ):
        values = told[name]
        if values is not None and len(values) > call.sandbox.limits.filter_values:
            raise ApiError("1003", f"Number of {name} must not exceed {call.sandbox.limits.filter_values}")
        found = found if values is None else [asset for asset in found if of(asset) in values]
    return found


def _program(call: Call, asset: Asset) -> dict[str, Any]:
    if asset.place is None or asset.place.type != "Program":
        return {}
    program = call.sandbox.assets.find("program", asset.place.id)
    return {"programId": asset.place.id, "programName": program.name} if program else {}


def _common(asset: Asset) -> dict[str, Any]:
    truth = asset.truth()
    return {
        "id": asset.id,
        "name": asset.name,
        "description": asset.values.get("description", ""),
        "workspaceName": WORKSPACE,
        "createdAt": truth["createdAt"],
        "updatedAt": truth["updatedAt"],
    }


def _list(call: Call, asset: Asset) -> dict[str, Any]:
    program = {name: value for name, value in _program(call, asset).items() if name == "programName"}
    return {**_common(asset), **program}


def _campaign(call: Call, asset: Asset) -> dict[str, Any]:
    kind = "trigger" if asset.values["type"] == "trigger" else "batch"
    return {**_common(asset), "type": kind, "active": bool(asset.values["isActive"]), **_program(call, asset)}
