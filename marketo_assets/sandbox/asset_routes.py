"""The asset API: browse, by id and by name, for every kind in asset_kinds.py alike; by tag and segments besides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from starlette.responses import JSONResponse, Response

from marketo_assets.sandbox.asset_kinds import KINDS, PAGING, AssetKind
from marketo_assets.sandbox.asset_shelf import Asset, Place
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import read_moment
from marketo_assets.sandbox.folders import WORKSPACE
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

NOTHING = "No assets found for the given search criteria."
MAY = frozenset({"Read-Only Assets", "Read-Write Assets"})
_BASE = "/rest/asset/v1"
_FILTER_TYPES = ("id", "programId", "folderId", "workspace")
_VERSIONS = ("approved", "draft")


def routes() -> list[Route]:
    """Return the operations that read assets other than folders."""
    found = [
        Route("GET", f"{_BASE}/program/byTag.json", by_tag, MAY, PAGING | {"tagType", "tagValue"}),
        Route("GET", f"{_BASE}/segmentation/{{id}}/segments.json", segments, MAY, PAGING | {"status"}),
    ]
    for kind in KINDS:
        found.append(Route("GET", f"{_BASE}/{kind.plural}.json", partial(browse, kind), MAY, kind.browse))
        if kind.by_name is not None:
            route = Route("GET", f"{_BASE}/{kind.singular}/byName.json", partial(by_name, kind), MAY, kind.by_name)
            found.append(route)
        if kind.by_id is not None:
            found.append(Route("GET", f"{_BASE}/{kind.singular}/{{id}}.json", partial(by_id, kind), MAY, kind.by_id))
    return found


async def browse(kind: AssetKind, call: Call) -> Response:
    """Answer assets of one kind, 20 at a time unless told otherwise; the ones found by the filters that it has."""
    found = call.sandbox.assets.all(kind.name)
    earliest, latest = (_second(call, name) for name in ("earliestUpdatedAt", "latestUpdatedAt"))
    found = [asset for asset in found if _is_within(asset, earliest, latest)]
    if "folder" in kind.browse and (place := _place(call)):
        found = [asset for asset in found if asset.place == place]
    if kind.name == "smart_campaign" and _flag(call, "isActive"):
        found = [asset for asset in found if asset.values["isActive"]]
    if kind.name == "program":
        found = _filtered(call, found)
    if kind.name == "segmentation":
        shown = [_without(call.sandbox.assets.shown(item, in_browse=True), "segments") for item in _seen(call, found)]
        return answer(call, shown)
    return page(call, [call.sandbox.assets.shown(item, in_browse=True) for item in _seen(call, found)])


async def by_id(kind: AssetKind, call: Call) -> Response:
    """Answer one asset; of a program the costs are shown as null, as in the samples."""
    asset_id = to_integer(call.path["id"])
    if _flag(call, "includeRules"):
        # Whoever reads rules needs a parser for them; nobody here does.
        raise ApiError("1003", "includeRules is not supported")
    asset = call.sandbox.assets.find(kind.name, asset_id)
    shown = [call.sandbox.assets.shown(item, in_browse=False) for item in _seen(call, [asset] if asset else [])]
    return answer(call, [{**item, "costs": None} for item in shown] if kind.name == "program" else shown)


async def by_name(kind: AssetKind, call: Call) -> Response:
    """Answer every asset of exactly that name, none where it has a comma; of a program tags and costs as asked."""
    name = call.parameters.text("Name") or call.parameters.required("name")
    found = [] if "," in name else call.sandbox.assets.named(kind.name, name)
    if "folder" in (kind.by_name or ()) and (place := _place(call)):
        found = [asset for asset in found if asset.place == place]
    shown = [call.sandbox.assets.shown(item, in_browse=False) for item in _seen(call, found)]
    if kind.name == "program":
        wanted = {"tags": _flag(call, "includeTags"), "costs": _flag(call, "includeCosts")}
        shown = [{name: None if wanted.get(name) is False else value for name, value in item.items()} for item in shown]
    return page(call, shown) if PAGING & (kind.by_name or frozenset()) else answer(call, shown)


async def by_tag(call: Call) -> Response:
    """Answer the programs with that tag, in another order at every call: paging may skip and repeat."""
    tag = {"tagType": call.parameters.required("tagType"), "tagValue": call.parameters.required("tagValue")}
    found = [asset for asset in call.sandbox.assets.all("program") if tag in asset.values["tags"]]
    Random(call.request_id).shuffle(found)  # noqa: S311
    return page(call, [{**call.sandbox.assets.shown(item, in_browse=False), "costs": None} for item in found])


async def segments(call: Call) -> Response:
    """Answer the segments of one segmentation."""
    asset = call.sandbox.assets.find("segmentation", to_integer(call.path["id"]))
    found = _seen(call, [asset] if asset else [])
    own = {"segmentationId": asset.id if asset else 0}
    stamps = [call.sandbox.assets.shown(item, in_browse=True) for item in found]
    return page(
        call,
        [
            {**segment, "createdAt": item["createdAt"], "updatedAt": item["updatedAt"], **own}
            for item in stamps
            for segment in item["segments"]
        ],
    )


def page(call: Call, items: Sequence[Any]) -> Response:
    """Return the page of *items* that *call* asks for: 20 from `offset` on, up to 200."""
    most = call.parameters.integer("maxReturn", 20, least=1, most=200)
    start = call.parameters.integer("offset", 0, least=0, most=2**31 - 1)
    return answer(call, items[start : start + most])


def answer(call: Call, items: Sequence[Any]) -> Response:
    """Return the asset API's answer with *items*, or with a warning where there are none."""
    body: dict[str, object] = {"success": True, "warnings": [], "errors": [], "requestId": call.request_id}
    if items:
        return JSONResponse({**body, "result": list(items)})
    # How a browse ends: no result member at all, and a warning that is a plain text.
    return JSONResponse({**body, "warnings": [NOTHING]})


