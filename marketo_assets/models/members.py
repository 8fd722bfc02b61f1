"""The views of memberships: `marketo.program_members` and `marketo.static_list_members`, over what readings brought.

Why views: when a lead is deleted or merged away its memberships end with it, whichever of the two was read first.
"""

from __future__ import annotations

from collections.abc import Mapping

from marketo_assets.load.columns import quoted, table_columns, text_literal
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.load.list_members import TABLE as ON_LISTS
from marketo_assets.load.member_fields import member_fields
from marketo_assets.load.member_readings import GONE_LEADS, LISTS, TABLE, ensure_readings
from marketo_assets.load.program_member_rows import OWN
from marketo_assets.load.program_member_rows import TABLE as IN_PROGRAMS
from marketo_assets.warehouse import DuckDBConnection

PROGRAM_MEMBERS, LIST_MEMBERS = "program_members", "static_list_members"
_OWN_COMMENTS = {
    "first_seen_at": "when a reading first found the membership",
    "last_seen_at": "when a reading last found it",
    "removed_at": "when a whole reading of the program first missed it, or its lead or program was found to be gone; "
    "NULL of members",
    "_as_of": "when Marketo's state was read",
    "_load_id": "the load that brought the row; see meta.loads",
}
_LIST_COMMENTS = {
    "list_id": "the static list; see static_lists",
    "lead_id": "the lead",
    "first_seen_at": "when it joined, where an activity told; else when a reading first found it there",
    "last_seen_at": "until when it is known to have been on the list",
    "removed_at": "when it left, where an activity told; else when a reading first missed it, or its lead or list was "
    "found to be gone; NULL of members",
    "_as_of": "when what the row follows from was read, or happened",
    "_load_id": "the load that changed the row last; see meta.loads",
}


def refresh_members(con: DuckDBConnection) -> None:
    """Leave a view of each kind of membership that was ever read; what is current stays."""
    if columns := table_columns(con, "raw", PROGRAM_MEMBERS):
        ensure_tables(con)
        listed = ", ".join(
            "least(member.removed_at, gone.gone_at) AS removed_at" if name == "removed_at" else f"member.{quoted(name)}"
            for name in columns
        )
        _show(
            con,
            PROGRAM_MEMBERS,
            f"SELECT {listed} FROM {IN_PROGRAMS} AS member LEFT JOIN {GONE_LEADS} AS gone USING (lead_id)",
            "One row per program and lead that was ever its member, as read last.",
            _member_comments(con, list(columns)),
            columns,
        )
    if table_columns(con, "raw", LIST_MEMBERS):
        ensure_tables(con)
        ensure_readings(con)
        ended = "least(member.removed_at, gone.gone_at)"
        # Of those who are still there the list's last reading tells, or the activities since.
        known = "if(member.removed_at IS NULL, greatest(member.last_seen_at, reading.known_until), member.last_seen_at)"
        _show(
            con,
            LIST_MEMBERS,
            f"SELECT member.list_id, member.lead_id, member.first_seen_at, least({known}, {ended}) AS last_seen_at, "
            f"{ended} AS removed_at, member._as_of, member._load_id FROM {ON_LISTS} AS member "
            f"LEFT JOIN {GONE_LEADS} AS gone USING (lead_id) LEFT JOIN {TABLE} AS reading "
            f"ON reading.id = member.list_id AND reading.members_of = {text_literal(LISTS)}",
            "One row per static list and lead that was ever seen on it.",
            _LIST_COMMENTS,
            table_columns(con, "raw", LIST_MEMBERS),
        )


def _member_comments(con: DuckDBConnection, columns: list[str]) -> dict[str, str]:
    told = {
        row["column_name"]: f"{row['display_name']} (Marketo {row['data_type']}"
        f"{', hidden since' if row['is_hidden'] else ''})"
        for row in member_fields(con).values()
    }
    return {name: _OWN_COMMENTS[name] if name in OWN else told.get(name, name) for name in columns}


def _show(
    con: DuckDBConnection,
    view: str,
    query: str,
    told: str,
    comments: Mapping[str, str],
    types: Mapping[str, str],
) -> None:
    found = con.execute(
        "SELECT column_name, comment, data_type FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ? "
        "ORDER BY column_index",
        [view],
    ).fetchall()
    # A view does not follow a column whose type was widened: it is made anew.
    if found == [(name, comment, types[name]) for name, comment in comments.items()]:
        return
    con.execute(f"CREATE OR REPLACE VIEW main.{view} AS {query}")
    con.execute(f"COMMENT ON VIEW main.{view} IS {text_literal(told)}")
    for name, comment in comments.items():
        con.execute(f"COMMENT ON COLUMN main.{view}.{quoted(name)} IS {text_literal(comment)}")
