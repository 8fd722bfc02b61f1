"""The statements that put the rows of one landed file into the table of lead versions, strictly or leniently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketo_assets.land.manifest import Piece
from marketo_assets.load import parse
from marketo_assets.load.columns import TEXT, Column, quoted, text_literal
from marketo_assets.load.lead_texts import Target, insert_texts, insert_values
from marketo_assets.load.lead_versions import PAST, SHOWN
from marketo_assets.load.reading_moments import reading_moment
from marketo_assets.warehouse import DuckDBConnection

LONGEST_LINE = 20_000_000
"""A row longer than the strict reading allows (2 MB) is read leniently: hundreds of full text areas."""
# Below this size one core reads a file with less work, and hardly slower, than two.
_SMALL_FILE_BYTES = 32_000_000
_CREATED = "createdAt"


@dataclass(frozen=True)
class FileRows:
    """Where the rows come from, which column each cell fills, and what they are told of themselves."""

    path: Path
    line_end: str
    cells: tuple[Column | None, ...]
    types: Mapping[str, str]
    """The table's type of each column."""
    file_bytes: int
    as_of: datetime
    """When Marketo's state was read."""
    partition: str | None
    """The month whose export this is; None for leads of any month."""
    load_id: int
    pieces: tuple[Piece, ...] = ()
    """What the file was put together from, where that were several exports."""
    carried: tuple[str, ...] = ()
    """Columns that the file lacks and whose values the rows before it hand over (table `carried`)."""
    table: str = SHOWN

    def type_of(self, column: Column) -> str:
        """Return the type of *column* in the table."""
        return self.types[column.name]

    @property
    def filled(self) -> list[tuple[str, Column]]:
        """The cells that fill a column, each with the name the reader gives it."""
        return [(f"c{number}", column) for number, column in enumerate(self.cells) if column is not None]


def insert_strictly(con: DuckDBConnection, rows: FileRows) -> None:
    """Append the file's rows, each value exactly as the text says.

    Raises: duckdb.Error when any text does not fit its column exactly; the transaction is lost then.
    """
    types = [parse.reading_type(rows.type_of(c), is_strict=True) if c else TEXT for c in rows.cells]
    source = parse.csv_source(rows.path, len(rows.cells), rows.line_end, types=types)
    values = {column.name: parse.strict_cast(cell, rows.type_of(column)) for cell, column in rows.filled}
    insert_values(con, _target(con, rows, is_strict=True), values, source)


def insert_leniently(con: DuckDBConnection, rows: FileRows, *, has_stand_ins: bool) -> int:
    """Append the file's rows; return how many values did not fit and are kept in `meta.rejected_values` instead.

    A currency column is first widened to hold every digit delivered.
    """
    types_as_text = [TEXT] * len(rows.cells)
    source = parse.csv_source(rows.path, len(rows.cells), rows.line_end, types=types_as_text, longest_line=LONGEST_LINE)
    cells = ", ".join(f"{parse.with_returns(c) if has_stand_ins else c} AS {c}" for c, _ in rows.filled)
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {cells} FROM {source}")
    return insert_texts(con, _target(con, rows, is_strict=False), rows.filled)


def carry_over(con: DuckDBConnection, partition: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Keep aside the values that the month's rows have in *columns*; return those of them that have any."""
    if not columns:
        return ()
    listed = ", ".join(map(quoted, columns))
    month = " UNION ALL ".join(f"SELECT id, {listed} FROM {t} WHERE _partition = $1" for t in (SHOWN, PAST))
    counts = con.execute(
        f"SELECT {', '.join(f'count({quoted(name)})' for name in columns)} FROM ({month})", [partition]
    ).fetchone()
    kept = tuple(name for name, count in zip(columns, counts or (), strict=True) if count)
    if kept:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE carried AS SELECT id, {', '.join(map(quoted, kept))} FROM ({month})",
            [partition],
        )
    return kept


def _target(con: DuckDBConnection, rows: FileRows, *, is_strict: bool) -> Target:
    cast = parse.strict_cast if is_strict else parse.lenient_cast
    created = next(
        (cast(cell, rows.type_of(column)) for cell, column in rows.filled if column.field == _CREATED), "NULL"
    )
    is_small = rows.file_bytes < _SMALL_FILE_BYTES
    con.execute("SET threads = 1" if is_small else "RESET threads")
    own = {
        "_partition": text_literal(rows.partition) if rows.partition else "NULL",
        "_as_of": reading_moment(rows.as_of, rows.pieces, created),
        "_source": "'bulk export'",
        "_load_id": str(rows.load_id),
    }
    return Target(rows.table, rows.types, own, rows.load_id, rows.carried)
