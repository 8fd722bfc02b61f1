"""A release only of what agrees with itself, with the books of the ledger in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.export_jobs import ExportRequest, record_job
from marketo_assets.extract.windows import month_window
from marketo_assets.publish import audit_leads, publish
from marketo_assets.warehouse import Release, ReleaseError, Warehouse, connect_readonly
from marketo_assets_tests.pipeline.handmade import csv_text, land_and_load, lead_rows

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
NOTE = {"note": "string"}


@pytest.fixture
def warehouse(data_dir: Path) -> Warehouse:
    """Two leads in two months."""
    for first_id, month in ((1, "2026-03"), (2, "2026-04")):
        content = csv_text(["id", "createdAt", "updatedAt", "note"], lead_rows([["a"]], first_id=first_id))
        land_and_load(data_dir, content, NOTE, month=month)
    return Warehouse(data_dir)


@pytest.fixture
def ledger(data_dir: Path) -> Iterator[Ledger]:
    ledger = Ledger(data_dir / "ledger.sqlite", Limits(), ManualClock(NOW))
    yield ledger
    ledger.shut()


def published(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    con = connect_readonly(warehouse.published_path)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def harm(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as con:
        con.execute(statement)


def test_what_agrees_is_released(warehouse: Warehouse, ledger: Ledger) -> None:
    """A release holds the leads, and every audit with its result and moment."""
    release = publish(warehouse, ledger, now=NOW)

    assert isinstance(release, Release)
    assert [(2,)] == published(warehouse, "SELECT count(*) FROM main.leads")
    assert [(NOW, True, 0)] == published(warehouse, "SELECT DISTINCT audited_at, is_passed, found FROM meta.audits")


def test_the_ledgers_books_are_in_the_release(warehouse: Warehouse, ledger: Ledger) -> None:
    """Export jobs and what was spent stand in the release as the ledger has them at that moment."""
    request = ExportRequest("leads", "2026-03", month_window("2026-03"), ("id",))
    record_job(ledger, request, ExportJob("a", "Completed", started_at=NOW, records=1, file_bytes=70), now=NOW)
    ledger.exports.settle("a", 70, finished_at=NOW)
    with ledger.call(route="/x"):
        pass
    publish(warehouse, ledger, now=NOW)

    assert [("a", "leads", "2026-03", "Completed", NOW, 70)] == published(
        warehouse, "SELECT export_id, object, partition, status, started_at, file_bytes FROM meta.export_jobs"
    )
    assert [(1, 70)] == published(warehouse, "SELECT calls, export_bytes FROM meta.api_usage")


HARMS = {
    "a row that was lost": ("DELETE FROM main.leads WHERE id = 1", "rows_as_loaded: 1 months"),
    "a row that is there twice": (
        "INSERT INTO main.leads SELECT * FROM main.leads WHERE id = 1",
        r"unique_leads: 1 ids .*rows_as_loaded: 1 months",
    ),
    "a month without its load": ("DELETE FROM meta.loads WHERE load_id = 2", "rows_as_loaded: 1 months"),
}


@pytest.mark.parametrize(("statement", "words"), HARMS.values(), ids=HARMS.keys())
def test_what_does_not_agree_is_not_shown(warehouse: Warehouse, ledger: Ledger, statement: str, words: str) -> None:
    """Data that disagrees with its own books is refused with what was found; readers keep the release before."""
    publish(warehouse, ledger, now=NOW)
    harm(warehouse, statement)
    with pytest.raises(ReleaseError, match=f"(?s)Nothing was published.*{words}.*reload"):
        publish(warehouse, ledger, now=NOW)

    assert [(2,)] == published(warehouse, "SELECT count(*) FROM main.leads")
    with warehouse.transaction() as con:
        assert [(True,)] == con.execute("SELECT bool_or(NOT is_passed) FROM meta.audits").fetchall()


def test_loading_the_month_again_mends_it(warehouse: Warehouse, ledger: Ledger, data_dir: Path) -> None:
    """What an audit found is gone when its month has been loaded again, as the message says."""
    publish(warehouse, ledger, now=NOW)
    harm(warehouse, "DELETE FROM main.leads WHERE id = 1")
    content = csv_text(["id", "createdAt", "updatedAt", "note"], lead_rows([["mended"]]))
    land_and_load(data_dir, content, NOTE)
    publish(warehouse, ledger, now=NOW)

    assert [(1, "mended"), (2, "a")] == published(warehouse, "SELECT id, note FROM main.leads ORDER BY id")


def test_releases_are_not_made_all_the_time(warehouse: Warehouse, ledger: Ledger) -> None:
    """A release that is younger than the shortest pause is left as it is, unless a new one is forced."""
    assert publish(warehouse, ledger, now=NOW, min_seconds=3600) is not None
    assert publish(warehouse, ledger, now=NOW, min_seconds=3600) is None
    assert publish(warehouse, ledger, now=NOW, min_seconds=3600, force=True) is not None
    assert publish(warehouse, ledger, now=NOW) is not None


def test_an_empty_warehouse_is_released(data_dir: Path, ledger: Ledger) -> None:
    """Before the first load there are books and no leads, and nothing to find."""
    publish(Warehouse(data_dir), ledger, now=NOW)

    assert [(0,)] == published(Warehouse(data_dir), "SELECT count(*) FROM meta.loads")
    with Warehouse(data_dir).held() as con:
        assert [] == audit_leads(con)
