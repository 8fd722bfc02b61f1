"""The journal of export jobs: a line a change, read by a new ledger, spoilt by nothing that happens to one line."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.export_jobs import ExportRequest, record_job, recorded_jobs
from marketo_assets.extract.job_journal import NAME, read_jobs
from marketo_assets.extract.windows import month_window
from marketo_assets_tests.unit.extract.test_export_jobs import NOW

REQUEST = ExportRequest("leads", "2026-07", month_window("2026-07"), ("id",))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite", Limits(), ManualClock(NOW))
    yield made
    made.shut()


def remember(ledger: Ledger, *states: str, export_id: str = "a") -> None:
    for state in states:
        record_job(ledger, REQUEST, ExportJob(export_id, state, created_at=NOW), now=NOW, was_polled=True)


def lose(ledger: Ledger) -> None:
    ledger.shut()
    for path in ledger.path.parent.glob("ledger.sqlite*"):
        path.unlink()


def test_a_line_is_written_for_each_change(ledger: Ledger) -> None:
    """Asking for the status a hundred times adds nothing; the file is for its owner alone."""
    remember(ledger, "Created", *["Queued"] * 100, "Completed")
    journal = ledger.path.with_name(NAME)

    assert 3 == journal.read_text("utf-8").count("export_id")
    assert 0o600 == stat.S_IMODE(journal.stat().st_mode)
    assert ["Completed"] == [job["status"] for job in read_jobs(journal)]


def test_a_new_ledger_knows_what_the_lost_one_knew(ledger: Ledger) -> None:
    """Every job is there as it was, and the bytes of one that runs are set aside."""
    remember(ledger, "Created", "Queued")
    before = recorded_jobs(ledger)
    lose(ledger)

    assert before == recorded_jobs(ledger)
    assert ledger.exports.daily_bytes // 4 == ledger.exports.reserved()


@pytest.mark.parametrize(
    "harm", [b'\n{"export_id": "b", "sta', b"\n\xff\xfe", b'\n{"export_id": "b"}', b"\n7"], ids=repr
)
def test_a_line_that_is_damaged_spoils_no_other(ledger: Ledger, harm: bytes) -> None:
    """What a kill or a full disk cut short is left out, and what follows is read."""
    remember(ledger, "Created")
    with ledger.path.with_name(NAME).open("ab") as journal:
        journal.write(harm)
    remember(ledger, "Queued", export_id="c")
    lose(ledger)

    assert {"a", "c"} == {job.export_id for job in recorded_jobs(ledger)}


def test_a_journal_that_was_deleted_is_written_anew(ledger: Ledger) -> None:
    """The next change writes down every job that the ledger knows."""
    remember(ledger, "Created")
    ledger.path.with_name(NAME).unlink()
    remember(ledger, "Created", export_id="b")
    lose(ledger)

    assert {"a", "b"} == {job.export_id for job in recorded_jobs(ledger)}


def test_bytes_of_yesterday_do_not_count_today(ledger: Ledger) -> None:
    """What a job spent counts on the day on which it ended, whenever the ledger was lost."""
    for export_id, days in (("a", 0), ("b", 1)):
        ended = NOW - timedelta(days=days)
        job = ExportJob(export_id, "Completed", created_at=ended, finished_at=ended, file_bytes=700)
        record_job(ledger, REQUEST, job, now=ended)
    lose(ledger)

    assert 2 == len(recorded_jobs(ledger))
    assert 700 == ledger.exports.used()


def test_a_journal_that_cannot_be_written_stops_the_job(ledger: Ledger) -> None:
    """A job that nothing would remember is not enqueued: the error says what to put right."""
    ledger.path.with_name(NAME).mkdir(parents=True)

    with pytest.raises(LedgerUnusable, match="journal"):
        remember(ledger, "Created")
    assert [] == recorded_jobs(ledger)
