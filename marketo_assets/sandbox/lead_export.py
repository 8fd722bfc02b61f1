"""Bulk lead export: what a request may say, and the file that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import ExportRequest, Stamp, Window, read_common, read_filter, read_window
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.render import Sink
from marketo_assets.sandbox.world import World

_FILTERS = ("createdAt", "updatedAt", "staticListName", "staticListId", "smartListName", "smartListId")


def read_lead_export(body: Mapping[str, Any], world: World, switches: Switches) -> ExportRequest:
    """Return the request in *body*.

    Raises: ApiError 1001 to 1003, 1006, 704, 1013 for an unknown list, and 1035 for a filter that this
    subscription does not have.
    """
    fields = world.fields
    common = read_common(body, lambda name: name in fields and fields[name].is_exportable)
    return ExportRequest("leads", _read_filter(body["filter"], switches), *common)


def _read_filter(told: object, switches: Switches) -> Window:
    asked = read_filter(told, "ExportLeadFilter", _FILTERS)
    if len(asked) != 1:
        raise ApiError("1003", "Exactly one filter type is allowed")
    ((name, value),) = asked.items()
    if name.startswith("smartList") or (name == "updatedAt" and not switches.updated_at_filter):
        raise ApiError("1035")
    if name.startswith("staticList"):
        wanted: type = int if name == "staticListId" else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ApiError("1001", f"Invalid value '{value}'. Required of type '{wanted.__name__}'")
        raise ApiError("1013", "Object not found")  # this instance has no lists
    stamp: Stamp = "updatedAt" if name == "updatedAt" else "createdAt"
    return read_window(stamp, value)


def write_leads(
    world: World, switches: Callable[[], Switches], request: ExportRequest, out: Sink, delimiter: str, _: datetime
) -> int:
    """Write the file of *request* from the leads as they are now, and return its number of rows."""
    window, repeated = request.window, switches().repeated_rows
    ids = world.ids_between(*window) if window else []
    ids = [*ids, *ids[:repeated]] if repeated else ids
    return world.write_export(ids, request.fields, out, delimiter=delimiter, headers=request.headers)
