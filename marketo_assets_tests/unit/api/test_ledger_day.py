"""No more calls are made in a quota day than this project may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.settings import Secret, Settings
from marketo_assets_tests.unit.api.callers import make_ledger, places_taken, spend


def test_the_share_of_the_instance_is_what_may_be_used() -> None:
    """Rate, concurrency, calls and bytes are the instance's, times the share, and at least one."""
    half = Settings("https://x", Secret("a"), Secret("b"), quota_share=0.5)
    tiny = Settings("https://x", Secret("a"), Secret("b"), quota_share=0.001)

    assert Limits(50, 20.0, 5, 25_000, 250_000_000) == Limits.from_settings(half)
    assert Limits(1, 20.0, 1, 50, 500_000) == Limits.from_settings(tiny)


def test_a_clock_set_back_does_not_keep_a_day_closed_for_a_month(ledger: Ledger, clock: ManualClock) -> None:
    """A closing further away than any closing lasts is not believed."""
    ledger.close_day()
    ledger.back_off(20)
    clock.move_to(clock.now() - timedelta(days=30))
    began = clock.now()

    spend(ledger)

    assert began == clock.now()


def test_a_caller_that_waits_hears_that_the_day_is_spent(tmp_path: Path) -> None:
    """A 607 that comes while another waits for its slot saves that call."""

    class Meanwhile(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            other.close_day()

    clock = Meanwhile(datetime(2026, 1, 14, 12, tzinfo=UTC))
    ledger, other = make_ledger(tmp_path, clock, rate_calls=1), make_ledger(tmp_path, clock)
    spend(ledger)

    with pytest.raises(DailyQuotaSpent):
        spend(ledger)

    assert places_taken(ledger) == 0
    ledger.shut()
    other.shut()


def test_the_share_of_the_day_ends_calls_until_the_reset(tmp_path: Path, clock: ManualClock) -> None:
    """When this project's calls are spent, the error says so and when to come back."""
    ledger = make_ledger(tmp_path, clock, daily_calls=3)
    spend(ledger, 3)

    with pytest.raises(DailyQuotaSpent, match="3 of 3") as caught:
        spend(ledger)

    assert datetime(2026, 1, 15, 6, tzinfo=UTC) == caught.value.resets_at
    assert (ledger.calls_spent(), ledger.calls_remaining()) == (3, 0)
    clock.move_to(datetime(2026, 1, 15, 6, tzinfo=UTC))
    spend(ledger)
    assert (ledger.calls_spent(), ledger.calls_remaining()) == (1, 2)
    ledger.shut()


def test_a_refunded_call_is_given_back_to_the_day(ledger: Ledger) -> None:
    """Answers that Marketo does not count are not counted here."""
    with ledger.call(route="/rest/v1/leads.json") as reservation:
        reservation.refund()

    assert ledger.calls_spent() == 0


def test_calls_are_counted_per_route(ledger: Ledger) -> None:
    """Who spends the day's calls can be told."""
    spend(ledger, 2)
    with ledger.call(route="/bulk/v1/leads/export/create.json"):
        pass

    assert ledger.calls_by_route() == {"/bulk/v1/leads/export/create.json": 1, "/rest/v1/leads.json": 2}


def test_a_day_that_marketo_closed_stays_closed_until_the_reset(ledger: Ledger, clock: ManualClock) -> None:
    """After 607 no process makes a call before 06:00 UTC, however little this project spent."""
    reset = ledger.close_day()

    assert datetime(2026, 1, 15, 6, tzinfo=UTC) == reset
    assert ledger.calls_remaining() == 0
    clock.move_to(reset - timedelta(seconds=1))
    with pytest.raises(DailyQuotaSpent, match="Marketo said") as caught:
        spend(ledger)
    assert reset == caught.value.resets_at
    clock.move_to(reset)
    spend(ledger)


def test_a_refusal_just_after_the_reset_does_not_cost_the_whole_day(ledger: Ledger, clock: ManualClock) -> None:
    """A clock that is seconds ahead of Marketo's hears of the old day: a quarter of an hour later it asks again."""
    clock.move_to(datetime(2026, 1, 15, 6, 0, 5, tzinfo=UTC))

    assert datetime(2026, 1, 15, 6, 15, 5, tzinfo=UTC) == ledger.close_day()


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [
        pytest.param("2026-07-15T04:59:59+00:00", 1, 0, id="summer, the old day in both readings"),
        pytest.param("2026-07-15T05:30:00+00:00", 1, 1, id="summer, both days"),
        pytest.param("2026-07-15T06:00:00+00:00", 0, 1, id="summer, the new day in both readings"),
        pytest.param("2026-01-15T05:30:00+00:00", 1, 0, id="winter, the old day"),
        pytest.param("2026-01-15T06:00:00+00:00", 0, 1, id="winter, the new day"),
    ],
)
def test_a_call_near_the_reset_counts_on_every_day_it_may_belong_to(
    ledger: Ledger, clock: ManualClock, moment: str, before: int, after: int
) -> None:
    """Adobe's two readings of midnight differ in summer; the hour between them counts twice."""
    clock.move_to(datetime.fromisoformat(moment))
    spend(ledger)
    day = datetime.fromisoformat(moment).date()
    with ledger.transaction() as db:
        spent = dict(db.execute("SELECT day, calls FROM spent_calls").fetchall())

    assert (before, after) == (spent.get(str(day - timedelta(days=1)), 0), spent.get(str(day), 0))


def test_in_the_doubtful_hour_the_fuller_day_decides(tmp_path: Path, clock: ManualClock) -> None:
    """A day that is spent in one reading stops calls, although the other has begun."""
    ledger = make_ledger(tmp_path, clock, daily_calls=2)
    clock.move_to(datetime(2026, 7, 15, 4, tzinfo=UTC))
    spend(ledger, 2)
    clock.move_to(datetime(2026, 7, 15, 5, 30, tzinfo=UTC))

    with pytest.raises(DailyQuotaSpent) as caught:
        spend(ledger)

    assert datetime(2026, 7, 15, 6, tzinfo=UTC) == caught.value.resets_at
    ledger.shut()


def test_what_was_spent_is_told_per_day(ledger: Ledger, clock: ManualClock) -> None:
    """Calls and export bytes of each quota day, the newest first."""
    spend(ledger, 2)
    ledger.exports.settle("2024-03", 450, finished_at=clock.now())
    clock.sleep(86400)
    spend(ledger)

    assert ledger.usage_by_day() == [
        {"day": "2026-01-15", "calls": 1, "export_bytes": 0},
        {"day": "2026-01-14", "calls": 2, "export_bytes": 450},
    ]
