"""Reads what a caller sent, as strictly as Marketo: query, form and JSON, each value of its type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from marketo_assets.sandbox.envelope import ApiError, HttpError

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Parameters:
    """Query or form parameters: names known, values of their types."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return the one value of *name*, or *default* where it was not sent.

        Raises: ApiError 1003 when it was sent more than once, 701 when it is blank.
        """
        values = self._values.get(name)
        if not values:
            return default
        if len(values) > 1:
            raise ApiError("1003", f"Parameter '{name}' was given more than once")
        if not values[0].strip():
            raise ApiError("701", f"{name} cannot be blank")
        return values[0]

    def required(self, name: str) -> str:
        """Return the one value of *name*.

        Raises: ApiError 1002 when it was not sent; and as `text`.
        """
        value = self.text(name)
        if value is None:
            raise ApiError("1002", f"Missing value for the required parameter '{name}'")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return *name* as a whole number.

        Raises: ApiError 1001 for another type, 1003 outside *least* to *most*.
        """
        value = self.text(name)
        if value is None:
            return default
        number = to_integer(value)
        if not least <= number <= most:
            raise ApiError("1003", f"Value of '{name}' must be between {least} and {most}")
        return number

    def several(self, name: str) -> list[str] | None:
        """Return the values of *name*, comma separated or sent repeatedly, or None where it was not sent.

        Raises: ApiError 701 when one is blank.
        """
        values = self._values.get(name)
        if values is None:
            return None
        items = [item for value in values for item in value.split(",")]
        if any(not item for item in items):
            raise ApiError("701", f"{name} cannot be blank")
        return items


def to_integer(value: str, kind: str = "Integer") -> int:
    """Return *value* as a whole number.

    Raises: ApiError 1001 when it is none.
    """
    if not value.isascii() or not value.removeprefix("-").isdigit():
        raise ApiError("1001", f"Invalid value '{value}'. Required of type '{kind}'")
    return int(value)


def read_pairs(pairs: list[tuple[str, str]], known: frozenset[str], *, is_lenient: bool = False) -> Parameters:
    """Return *pairs* as parameters; with *is_lenient* those that are not in *known* are passed over.

    Raises: ApiError 1003 for a name that is not in *known*.
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in known and is_lenient:
            continue
        if name not in known:
            raise ApiError("1003", f"Unknown parameter '{name}'")
        values.setdefault(name, []).append(value)
    return Parameters(values)


async def read_body(request: Request, most: int) -> bytes:
    """Return the body.

    Raises: HttpError 413 as soon as it is known to be longer than *most* bytes.
    """
    chunks: list[bytes] = []
    size = int(request.headers.get("content-length") or 0)
    if size <= most:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                break
            chunks.append(chunk)
    if size > most:
        raise HttpError(413, "Request Entity Too Large")
    return b"".join(chunks)


def content_type(request: Request) -> str:
    """Return the media type of the body in lower case, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_json(request: Request, body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*.

    Raises: ApiError 612 for another content type, 609 for anything but an object.
    """
    if content_type(request) != JSON:
        raise ApiError("612")
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except ValueError:
        raise ApiError("609") from None
    if not isinstance(value, dict):
        raise ApiError("609")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON knows no {name}")


def read_form(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the pairs of the form in *body*.

    Raises: ApiError 612 for another content type, 609 when it is not UTF-8.
    """
    if content_type(request) != FORM:
        raise ApiError("612")
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ApiError("609") from None
