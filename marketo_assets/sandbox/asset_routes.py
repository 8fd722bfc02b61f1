"""The asset API as far as it goes here: folders."""

from __future__ import annotations

import json

from starlette.responses import JSONResponse, Response

from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.folders import WORKSPACE, Folder
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

NOTHING = "No assets found for the given search criteria."
_DEEPEST = 10


def routes() -> list[Route]:
    """Return the four folder operations that read."""
    assets = frozenset({"Read-Only Assets", "Read-Write Assets"})
    base = "/rest/asset/v1"
    browse = frozenset({"root", "maxDepth", "maxReturn", "offset", "workSpace"})
    by_name_parameters = frozenset({"name", "type", "root", "workSpace"})
    return [
        Route("GET", f"{base}/folders.json", browse_folders, assets, browse),
        Route("GET", f"{base}/folder/byName.json", by_name, assets, by_name_parameters),
        Route("GET", f"{base}/folder/{{id}}.json", by_id, assets, frozenset({"type"})),
        Route("GET", f"{base}/folder/{{id}}/content.json", content, assets, frozenset({"type", "maxReturn", "offset"})),
    ]


async def browse_folders(call: Call) -> Response:
    """Answer folders from a root down to *maxDepth*, 20 at a time unless told otherwise."""
    depth = call.parameters.integer("maxDepth", 2, least=0, most=_DEEPEST)
    found = call.sandbox.folders.below(_root(call), depth)
    return _page(call, [folder.shown() for folder in _in_workspace(call, found)])


async def by_name(call: Call) -> Response:
    """Answer every folder of exactly that name."""
    name = call.parameters.required("name")
    _type(call, "Folder")
    found = call.sandbox.folders.below(_root(call), _DEEPEST)
    return _answer(call, [folder.shown() for folder in _in_workspace(call, found) if folder.name == name])


async def by_id(call: Call) -> Response:
    """Answer one folder; *type* is required, because folders and programs count separately."""
    folder_id = to_integer(call.path["id"])
    call.parameters.required("type")
    folder = call.sandbox.folders.find(folder_id) if _type(call, "Folder") == "Folder" else None
    return _answer(call, [folder.shown()] if folder else [])


async def content(call: Call) -> Response:
    """Answer what lies directly in a folder; *type* is required, though its text in the spec names a default."""
    folder_id = to_integer(call.path["id"])
    call.parameters.required("type")
    is_folder = _type(call, "Folder") == "Folder"
    inside = [item for item in call.sandbox.folders.folders if item.parent and item.parent.id == folder_id]
    return _page(call, [{"id": item.id, "type": "Folder"} for item in inside if is_folder])


def _root(call: Call) -> int | None:
    text = call.parameters.text("root")
    if text is None:
        return None
    try:
        told = json.loads(text)
        folder_id, kind = told["id"], told["type"]
    except (ValueError, TypeError, KeyError):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Folder'") from None
    if not isinstance(folder_id, int) or kind not in ("Folder", "Program"):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Folder'")
    return folder_id if kind == "Folder" else -1


def _type(call: Call, default: str) -> str:
    kind = call.parameters.text("type", default) or default
    if kind not in ("Folder", "Program"):
        raise ApiError("1003", f"Invalid value '{kind}' for 'type'. Allowed: Folder, Program")
    return kind


def _in_workspace(call: Call, folders: list[Folder]) -> list[Folder]:
    return folders if call.parameters.text("workSpace", WORKSPACE) == WORKSPACE else []


def _page(call: Call, items: list[dict[str, object]]) -> Response:
    most = call.parameters.integer("maxReturn", 20, least=1, most=200)
    start = call.parameters.integer("offset", 0, least=0, most=2**31 - 1)
    return _answer(call, items[start : start + most])


def _answer(call: Call, items: list[dict[str, object]]) -> Response:
    body: dict[str, object] = {"success": True, "warnings": [], "errors": [], "requestId": call.request_id}
    if items:
        return JSONResponse({**body, "result": items})
    # How a browse ends: no result member at all, and a warning that is a plain text.
    return JSONResponse({**body, "warnings": [NOTHING]})
