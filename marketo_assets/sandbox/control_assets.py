"""The control desk's hold on assets, folders and lead partitions: as they truly are; new, changed and deleted ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from marketo_assets.sandbox.asset_shelf import STATUSES, Place
from marketo_assets.sandbox.desk import DeskError, operation, read, read_instant, read_whole
from marketo_assets.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the operations on folders, lead partitions and assets; `kind` is one of asset_kinds.py."""
    desk = AssetDesk(sandbox)
    return [
        operation("/folders", "GET", desk.read_folders),
        operation("/folders", "POST", desk.add_folder),
        operation("/folders/{folder_id}", "PATCH", desk.edit_folder),
        operation("/folders/{folder_id}", "DELETE", desk.delete_folder),
        operation("/partitions", "GET", desk.read_partitions),
        operation("/partitions/{partition_id}", "PUT", desk.put_partition),
        operation("/partitions/{partition_id}", "DELETE", desk.delete_partition),
        operation("/assets/{kind}", "GET", desk.read_assets),
        operation("/assets/{kind}", "POST", desk.add_asset),
        operation("/assets/{kind}/{asset_id}", "PATCH", desk.edit_asset),
        operation("/assets/{kind}/{asset_id}", "DELETE", desk.delete_asset),
    ]


class AssetDesk:
    """The desk's operations on assets, folders and lead partitions."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def read_folders(self, _: Request) -> list[dict[str, Any]]:
        """Tell every folder, as the asset API writes it."""
        return [folder.shown() for folder in self._sandbox.folders.folders]

    async def add_folder(self, request: Request) -> dict[str, Any]:
        """Add a folder by `name` in the folder `parent_id`."""
        told = await read(request, "name", "parent_id", "at")
        parent_id = read_whole(str(told.get("parent_id")), "parent_id")
        return self._sandbox.folders.add(str(told.get("name", "")), parent_id, self._moment(told)).shown()

    async def edit_folder(self, request: Request) -> dict[str, Any]:
        """Give a folder another `name`, or another `parent_id`."""
        told = await read(request, "name", "parent_id", "at")
        folder_id = read_whole(request.path_params["folder_id"], "the id")
        parent_id = None if told.get("parent_id") is None else read_whole(str(told["parent_id"]), "parent_id")
        folders = self._sandbox.folders
        return folders.edit(folder_id, self._moment(told), name=told.get("name"), parent_id=parent_id).shown()

    async def delete_folder(self, request: Request) -> dict[str, Any]:
        """Delete a folder, and the folders below it."""
        self._sandbox.folders.delete(read_whole(request.path_params["folder_id"], "the id"))
        return {}

    async def read_assets(self, request: Request) -> dict[str, Any]:
        """Tell every asset of a kind, and the deleted ones as they were."""
        kind, shelf = request.path_params["kind"], self._sandbox.assets
        gone = [asset.truth() for asset in shelf.gone if asset.kind == kind]
        return {"assets": [asset.truth() for asset in shelf.all(kind)], "gone": gone}

    async def add_asset(self, request: Request) -> dict[str, Any]:
        """Add an asset: `name`, `folder` as `{"type", "id"}`, `values`; the rest is as another of its kind has it."""
        told = await read(request, "name", "folder", "values", "at")
        values = _values(told)
        place = _place(told["folder"]) if told.get("folder") else None
        kind, name = request.path_params["kind"], str(told.get("name", ""))
        async with self._sandbox.exports.still():
            return self._sandbox.assets.add(kind, name, place, self._second(told), values).truth()

    async def edit_asset(self, request: Request) -> dict[str, Any]:
        """Give an asset new `values`, now or `at`: Marketo's members, and `name`, `folder`, `status` and `draft`."""
        told = await read(request, "values", "at")
        kind, number = request.path_params["kind"], read_whole(request.path_params["asset_id"], "the id")
        tags_move = self._sandbox.switches.tags_move_stamps
        values, second = _values(told), self._second(told)
        async with self._sandbox.exports.still():
            return self._sandbox.assets.edit(kind, number, values, second, tags_move=tags_move).truth()

    async def delete_asset(self, request: Request) -> dict[str, Any]:
        """Delete an asset: no feed tells of it."""
        kind, number = request.path_params["kind"], read_whole(request.path_params["asset_id"], "the id")
        async with self._sandbox.exports.still():
            self._sandbox.assets.delete(kind, number)
        return {}

    async def read_partitions(self, _: Request) -> list[dict[str, Any]]:
        """Tell every lead partition."""
        return list(self._sandbox.partitions.values())

    async def put_partition(self, request: Request) -> list[dict[str, Any]]:
        """Make a lead partition, or change its `name` and `description`; no lead moves into it."""
        told = await read(request, "name", "description")
        number = read_whole(request.path_params["partition_id"], "the id")
        texts = {name: str(told[name]) for name in ("name", "description") if told.get(name) is not None}
        known = self._sandbox.partitions.get(number, {"id": number, "name": f"Partition {number}", "description": ""})
        self._sandbox.partitions[number] = {**known, **texts}
        return await self.read_partitions(request)

    async def delete_partition(self, request: Request) -> list[dict[str, Any]]:
        """Delete a lead partition."""
        number = read_whole(request.path_params["partition_id"], "the id")
        if self._sandbox.partitions.pop(number, None) is None:
            raise LookupError(f"no lead partition {number}")
        return await self.read_partitions(request)

    def _second(self, told: dict[str, Any]) -> int:
        return int(self._moment(told).timestamp())

    def _moment(self, told: dict[str, Any]) -> datetime:
        return self._sandbox.clock.now() if told.get("at") is None else read_instant(told["at"])


def _values(told: dict[str, Any]) -> dict[str, Any]:
    values = told.get("values", {})
    if not isinstance(values, dict):
        raise DeskError("values is an object")
    if "folder" in values:
        _place(values["folder"])
    if values.get("status") == STATUSES[2] and not values.get("draft"):
        raise DeskError("an asset that is approved with draft has a draft")
    return values


def _place(told: object) -> Place:
    if not isinstance(told, dict) or set(told) != {"type", "id"} or told["type"] not in ("Folder", "Program"):
        raise DeskError("a folder is an object of type (Folder or Program) and id")
    return Place(told["type"], int(told["id"]))
