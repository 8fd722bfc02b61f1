"""What people read: `main.leads`, made from the snapshots and explained from Describe."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.load.columns import Column
from marketo_assets.load.compaction import compact
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_versions import fit_lead_tables
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.handmade import lead_fields

NOW = datetime(2026, 8, 15, tzinfo=UTC)


@pytest.fixture
def con(data_dir: Path) -> Iterator[DuckDBConnection]:
    """A warehouse with two months of two fields, a lead in both."""
    with Warehouse(data_dir).held() as con:
        ensure_tables(con)
        fields = lead_fields({"note": "string", "score": "integer"})
        register_fields(con, fields, fields, NOW)
        con.execute(
            "CREATE TABLE raw.lead_snapshots AS SELECT *, TIMESTAMPTZ '2026-08-15' AS _as_of, "
            "_as_of AS createdAt, _as_of AS updatedAt FROM (VALUES "
            "(1, '', 7, '2026-06', 'bulk export', 1), (2, 'old', NULL, '2026-06', 'bulk export', 1), "
            "(2, 'new', 5, '2026-07', 'bulk export', 2)) AS t(id, note, score, _partition, _source, _load_id)"
        )
        con.execute("INSERT INTO meta.superseded_rows VALUES (2, 1)")
        compact(con)
        yield con


def leads(con: DuckDBConnection) -> list[tuple[object, ...]]:
    return con.execute("SELECT id, note, score, _load_id FROM main.leads ORDER BY id").fetchall()


def comments(con: DuckDBConnection, table: str) -> dict[str, str]:
    return dict(
        con.execute("SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ?", [table]).fetchall()
    )


def test_before_the_first_load_there_is_nothing(data_dir: Path) -> None:
    """With no snapshot loaded yet, no model is made, and none fails."""
    with Warehouse(data_dir).held() as con:
        refresh_models(con)

        assert [] == con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()


def test_each_lead_is_there_once_as_it_was_read_last(con: DuckDBConnection) -> None:
    """Rows that a later reading replaces are left out, and an empty text reads as no value."""
    refresh_models(con)

    assert [(1, None, 7, 1), (2, "new", 5, 2)] == leads(con)


def test_tables_and_columns_explain_themselves(con: DuckDBConnection) -> None:
    """Columns carry the label and type of Describe, ours say what they are, in both tables."""
    refresh_models(con)

    assert {"note": "Note (Marketo string)", "score": "Score (Marketo integer)"}.items() <= comments(
        con, "leads"
    ).items()
    assert all(comments(con, "leads").values())
    assert all(comments(con, "lead_snapshots").values())


def test_a_new_column_is_shown(con: DuckDBConnection) -> None:
    """A column that the snapshots got is in the model after the next refresh, and so is a new label."""
    refresh_models(con)
    fit_lead_tables(con, [Column("colour", "colour", "VARCHAR")])
    con.execute("UPDATE main.lead_fields SET display_name = 'Points', is_hidden = true WHERE name = 'score'")
    refresh_models(con)

    assert "colour" in comments(con, "leads")
    assert "Points (Marketo integer, hidden since)" == comments(con, "leads")["score"]
    assert [(1, None, 7, 1), (2, "new", 5, 2)] == leads(con)


def test_a_label_with_quotes(con: DuckDBConnection) -> None:
    """A label is taken as it is, whatever signs are in it."""
    con.execute("UPDATE main.lead_fields SET display_name = ? WHERE name = 'score'", ['It\'s "50%"; -- '])
    refresh_models(con)

    assert 'It\'s "50%"; --  (Marketo integer)' == comments(con, "leads")["score"]


def test_nothing_is_made_anew_without_need(con: DuckDBConnection) -> None:
    """Where columns and labels are as they were, the model is left alone."""
    refresh_models(con)
    before = con.execute("SELECT view_oid FROM duckdb_views() WHERE view_name = 'deleted_leads'").fetchall()
    refresh_models(con)

    assert before == con.execute("SELECT view_oid FROM duckdb_views() WHERE view_name = 'deleted_leads'").fetchall()
