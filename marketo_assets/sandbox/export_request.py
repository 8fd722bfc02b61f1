"""What an export job was asked for, and what the requests of all kinds of export have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from marketo_assets.sandbox.clock import spell
from marketo_assets.sandbox.envelope import ApiError

WIDEST = timedelta(days=31)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d)?")
_FRACTION = re.compile(r"(?<=:\d\d)\.\d{1,6}(?=$|[Z+-])")
_MEMBERS = frozenset({"fields", "filter", "format", "columnHeaderNames"})

Kind = Literal["leads", "activities", "program/members"]
Stamp = Literal["createdAt", "updatedAt"]


class Window(NamedTuple):
    """A span of time that a filter names; both ends belong to it."""

    stamp: Stamp
    start: datetime
    end: datetime

    @property
    def seconds(self) -> tuple[int, int]:
        """Its first and its last second since 1970."""
        return int(self.start.timestamp()), int(self.end.timestamp())


@dataclass(frozen=True)
class ExportRequest:
    """What an export job was asked for."""

    kind: Kind
    window: Window | None
    fields: tuple[str, ...]
    format: str
    headers: Mapping[str, str]
    others: Mapping[str, Any] = field(default_factory=dict)
    """The filters that are no window, under their names."""

    @property
    def key(self) -> str:
        """The request's filter in one spelling, so that two jobs for the same months can be told."""
        told: dict[str, Any] = dict(self.others)
        if self.window:
            told[self.window.stamp] = {"startAt": spell(self.window.start), "endAt": spell(self.window.end)}
        return json.dumps(told if self.kind == "leads" else {self.kind: told}, sort_keys=True)


class Common(NamedTuple):
    """What the body of every request has."""

    fields: tuple[str, ...]
    format: str
    headers: Mapping[str, str]


def read_common(body: Mapping[str, Any], is_field: Callable[[str], bool], usual: Collection[str] = ()) -> Common:
    """Return fields, format and headers of *body*; *usual* fields are those of a request that names none.

    Raises: ApiError 1001 to 1003, and 1006 for a name that *is_field* does not know.
    """
    for name in body:
        if name not in _MEMBERS:
            raise ApiError("1003", f"Unknown parameter '{name}'")
    for name in ("filter",) if usual else ("fields", "filter"):
        if body.get(name) in (None, [], {}):
            raise ApiError("1002", f"Missing value for the required parameter '{name}'")
    fields = _read_fields(body.get("fields") or list(usual), is_field)
    return Common(fields, _read_format(body), _read_headers(body, fields))


def read_filter(told: object, what: str, known: Collection[str]) -> dict[str, Any]:
    """Return the filter.

    Raises: ApiError 1001 when it is no object, 1003 for a member that is not *known*.
    """
    if not isinstance(told, dict):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type '{what}'")
    for name in told:
        if name not in known:
            raise ApiError("1003", f"Unknown filter type '{name}'")
    return told


def read_window(stamp: Stamp, value: object) -> Window:
    """Return the window in *value*.

    Raises: ApiError 1001 to 1003, 704.
    """
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
    return Window(stamp, start, end)


def read_moment(text: object, *, with_fraction: bool = False) -> datetime:
    """Return *text* as a moment: ISO-8601, fractions of a second *with_fraction* alone; without a zone it is GMT.

    Raises: ApiError 704 for any other spelling, 1001 for another type.
    """
    if not isinstance(text, str):
        raise ApiError("1001", f"Invalid value '{text}'. Required of type 'Date'")
    if not _MOMENT.fullmatch(_FRACTION.sub("", text, count=1) if with_fraction else text):
        raise ApiError("704")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError("704") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_items(told: object, name: str, kind: type, most: int | None = None) -> list[Any] | None:
    """Return a list of items of one *kind*, None where it was not sent.

    Raises: ApiError 1001 for anything else, 1003 for an empty list or more than *most* items.
    """
    if told is None:
        return None
    if not isinstance(told, list) or not all(isinstance(item, kind) and not isinstance(item, bool) for item in told):
        raise ApiError("1001", f"Invalid value for '{name}'. Required of type 'List'")
    if not told or (most is not None and len(told) > most):
        raise ApiError("1003", f"Number of {name} must be between 1 and {most or 'many'}")
    return told


def _read_fields(told: object, is_field: Callable[[str], bool]) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'List'")
    for name in told:
        if not is_field(name):
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
