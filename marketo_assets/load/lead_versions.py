"""Where versions of leads lie: those that are shown in one table, the past ones in another of the same columns.

Why two: the first is `main.leads` itself, which people read with nothing joined and nothing left out.
`raw.lead_snapshots` (versions of a month's export) and `raw.lead_readings` (all others) are views over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from marketo_assets.load.columns import (
    TEXT,
    Column,
    SchemaChange,
    fit_columns,
    quoted,
    table_columns,
    widen_column,
    wider,
)
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.warehouse import DuckDBConnection

SHOWN = "main.leads"
"""Versions that are shown, and those that stopped to be since the last compaction (`meta.superseded_rows`)."""
PAST = "raw.past_lead_versions"
SNAPSHOTS, READINGS = "raw.lead_snapshots", "raw.lead_readings"
ALL_KEYS = f"(SELECT id, _load_id, _partition FROM {SHOWN} UNION ALL SELECT id, _load_id, _partition FROM {PAST})"
"""Which versions there are."""


def lead_columns(con: DuckDBConnection) -> dict[str, str]:
    """Return the columns of lead versions with their types; empty before the first load and the first capture."""
    return table_columns(con, *_parts(SHOWN))


def has_lead_tables(con: DuckDBConnection) -> bool:
    """Return whether there are versions of leads, after bringing tables of an older version into today's shape."""
    _convert(con)
    return bool(lead_columns(con))


def fit_lead_tables(con: DuckDBConnection, columns: Sequence[Column]) -> tuple[SchemaChange, ...]:
    """Leave the tables and views of lead versions with at least *columns*; return which had to be widened."""
    _convert(con)
    held = {name.lower(): type_name for name, type_name in lead_columns(con).items()}
    # Both tables get one type, so that rows may move between them.
    wanted = [replace(c, type=wider(held.get(c.name.lower(), c.type), c.type)) for c in columns]
    if all(held.get(column.name.lower()) == column.type for column in wanted):
        return ()
    fields = {column.name: column.field for column in wanted}
    widened: dict[str, tuple[str, str]] = {}
    for table in (SHOWN, PAST):
        widened |= fit_columns(con, *_parts(table), wanted, OWN_COLUMNS)
    _show_both(con)
    return tuple(SchemaChange(fields[name], name, "widened", *types) for name, types in widened.items())


def widen_lead_column(con: DuckDBConnection, column: str, before: str, after: str) -> None:
    """Change the type of a column in both tables, so that every value reads the same afterwards."""
    for table in (SHOWN, PAST):
        widen_column(con, table, column, before, after)


def pick_versions(con: DuckDBConnection, keys: str, source: str) -> None:
    """Leave copies of versions of *source* in the table `moving`; *keys* is a query of `id` and `_load_id`."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE places AS SELECT {source}.rowid AS place FROM {source} "
        f"SEMI JOIN ({keys}) AS keys USING (id, _load_id)"
    )
    # By their places: a join would unpack every column of every row, to keep a few.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE moving AS SELECT * FROM {source} WHERE rowid IN (SELECT place FROM places)"
    )


def move_picked(con: DuckDBConnection, source: str, target: str) -> int:
    """Return how many versions were moved, after `pick_versions`, from *source* to *target*."""
    con.execute(f"INSERT INTO {target} BY NAME SELECT * FROM moving")
    row = con.execute(f"DELETE FROM {source} WHERE rowid IN (SELECT place FROM places)").fetchone()
    for table in ("moving", "places"):
        con.execute(f"DROP TABLE {table}")
    return int(row[0]) if row else 0


def _show_both(con: DuckDBConnection) -> None:
    names = list(lead_columns(con))
    views: Mapping[str, tuple[str, list[str]]] = {
        SNAPSHOTS: ("_partition IS NOT NULL", names),
        READINGS: ("_partition IS NULL", [name for name in names if name != "_partition"]),
    }
    for view, (condition, shown) in views.items():
        if list(table_columns(con, *_parts(view))) != shown:
            listed = ", ".join(map(quoted, shown))
            parts = [f"SELECT {listed} FROM {table} WHERE {condition}" for table in (SHOWN, PAST)]
            con.execute(f"CREATE OR REPLACE VIEW {view} AS {' UNION ALL '.join(parts)}")


def _parts(address: str) -> tuple[str, str]:
    schema, _, table = address.partition(".")
    return schema, table


def _convert(con: DuckDBConnection) -> None:
    """Bring a warehouse whose snapshots and readings are tables into today's shape; what was hidden stays pending.

    **Cost:** one copy of the rows, once.
    """
    old = con.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name = 'raw' "
        "AND table_name IN ('lead_snapshots', 'lead_readings')"
    ).fetchall()
    if (SNAPSHOTS,) not in old:
        return
    for view in (SHOWN, "main.deleted_leads"):
        con.execute(f"DROP VIEW IF EXISTS {view}")
    columns = table_columns(con, *_parts(SNAPSHOTS))
    texts = [n for n, type_name in columns.items() if type_name == TEXT and n not in OWN_COLUMNS]
    # They kept empty texts, and showed them as no value.
    emptied = ", ".join(f"nullif({quoted(name)}, '') AS {quoted(name)}" for name in texts)
    replaced = f"REPLACE ({emptied})" if texts else ""
    con.execute(f"CREATE TABLE {SHOWN} AS SELECT * {replaced} FROM {SNAPSHOTS}")
    con.execute(f"CREATE TABLE {PAST} AS FROM {SHOWN} LIMIT 0")
    for table in (table for (table,) in old):
        if table == READINGS:
            con.execute(f"INSERT INTO {SHOWN} BY NAME SELECT * {replaced} FROM {READINGS}")
        con.execute(f"DROP TABLE {table}")
    _show_both(con)
