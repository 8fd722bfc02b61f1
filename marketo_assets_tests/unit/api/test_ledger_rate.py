"""Calls are made no faster than the rate allows, by however many callers."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.api.limits import Ledger
from marketo_assets.api.rate_window import RateWindow, Slot
from marketo_assets.clock import ManualClock
from marketo_assets_tests.benchmarks.hammer_ledger import most_in_window
from marketo_assets_tests.unit.api.callers import make_ledger, spend


def test_calls_within_the_rate_do_not_wait(ledger: Ledger, clock: ManualClock) -> None:
    """Fifty calls go out at once."""
    began = clock.now()

    spend(ledger, 50)

    assert began == clock.now()


def test_the_call_after_a_full_window_waits_a_little_more_than_the_window(ledger: Ledger, clock: ManualClock) -> None:
    """The stretch of a fortieth keeps calls that drift by milliseconds out of the window before."""
    began = clock.now()

    spend(ledger, 51)

    assert timedelta(seconds=20.5) == clock.now() - began


@given(
    steps=st.lists(st.tuples(st.floats(0, 30) | st.just(0.0), st.booleans()), min_size=1, max_size=80),
    calls=st.integers(1, 7),
    window=st.floats(0.5, 25),
)
@settings(deadline=None, max_examples=60)
def test_no_sequence_of_calls_breaks_the_rate(steps: list[tuple[float, bool]], calls: int, window: float) -> None:
    """Whenever callers come, and whoever wakes late and asks anew, no window holds more slots than it may."""
    database, rate = _memory(), RateWindow(calls, window, waiting=len(steps))
    slots: list[Slot] = []
    now = 1_768_392_000.0
    for pause, is_late in steps:
        now += pause
        late = next((slot for slot in slots if slot.at > now - window), None) if is_late else None
        slots = [slot for slot in slots if slot != late]
        slots.append(rate.reserve(database, now, instead_of=late))

    assert [slot.at for slot in slots] == sorted(slot.at for slot in slots)
    assert most_in_window([slot.at for slot in slots], window * 0.999) <= calls


def _memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE call_slot (id INTEGER PRIMARY KEY, at REAL NOT NULL)")
    return database


def test_a_caller_that_wakes_late_takes_a_new_slot(tmp_path: Path) -> None:
    """A machine that slept through a slot does not crowd the calls of the window it wakes in."""

    class Oversleeper(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds + 7)

    clock = Oversleeper(datetime(2026, 1, 14, 12, tzinfo=UTC))
    ledger = make_ledger(tmp_path, clock, rate_calls=1, rate_seconds=20.0)
    began = clock.now()

    spend(ledger, 2)

    with ledger.transaction() as db:
        slots = [at - began.timestamp() for (at,) in db.execute("SELECT at FROM call_slot ORDER BY at")]
    ledger.shut()
    assert pytest.approx(slots) == [0.0, 27.5]


def test_a_clock_set_back_does_not_stop_calls_for_an_hour(ledger: Ledger, clock: ManualClock) -> None:
    """Slots of a future that is no more count as made just now."""
    spend(ledger, 50)
    clock.move_to(clock.now() - timedelta(hours=1))
    began = clock.now()

    spend(ledger)

    assert timedelta(seconds=20.5) == clock.now() - began


def test_everybody_backs_off_when_marketo_says_so(tmp_path: Path, clock: ManualClock) -> None:
    """What one process learnt from 606 holds for another that opens the same file."""
    one, other = make_ledger(tmp_path, clock), make_ledger(tmp_path, clock)
    one.back_off(20)
    began = clock.now()

    spend(other)

    assert timedelta(seconds=20) == clock.now() - began
    one.shut()
    other.shut()


def test_a_caller_that_waits_already_backs_off_too(tmp_path: Path) -> None:
    """A 606 that comes while another waits for its slot moves that slot."""

    class Meanwhile(ManualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if not learnt:
                learnt.append(True)
                other.back_off(30)

    learnt: list[bool] = []
    clock = Meanwhile(datetime(2026, 1, 14, 12, tzinfo=UTC))
    ledger, other = make_ledger(tmp_path, clock, rate_calls=1), make_ledger(tmp_path, clock)
    spend(ledger)
    began = clock.now()

    spend(ledger)

    assert timedelta(seconds=20.5 + 30) == clock.now() - began
    ledger.shut()
    other.shut()
