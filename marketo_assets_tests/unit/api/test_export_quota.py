"""Export bytes are set aside before they are spent, and counted once on every day they may belong to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.api.errors import ExportQuotaHeld, ExportQuotaSpent
from marketo_assets.api.export_quota import ExportQuota
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock

RESET = datetime(2026, 1, 15, 6, tzinfo=UTC)


@pytest.fixture
def quota(tmp_path: Path, clock: ManualClock) -> Iterator[ExportQuota]:
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(daily_export_bytes=1000), clock)
    yield ledger.exports
    ledger.shut()


def test_bytes_set_aside_are_not_there_for_others(quota: ExportQuota) -> None:
    """A job that is under way holds its share of the day."""
    quota.reserve("2024-03", 700)

    assert (quota.remaining(), quota.reserved(), quota.used()) == (300, 700, 0)
    with pytest.raises(ExportQuotaSpent, match="leaves 300 of 1,000 bytes") as caught:
        quota.reserve("2024-04", 400)
    assert caught.value.resets_at == RESET


def test_settling_counts_what_was_written_and_frees_the_rest(quota: ExportQuota, clock: ManualClock) -> None:
    """The estimate gives way to the file's size."""
    quota.reserve("2024-03", 700)
    quota.settle("2024-03", 450, finished_at=clock.now())

    assert (quota.remaining(), quota.reserved(), quota.used()) == (550, 0, 450)


def test_a_run_that_is_repeated_counts_its_job_once(quota: ExportQuota, clock: ManualClock) -> None:
    """Reserving and settling the same key again changes nothing."""
    for _ in range(3):
        quota.reserve("2024-03", 700)
    for _ in range(3):
        quota.settle("2024-03", 450, finished_at=clock.now())

    assert (quota.remaining(), quota.reserved(), quota.used()) == (550, 0, 450)


def test_a_job_that_will_not_complete_gives_its_bytes_back(quota: ExportQuota) -> None:
    """Failed and cancelled jobs cost nothing."""
    quota.reserve("2024-03", 700)
    quota.release("2024-03")

    assert quota.remaining() == 1000


def test_a_job_larger_than_the_day_may_have_the_whole_day(quota: ExportQuota) -> None:
    """A month that no day's share can hold is exported on a day of its own, not never."""
    quota.reserve("2024-03", 5000)

    assert quota.remaining() == 0
    with pytest.raises(ExportQuotaSpent):
        quota.reserve("2024-04", 1)


def test_a_job_larger_than_the_day_waits_for_an_unspent_day(quota: ExportQuota, clock: ManualClock) -> None:
    """It does not start on what others have left."""
    quota.settle("2024-02", 1, finished_at=clock.now())

    with pytest.raises(ExportQuotaSpent):
        quota.reserve("2024-03", 5000)


def test_bytes_count_on_the_day_on_which_the_job_finished(quota: ExportQuota, clock: ManualClock) -> None:
    """What finished yesterday is not spent today."""
    quota.settle("2024-03", 450, finished_at=clock.now() - timedelta(days=1))

    assert quota.used() == 0


def test_bytes_of_the_doubtful_hour_count_on_both_days(quota: ExportQuota, clock: ManualClock) -> None:
    """In summer the hour before 06:00 UTC belongs to either day, so to both."""
    quota.settle("2024-03", 450, finished_at=datetime(2026, 7, 15, 5, 30, tzinfo=UTC))

    clock.move_to(datetime(2026, 7, 15, 4, tzinfo=UTC))
    old = quota.used()
    clock.move_to(datetime(2026, 7, 15, 12, tzinfo=UTC))
    assert (old, quota.used()) == (450, 450)


def test_a_reservation_that_nobody_settles_lapses(quota: ExportQuota, clock: ManualClock) -> None:
    """A run that never came back does not hold bytes for ever."""
    quota.reserve("2024-03", 700)
    clock.sleep(3 * 86400)

    assert quota.remaining() == 1000


def test_what_a_run_leaves_with_marketo_holds_up_no_other_run(quota: ExportQuota) -> None:
    """Its bytes stay set aside, but whoever looks whether a run may begin sees that nobody follows it."""
    quota.reserve("2024-03", 900)
    quota.accept("2024-03")
    quota.leave("2024-03")

    assert (1000, 0, ["2024-03"]) == (quota.remaining(), quota.reserved(), quota.unattended())
    with pytest.raises(ExportQuotaHeld):
        quota.reserve("2024-04", 400)
    quota.hold("2024-03", 900)
    assert (100, 900, []) == (quota.remaining(), quota.reserved(), quota.unattended())


def test_a_refusal_closes_exports_until_the_reset(quota: ExportQuota, clock: ManualClock) -> None:
    """After Marketo's 1029 nothing is reserved, and everybody is told when to come back."""
    assert quota.reopens_at() is None
    assert quota.close() == RESET

    assert (quota.remaining(), quota.reopens_at()) == (0, RESET)
    with pytest.raises(ExportQuotaSpent) as caught:
        quota.reserve("2024-03", 1)
    assert caught.value.resets_at == RESET
    with pytest.raises(ExportQuotaSpent):
        quota.check_open()
    clock.move_to(RESET)
    quota.check_open()
    assert quota.remaining() == 1000
