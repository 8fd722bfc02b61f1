"""The views of memberships follow the columns of what was read, and end with their leads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.api.lead_database import LeadField
from marketo_assets.load.columns import fit_columns
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.load.list_members import ensure_list_members
from marketo_assets.load.member_fields import register_member_fields
from marketo_assets.load.member_readings import ensure_readings, note_known, note_whole
from marketo_assets.load.program_member_rows import OWN
from marketo_assets.models.members import refresh_members
from marketo_assets.warehouse import DuckDBConnection, Warehouse

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def con(data_dir: Path) -> Iterator[DuckDBConnection]:
    with Warehouse(data_dir).held() as con:
        yield con


def describe(con: DuckDBConnection, seat_type: str, *, days: int) -> None:
    """Leave the table of program members as a describe wants it, and the view beside it."""
    kinds = {"programId": "integer", "leadId": "integer", "seat": seat_type}
    fields = [LeadField(name, name.title(), kind, None, None, False, False, False) for name, kind in kinds.items()]
    columns = register_member_fields(con, fields, NOW + timedelta(days=days), reserved=tuple(OWN))
    fit_columns(con, "raw", "program_members", list(columns.values()), OWN)
    refresh_members(con)


def rows(con: DuckDBConnection, columns: str, table: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM main.{table} ORDER BY ALL").fetchall()


def test_the_view_follows_a_column_whose_type_changed(con: DuckDBConnection) -> None:
    """A field that becomes a text is one in the view too, old values included, and its comment says so."""
    ensure_tables(con)
    describe(con, "integer", days=0)
    con.execute("INSERT INTO raw.program_members BY NAME SELECT 1 AS program_id, 2 AS lead_id, 7 AS seat")
    assert [(7,)] == rows(con, "seat", "program_members")
    describe(con, "string", days=1)

    assert [("7",)] == rows(con, "seat", "program_members")
    comment = "SELECT comment FROM duckdb_columns() WHERE schema_name = 'main' AND column_name = 'seat'"
    assert [("Seat (Marketo string)",)] == con.execute(comment).fetchall()


def test_memberships_end_with_their_lead(con: DuckDBConnection) -> None:
    """Whoever was deleted, or merged away, is no member from then on, whatever was read before or after."""
    ensure_tables(con)
    describe(con, "integer", days=0)
    con.execute("INSERT INTO raw.program_members BY NAME SELECT 1 AS program_id, unnest([2, 3, 4]) AS lead_id")
    con.execute("INSERT INTO raw.lead_deletions BY NAME SELECT 2 AS lead_id, $1::TIMESTAMPTZ AS deleted_at", [NOW])
    con.execute(
        "INSERT INTO raw.lead_merges BY NAME SELECT 3 AS loser_id, 4 AS winner_id, $1::TIMESTAMPTZ AS merged_at", [NOW]
    )

    assert [(2, NOW), (3, NOW), (4, None)] == rows(con, "lead_id, removed_at", "program_members")


def test_members_of_lists_were_seen_until_their_list_was_known(con: DuckDBConnection) -> None:
    """Of a member last_seen_at is what readings and activities reach to; of a lead that is gone its end."""
    ensure_tables(con)
    ensure_list_members(con)
    ensure_readings(con)
    note_whole(con, "static_lists", {1: 2}, NOW, 1)
    note_known(con, "static_lists", [1], NOW + 2 * HOUR, 2)
    for lead_id, removed_at in ((5, None), (6, None), (7, NOW)):
        con.execute(
            "INSERT INTO raw.static_list_members VALUES (1, ?, ?, ?, ?, true, ?, 1)",
            [lead_id, NOW, NOW, removed_at, NOW],
        )
    gone_at = NOW + HOUR
    con.execute("INSERT INTO raw.lead_deletions BY NAME SELECT 6 AS lead_id, $1::TIMESTAMPTZ AS deleted_at", [gone_at])
    refresh_members(con)

    assert [(5, NOW + 2 * HOUR, None), (6, gone_at, gone_at), (7, NOW, NOW)] == rows(
        con, "lead_id, last_seen_at, removed_at", "static_list_members"
    )
