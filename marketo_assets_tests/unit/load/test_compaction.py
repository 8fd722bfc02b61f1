"""Before people read, versions that are past move away, and what they held otherwise is told once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketo_assets.load.columns import SchemaChange
from marketo_assets.load.compaction import close_gaps, compact
from marketo_assets.load.current_leads import mark_missing, settle, touch
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_versions import PAST, SHOWN, fit_lead_tables
from marketo_assets.load.ledger import append_rows, ensure_tables, insert_row, record_schema_changes
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection
from marketo_assets_tests.pipeline.handmade import lead_fields

KINDS = {"note": "string", "score": "integer", "money": "currency", "day": "date"}


def at(second: int) -> datetime:
    return datetime(2026, 8, 15, 12, 0, second, tzinfo=UTC)


@pytest.fixture
def con(con: DuckDBConnection) -> DuckDBConnection:
    """A warehouse of leads with a text, a number, an amount and a day."""
    ensure_tables(con)
    fields = lead_fields(KINDS)
    registry = register_fields(con, fields, fields, at(0))
    fit_lead_tables(con, list(registry.columns.values()))
    return con


def read(con: DuckDBConnection, lead_id: int, second: int, month: str | None = None, **values: Any) -> None:
    """A version of a lead, read at *second*, which is its load as well."""
    own = {"_partition": month, "_as_of": at(second), "_source": "bulk export" if month else "rest", "_load_id": second}
    append_rows(con, SHOWN, [{"id": lead_id, "updatedAt": at(second), **values, **own}])
    touch(con, [lead_id])
    settle(con)


def told(con: DuckDBConnection) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT lead_id, field, held_value, read_value, epoch(held_as_of)::INT % 60, epoch(read_as_of)::INT % 60, "
        "_load_id FROM raw.lead_differences ORDER BY ALL"
    ).fetchall()


def loads(con: DuckDBConnection, table: str) -> list[tuple[int, int]]:
    return con.execute(f"SELECT id, _load_id FROM {table} ORDER BY ALL").fetchall()


def test_what_is_past_moves(con: DuckDBConnection) -> None:
    """Of each lead the version read last stays, the others move, and the views tell snapshots from readings."""
    read(con, 1, 1, "2026-08", note="a")
    read(con, 1, 2, note="b")
    read(con, 1, 3, note="c")
    read(con, 2, 1, "2026-08")
    read(con, 3, 1, "2026-08")
    insert_row(con, "raw.lead_deletions", {"activity_guid": "d", "lead_id": 3})
    touch(con, [3])
    settle(con)

    assert 3 == compact(con)
    assert 0 == compact(con)
    assert [(1, 3), (2, 1)] == loads(con, SHOWN)
    assert [(1, 1), (1, 2), (3, 1)] == loads(con, PAST)
    assert [(1, 1), (2, 1), (3, 1)] == loads(con, "raw.lead_snapshots")
    assert [(1, 2), (1, 3)] == loads(con, "raw.lead_readings")
    assert [] == con.execute("FROM meta.superseded_rows").fetchall()


def test_what_is_shown_again_comes_back(con: DuckDBConnection) -> None:
    """A past version is shown again when the later one is no more, and a lead that was missed when it is read again."""
    read(con, 1, 1, "2026-07", note="a")
    read(con, 1, 2, "2026-08", note="b")
    compact(con)
    con.execute(f"DELETE FROM {SHOWN} WHERE _load_id = 2")
    touch(con, [1])
    settle(con)
    assert [(1, 1)] == loads(con, SHOWN)
    assert [] == loads(con, PAST)

    mark_missing(con, [1], at(5), 5)
    touch(con, [1])
    settle(con)
    compact(con)
    assert [] == loads(con, SHOWN)
    read(con, 1, 6, note="c")
    compact(con)
    assert [(1, 6)] == loads(con, SHOWN)


def test_differences_are_told_once(con: DuckDBConnection) -> None:
    """Each reading is compared with the next of its lead, values spelt as Marketo does; nothing comes twice."""
    read(con, 1, 1, "2026-08", note="a", score=1, money="1.5000", day="2026-01-02")
    read(con, 1, 5, note="b", score=1, money="0.0000", day=None)
    read(con, 1, 9, note="b", score=7, money="0.0000", day=None)
    expected = [
        (1, "day", "2026-01-02", None, 1, 5, 5),
        (1, "money", "1.5", "0", 1, 5, 5),
        (1, "note", "a", "b", 1, 5, 5),
        (1, "score", "1", "7", 5, 9, 9),
    ]
    compact(con)
    assert expected == told(con)

    compact(con)
    read(con, 1, 3, "2026-07", note="between", score=1)
    compact(con)
    assert [row for row in told(con) if row[4] != 3] == expected
    assert not {(1, "note", 5), (1, "day", 5), (1, "money", 5)} & {
        (row[0], row[1], row[6]) for row in told(con) if row[4] == 3
    }
    read(con, 1, 12, note="c", score=7, money="0.0000")
    compact(con)
    assert [(1, "note", "b", "c", 9, 12, 12)] == [row for row in told(con) if row[6] == 12]


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        ({"field": "note", "activity_date": at(3)}, False),
        ({"field": "note", "activity_date": at(1)}, False),
        ({"field": "note", "activity_date": at(10)}, True),
        ({"field": "score", "activity_date": at(5)}, True),
        ({"field": "note", "activity_date": at(5), "lead_id": 2}, True),
    ],
    ids=["in between", "a second before", "after", "another field", "another lead"],
)
def test_what_an_activity_tells_is_no_difference(
    con: DuckDBConnection, change: Mapping[str, Any], is_told: bool
) -> None:
    """A value that an activity of the time between two readings tells is left out, and so is updatedAt."""
    read(con, 1, 2, "2026-08", note="a")
    read(con, 1, 8, note="b")
    append_rows(con, "raw.lead_changes", [{"activity_guid": "x", "lead_id": 1, **change}])
    compact(con)

    assert ([(1, "note", "a", "b", 2, 8, 8)] if is_told else []) == told(con)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(None, "b", "appeared"), (None, "b", "copied"), (None, "b", "shown"), ("a", None, "left out")],
    ids=["new", "copied again", "shown again", "no longer copied"],
)
def test_what_was_not_read_is_no_difference(
    con: DuckDBConnection, before: str | None, after: str | None, kind: str
) -> None:
    """Where one of two readings was made without the field, nothing is told of it."""
    read(con, 1, 2, "2026-08", note=before)
    read(con, 1, 8, note=after)
    record_schema_changes(con, at(8), [SchemaChange("note", "note", kind, None, None)])
    compact(con)

    assert [] == told(con)


def test_a_value_that_did_not_fit_is_told_as_it_came(con: DuckDBConnection) -> None:
    """Of a value that is kept beside its row the text is told, and none where both readings had the same text."""
    read(con, 1, 2, "2026-08", day="2026-01-02")
    read(con, 1, 8, day=None)
    read(con, 1, 9, day="2026-01-03")
    insert_row(con, "meta.rejected_values", {"load_id": 8, "lead_id": 1, "field": "day", "value": "soon"})
    compact(con)

    assert [
        (1, "day", "2026-01-02", "soon", 2, 8, 8),
        (1, "day", "soon", "2026-01-03", 8, 9, 9),
    ] == told(con)


def test_gaps_are_closed_where_counts_would_feel_them(con: DuckDBConnection) -> None:
    """Leads with a gap in every stretch are written anew, with the same rows, and not again at once."""
    rows = "range AS id, 'text ' || range AS note, TIMESTAMPTZ '2026-08-01' AS _as_of, 'rest' AS _source, 1 AS _load_id"
    con.execute(f"INSERT INTO {SHOWN} BY NAME SELECT {rows} FROM range(150_000)")
    assert 0 == close_gaps(con, at(1))
    con.execute(f"DELETE FROM {SHOWN} WHERE id % 10_000 = 0")
    assert 0 == close_gaps(con, at(1))

    con.execute(f"DELETE FROM {SHOWN} WHERE id % 1_000 = 0")
    held = con.execute(f"SELECT count(*), sum(id), bit_xor(hash(id, note)) FROM {SHOWN}").fetchall()
    assert 150 == close_gaps(con, at(1))
    assert held == con.execute(f"SELECT count(*), sum(id), bit_xor(hash(id, note)) FROM {SHOWN}").fetchall()
    con.execute("CHECKPOINT")  # as a release does: places are numbered anew
    assert (held[0][0] - 1,) == con.execute(f"SELECT max(rowid) FROM {SHOWN}").fetchone()

    con.execute(f"DELETE FROM {SHOWN} WHERE id % 1_000 = 1")
    assert 0 == close_gaps(con, at(1) + timedelta(seconds=7))
    assert 0 == close_gaps(con, at(1) - timedelta(seconds=7))
    assert 150 == close_gaps(con, at(1) + timedelta(seconds=8))
    assert [(149_850, 150), (149_700, 150)] == con.execute(
        "SELECT rows, gaps FROM meta.compactions ORDER BY ALL DESC"
    ).fetchall()


def test_small_tables_are_left_as_they_are(con: DuckDBConnection) -> None:
    """What is counted in no time anyway is not written anew."""
    con.execute(f"INSERT INTO {SHOWN} BY NAME SELECT range AS id, 1 AS _load_id FROM range(1_000)")
    con.execute(f"DELETE FROM {SHOWN} WHERE id % 2 = 0")
    assert 0 == close_gaps(con, at(1))


def test_comments_outlive_a_table_that_is_written_anew(con: DuckDBConnection) -> None:
    """After gaps were closed, refreshing the models leaves the columns as they were, comments included."""
    con.execute(f"INSERT INTO {SHOWN} BY NAME SELECT range AS id, 1 AS _load_id FROM range(150_000)")
    columns = (
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name || '.' || table_name = ? ORDER BY column_index"
    )
    refresh_models(con)
    before = con.execute(columns, [SHOWN]).fetchall()
    assert all(comment for *_, comment in before)
    con.execute(f"DELETE FROM {SHOWN} WHERE id % 1_000 = 0")
    close_gaps(con, at(1))
    refresh_models(con)

    assert before == con.execute(columns, [SHOWN]).fetchall()
