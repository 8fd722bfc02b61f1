"""The days of a backfill, played through by the rules of the ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from marketo_assets.extract.estimate.days import Allotment, Pace, Wanted, calls_of, play, status_calls

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
PACE = Pace(at_once=1)


def months(count: int, size: int, reserved: int | None = None) -> list[Wanted]:
    return [Wanted(f"2025-{number:02d}", size, reserved or size) for number in range(count, 0, -1)]


def allotment(**more: object) -> Allotment:
    told = {"daily_bytes": 1000, "daily_calls": 1000, **more}
    return Allotment(**told)  # type: ignore[arg-type]


def test_as_many_go_on_a_day_as_fit() -> None:
    """Twelve months, five to a day, take three days, and two waits for the reset."""
    schedule = play(months(12, 200), now=NOON, allotment=allotment(), pace=PACE)

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


def test_what_is_spent_today_is_not_there() -> None:
    """Bytes and calls of the day so far count, those of tomorrow are whole."""
    assert [2, 5, 5] == days_of(months(12, 200), allotment(used_bytes=600))
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
    one = calls_of(Wanted("2024-12", 500, 500), PACE)
    assert 2 * one + 5 * (one - 1) + 1 + 2 == schedule.calls


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
    schedule = play(months(10, 200), now=began, allotment=allotment(), pace=Pace(seconds=60, at_once=1))
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


def test_an_empty_month_has_no_file() -> None:
    """Describe, create, enqueue and status are all that it costs."""
    full = calls_of(Wanted("2025-01", 10, 10), PACE)
    assert full - 1 == calls_of(Wanted("2025-01", 10, 10, is_empty=True), PACE)
