"""Bookkeeping tables: there, explained, and filled with values of every type."""

from __future__ import annotations

from datetime import UTC, date, datetime

from marketo_assets.load.columns import SchemaChange, table_columns
from marketo_assets.load.ledger import (
    append_rows,
    ensure_tables,
    insert_row,
    next_load_id,
    record_schema_changes,
    replace_rows,
)
from marketo_assets.warehouse import DuckDBConnection

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
LATER = datetime(2026, 8, 15, 12, 0, 0, 250_000, tzinfo=UTC)


def test_the_tables_explain_themselves(con: DuckDBConnection) -> None:
    """Every bookkeeping table and each of its columns has a comment; making them again changes nothing."""
    for _ in range(2):
        ensure_tables(con)
    tables = dict(con.execute("SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'meta'").fetchall())
    columns = con.execute("SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'meta'")

    assert {"loads", "export_jobs", "watermarks", "schema_changes", "api_usage", "audits"} <= tables.keys()
    assert all(tables.values())
    assert [] == [row for row in columns.fetchall() if not row[2]]


def test_a_table_of_an_older_version_is_left_alone(con: DuckDBConnection) -> None:
    """Tables that are there already, with their rows, are kept."""
    ensure_tables(con)
    insert_row(con, "meta.watermarks", {"stream": "leads", "watermark": NOW})
    ensure_tables(con)

    assert [("leads", NOW, None)] == con.execute("SELECT stream, watermark, moved_at FROM meta.watermarks").fetchall()


def test_half_a_character(con: DuckDBConnection) -> None:
    """Half of a surrogate pair, which JSON may hold and DuckDB not, becomes a question mark and stops no capture."""
    ensure_tables(con)
    append_rows(
        con, "raw.lead_changes", [{"lead_id": 1, "new_value": "a\ud83db"}, {"lead_id": 2, "new_value": "\0 漢"}]
    )

    assert [("a?b",), ("\0 漢",)] == con.execute("SELECT new_value FROM raw.lead_changes ORDER BY lead_id").fetchall()


def test_rows_of_every_type(con: DuckDBConnection) -> None:
    """Texts, numbers, truths, days and moments arrive as they are, in one statement, and none as none."""
    ensure_tables(con)
    rows: list[dict[str, object]] = [
        {"audited_at": NOW, "audit": "a 'quoted' \"text\"\n{}", "is_passed": True, "found": 2**62},
        {"audited_at": LATER, "audit": None, "is_passed": False, "found": 0},
    ]
    append_rows(con, "meta.audits", rows)
    append_rows(con, "meta.audits", [])
    replace_rows(con, "meta.api_usage", [{"day": date(2026, 8, 15), "calls": 1}, {"day": "2026-08-16", "calls": 2}])

    assert [tuple(row.values()) for row in rows] == con.execute(
        "SELECT audited_at, audit, is_passed, found FROM meta.audits"
    ).fetchall()
    assert [(date(2026, 8, 15), 1), (date(2026, 8, 16), 2)] == con.execute(
        "SELECT day, calls FROM meta.api_usage ORDER BY day"
    ).fetchall()


def test_replacing_leaves_only_the_new_rows(con: DuckDBConnection) -> None:
    """What was in the table before is gone."""
    ensure_tables(con)
    for calls in (1, 2):
        replace_rows(con, "meta.api_usage", [{"day": "2026-08-15", "calls": calls}])
    assert [(2,)] == con.execute("SELECT calls FROM meta.api_usage").fetchall()
    replace_rows(con, "meta.api_usage", [])

    assert [] == con.execute("SELECT * FROM meta.api_usage").fetchall()


def test_load_ids_count_up(con: DuckDBConnection) -> None:
    """The first load is 1, and each gets the next number."""
    ensure_tables(con)
    assert 1 == next_load_id(con)
    insert_row(con, "meta.loads", {"load_id": 7})

    assert 8 == next_load_id(con)


def test_schema_changes_are_rows(con: DuckDBConnection) -> None:
    """Each change of a field is a row with the moment it was noticed."""
    ensure_tables(con)
    record_schema_changes(con, NOW, [SchemaChange("a", "A_2", "suffixed", None, "A_2")])

    assert [(NOW, "a", "A_2", "suffixed", None, "A_2")] == con.execute("SELECT * FROM meta.schema_changes").fetchall()
    assert ["noticed_at", "field", "column_name", "kind", "before", "after"] == list(
        table_columns(con, "meta", "schema_changes")
    )
