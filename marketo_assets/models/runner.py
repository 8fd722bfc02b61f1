"""Runs the .sql files of this folder: each leaves one table or view that people read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template

from marketo_assets.load.columns import quoted, text_literal
from marketo_assets.load.lead_versions import PAST, READINGS, SHOWN, SNAPSHOTS, has_lead_tables, lead_columns
from marketo_assets.models.history import refresh_history
from marketo_assets.warehouse import DuckDBConnection

_OWN_COMMENTS = {
    "_partition": "month whose export brought the row; NULL where it was read otherwise, or its month lacks it now",
    "_as_of": "when Marketo's state was read: the lead looked like this then",
    "_source": "what brought the row",
    "_load_id": "the load that brought the row; see meta.loads",
}
_GONE_COMMENTS = {
    "id": "Marketo's id, which no other lead will have",
    "deleted_at": "when it was deleted or merged away; when it was first missed, if nothing tells",
    "merged_into_id": "the lead that it lives on in, at the end of all merges; NULL where it was deleted",
}
_DELETED = "main.deleted_leads"
_TABLE_COMMENTS = {
    f"VIEW {_DELETED}": "One row per lead that was deleted or merged away, with its last known values.",
    f"VIEW {SNAPSHOTS}": "One row per lead per month partition, as exported.",
    f"VIEW {READINGS}": "One row per lead per reading outside the exports of months, made because something happened; "
    "and what a month last had of leads that its newer export lacks.",
    f"TABLE {SHOWN}": "One row per lead that exists now, as it was read last; every field under its REST name.",
    f"TABLE {PAST}": "Versions of leads that were read again later, or whose lead is gone.",
}


def refresh_models(con: DuckDBConnection) -> None:
    """Leave `main.leads`, `main.deleted_leads` and history with every column that leads have, commented from Describe.

    Grain: one row per lead that exists now, and one per lead that is gone, where `compact` left nothing pending.
    Nothing is rebuilt when the columns and labels are as they were, and nothing is there before the first load.
    """
    if has_lead_tables(con):
        _refresh_leads(con)
        refresh_history(con)


def _refresh_leads(con: DuckDBConnection) -> None:
    comments = _lead_comments(con, list(lead_columns(con)))
    told = _column_comments(comments)
    if _comments_of(con, told) == told:
        return
    rest = [f"version.{quoted(name)}" for name in told[_DELETED] if name not in _GONE_COMMENTS]
    con.execute(_sql("deleted_leads", columns=",\n    ".join(rest)))
    statements = [f"COMMENT ON {address} IS {text_literal(comment)}" for address, comment in _TABLE_COMMENTS.items()]
    statements += [
        f"COMMENT ON COLUMN {address}.{quoted(name)} IS {text_literal(comment)}"
        for address, wanted in told.items()
        for name, comment in wanted.items()
    ]
    # Sent together, hundreds of them take half as long.
    con.execute("; ".join(statements))


def _column_comments(comments: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the columns of each table and view of leads, with what they are told to say."""
    shown = {name: comment for name, comment in comments.items() if name != "_partition"}
    gone = {name: comment for name, comment in shown.items() if name.lower() not in _GONE_COMMENTS}
    return {
        **dict.fromkeys((SHOWN, PAST, SNAPSHOTS), comments),
        READINGS: shown,
        _DELETED: gone | _GONE_COMMENTS,
    }


def _lead_comments(con: DuckDBConnection, columns: Sequence[str]) -> dict[str, str]:
    labels = con.execute("SELECT column_name, display_name, data_type, is_hidden FROM main.lead_fields").fetchall()
    known = {
        name: f"{label} (Marketo {kind}{', hidden since' if is_hidden else ''})"
        for name, label, kind, is_hidden in labels
    }
    return {name: _OWN_COMMENTS.get(name) or known.get(name, name) for name in columns}


def _comments_of(con: DuckDBConnection, addresses: Iterable[str]) -> dict[str, dict[str, str | None]]:
    # Asked once for all: every view is bound to answer, whichever table is asked for.
    rows = con.execute(
        "SELECT schema_name || '.' || table_name AS address, column_name, comment FROM duckdb_columns() "
        "WHERE list_contains(?, address)",
        [list(addresses)],
    ).fetchall()
    found: dict[str, dict[str, str | None]] = {}
    for address, name, comment in rows:
        found.setdefault(address, {})[name] = comment
    return found


def _sql(name: str, **parts: str) -> str:
    text = resources.files("marketo_assets.models").joinpath(f"{name}.sql").read_text("utf-8")
    return Template(text).substitute(parts)
