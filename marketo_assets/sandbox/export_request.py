"""Reads the body of Create Export Lead Job, as strictly as Marketo would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from marketo_assets.sandbox.clock import spell
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.fields import Field
from marketo_assets.sandbox.options import Switches

WIDEST = timedelta(days=31)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?")
_MEMBERS = frozenset({"fields", "filter", "format", "columnHeaderNames"})
_FILTERS = ("createdAt", "updatedAt", "staticListName", "staticListId", "smartListName", "smartListId")

Stamp = Literal["createdAt", "updatedAt"]


@dataclass(frozen=True)
class ExportRequest:
    """What an export job was asked for."""

    stamp: Stamp
    start: datetime
    """First second of the window."""
    end: datetime
    """Last second of the window: both ends are inclusive."""
    fields: tuple[str, ...]
    format: str
    headers: Mapping[str, str]

    @property
    def key(self) -> str:
        """The request's filter in one spelling, so that two jobs for the same months can be told."""
        window = {"startAt": spell(self.start), "endAt": spell(self.end)}
        return json.dumps({self.stamp: window}, sort_keys=True)


def read_export_request(body: Mapping[str, Any], fields: Mapping[str, Field], switches: Switches) -> ExportRequest:
    """Return the request in *body*.

    Raises: ApiError 1001 to 1003, 1006, 704, 1013 for an unknown list, and 1035 for a filter that this
    subscription does not have.
    """
    for name in body:
        if name not in _MEMBERS:
            raise ApiError("1003", f"Unknown parameter '{name}'")
    for name in ("fields", "filter"):
        if body.get(name) in (None, [], {}):
            raise ApiError("1002", f"Missing value for the required parameter '{name}'")
    stamp, start, end = _read_filter(body["filter"], switches)
    names = _read_fields(body["fields"], fields)
    return ExportRequest(stamp, start, end, names, _read_format(body), _read_headers(body, names))


def _read_filter(told: object, switches: Switches) -> tuple[Stamp, datetime, datetime]:
    if not isinstance(told, dict):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'ExportLeadFilter'")
    for name in told:
        if name not in _FILTERS:
            raise ApiError("1003", f"Unknown filter type '{name}'")
    if len(told) != 1:
        raise ApiError("1003", "Exactly one filter type is allowed")
    ((name, value),) = told.items()
    if name.startswith("smartList") or (name == "updatedAt" and not switches.updated_at_filter):
        raise ApiError("1035")
    if name.startswith("staticList"):
        wanted: type = int if name == "staticListId" else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ApiError("1001", f"Invalid value '{value}'. Required of type '{wanted.__name__}'")
        raise ApiError("1013", "Object not found")  # this instance has no lists
    start, end = _read_window(value)
    return name, start, end


def _read_window(value: object) -> tuple[datetime, datetime]:
    if not isinstance(value, dict):
        raise ApiError("1001", f"Invalid value '{value}'. Required of type 'DateRange'")
    for name in value:
        if name not in ("startAt", "endAt"):
            raise ApiError("1003", f"Unknown parameter '{name}'")
    for name in ("startAt", "endAt"):
        if value.get(name) is None:
            raise ApiError("1002", f"Missing value for the required parameter '{name}'")
    start, end = read_moment(value["startAt"]), read_moment(value["endAt"])
    if start > end:
        raise ApiError("1003", "startAt must not be after endAt")
    if end - start > WIDEST:
        raise ApiError("1003", "Date range must not exceed 31 days")
    return start, end


def read_moment(text: object) -> datetime:
    """Return *text* as a moment: ISO-8601 without fractions of a second; without a zone it is GMT.

    Raises: ApiError 704 for any other spelling, 1001 for another type.
    """
    if not isinstance(text, str):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Date'")
    if not _MOMENT.fullmatch(text):
        raise ApiError("704")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("704") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_fields(told: object, fields: Mapping[str, Field]) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'List'")
    for name in told:
        if name not in fields or not fields[name].is_exportable:
            raise ApiError("1006", f"Field '{name}' not found")
    if len(set(told)) != len(told):
        raise ApiError("1003", "A field was given more than once")
    return tuple(told)


def _read_format(body: Mapping[str, Any]) -> str:
    told = body.get("format", "CSV")
    if told not in ("CSV", "TSV", "SSV"):
        raise ApiError("1003", f"Invalid format '{told}'. Allowed: CSV, TSV, SSV")
    return str(told)


def _read_headers(body: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    told = body.get("columnHeaderNames", {})
    if not isinstance(told, dict) or not all(isinstance(header, str) for header in told.values()):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'Map'")
    for name in told:
        if name not in names:
            raise ApiError("1003", f"columnHeaderNames names '{name}', which is not among fields")
    return told
