"""What is remembered of export jobs, and which of them a run takes up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.export_jobs import (
    ExportRequest,
    find_adoptable,
    find_by_id,
    mark,
    record_job,
    recorded_jobs,
)
from marketo_assets.extract.export_sizes import expected_bytes
from marketo_assets.extract.windows import month_window

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PAST = ExportRequest("leads", "2026-07", month_window("2026-07"), ("id", "email"))
RUNNING = ExportRequest("leads", "2026-08", month_window("2026-08"), ("id", "email"))


@pytest.fixture
def ledger(data_dir: Path) -> Iterator[Ledger]:
    ledger = Ledger(data_dir / "ledger.sqlite", Limits(), ManualClock(NOW))
    yield ledger
    ledger.shut()


def job(export_id: str = "a", status: str = "Completed", **more: Any) -> ExportJob:
    return replace(ExportJob(export_id, status, created_at=NOW, started_at=NOW), **more)


def test_the_same_request_has_the_same_hash() -> None:
    """A request is known by what Marketo would answer: object, filter and fields, in their order."""
    other_fields = replace(PAST, fields=("email", "id"))
    other_filter = replace(PAST, filter_name="updatedAt")

    assert PAST.request_hash == replace(PAST).request_hash
    assert 4 == len({found.request_hash for found in (PAST, RUNNING, other_fields, other_filter)})
    assert {"createdAt": {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-07-31T23:59:59Z"}} == PAST.filter


def test_a_job_is_remembered_across_processes(ledger: Ledger, data_dir: Path) -> None:
    """What was recorded is found by another opening of the file, moments in UTC, the earliest sighting kept."""
    record_job(ledger, PAST, job(status="Created", started_at=None), now=NOW)
    later = NOW + timedelta(minutes=5)
    record_job(ledger, PAST, job(created_at=None, started_at=later, file_bytes=7), now=later, was_polled=True)
    other = Ledger(data_dir / "ledger.sqlite", Limits(), ManualClock(NOW))
    found = find_by_id(other, "a")
    other.shut()

    assert found is not None
    assert ("Completed", 7, NOW, NOW, later, later) == (
        found.status,
        found.file_bytes,
        found.created_at,
        found.recorded_at,
        found.polled_at,
        found.as_of,
    )
    assert [found] == recorded_jobs(ledger)


DAYS, MINUTES = timedelta(days=1), timedelta(minutes=1)
STANDING = {
    "completed, past month": (PAST, "Completed", 6 * DAYS, False, True),
    "landed, past month": (PAST, "Completed", 6 * DAYS, True, True),
    "file perhaps gone": (PAST, "Completed", 7 * DAYS, False, False),
    "still queued": (PAST, "Queued", 2 * DAYS, False, True),
    "never enqueued": (PAST, "Created", 1 * DAYS, False, True),
    "failed": (PAST, "Failed", 1 * MINUTES, False, False),
    "cancelled": (PAST, "Cancelled", 1 * MINUTES, False, False),
    "gone": (PAST, "Gone", 1 * MINUTES, False, False),
    "running month, landed minutes ago": (RUNNING, "Completed", 10 * MINUTES, True, True),
    "running month, landed long ago": (RUNNING, "Completed", 20 * MINUTES, True, False),
    "running month, paid and never fetched": (RUNNING, "Completed", 300 * MINUTES, False, True),
    "running month, never fetched, yesterday": (RUNNING, "Completed", 2 * DAYS, False, False),
}


@pytest.mark.parametrize(
    ("request_", "status", "age", "was_landed", "expected"), STANDING.values(), ids=STANDING.keys()
)
def test_which_job_is_taken_up(
    ledger: Ledger, request_: ExportRequest, status: str, age: timedelta, was_landed: bool, expected: bool
) -> None:
    """A job stands as long as Marketo keeps its file, and for the running month as long as it is nearly current."""
    recorded = record_job(
        ledger, request_, job(status=status, started_at=NOW - age, created_at=NOW - age), now=NOW - age
    )
    if was_landed:
        mark(ledger, recorded, landed_at=NOW - age)

    assert expected == (find_adoptable(ledger, request_, now=NOW) is not None)


def test_a_refresh_takes_up_only_what_nobody_fetched(ledger: Ledger) -> None:
    """A refresh wants a new reading: a job that was landed is not one, a job that was paid and not fetched is."""
    recorded = record_job(ledger, PAST, job(), now=NOW)
    assert recorded == find_adoptable(ledger, PAST, now=NOW, is_refresh=True)
    mark(ledger, recorded, landed_at=NOW)

    assert find_adoptable(ledger, PAST, now=NOW, is_refresh=True) is None
    assert find_adoptable(ledger, PAST, now=NOW) is not None


def test_the_newest_job_is_taken_up_and_no_other_request(ledger: Ledger) -> None:
    """Of several jobs of a request the newest counts; a job of other fields is none of them."""
    for hours, export_id in enumerate(("first", "second", "third")):
        record_job(ledger, PAST, job(export_id), now=NOW + timedelta(hours=hours))
    record_job(ledger, replace(PAST, fields=("id",)), job("other"), now=NOW + timedelta(hours=9))

    found = find_adoptable(ledger, PAST, now=NOW + timedelta(days=1))
    assert "third" == (found.export_id if found else None)


def test_how_large_a_file_will_be(ledger: Ledger) -> None:
    """A month's last file tells its next, months near it tell of others, and more; without either it is a guess."""
    assert ledger.exports.daily_bytes // 4 == expected_bytes(ledger, PAST)
    record_job(ledger, RUNNING, job("a", file_bytes=500), now=NOW)
    assert 600 == expected_bytes(ledger, PAST)
    record_job(ledger, PAST, job("b", file_bytes=90), now=NOW)
    record_job(ledger, PAST, job("c", file_bytes=100), now=NOW + timedelta(hours=1))
    assert 100 == expected_bytes(ledger, PAST)


def test_months_that_differ_leave_a_margin(ledger: Ledger) -> None:
    """Beside months of known size a tenth more than the largest of the nearest is set aside."""
    for month, size in (("2026-04", 9_000), ("2026-05", 400), ("2026-06", 300), ("2026-08", 500), ("2026-09", 100)):
        record_job(ledger, replace(PAST, partition=month), job(month, file_bytes=size), now=NOW)

    assert 550 == expected_bytes(ledger, PAST)
