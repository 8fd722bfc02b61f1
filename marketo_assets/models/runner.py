"""Runs the .sql files of this folder: each leaves one table or view that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template

from marketo_assets.load.columns import TEXT, quoted, table_columns, text_literal
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.load.lead_texts import ensure_readings
from marketo_assets.warehouse import DuckDBConnection

_OWN_COMMENTS = {
    "_partition": "month of the export that brought the row",
    "_as_of": "when Marketo's state was read: the lead looked like this then",
    "_source": "what brought the row",
    "_load_id": "the load that brought the row; see meta.loads",
}
_GONE_COMMENTS = {
    "id": "Marketo's id, which no other lead will have",
    "deleted_at": "when it was deleted or merged away; when it was first missed, if nothing tells",
    "merged_into_id": "the lead that it lives on in, at the end of all merges; NULL where it was deleted",
}
_TABLE_COMMENTS = {
    "VIEW main.leads": "One row per lead that exists now; every field under its REST name.",
    "VIEW main.deleted_leads": "One row per lead that was deleted or merged away, with its last known values.",
    "TABLE raw.lead_snapshots": "One row per lead per month partition, as exported.",
    "TABLE raw.lead_readings": "One row per lead per reading by REST, made because something happened to it.",
}
_VERSIONS = "(SELECT * FROM raw.lead_snapshots UNION ALL BY NAME SELECT * FROM raw.lead_readings)"


def refresh_models(con: DuckDBConnection) -> None:
    """Leave `main.leads` and `main.deleted_leads` with every column that leads have, commented from Describe.

    Grain: one row per lead that exists now, and one per lead that is gone. Nothing is rebuilt when the columns and
    labels are as they were, and nothing is there before the first load.
    """
    columns = table_columns(con, "raw", "lead_snapshots")
    if not columns:
        return
    ensure_readings(con)
    comments = _lead_comments(con, list(columns))
    shown = [name for name in columns if name != "_partition"]
    has_readings = con.execute("SELECT 1 FROM raw.lead_readings LIMIT 1").fetchone() is not None
    is_current = _comments_of(con, "leads") == {name: comments[name] for name in shown}
    if is_current and has_readings == _shows_readings(con):
        return
    # Without readings there is nothing to join, and the plain table is read as fast as ever.
    versions = _VERSIONS if has_readings else "raw.lead_snapshots"
    values = {name: _value(name, columns[name]) for name in shown}
    con.execute(_sql("leads", columns=_listed(values.values()), versions=versions))
    values.pop("id")
    taken = {"deleted_at", "merged_into_id"}
    rest = [value for name, value in values.items() if name.lower() not in taken]
    con.execute(_sql("deleted_leads", columns=_listed(rest), versions=_VERSIONS))
    for address, comment in _TABLE_COMMENTS.items():
        con.execute(f"COMMENT ON {address} IS {text_literal(comment)}")
    gone = {name: comment for name, comment in comments.items() if name.lower() not in _GONE_COMMENTS}
    for table, told in {
        "raw.lead_snapshots": comments,
        "raw.lead_readings": comments,
        "main.leads": comments,
        "main.deleted_leads": gone | _GONE_COMMENTS,
    }.items():
        for name in table_columns(con, *table.split(".")):
            con.execute(f"COMMENT ON COLUMN {table}.{quoted(name)} IS {text_literal(told[name])}")


def _shows_readings(con: DuckDBConnection) -> bool:
    row = con.execute("SELECT sql FROM duckdb_views() WHERE schema_name = 'main' AND view_name = 'leads'").fetchone()
    return row is not None and "lead_readings" in row[0]


def _listed(values: Iterable[str]) -> str:
    return ",\n    ".join(values)


def _value(name: str, type_name: str) -> str:
    # Marketo stores an empty text as no value, and spells "no value" in three ways; one of them is enough to read.
    column = f"version.{quoted(name)}"
    if type_name == TEXT and name not in OWN_COLUMNS:
        return f"nullif({column}, '') AS {quoted(name)}"
    return column


def _lead_comments(con: DuckDBConnection, columns: Sequence[str]) -> dict[str, str]:
    labels = con.execute("SELECT column_name, display_name, data_type, is_hidden FROM main.lead_fields").fetchall()
    known = {
        name: f"{label} (Marketo {kind}{', hidden since' if is_hidden else ''})"
        for name, label, kind, is_hidden in labels
    }
    return {name: _OWN_COMMENTS.get(name) or known.get(name, name) for name in columns}


def _comments_of(con: DuckDBConnection, view: str) -> dict[str, str | None]:
    rows = con.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?", [view]
    ).fetchall()
    return dict(rows)


def _sql(name: str, **parts: str) -> str:
    text = resources.files("marketo_assets.models").joinpath(f"{name}.sql").read_text("utf-8")
    return Template(text).substitute(parts)
