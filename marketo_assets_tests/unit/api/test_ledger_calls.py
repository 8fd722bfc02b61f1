"""Calls are made at the rate, in the number and on the day that the limits allow."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.api import leases
from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.rate_window import RateWindow, Slot
from marketo_assets.clock import ManualClock, ScaledClock
from marketo_assets.settings import Secret, Settings
from marketo_assets_tests.benchmarks.hammer_ledger import most_in_window


def make_ledger(path: Path, clock: ManualClock, **limits: float) -> Ledger:
    return Ledger(path / "ledger.sqlite", Limits(**limits), clock)  # type: ignore[arg-type]  # ints and floats as named


def spend(ledger: Ledger, calls: int = 1) -> None:
    for _ in range(calls):
        with ledger.call(route="/rest/v1/leads.json"):
            pass


def places_taken(ledger: Ledger) -> int:
    with ledger.transaction() as db:
        return int(db.execute("SELECT count(*) FROM lease").fetchone()[0])


def test_the_share_of_the_instance_is_what_may_be_used() -> None:
    """Rate, concurrency, calls and bytes are the instance's, times the share, and at least one."""
    half = Settings("https://x", Secret("a"), Secret("b"), quota_share=0.5)
    tiny = Settings("https://x", Secret("a"), Secret("b"), quota_share=0.001)

    assert Limits(50, 20.0, 5, 25_000, 250_000_000) == Limits.from_settings(half)
    assert Limits(1, 20.0, 1, 50, 500_000) == Limits.from_settings(tiny)


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


def test_a_clock_set_back_does_not_keep_a_day_closed_for_a_month(ledger: Ledger, clock: ManualClock) -> None:
    """A closing further away than any closing lasts is not believed."""
    ledger.close_day()
    ledger.back_off(20)
    clock.move_to(clock.now() - timedelta(days=30))
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


def test_a_scaled_clock_stretches_leases_with_it(tmp_path: Path) -> None:
    """HTTP timeouts are the machine's seconds: at sixty times the speed a place must last sixty times as long."""
    anchor = datetime.now(UTC)
    clock = ScaledClock(anchor, anchor, 60.0)
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    with ledger.call(route="/x", timeout_seconds=60), ledger.transaction() as db:
        seconds = db.execute("SELECT seconds FROM lease").fetchone()[0]
    ledger.shut()

    assert seconds == 105 * 60


def test_a_call_inside_a_transaction_is_a_clear_error(ledger: Ledger) -> None:
    """A caller that would wait for itself is told."""
    with ledger.transaction(), pytest.raises(RuntimeError, match="finish it before making a call"):
        spend(ledger)


def test_what_others_keep_in_the_file_is_rolled_back_with_their_error(ledger: Ledger) -> None:
    """A transaction that fails leaves nothing."""
    with ledger.transaction() as db:
        db.execute("CREATE TABLE kept (id INTEGER)")
    with pytest.raises(ZeroDivisionError), ledger.transaction() as db:
        db.execute("INSERT INTO kept VALUES (?)", (1 // len(db.execute("INSERT INTO kept VALUES (1)").fetchall()),))

    with ledger.transaction() as db:
        assert db.execute("SELECT * FROM kept").fetchall() == []


def test_a_ledger_file_is_not_opened_before_it_is_used(tmp_path: Path) -> None:
    """Building a client touches no disk."""
    LedgerFile(tmp_path / "later" / "ledger.sqlite")

    assert list(tmp_path.iterdir()) == []
