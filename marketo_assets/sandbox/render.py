"""How rows of texts become the lines of an export file.

The rules are those of Adobe's bulk lead extract page: a missing value is the bare word null, a cell that holds a
delimiter, a quote or a line end stands in quotes, and a quote inside is doubled.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from marketo_assets.sandbox.fields import Field


class Sink(Protocol):
    """Anything bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Take *data*."""


def header(names: Sequence[str], delimiter: str) -> bytes:
    """Return the first line of a file whose columns are called *names*."""
    return lines([pl.Series([name]) for name in names], delimiter, quote_null_text=False)


def cells(column: pl.Series, field: Field) -> pl.Series:
    """Return the texts of *column* as an export spells them for *field*."""
    if field.spelling == "zero_one" and field.data_type == "boolean":
        return column.replace({"true": "1", "false": "0"})
    if field.spelling == "offset" and field.data_type == "datetime":
        return column.str.replace("Z$", "+0000")
    return column


def lines(columns: Sequence[pl.Series], delimiter: str, *, quote_null_text: bool) -> bytes:
    """Return *columns* as lines of a file, each ended by LF; nulls are written as the bare word null.

    With *quote_null_text* the text "null" is quoted, so that a reader can tell it from a missing value.
    """
    rows = pl.DataFrame(
        [_quoted(column, delimiter, quote_null_text).alias(str(place)) for place, column in enumerate(columns)]
    )
    buffer = io.BytesIO()
    rows.write_csv(buffer, include_header=False, separator=delimiter, null_value="null", quote_style="never")
    return buffer.getvalue()


def _quoted(column: pl.Series, delimiter: str, quote_null_text: bool) -> pl.Series:
    needs = column.str.contains(f'["\\r\\n\\x{{{ord(delimiter):x}}}]')
    if quote_null_text:
        needs = needs | (column == "null")
    if not needs.any():
        return column
    doubled = '"' + column.str.replace_all('"', '""', literal=True) + '"'
    return doubled.zip_with(needs.fill_null(value=False), column)
