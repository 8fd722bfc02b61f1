"""What a lead field is, and how its values are checked, kept and spoken.

Every value is kept as one text, the one a CSV cell would carry; JSON is derived from that text by the field's
data type. So the two ways of reading a lead cannot disagree, and changing a data type changes how a value is
spoken, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

Texts = dict[str, str | None]
Json = str | int | float | bool | None
Spelling = Literal["plain", "zero_one", "offset"]

WHOLE_TYPES = frozenset({"integer", "score"})
NUMBER_TYPES = frozenset({"percent", "float", "currency"})
TEXT_BYTES = 30_000
STRING_LENGTH = 255
_INT64 = 2**63
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2})?"


class UnknownFieldError(ValueError):
    """A name that no visible field has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Field '{name}' not found")
        self.name = name


class InvalidValueError(ValueError):
    """A value that the field's data type does not allow."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"Invalid value for field '{name}': {reason}")
        self.name = name


@dataclass(frozen=True)
class Field:
    """One lead field as Describe and Get Lead Fields tell of it."""

    id: int
    name: str
    display_name: str
    data_type: str
    length: int | None = None
    read_only: bool = False
    hidden: bool = False
    custom: bool = False
    crm_managed: bool = False
    searchable: bool = False
    sensitive: bool = False
    soap_name: str | None = None
    rest: bool = True
    spelling: Spelling = "plain"

    @property
    def is_exportable(self) -> bool:
        """Whether a bulk export accepts this field: visible, known to REST, and not a formula."""
        return self.rest and not self.hidden and self.data_type != "formula"


def default_length(data_type: str) -> int | None:
    """Return the length that Describe states for a new field of *data_type*."""
    return STRING_LENGTH if data_type in ("string", "email", "phone", "url", "reference") else None


def to_text(field: Field, value: object) -> str | None:
    """Return the text under which *value* is kept; None and "" are both kept as null.

    Raises: InvalidValueError when the data type does not allow *value*.
    """
    if value is None or value == "":
        return None
    kind = field.data_type
    if kind == "boolean":
        return _boolean(field, value)
    if kind in WHOLE_TYPES:
        return _whole(field, value)
    if kind in NUMBER_TYPES:
        return _number(field, value)
    if kind == "date":
        return _date(field, value)
    if kind == "datetime":
        return _datetime(field, value)
    return _string(field, value)


def to_json(data_type: str, text: str | None) -> Json:
    """Return *text* as the JSON value of *data_type*; a text that does not fit stays a text."""
    if text is None:
        return None
    if data_type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if data_type in WHOLE_TYPES or data_type in NUMBER_TYPES:
        return _json_number(text)
    return text


def column_to_json(data_type: str, texts: Sequence[str | None]) -> list[Json]:
    """Return `to_json` of each of *texts*, working out each different text once."""
    known = {text: to_json(data_type, text) for text in set(texts)}
    return [known[text] for text in texts]


def spoken(field: Field, value: Json) -> Json:
    """Return *value* as a REST answer spells it: Adobe's pages show both `Z` and `+0000`."""
    is_offset = field.spelling == "offset" and field.data_type == "datetime"
    return re.sub("Z$", "+0000", value) if is_offset and isinstance(value, str) else value


def _json_number(text: str) -> Json:
    if re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _boolean(field: Field, value: object) -> str:
    if not isinstance(value, bool):
        raise InvalidValueError(field.name, "a boolean takes true or false")
    return "true" if value else "false"


def _whole(field: Field, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not -_INT64 <= value < _INT64:
        raise InvalidValueError(field.name, f"{field.data_type} takes a whole number of at most 64 bits")
    return str(value)


def _number(field: Field, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValueError(field.name, f"{field.data_type} takes a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise InvalidValueError(field.name, f"{field.data_type} takes a number") from error
    if not number.is_finite():
        raise InvalidValueError(field.name, f"{field.data_type} takes a finite number")
    return plain_decimal(number)


def plain_decimal(number: Decimal) -> str:
    """Return *number* without exponent and without trailing zeros."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _date(field: Field, value: object) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise InvalidValueError(field.name, "a date is written YYYY-MM-DD")


def _datetime(field: Field, value: object) -> str:
    try:
        if isinstance(value, str) and re.fullmatch(_MOMENT, value):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}Z"
    except (ValueError, OverflowError):
        pass
    raise InvalidValueError(field.name, "a datetime is written in ISO-8601, to the second")


def _string(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(field.name, f"{field.data_type} takes a text")
    if field.data_type == "email" and not value.isascii():
        raise InvalidValueError(field.name, "an e-mail address takes ASCII only")
    if field.length is not None and len(value) > field.length:
        raise InvalidValueError(field.name, f"at most {field.length} characters")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise InvalidValueError(field.name, "half a surrogate pair is no text") from None
    if field.data_type == "text" and size > TEXT_BYTES:
        raise InvalidValueError(field.name, f"at most {TEXT_BYTES} bytes")
    return value
