"""The registry of lead fields: what Describe has shown, and what is noticed about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marketo_assets.api.lead_database import LeadField
from marketo_assets.load.lead_fields import Registry, register_fields
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.warehouse import DuckDBConnection
from marketo_assets_tests.pipeline.handmade import lead_field, lead_fields

FIRST = datetime(2026, 8, 1, tzinfo=UTC)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
FIELDS = lead_fields({"email": "email", "score": "integer"})


@pytest.fixture(autouse=True)
def tables(con: DuckDBConnection) -> None:
    ensure_tables(con)


def register(
    con: DuckDBConnection, fields: tuple[LeadField, ...], at: datetime, *, copied: int | None = None
) -> Registry:
    return register_fields(con, fields, fields[:copied], at)


def kinds(registry: Registry) -> list[tuple[str, str, str | None, str | None]]:
    return [(change.field, change.kind, change.before, change.after) for change in registry.changes]


def seen(con: DuckDBConnection) -> list[tuple[object, ...]]:
    return con.execute(
        "SELECT name, is_hidden, first_seen_at, last_seen_at FROM main.lead_fields "
        "WHERE name NOT IN ('id', 'createdAt', 'updatedAt') ORDER BY name"
    ).fetchall()


def test_the_first_describe_is_no_change(con: DuckDBConnection) -> None:
    """On the first describe every field is new, so none of them is told as a change."""
    registry = register(con, FIELDS, FIRST, copied=4)

    assert [] == kinds(registry)
    assert [("email", False, FIRST, FIRST), ("score", False, FIRST, FIRST)] == seen(con)
    assert [("score",)] == con.execute("SELECT name FROM main.lead_fields WHERE NOT is_copied").fetchall()


def test_the_same_describe_moves_only_the_moment(con: DuckDBConnection) -> None:
    """A describe that shows nothing new is remembered as the last one."""
    register(con, FIELDS, FIRST)
    assert [] == kinds(register(con, FIELDS, SECOND))

    assert [("email", False, FIRST, SECOND), ("score", False, FIRST, SECOND)] == seen(con)


def test_each_kind_of_change(con: DuckDBConnection) -> None:
    """A field that appears, is hidden, shown, retyped or relabelled is told, and recorded with the moment."""
    register(con, FIELDS, FIRST)
    *fixed, email, score = FIELDS
    changed = (*fixed, replace(score, data_type="string", display_name="Points"), lead_field("new", "date"))
    assert {
        ("score", "retyped", "integer", "string"),
        ("score", "relabelled", "Score", "Points"),
        ("new", "appeared", None, "date"),
        ("email", "hidden", "email", "email"),
    } == set(kinds(register(con, changed, SECOND)))
    assert [("email", "shown", "email", "email")] == kinds(register(con, (*changed, email), THIRD))

    assert [(SECOND, 4), (THIRD, 1)] == con.execute(
        "SELECT noticed_at, count(*) FROM meta.schema_changes GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def test_an_older_describe_takes_nothing_back(con: DuckDBConnection) -> None:
    """A describe that is read after a later one changes no field that the later one told of."""
    *fixed, email, score = FIELDS
    register(con, (*fixed, replace(score, data_type="string"), lead_field("new", "date")), SECOND)
    registry = register(con, FIELDS, FIRST)

    assert [("email", "appeared", None, "email")] == kinds(registry)
    assert [("email", True), ("new", False), ("score", False)] == [(row[0], row[1]) for row in seen(con)]
    assert "VARCHAR" == registry.columns["score"].type
    assert {"email"} == registry.hidden
    assert email.name in registry.columns


def test_names_that_meet_are_told(con: DuckDBConnection) -> None:
    """A field whose name is taken gets a suffix for ever, in whatever order they are described later."""
    upper = lead_field("EMAIL", "string")
    registry = register(con, (*FIELDS, upper), FIRST)
    assert [("EMAIL", "suffixed", "EMAIL", "EMAIL_2")] == kinds(registry)

    again = register(con, (upper, *FIELDS), SECOND)
    assert ("email", "EMAIL_2") == (again.columns["email"].name, again.columns["EMAIL"].name)
    assert [] == kinds(again)


def test_what_describe_does_not_tell_is_kept(con: DuckDBConnection) -> None:
    """A field's number, told by one describe and not by another, is kept."""
    *fixed, email, score = FIELDS
    register(con, (*fixed, email, replace(score, id=42)), FIRST)
    register(con, FIELDS, SECOND)

    assert [(42,)] == con.execute("SELECT id FROM main.lead_fields WHERE name = 'score'").fetchall()


def test_the_table_explains_itself(con: DuckDBConnection) -> None:
    """`lead_fields` and each of its columns has a comment."""
    register(con, FIELDS, FIRST)
    comments = con.execute(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'lead_fields' UNION ALL "
        "SELECT comment FROM duckdb_tables() WHERE table_name = 'lead_fields'"
    ).fetchall()

    assert len(comments) > 10
    assert all(text for (text,) in comments)
