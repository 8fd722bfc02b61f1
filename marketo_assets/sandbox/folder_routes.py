"""The folders of the asset API."""

from __future__ import annotations

from starlette.responses import Response

from marketo_assets.sandbox.asset_routes import MAY, answer, page, read_place
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.folders import WORKSPACE, Folder
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

_DEEPEST = 10


def routes() -> list[Route]:
    """Return the four folder operations that read."""
    base = "/rest/asset/v1"
    browse = frozenset({"root", "maxDepth", "maxReturn", "offset", "workSpace"})
    by_name_parameters = frozenset({"name", "type", "root", "workSpace"})
    return [
        Route("GET", f"{base}/folders.json", browse_folders, MAY, browse),
        Route("GET", f"{base}/folder/byName.json", by_name, MAY, by_name_parameters),
        Route("GET", f"{base}/folder/{{id}}.json", by_id, MAY, frozenset({"type"})),
        Route("GET", f"{base}/folder/{{id}}/content.json", content, MAY, frozenset({"type", "maxReturn", "offset"})),
    ]


async def browse_folders(call: Call) -> Response:
    """Answer folders from a root down to *maxDepth*, 20 at a time unless told otherwise."""
    depth = call.parameters.integer("maxDepth", 2, least=0, most=_DEEPEST)
    found = call.sandbox.folders.below(_root(call), depth)
    return page(call, [folder.shown() for folder in _in_workspace(call, found)])


async def by_name(call: Call) -> Response:
    """Answer every folder of exactly that name."""
    name = call.parameters.required("name")
    _type(call, "Folder")
    found = call.sandbox.folders.below(_root(call), _DEEPEST)
    return answer(call, [folder.shown() for folder in _in_workspace(call, found) if folder.name == name])


async def by_id(call: Call) -> Response:
    """Answer one folder; *type* is required, because folders and programs count separately."""
    folder_id = to_integer(call.path["id"])
    call.parameters.required("type")
    folder = call.sandbox.folders.find(folder_id) if _type(call, "Folder") == "Folder" else None
    return answer(call, [folder.shown()] if folder else [])


async def content(call: Call) -> Response:
    """Answer what lies directly in a folder; *type* is required, though its text in the spec names a default."""
    folder_id = to_integer(call.path["id"])
    call.parameters.required("type")
    is_folder = _type(call, "Folder") == "Folder"
    inside = [item for item in call.sandbox.folders.folders if item.parent and item.parent.id == folder_id]
    return page(call, [{"id": item.id, "type": "Folder"} for item in inside if is_folder])


def _root(call: Call) -> int | None:
    text = call.parameters.text("root")
    if text is None:
        return None
    place = read_place(text)
    return place.id if place.type == "Folder" else -1


def _type(call: Call, default: str) -> str:
    kind = call.parameters.text("type", default) or default
    if kind not in ("Folder", "Program"):
        raise ApiError("1003", f"Invalid value '{kind}' for 'type'. Allowed: Folder, Program")
    return kind


def _in_workspace(call: Call, folders: list[Folder]) -> list[Folder]:
    return folders if call.parameters.text("workSpace", WORKSPACE) == WORKSPACE else []
