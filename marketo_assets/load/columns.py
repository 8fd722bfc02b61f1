"""Which column a Marketo field becomes, and how a table follows the fields as they change.

Why a registry: DuckDB does not mind the case of a name and Marketo does, so two fields may want one column.
Who came first keeps it, for ever; `marketo.lead_fields` records which field has which column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from marketo_assets.warehouse import DuckDBConnection

# Marketo's dataType (lower case) and the column it becomes; everything else is text.
_TYPES = {
    "integer": "BIGINT",
    "score": "BIGINT",
    "float": "DOUBLE",
    "percent": "DOUBLE",
    "currency": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP WITH TIME ZONE",
}
TEXT = "VARCHAR"
_MOMENTS = frozenset({"DATE", "TIMESTAMP WITH TIME ZONE"})
_BIGINT_DIGITS = 19
_MOST_DIGITS = 38


@dataclass(frozen=True)
class Column:
    """A column that came from Marketo: the field's REST name, the column's own, and its type."""

    field: str
    name: str
    type: str


@dataclass(frozen=True)
class SchemaChange:
    """Something about a field that is not as it was: appeared, hidden, shown, copied, left out, retyped, …"""

    field: str
    column: str
    kind: str
    before: str | None
    after: str | None


def column_type(field: str, data_type: str) -> str:
    """Return the DuckDB type that holds the values of a *field* of Marketo's *data_type*."""
    return "BIGINT" if field == "id" else _TYPES.get(data_type.lower(), TEXT)


def wider(one: str, other: str) -> str:
    """Return the narrowest type that holds the values of both without loss; text holds everything."""
    if one == other:
        return one
    if {one, other} == _MOMENTS:
        return "TIMESTAMP WITH TIME ZONE"
    digits = [_digits(type_name) for type_name in (one, other)]
    whole, scale = max(size[0] for size in digits), max(size[1] for size in digits)
    return f"DECIMAL({whole + scale},{scale})" if whole + scale <= _MOST_DIGITS else TEXT


def _digits(type_name: str) -> tuple[int, int]:
    """Return how many digits an exact number has before and behind its point; more than there are for other types."""
    if type_name == "BIGINT":
        return _BIGINT_DIGITS, 0
    if type_name.startswith("DECIMAL"):
        width, scale = decimal_size(type_name)
        return width - scale, scale
    return _MOST_DIGITS + 1, 0


def decimal_size(type_name: str) -> tuple[int, int]:
    """Return width and scale of `DECIMAL(width,scale)`."""
    width, scale = type_name.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(width), int(scale)


def name_columns(fields: Iterable[str], taken: Mapping[str, str], reserved: Sequence[str] = ()) -> dict[str, str]:
    """Return a column name for each field: its own, or with a suffix where another field has it in another case.

    *taken* maps fields to the columns they already have, which they keep.
    """
    names = dict(taken)
    used = {name.lower() for name in [*taken.values(), *reserved]}
    for field in fields:
        if field not in names:
            name, number = field, 1
            while name.lower() in used:
                number += 1
                name = f"{field}_{number}"
            names[field] = name
            used.add(name.lower())
    return names


def snake_case(name: str) -> str:
    """Return a REST name as a column may be called: `updatedAt` as `updated_at`, `publishToMSI` as `publish_to_msi`."""
    return "_".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)).lower()


def quoted(name: str) -> str:
    """Return *name* as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return *text* as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def table_columns(con: DuckDBConnection, schema: str, table: str) -> dict[str, str]:
    """Return the columns of a table or view in order, with their types; empty if there is none."""
    found = "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
    if con.execute(found, [schema, table]).fetchone():
        # Asked a dozen times a load, and three times as fast as what looks at every column of every table.
        rows = con.execute("SELECT name, type FROM pragma_table_info(?)", [f"{schema}.{table}"]).fetchall()
    else:
        rows = con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
            [schema, table],
        ).fetchall()
    return dict(rows)


def widen_column(con: DuckDBConnection, table: str, column: str, before: str, after: str) -> None:
    """Change the type of a column so that every value it holds reads the same afterwards."""
    value = as_marketo_text(quoted(column), before) if after == TEXT else f"{quoted(column)}::{after}"
    con.execute(f"ALTER TABLE {table} ALTER {quoted(column)} SET DATA TYPE {after} USING {value}")


def as_marketo_text(value: str, type_name: str) -> str:
    """Return the expression for *value* as a text in the spelling that Marketo delivers, not DuckDB's."""
    text = f"{value}::VARCHAR"
    if type_name == "TIMESTAMP WITH TIME ZONE":
        whole, utc = f"epoch_us({value}) % 1000000 = 0", f"{value} AT TIME ZONE 'UTC'"
        return f"if({whole}, strftime({utc}, '%Y-%m-%dT%H:%M:%SZ'), strftime({utc}, '%Y-%m-%dT%H:%M:%S.%fZ'))"
    if type_name == "DOUBLE" or type_name.startswith("DECIMAL"):
        plain = f"contains({text}, '.') AND NOT contains({text}, 'e')"
        return f"CASE WHEN {plain} THEN rtrim(rtrim({text}, '0'), '.') ELSE {text} END"
    return text


def fit_columns(
    con: DuckDBConnection, schema: str, table: str, columns: Sequence[Column], own_columns: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Leave a table that has at least *columns*, each wide enough, after which *own_columns* follow.

    Columns that are not asked for stay, with their values. Returns the widened ones: name to types before and after.
    """
    present = {name.lower(): (name, type_name) for name, type_name in table_columns(con, schema, table).items()}
    address = f"{schema}.{table}"
    if not present:
        every = [(column.name, column.type) for column in columns] + list(own_columns.items())
        con.execute(f"CREATE TABLE {address} ({', '.join(f'{quoted(n)} {t}' for n, t in every)})")
        return {}
    widened = {}
    for column in columns:
        if column.name.lower() not in present:
            con.execute(f"ALTER TABLE {address} ADD COLUMN {quoted(column.name)} {column.type}")
            continue
        name, before = present[column.name.lower()]
        after = wider(before, column.type)
        if after != before:
            widen_column(con, address, name, before, after)
            widened[name] = (before, after)
    return widened
