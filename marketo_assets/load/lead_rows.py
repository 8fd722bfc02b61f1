"""The statements that put the rows of one landed file into `raw.lead_snapshots`, strictly or leniently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.load.columns import TEXT, Column, decimal_size, quoted, text_literal, widen_column
from marketo_assets.warehouse import DuckDBConnection

TABLE = "raw.lead_snapshots"
# A row longer than the strict reading allows (2 MB) is read leniently: hundreds of full text areas.
_LONGEST_LINE = 20_000_000
# Below this size one core reads a file with less work, and hardly slower, than two.
_SMALL_FILE_BYTES = 32_000_000


@dataclass(frozen=True)
class FileRows:
    """Where the rows come from, which column each cell fills, and what they are told of themselves."""

    path: Path
    line_end: str
    cells: tuple[Column | None, ...]
    types: Mapping[str, str]
    """The table's type of each column."""
    landed: LandedFile
    load_id: int
    carried: tuple[str, ...] = ()
    """Columns that the file lacks and whose values the rows before it hand over (table `carried`)."""

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
    _insert(con, rows, values, source)


def insert_leniently(con: DuckDBConnection, rows: FileRows, *, has_stand_ins: bool) -> int:
    """Append the file's rows; return how many values did not fit and are kept in `meta.rejected_values` instead.

    A currency column is first widened to hold every digit delivered.
    """
    types_as_text = [TEXT] * len(rows.cells)
    source = parse.csv_source(
        rows.path, len(rows.cells), rows.line_end, types=types_as_text, longest_line=_LONGEST_LINE
    )
    cells = ", ".join(f"{parse.with_returns(c) if has_stand_ins else c} AS {c}" for c, _ in rows.filled)
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {cells} FROM {source}")
    types = dict(rows.types)
    for cell, column in rows.filled:
        if types[column.name].startswith("DECIMAL"):
            types[column.name] = _widen_currency(con, cell, column, types[column.name])
    values = {column.name: parse.lenient_cast(cell, types[column.name]) for cell, column in rows.filled}
    _insert(con, rows, values, "texts")
    lead_id = next(parse.lenient_cast(cell, "BIGINT") for cell, column in rows.filled if column.field == "id")
    rejected = 0
    for cell, column in rows.filled:
        if types[column.name] != TEXT:
            row = con.execute(
                f"INSERT INTO meta.rejected_values "
                f"SELECT {rows.load_id}, {lead_id}, {text_literal(column.field)}, {cell} FROM texts "
                f"WHERE {parse.is_rejected(cell, types[column.name])}"
            ).fetchone()
            rejected += int(row[0]) if row else 0
    con.execute("DROP TABLE texts")
    return rejected


def carry_over(con: DuckDBConnection, partition: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Keep aside the values that the month's rows have in *columns*; return those of them that have any."""
    if not columns:
        return ()
    counts = con.execute(
        f"SELECT {', '.join(f'count({quoted(name)})' for name in columns)} FROM {TABLE} WHERE _partition = ?",
        [partition],
    ).fetchone()
    kept = tuple(name for name, count in zip(columns, counts or (), strict=True) if count)
    if kept:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE carried AS SELECT id, {', '.join(map(quoted, kept))} "
            f"FROM {TABLE} WHERE _partition = ?",
            [partition],
        )
    return kept


def _insert(con: DuckDBConnection, rows: FileRows, values: Mapping[str, str], source: str) -> None:
    own = {
        "_partition": text_literal(rows.landed.partition),
        "_as_of": f"TIMESTAMPTZ {text_literal(rows.landed.as_of.isoformat())}",
        "_source": "'bulk export'",
        "_load_id": str(rows.load_id),
    }
    every = {**values, **own}
    select = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in every.items())
    is_small = rows.landed.file_bytes < _SMALL_FILE_BYTES
    con.execute("SET threads = 1" if is_small else "RESET threads")
    statement = f"SELECT {select} FROM {source}"
    if rows.carried:
        kept = ", ".join(f"carried.{quoted(name)}" for name in rows.carried)
        statement = f"SELECT file.*, {kept} FROM ({statement}) AS file LEFT JOIN carried USING (id)"
    con.execute(f"INSERT INTO {TABLE} BY NAME {statement}")
    if rows.carried:
        con.execute("DROP TABLE carried")


def _widen_currency(con: DuckDBConnection, cell: str, column: Column, type_name: str) -> str:
    text = f"trim({cell})"
    needs = parse.decimal_digits(text)
    found = con.execute(f"SELECT max({needs[0]}), max({needs[1]}) FROM texts WHERE {parse.is_number(text)}").fetchone()
    width, scale = decimal_size(type_name)
    whole, places = (max(had, need or 0) for had, need in zip((width - scale, scale), found or (0, 0), strict=True))
    # 38 digits are all a DECIMAL has; those before the point go first, and what still does not fit is rejected.
    places = max(scale, min(places, 38 - whole))
    wanted = f"DECIMAL({min(38, whole + places)},{places})"
    if wanted != type_name:
        widen_column(con, TABLE, column.name, type_name, wanted)
    return wanted
