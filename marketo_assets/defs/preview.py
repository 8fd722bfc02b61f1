"""Ten rows for the UI, as a markdown table in which no person can be recognised."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import zstandard

from marketo_assets.api.lead_database import LeadField
from marketo_assets.defs.privacy import MASK, may_show
from marketo_assets.defs.table_columns import TableColumn, quoted_columns
from marketo_assets.warehouse import DuckDBConnection

ROWS = 10
_COLUMNS = 24
_LONGEST = 40


def preview_table(con: DuckDBConnection, address: str, columns: Sequence[TableColumn], where: str = "true") -> str:
    """Return ten rows of a table, lowest id first, with whatever may be personal masked."""
    shown = columns[:_COLUMNS]
    if not shown:
        return "no columns yet"
    query = f"SELECT {quoted_columns(shown)} FROM {address} WHERE {where} ORDER BY id LIMIT {ROWS}"
    rows = con.execute(query).fetchall()
    is_shown = [column.may_show for column in shown]
    return _markdown([column.name for column in shown], rows, is_shown, total=len(columns))


def preview_export(path: Path | None, fields: Sequence[LeadField]) -> str:
    """Return the first ten rows of a landed CSV, masked; a file that cannot be shown is for the load to judge."""
    if path is None:
        return "nothing happened in this month"
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        text = io.TextIOWrapper(reader, encoding="utf-8-sig", errors="replace", newline="")
        try:
            rows = list(islice(csv.reader(text), ROWS + 1))
        except csv.Error:  # a cell longer than Python's reader takes, such as one whose quotes never close
            rows = []
    if not rows:
        return "the first rows cannot be shown"
    header, body = rows[0][:_COLUMNS], [row[:_COLUMNS] for row in rows[1:]]
    types = {field.name: field.data_type for field in fields}
    is_shown = [name == "id" or may_show(name, types.get(name, "string")) for name in header]
    empty_as_none = [[None if cell == "null" else cell for cell in row] for row in body]
    return _markdown(header, empty_as_none, is_shown, total=len(rows[0]))


def _markdown(names: Sequence[str], rows: Iterable[Sequence[object]], is_shown: Sequence[bool], *, total: int) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(map(_cell, row, is_shown)) + " |" for row in rows]
    if total > len(names):
        lines.append(f"\n{len(names)} of {total} columns; {MASK} stands for a value that may be personal.")
    return "\n".join(lines)


def _cell(value: object, is_shown: bool) -> str:
    if value is None:
        return ""
    if not is_shown:
        return MASK
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
