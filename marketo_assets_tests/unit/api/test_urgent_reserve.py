"""What cannot wait keeps a reserve of calls, places and rate that no backfill can touch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from marketo_assets.api import leases
from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.settings import load_settings
from marketo_assets_tests.benchmarks.hammer_ledger import most_in_window
from marketo_assets_tests.unit.api.callers import spend

Make = Callable[..., tuple[Ledger, Ledger]]


@pytest.fixture
def make(tmp_path: Path, clock: ManualClock) -> Iterator[Make]:
    """Makes the ledgers of a backfill and of a capture, on one file."""
    with ExitStack() as made:

        def make_both(**limits: float) -> tuple[Ledger, Ledger]:
            path, told = tmp_path / "ledger.sqlite", Limits(**limits)  # type: ignore[arg-type]  # ints and floats as named
            both = Ledger(path, told, clock, is_backfill=True), Ledger(path, told, clock)
            for ledger in both:
                made.callback(ledger.shut)
            return both

        yield make_both


def test_a_backfill_stops_before_the_reserve_of_calls(make: Make) -> None:
    """A backfill ends at nine tenths of the share and says for whom the rest is; a capture goes on to the end."""
    backfill, capture = make(daily_calls=100)
    spend(backfill, 90)

    assert (0, 10) == (backfill.calls_remaining(), capture.calls_remaining())
    with pytest.raises(DailyQuotaSpent, match="90 of 90; 10 more are kept for captures of changes"):
        spend(backfill)
    spend(capture, 10)
    with pytest.raises(DailyQuotaSpent, match="100 of 100"):
        spend(capture)


def test_a_backfill_at_full_speed_does_not_hold_up_a_capture(make: Make, clock: ManualClock) -> None:
    """With the rate window full of a backfill's calls, a capture's next calls go out at once."""
    backfill, capture = make()
    spend(backfill, 45)
    began = clock.now()
    spend(capture, 5)
    assert began == clock.now()
    spend(backfill)
    assert timedelta(seconds=20.5) == clock.now() - began


def test_a_backfill_leaves_a_place_free(make: Make, clock: ManualClock) -> None:
    """However many calls of a backfill are under way, one more place is there for a capture."""
    backfill, capture = make(concurrency=5)
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(backfill.call(route="/status"))
        began = clock.now()
        spend(capture)
        assert began == clock.now()
        spend(backfill)
    assert clock.now() > began


def test_a_capture_passes_backfills_in_line(make: Make, clock: ManualClock) -> None:
    """Whoever can wait lets a capture go first, although it came later."""
    backfill, capture = make(concurrency=2)
    now = clock.now().timestamp()
    with backfill.transaction() as db:
        held = [leases.take(db, now, places=2, route="/a", seconds=60) for _ in range(2)]
        patient = leases.stand_in_line(db, now, seconds=2, ticket=None, can_wait=True)
        urgent = leases.stand_in_line(db, now, seconds=2, ticket=None)
        leases.give_back(db, held[0] or 0)
        assert leases.take(db, now, places=2, route="/backfill", seconds=60, ticket=patient, can_wait=True) is None
        assert leases.take(db, now, places=2, route="/capture", seconds=60, ticket=urgent) is not None
        leases.give_back(db, held[1] or 0)
        assert leases.take(db, now, places=2, route="/backfill", seconds=60, ticket=patient, can_wait=True)
    assert 0 == capture.calls_spent()


@pytest.mark.parametrize("seed", range(5))
def test_both_together_never_break_the_rate(make: Make, clock: ManualClock, seed: int) -> None:
    """In whatever order backfill and capture call, no window holds more calls than the instance allows us."""
    print(f"seed {seed}")
    rng, both, moments = random.Random(seed), make(rate_calls=12, reserve=0.25), []
    for _ in range(200):
        ledger = rng.choice(both)
        with ledger.call(route="/a"):
            moments.append(clock.now().timestamp())
        clock.sleep(rng.choice([0, 0, 0, 0.5, 7]))

    assert most_in_window(sorted(moments), 20.0) <= 12


@pytest.mark.parametrize(
    ("whole", "reserve", "kept"),
    [(50, 0.1, 5), (5, 0.1, 1), (1, 0.1, 0), (50, 0.0, 0)],
    ids=["a tenth", "at least one", "nothing of one", "none wanted"],
)
def test_how_much_is_kept(whole: int, reserve: float, kept: int) -> None:
    """The reserve is a part of what there is; where there is but one, a backfill may have it."""
    limits = Limits(rate_calls=whole, concurrency=whole, reserve=reserve)

    assert (kept, kept) == (limits.kept_rate, limits.kept_places)


def test_the_reserve_is_a_setting() -> None:
    """MARKETO_URGENT_RESERVE reaches the limits."""
    settings = load_settings({"MARKETO_URGENT_RESERVE": "0.2"}, is_local=True)

    assert (5_000, 10, 1) == (lambda it: (it.kept_calls, it.kept_rate, it.kept_places))(Limits.from_settings(settings))
