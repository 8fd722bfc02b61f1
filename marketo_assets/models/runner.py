"""Runs the .sql files of this folder: each leaves one table or view that people read."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from string import Template

from marketo_assets.load.columns import TEXT, quoted, table_columns, text_literal
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.warehouse import DuckDBConnection

_OWN_COMMENTS = {
    "_partition": "month of the export that brought the row",
    "_as_of": "when Marketo's state was read: the lead looked like this then",
    "_source": "what brought the row",
    "_load_id": "the load that brought the row; see meta.loads",
}


def refresh_models(con: DuckDBConnection) -> None:
    """Leave `main.leads` with every column that `raw.lead_snapshots` has, commented from Describe.

    Grain: one row per lead that exists now. Nothing is rebuilt when the columns and labels are as they were,
    and nothing is there before the first load.
    """
    columns = table_columns(con, "raw", "lead_snapshots")
    if not columns:
        return
    comments = _lead_comments(con, list(columns))
    shown = [name for name in columns if name != "_partition"]
    if _comments_of(con, "leads") == {name: comments[name] for name in shown}:
        return
    values = ",\n    ".join(_value(name, columns[name]) for name in shown)
    con.execute(_sql("leads", columns=values))
    con.execute("COMMENT ON VIEW main.leads IS 'One row per lead that exists now; every field under its REST name.'")
    con.execute("COMMENT ON TABLE raw.lead_snapshots IS 'One row per lead per month partition, as exported.'")
    for name in columns:
        for address in ("main.leads", "raw.lead_snapshots") if name in shown else ("raw.lead_snapshots",):
            con.execute(f"COMMENT ON COLUMN {address}.{quoted(name)} IS {text_literal(comments[name])}")


def _value(name: str, type_name: str) -> str:
    # Marketo stores an empty text as no value, and spells "no value" in three ways; one of them is enough to read.
    column = f"snapshot.{quoted(name)}"
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
