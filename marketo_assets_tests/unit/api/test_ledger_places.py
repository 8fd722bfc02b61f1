"""No more calls are made at once than there are places, and places are handed out in turn."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.api import leases
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock, ScaledClock
from marketo_assets_tests.unit.api.callers import make_ledger, places_taken, spend


def test_a_sixth_caller_waits_until_a_place_is_free(ledger: Ledger, clock: ManualClock) -> None:
    """Five places are all there are; a place whose holder died comes free when its lease expires."""
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(ledger.call(route="/rest/v1/leads.json", timeout_seconds=60))
        began = clock.now()
        with ledger.call(route="/rest/v1/leads.json"):
            waited = (clock.now() - began).total_seconds()

    assert pytest.approx(waited, abs=0.1) == 105.0


def test_a_renewed_place_is_kept(ledger: Ledger, clock: ManualClock) -> None:
    """A long download keeps its place for as long as it says so."""
    with ledger.call(route="/file", timeout_seconds=60) as reservation:
        clock.sleep(100)
        reservation.renew()
        clock.sleep(100)
        with ledger.call(route="/rest/v1/leads.json"):
            taken = places_taken(ledger)

    assert taken == 2
    assert places_taken(ledger) == 0


def test_a_place_lasts_its_full_time_from_the_slot_on(tmp_path: Path, clock: ManualClock) -> None:
    """Waiting for a slot does not use up the time that the call itself may take."""
    ledger = make_ledger(tmp_path, clock, rate_calls=1)
    spend(ledger)
    with ledger.call(route="/rest/v1/leads.json", timeout_seconds=60), ledger.transaction() as db:
        expires_at = db.execute("SELECT expires_at FROM lease").fetchone()[0]
    ledger.shut()

    assert expires_at - clock.now().timestamp() == pytest.approx(105, abs=0.01)


def test_places_are_handed_out_in_turn(ledger: Ledger, clock: ManualClock) -> None:
    """Who comes later does not slip past who waits, unless the one who waits has stopped asking."""
    now = clock.now().timestamp()
    with ledger.transaction() as db:
        first = leases.take(db, now, places=1, route="/a", seconds=60)
        ticket = leases.stand_in_line(db, now, seconds=2, ticket=None)
        leases.give_back(db, first or 0)

        assert leases.take(db, now, places=1, route="/newcomer", seconds=60) is None
        second = leases.take(db, now, places=1, route="/waiting", seconds=60, ticket=ticket)
        assert second is not None
        leases.stand_in_line(db, now, seconds=2, ticket=ticket)
        leases.give_back(db, second)
        assert leases.take(db, now + 1, places=1, route="/newcomer", seconds=60) is None
        assert leases.take(db, now + 2, places=1, route="/newcomer", seconds=60) is not None


def test_a_clock_set_back_does_not_keep_a_dead_place_for_an_hour(ledger: Ledger, clock: ManualClock) -> None:
    """A place taken in a future that is no more lasts as long as one taken now."""
    with ExitStack() as held:
        for _ in range(5):
            held.enter_context(ledger.call(route="/rest/v1/leads.json", timeout_seconds=60))
        clock.move_to(clock.now() - timedelta(hours=1))
        began = clock.now()
        with ledger.call(route="/rest/v1/leads.json"):
            waited = (clock.now() - began).total_seconds()

    assert waited < 130


def test_a_clock_set_back_does_not_keep_everybody_behind_a_dead_ticket(ledger: Ledger, clock: ManualClock) -> None:
    """A place in the line of a future that is no more is given up."""
    with ledger.transaction() as db:
        for _ in range(5):
            leases.stand_in_line(db, clock.now().timestamp(), seconds=2, ticket=None)
    clock.move_to(clock.now() - timedelta(hours=1))
    began = clock.now()

    spend(ledger)

    assert began == clock.now()


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt, SystemExit], ids=lambda kind: kind.__name__)
def test_a_place_is_given_back_whatever_happens(ledger: Ledger, trouble: type[BaseException]) -> None:
    """No exception keeps a place."""
    with pytest.raises(trouble), ledger.call(route="/rest/v1/leads.json"):
        raise trouble

    assert places_taken(ledger) == 0


def test_an_interrupted_wait_gives_its_place_back(tmp_path: Path) -> None:
    """Ctrl-C while waiting for a slot leaves nothing behind."""

    class Interrupted(ManualClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt(seconds)

    ledger = make_ledger(tmp_path, Interrupted(datetime(2026, 1, 14, 12, tzinfo=UTC)), rate_calls=1)
    spend(ledger)
    with pytest.raises(KeyboardInterrupt):
        spend(ledger)

    assert places_taken(ledger) == 0
    ledger.shut()


def test_a_scaled_clock_stretches_leases_with_it(tmp_path: Path) -> None:
    """HTTP timeouts are the machine's seconds: at sixty times the speed a place must last sixty times as long."""
    anchor = datetime.now(UTC)
    clock = ScaledClock(anchor, anchor, 60.0)
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    with ledger.call(route="/x", timeout_seconds=60), ledger.transaction() as db:
        seconds = db.execute("SELECT seconds FROM lease").fetchone()[0]
    ledger.shut()

    assert seconds == 105 * 60
