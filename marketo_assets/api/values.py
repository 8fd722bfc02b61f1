"""Numbers, texts and member names in JSON, in all the spellings Marketo uses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Self

from marketo_assets.api.errors import UnreadableAnswer

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_BEYOND = 2**63


class Number(float):
    """A number from JSON that still knows how it was spelled: a currency may have more digits than a float holds."""

    def __new__(cls, spelled: str) -> Self:
        """Return the number that *spelled* is in JSON."""
        number = super().__new__(cls, spelled)
        number.spelled = spelled
        return number

    spelled: str
    """The digits as they came."""


def integer(value: object) -> int | None:
    """Return the whole number that *value* is, or spells as text; None where it is none that fits 64 bits."""
    if isinstance(value, str):
        number = int(value) if _WHOLE.fullmatch(value.strip()) else None
    elif isinstance(value, float):
        number = int(value) if value.is_integer() else None
    else:
        number = value if isinstance(value, int) and not isinstance(value, bool) else None
    return number if number is not None and -_BEYOND <= number < _BEYOND else None


def text(value: object) -> str | None:
    """Return *value* as text: a string as it is, null as None, anything else as JSON writes it, digit for digit."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Number):
        return value.spelled
    return json.dumps(value, ensure_ascii=False)


def members(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return *record* by the lower case of its names: Marketo writes `marketoGUID` and `marketoGuid`."""
    return {name.lower(): value for name, value in record.items()}


def objects(found: object, what: str, request_id: str | None) -> list[dict[str, Any]]:
    """Return the objects of the list *found*, each by the lower case of its names; none where there is no list.

    Raises: UnreadableAnswer, which says *what* they should have been, for anything else.
    """
    items = [] if found is None or found == "" else found
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise UnreadableAnswer(f"The {what} came as something else than a list of objects", None, request_id)
    return [members(item) for item in items]


def name_of(given: Mapping[str, Any], what: str, request_id: str | None) -> str:
    """Return the name in *given*, members in lower case, or else its API name.

    Raises: UnreadableAnswer, which says *what* has none.
    """
    name = text(given.get("name")) or text(given.get("apiname"))
    if not name:
        raise UnreadableAnswer(f"Marketo sent no name for {what}", None, request_id)
    return name
