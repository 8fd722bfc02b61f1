"""How many bytes a lead will take in an export file, told from its REST record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from marketo_assets.api.values import text

NOTHING = len("null")
"""Bytes of a cell without a value."""
_QUOTED = re.compile(r'[",\r\n]')


def cell_bytes(value: object) -> int:
    """Return the bytes of *value* as a cell of an export file, quotes included; the comma or line end is not counted.

    Rules of Adobe's bulk lead extract page: no value is the word null, RFC 4180 quoting, UTF-8.
    """
    told = text(value)
    if told is None:
        return NOTHING
    size = len(told.encode("utf-8", "surrogatepass"))
    return size + 2 + told.count('"') if _QUOTED.search(told) or told == "null" else size


def row_sizes(lead: Mapping[str, Any], names: Sequence[str]) -> list[int]:
    """Return for each field of *names* the bytes that it takes in the lead's row, its comma or line end included."""
    return [cell_bytes(lead.get(name)) + 1 for name in names]


def header_bytes(names: Sequence[str]) -> int:
    """Return the bytes of a file's first line."""
    return sum(len(name.encode()) + 1 for name in names)