def read_place(text: str) -> Place:
    """Return the folder reference in *text*, JSON with `id` and `type`.

    Raises: ApiError 1001 for anything else.
    """
    try:
        told = json.loads(text)
        folder_id, kind = told["id"], told["type"]
    except (ValueError, TypeError, KeyError):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Folder'") from None
    if not isinstance(folder_id, int) or kind not in ("Folder", "Program"):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Folder'")
    return Place(kind, folder_id)


def _place(call: Call) -> Place | None:
    text = call.parameters.text("folder")
    return None if text is None else read_place(text)


def _seen(call: Call, found: Sequence[Asset]) -> list[Asset]:
    sandbox, wanted = call.sandbox, call.parameters.text("status")
    is_program = call.route.path == f"{_BASE}/programs.json"
    if wanted is not None and not is_program and wanted not in _VERSIONS:
        raise ApiError("1003", f"Invalid value '{wanted}' for 'status'. Allowed: approved, draft")
    usual = sandbox.switches.asset_version
    return [version for asset in found for version in sandbox.assets.versions(asset, wanted, usual)]


def _filtered(call: Call, found: Sequence[Asset]) -> list[Asset]:
    filter_type, values = call.parameters.text("filterType"), call.parameters.several("filterValues")
    if filter_type is None and values is None:
        return list(found)
    if filter_type is None or values is None:
        raise ApiError("1002", "filterType and filterValues are required together")
    if filter_type not in _FILTER_TYPES:
        raise ApiError("1003", f"Invalid filterType '{filter_type}'. Allowed: {', '.join(_FILTER_TYPES)}")

    def told(asset: Asset) -> str:
        in_folder = asset.place.id if asset.place else 0
        return {"folderId": str(in_folder), "workspace": WORKSPACE}.get(filter_type or "", str(asset.id))

    return [asset for asset in found if told(asset) in values]


def _is_within(asset: Asset, earliest: int | None, latest: int | None) -> bool:
    return (earliest is None or asset.updated >= earliest) and (latest is None or asset.updated <= latest)


def _second(call: Call, name: str) -> int | None:
    text = call.parameters.text(name)
    return None if text is None else int(read_moment(text, with_fraction=True).timestamp())


def _flag(call: Call, name: str) -> bool:
    told = call.parameters.text(name, "false")
    if told not in ("true", "false"):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'Boolean'")
    return told == "true"


def _without(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key != name}
