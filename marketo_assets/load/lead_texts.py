"""Texts of leads, from a file or from REST, become typed rows: what does not fit is kept beside them, not lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marketo_assets.load import parse
from marketo_assets.load.columns import TEXT, Column, decimal_size, quoted, text_literal
from marketo_assets.load.lead_versions import widen_lead_column
from marketo_assets.warehouse import DuckDBConnection

_Cells = Sequence[tuple[str, Column]]


@dataclass(frozen=True)
class Target:
    """Where rows go, of which types its columns are, and what the rows are told of themselves."""

    table: str
    """With its schema."""
    types: Mapping[str, str]
    """The table's type of each column."""
    own: Mapping[str, str]
    """Our own columns, each with its SQL expression."""
    load_id: int
    carried: tuple[str, ...] = ()
    """Columns whose values an earlier version of the lead hands over (table `carried`)."""


def insert_values(con: DuckDBConnection, target: Target, values: Mapping[str, str], source: str) -> None:
    """Append the rows of *source*, *values* being an expression for each column that came from Marketo."""
    select = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in {**values, **target.own}.items())
    statement = f"SELECT {select} FROM {source}"
    if target.carried:
        kept = ", ".join(f"carried.{quoted(name)}" for name in target.carried)
        statement = f"SELECT file.*, {kept} FROM ({statement}) AS file LEFT JOIN carried USING (id)"
    con.execute(f"INSERT INTO {target.table} BY NAME {statement}")
    if target.carried:
        con.execute("DROP TABLE carried")


def insert_texts(con: DuckDBConnection, target: Target, cells: _Cells) -> int:
    """Append the rows of the table `texts`; return how many values did not fit and went to `meta.rejected_values`.

    A currency column is first widened to hold every digit delivered. The table `texts` is gone afterwards.
    """
    types = dict(target.types)
    for cell, column in cells:
        if types[column.name].startswith("DECIMAL"):
            types[column.name] = _widen_currency(con, cell, column, types[column.name])
    values = {column.name: parse.lenient_cast(cell, types[column.name]) for cell, column in cells}
    insert_values(con, target, values, "texts")
    rejected = _keep_rejected(con, target.load_id, cells, types)
    con.execute("DROP TABLE texts")
    return rejected


def _keep_rejected(con: DuckDBConnection, load_id: int, cells: _Cells, types: Mapping[str, str]) -> int:
    lead_id = next(parse.lenient_cast(cell, "BIGINT") for cell, column in cells if column.field == "id")
    typed = [
        (cell, column, parse.is_rejected(cell, types[column.name]))
        for cell, column in cells
        if types[column.name] != TEXT
    ]
    # Nearly always there is none, and one statement for all columns says so.
    counted = ", ".join(f"count(*) FILTER ({condition})" for _, _, condition in typed)
    counts = con.execute(f"SELECT {counted} FROM texts").fetchone() or ()
    for (cell, column, condition), count in zip(typed, counts, strict=True):
        if count:
            con.execute(
                f"INSERT INTO meta.rejected_values SELECT {load_id}, {lead_id}, {text_literal(column.field)}, {cell} "
                f"FROM texts WHERE {condition}"
            )
    return sum(counts)


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
        widen_lead_column(con, column.name, type_name, wanted)
    return wanted
