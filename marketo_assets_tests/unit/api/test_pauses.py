"""What exports wait for is worked out in one place, from the ledger alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from marketo_assets.api.errors import DailyQuotaSpent, ExportQuotaSpent
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import Reason, pauses
from marketo_assets.clock import ManualClock, quota_reset


def reasons(ledger: Ledger, next_bytes: int = 1) -> list[Reason]:
    return [pause.reason for pause in pauses(ledger, next_bytes=next_bytes)]


def test_nothing_spent_is_no_pause(ledger: Ledger) -> None:
    """A new ledger holds nothing back, not even a job larger than the day."""
    assert [] == pauses(ledger, next_bytes=10**12)


def test_too_little_for_another_job_is_a_pause(ledger: Ledger, clock: ManualClock) -> None:
    """What counts is whether the next job fits, not whether a byte is left."""
    ledger.exports.settle("a job", 226_000_000, finished_at=clock.now())

    assert [] == reasons(ledger, 24_000_000)
    (pause,) = pauses(ledger, next_bytes=30_000_000)
    assert ("export quota spent, 24 of 250 MB left", quota_reset(clock.now())) == (pause.text, pause.until)


def test_bytes_set_aside_are_told_apart(ledger: Ledger) -> None:
    """Whoever waits for exports under way can read that they may leave something."""
    ledger.exports.reserve("a job", 240_000_000)

    (pause,) = pauses(ledger, next_bytes=30_000_000)
    assert "export quota spent, 10 of 250 MB left (240 MB set aside for exports under way)" == pause.text
    ledger.exports.release("a job")
    assert [] == reasons(ledger, 30_000_000)


def test_a_job_that_did_not_fit_ends_the_day(ledger: Ledger, clock: ManualClock) -> None:
    """After a refusal the share counts as spent until the reset, or the same job would be tried again and again."""
    ledger.exports.settle("a job", 100_000_000, finished_at=clock.now())
    with pytest.raises(ExportQuotaSpent):
        ledger.exports.reserve("a large job", 200_000_000)

    assert ["export_quota"] == reasons(ledger)
    clock.move_to(quota_reset(clock.now()))
    assert [] == reasons(ledger)


def test_calls_are_kept_for_exports_under_way(tmp_path: Path, clock: ManualClock) -> None:
    """The pause begins before the last call, because jobs under way have to be asked for."""
    ledger = Ledger(tmp_path / "few.sqlite", Limits(daily_calls=20), clock)
    for _ in range(18):
        with ledger.call(route="/a"):
            pass

    assert ["daily calls spent, 2 of 20 left"] == [pause.text for pause in pauses(ledger)]
    ledger.overrule()
    assert [] == reasons(ledger)
    for _ in range(4):
        with ledger.call(route="/a"):
            pass
    ledger.close_day()
    with pytest.raises(DailyQuotaSpent), ledger.call(route="/a"):
        pass
    ledger.shut()


def test_several_pauses_begin_with_the_longest(ledger: Ledger, clock: ManualClock) -> None:
    """An outage of half an hour does not hide that the calls are spent until the reset."""
    outage, reset = ledger.note_outage(1800), ledger.close_day()

    assert [("daily_calls", reset), ("instance", outage)] == [(p.reason, p.until) for p in pauses(ledger)]
    clock.sleep(1800)
    assert ["daily_calls"] == reasons(ledger)


def test_a_closing_from_before_the_clock_was_set_back_does_not_hide_a_new_one(
    ledger: Ledger, clock: ManualClock
) -> None:
    """A moment that is too far away is replaced, not kept because it is later."""
    clock.sleep(10 * 86400)
    ledger.close_day()
    clock.move_to(clock.now() - timedelta(days=10))
    assert [] == reasons(ledger)

    ledger.close_day()
    assert ["daily_calls"] == reasons(ledger)
