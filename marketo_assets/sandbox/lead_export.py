"""Bulk lead export: what a request may say, and the file that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marketo_assets.sandbox.asset_shelf import AssetShelf
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import ExportRequest, Stamp, read_common, read_filter, read_window
from marketo_assets.sandbox.membership_now import Memberships
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.render import Sink
from marketo_assets.sandbox.world import World

_FILTERS = ("createdAt", "updatedAt", "staticListName", "staticListId", "smartListName", "smartListId")


def read_lead_export(body: Mapping[str, Any], world: World, shelf: AssetShelf, switches: Switches) -> ExportRequest:
    """Return the request in *body*.

    Raises: ApiError 1001 to 1003, 1006, 704, 1013 for an unknown list, and 1035 for a filter that this
    subscription does not have.
    """
    fields = world.fields
    common = read_common(body, lambda name: name in fields and fields[name].is_exportable)
    asked = read_filter(body["filter"], "ExportLeadFilter", _FILTERS)
    if len(asked) != 1:
        raise ApiError("1003", "Exactly one filter type is allowed")
    ((name, value),) = asked.items()
    if name.startswith("smartList") or (name == "updatedAt" and not switches.updated_at_filter):
        raise ApiError("1035")
    if name.startswith("staticList"):
        return ExportRequest("leads", None, *common, {"staticListId": _read_list(name, value, shelf)})
    stamp: Stamp = "updatedAt" if name == "updatedAt" else "createdAt"
    return ExportRequest("leads", read_window(stamp, value), *common)


def _read_list(name: str, value: object, shelf: AssetShelf) -> int:
    wanted: type = int if name == "staticListId" else str
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise ApiError("1001", f"Invalid value '{value}'. Required of type '{wanted.__name__}'")
    for found in shelf.all("static_list"):
        if value in (found.id, found.name):
            return found.id
    raise ApiError("1013", "Object not found")


def write_leads(
    world: World,
    memberships: Memberships,
    switches: Callable[[], Switches],
    request: ExportRequest,
    out: Sink,
    delimiter: str,
    _: datetime,
) -> int:
    """Write the file of *request* from the leads as they are now, and return its number of rows.

    Who is on a list is looked up here: Marketo evaluates its filters when processing starts.
    """
    window, repeated = request.window, switches().repeated_rows
    if window:
        ids = world.ids_between(*window)
    else:
        ids = [member.lead_id for member in memberships.members(request.others["staticListId"])]
    ids = [*ids, *ids[:repeated]] if repeated else ids
    return world.write_export(ids, request.fields, out, delimiter=delimiter, headers=request.headers)
