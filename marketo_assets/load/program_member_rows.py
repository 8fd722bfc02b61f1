"""The table `raw.program_members`, and the statements that put a landed file there: of each membership one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from marketo_assets.api.lead_database import LeadField
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.load.columns import (
    TEXT,
    Column,
    SchemaChange,
    fit_columns,
    quoted,
    table_columns,
    text_literal,
)
from marketo_assets.load.file_reading import FileReading
from marketo_assets.load.ledger import record_schema_changes
from marketo_assets.warehouse import DuckDBConnection

TABLE = "raw.program_members"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
OWN = {
    "first_seen_at": _MOMENT,
    "last_seen_at": _MOMENT,
    "removed_at": _MOMENT,
    "_as_of": _MOMENT,
    "_load_id": "BIGINT",
}
"""Our own columns, after those of Marketo."""
PROGRAM, LEAD = "programId", "leadId"
_LONGEST_LINE = 20_000_000


def fit_members(con: DuckDBConnection, columns: Sequence[Column], landed: LandedFile) -> None:
    """Leave a table with *columns*, each wide enough; a column that had to be widened is recorded."""
    # The key comes first, whatever order Marketo describes it in.
    ordered = sorted(columns, key=lambda column: (column.field != PROGRAM, column.field != LEAD))
    widened = fit_columns(con, "raw", "program_members", ordered, OWN)
    con.execute(f"COMMENT ON TABLE {TABLE} IS 'One row per lead and program that it was ever seen in.'")
    record_schema_changes(
        con,
        landed.as_of,
        [SchemaChange(f"program member: {name}", name, "widened", *types) for name, types in widened.items()],
    )


def read_incoming(
    con: DuckDBConnection, landed: LandedFile, path: Path, columns: Sequence[Column], way: FileReading, load_id: int
) -> int:
    """Leave the rows of the file in the table `incoming`; return how many values did not fit their type.

    Those are kept in `meta.rejected_values`. Raises: ParseError when the header is not what was asked for;
    duckdb.Error when a strict reading meets a text that does not fit.
    """
    header, line_end = parse.read_header(path)
    cells = match_member_header(header, columns, landed.described)
    types = table_columns(con, "raw", "program_members")
    filled = [(f"c{number}", column) for number, column in enumerate(cells) if column is not None]
    if way.is_strict:
        read_as = [parse.reading_type(types[column.name], is_strict=True) if column else TEXT for column in cells]
        source = parse.csv_source(path, len(header), line_end, types=read_as)
        _keep(con, {column.name: parse.strict_cast(cell, types[column.name]) for cell, column in filled}, source)
        return 0
    texts = parse.csv_source(path, len(header), line_end, types=[TEXT] * len(header), longest_line=_LONGEST_LINE)
    listed = ", ".join(f"{parse.with_returns(cell) if way.is_repaired else cell} AS {cell}" for cell, _ in filled)
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {listed} FROM {texts}")
    _keep(con, {column.name: parse.lenient_cast(cell, types[column.name]) for cell, column in filled}, "texts")
    rejected = _keep_rejected(con, filled, types, load_id)
    con.execute("DROP TABLE texts")
    return rejected


def match_member_header(
    header: Sequence[str], columns: Sequence[Column], described: Sequence[LeadField]
) -> list[Column | None]:
    """Return the column that each cell of the header fills; of two that fill the same, only the first does.

    Marketo puts a `programId` in front of what several programs' members were asked for, and has been seen to write
    labels in place of the names that it was asked for.

    Raises: ParseError when a field that was asked for is not in the header.
    """
    labels = {field.display_name: field.name for field in described}
    names = {column.field for column in columns}
    # A label is believed only where no column bears that name, and no two fields the label.
    is_usable = len(labels) == len(described)
    cells = [labels.get(cell, cell) if is_usable and cell not in names else cell for cell in header]
    found, seen = list[Column | None](), set[str]()
    for column in _match(cells, columns):
        found.append(None if column is None or column.name in seen else column)
        seen |= {column.name} if column else set()
    return found


def _match(cells: Sequence[str], columns: Sequence[Column]) -> list[Column | None]:
    try:
        return parse.match_header(cells, columns)
    except parse.ParseError as error:
        raise parse.ParseError(
            f"{str(error).partition(', which')[0]}, which were asked for. Nothing was loaded. Run job program_members "
            "again; if it stays so, tell the maintainers which columns the file in landing/program_members has."
        ) from None


def _keep(con: DuckDBConnection, values: Mapping[str, str], source: str) -> None:
    listed = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in values.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT {listed} FROM {source}")


def _keep_rejected(
    con: DuckDBConnection, filled: Sequence[tuple[str, Column]], types: Mapping[str, str], load_id: int
) -> int:
    lead_id = next(parse.lenient_cast(cell, "BIGINT") for cell, column in filled if column.field == LEAD)
    rejected = 0
    for cell, column in filled:
        if types[column.name] != TEXT:
            row = con.execute(
                f"INSERT INTO meta.rejected_values (load_id, lead_id, field, value) SELECT {load_id}, {lead_id}, "
                f"{text_literal(column.field)}, {cell} FROM texts WHERE {parse.is_rejected(cell, types[column.name])}"
            ).fetchone()
            rejected += int(row[0]) if row else 0
    return rejected
