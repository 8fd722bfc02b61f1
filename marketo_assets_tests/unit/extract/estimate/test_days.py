"""The days of a backfill, played through by the rules of the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketo_assets.extract.estimate.course import play
from marketo_assets.extract.estimate.days import (
    Allotment,
    Pace,
    Schedule,
    Wanted,
    calls_but_status,
    status_calls,
    status_seconds,
)

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
PACE = Pace(at_once=1)


def months(count: int, size: int, reserved: int | None = None) -> list[Wanted]:
    return [Wanted(f"2025-{number:02d}", size, reserved or size) for number in range(count, 0, -1)]


def allotment(**more: object) -> Allotment:
    told = {"daily_bytes": 1000, "daily_calls": 1000, **more}
    return Allotment(**told)  # type: ignore[arg-type]


def test_as_many_go_on_a_day_as_fit() -> None:
    """Twelve months, five to a day, take three days, and two waits for the reset."""
    schedule = play(months(12, 200), now=NOON, allotment=allotment(daily_bytes=1040), pace=PACE)

    assert (3, 2) == (schedule.days, schedule.pauses)
    assert [5, 5, 2] == [
        sum(planned.day == day for planned in schedule.exports)
        for day in (date(2026, 1, 14), date(2026, 1, 15), date(2026, 1, 16))
    ]
    assert datetime(2026, 1, 16, 6, tzinfo=UTC) < schedule.finished_at < datetime(2026, 1, 16, 7, tzinfo=UTC)


def test_what_is_set_aside_decides_and_what_comes_is_counted() -> None:
    """A month goes when the most it may be still fits; its likely size is what is gone afterwards."""
    assert 3 == play(months(12, 200, reserved=201), now=NOON, allotment=allotment(), pace=PACE).days
    assert [4, 4, 4] == days_of(months(12, 200, reserved=201), allotment())


def days_of(wanted: list[Wanted], given: Allotment) -> list[int]:
    schedule = play(wanted, now=NOON, allotment=given, pace=PACE)
    days = [planned.day for planned in schedule.exports]
    return [days.count(day) for day in sorted(set(days))]


def test_the_gate_leaves_room_for_a_larger_one() -> None:
    """A fifth that fits to the byte is not begun: the next may be a tenth larger, so the pool is closed."""
    assert [4, 4, 4] == days_of(months(12, 200), allotment())
    assert [5, 5, 2] == days_of(months(12, 200), allotment(daily_bytes=1020))


def test_what_is_spent_today_is_not_there() -> None:
    """Bytes and calls of the day so far count, those of tomorrow are whole."""
    assert [2, 5, 5] == days_of(months(12, 200), allotment(daily_bytes=1040, used_bytes=600))
    assert [3] == days_of(months(3, 200), allotment(used_calls=999))


def test_calls_end_a_day_too() -> None:
    """Where calls are scarcer than bytes, they decide."""
    assert [2, 2, 1] == days_of(months(5, 1), allotment(daily_calls=12))


def test_a_month_beyond_a_day_comes_in_pieces() -> None:
    """It takes what is left of a day, half at first and then most of it; whoever comes after takes what it leaves."""
    wanted = [*months(1, 100), Wanted("2024-12", 2500, 2500), Wanted("2024-11", 100, 100)]
    schedule = play(wanted, now=NOON, allotment=allotment(), pace=PACE)

    by_day: dict[date, list[tuple[str, int]]] = {}
    for planned in schedule.exports:
        by_day.setdefault(planned.day, []).append((planned.month, round(planned.file_bytes)))
    assert [
        [("2025-01", 100), ("2024-12", 450), ("2024-12", 360)],
        [("2024-12", 800), ("2024-12", 160)],
        [("2024-12", 730), ("2024-11", 100)],
    ] == list(by_day.values())
    assert 2 == schedule.pauses
    # Describing the fields of three months, and of one twice more, as the end of a day ended its run.
    assert 7 * (calls_but_status(wanted[0]) + 2) + 3 + 2 == schedule.calls


def test_months_that_are_here_cost_a_call() -> None:
    """What is landed is looked at, not exported."""
    schedule = play([Wanted("2025-01", 0, 0, is_here=True)], now=NOON, allotment=allotment(), pace=PACE)
    assert (0, 1, 0) == (schedule.days, schedule.calls, schedule.pauses)


def test_exports_rest_while_a_closing_stands() -> None:
    """Nothing is planned before exports may go on."""
    later = datetime(2026, 1, 15, 6, tzinfo=UTC)
    schedule = play(months(1, 1), now=NOON, allotment=allotment(not_before=later), pace=PACE)
    assert date(2026, 1, 15) == schedule.exports[0].day


def test_the_doubtful_hour_counts_on_both_days() -> None:
    """In summer, what is exported between 05:00 and 06:00 UTC is gone on the next day as well."""
    began = datetime(2026, 7, 15, 5, 30, tzinfo=UTC)
    given = allotment(daily_bytes=1040)
    schedule = play(months(10, 200), now=began, allotment=given, pace=Pace(seconds=60, at_once=1))
    assert [5, 5] == [
        sum(planned.day == day for planned in schedule.exports) for day in sorted({p.day for p in schedule.exports})
    ]
    assert date(2026, 7, 16) == schedule.exports[-1].day


@pytest.mark.parametrize(
    ("seconds", "polls"), [(1, 1), (60, 1), (61, 2), (95, 2), (300, 5), (301, 6), (1000, 11)], ids=str
)
def test_status_is_asked_for_every_minute_and_then_less_often(seconds: int, polls: int) -> None:
    """A longer export is asked for less and less often."""
    assert polls == status_calls(seconds)


def test_what_is_ready_is_seen_at_the_next_look() -> None:
    """A job that needs 95 s is seen to be ready after two minutes."""
    assert [60, 120, 300, 375] == [status_seconds(seconds) for seconds in (60, 95, 300, 301)]


def test_an_empty_month_has_no_file() -> None:
    """Create, enqueue and status are all that it costs."""
    full = calls_but_status(Wanted("2025-01", 10, 10))
    assert full - 1 == calls_but_status(Wanted("2025-01", 10, 10, is_empty=True))


def played(wanted: list[Wanted], *, at_once: int, seconds: float = 95.0, **more: object) -> Schedule:
    return play(wanted, now=NOON, allotment=allotment(**more), pace=Pace(at_once=at_once, seconds=seconds))


def test_four_at_once_keep_both_places_busy() -> None:
    """Two are exported while two wait, so the whole takes half of what one at a time takes, but more looks."""
    given = {"daily_bytes": 100_000}
    four, two, one = (played(months(12, 200), at_once=at_once, seconds=600, **given) for at_once in (4, 2, 1))
    assert (four.finished_at - NOON) / (one.finished_at - NOON) == pytest.approx(0.5, abs=0.1)
    assert four.finished_at <= two.finished_at
    assert four.calls > two.calls == one.calls


def test_what_others_set_aside_is_waited_for() -> None:
    """Of what is set aside for four, less comes in the end, so a fifth goes on the same day once they are done."""
    wanted = months(5, 150, reserved=240)
    schedule = played(wanted, at_once=4, recent_bytes=(150, 150))
    assert (1, 0) == (schedule.days, schedule.pauses)
    assert 5 == len(schedule.exports)


def test_a_run_that_meets_the_end_of_the_day_is_counted() -> None:
    """Where the gate expects less than the month needs, a run asks for the fields, fails, and asks again next day."""
    schedule = played([*months(3, 300), Wanted("2024-12", 600, 600)], at_once=1, daily_bytes=1300)
    assert (2, 1) == (schedule.days, schedule.pauses)
    assert 4 * (calls_but_status(Wanted("2024-12", 1, 1)) + 2) + 4 + 1 == schedule.calls
