"""The registry of member fields: each has its column for ever, and what changes is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from marketo_assets.api.lead_database import LeadField
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.load.member_fields import member_fields, register_member_fields
from marketo_assets.warehouse import DuckDBConnection

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)


def field(name: str, data_type: str = "string") -> LeadField:
    return LeadField(name, name.title(), data_type, None, None, False, False, False)


def columns(con: DuckDBConnection, *described: LeadField, days: int = 0) -> dict[str, tuple[str, str]]:
    ensure_tables(con)
    found = register_member_fields(con, described, NOW + timedelta(days=days), reserved=("removed_at",))
    return {name: (column.name, column.type) for name, column in found.items()}


def test_names_become_snake_case_and_types_columns(con: DuckDBConnection) -> None:
    """REST names are told in snake case; two fields of one name, and ours, are kept apart."""
    found = columns(
        con,
        field("leadId", "integer"),
        field("webinarURL"),
        field("reachedSuccessDate", "datetime"),
        field("removedAt", "datetime"),
        field("Seat_number__c", "integer"),
        field("seatNumberC", "integer"),
    )

    assert {
        "leadId": ("lead_id", "BIGINT"),
        "webinarURL": ("webinar_url", "VARCHAR"),
        "reachedSuccessDate": ("reached_success_date", "TIMESTAMP WITH TIME ZONE"),
        "removedAt": ("removed_at_2", "TIMESTAMP WITH TIME ZONE"),
        "Seat_number__c": ("seat_number_c", "BIGINT"),
        "seatNumberC": ("seat_number_c_2", "BIGINT"),
    } == found


def test_a_field_keeps_its_column(con: DuckDBConnection) -> None:
    """Hidden, shown again, retyped and relabelled: the column stays, and each change is recorded."""
    columns(con, field("leadId"), field("mood"))
    columns(con, field("leadId"), days=1)
    assert member_fields(con)["mood"]["is_hidden"]
    after = columns(con, field("leadId"), replace(field("mood", "integer"), display_name="Spirits"), days=2)

    assert ("mood", "BIGINT") == after["mood"]
    assert [("hidden",), ("shown",), ("retyped",), ("relabelled",)] == con.execute(
        "SELECT kind FROM meta.schema_changes WHERE field = 'program member: mood' ORDER BY noticed_at"
    ).fetchall()


def test_an_older_describe_takes_nothing_back(con: DuckDBConnection) -> None:
    """A file that is loaded after a later one hides no field that the later one showed."""
    columns(con, field("leadId"), field("mood", "integer"), days=2)
    found = columns(con, field("leadId"), field("bygone"), days=1)

    assert ("mood", "BIGINT") == found["mood"]
    assert {"mood": False, "bygone": True} == {
        name: member_fields(con)[name]["is_hidden"] for name in ("mood", "bygone")
    }
