"""Clocks that are passed in, and which quota day it is."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.clock import (
    CENTRAL,
    ManualClock,
    ScaledClock,
    SystemClock,
    parse_clock,
    quota_day,
    quota_days,
    quota_reset,
)

ANY_MOMENT = st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # given UTC
REPEATABLE = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAYS = {
    "winter, before": ("2026-01-15T05:59:59", ["2026-01-14"], "2026-01-15T06:00:00"),
    "winter, after": ("2026-01-15T06:00:00", ["2026-01-15"], "2026-01-16T06:00:00"),
    "summer, before both": ("2026-07-15T04:59:59", ["2026-07-14"], "2026-07-15T06:00:00"),
    "summer, between the readings": ("2026-07-15T05:00:00", ["2026-07-14", "2026-07-15"], "2026-07-15T06:00:00"),
    "summer, after both": ("2026-07-15T06:00:00", ["2026-07-15"], "2026-07-16T06:00:00"),
    "the night to daylight time": ("2026-03-08T05:30:00", ["2026-03-07"], "2026-03-08T06:00:00"),
    "the first daylight midnight": ("2026-03-09T05:30:00", ["2026-03-08", "2026-03-09"], "2026-03-09T06:00:00"),
    "the night back": ("2026-11-01T05:30:00", ["2026-10-31", "2026-11-01"], "2026-11-01T06:00:00"),
    "the first winter midnight": ("2026-11-02T05:30:00", ["2026-11-01"], "2026-11-02T06:00:00"),
}


@pytest.mark.parametrize(("moment", "days", "reset"), DAYS.values(), ids=DAYS.keys())
def test_the_quota_day(moment: str, days: list[str], reset: str) -> None:
    """A day begins at 06:00 UTC; in daylight time the hour before belongs to both days, since Adobe says both."""
    assert [date.fromisoformat(day) for day in days] == list(quota_days(at(moment)))
    assert date.fromisoformat(days[0]) == quota_day(at(moment))
    assert at(reset) == quota_reset(at(moment))


@REPEATABLE
@given(ANY_MOMENT)
def test_no_reading_of_midnight_is_believed_too_soon(moment: datetime) -> None:
    """When we say that a quota was reset it was, by either reading; what is spent counts on the day of each."""
    by_wall, by_standard = moment.astimezone(CENTRAL).date(), moment.astimezone(timezone(timedelta(hours=-6))).date()

    assert {by_wall, by_standard} == set(quota_days(moment))
    assert quota_day(moment) == min(by_wall, by_standard)
    assert timedelta(0) < quota_reset(moment) - moment <= timedelta(days=1)
    assert quota_day(quota_reset(moment)) == quota_day(moment) + timedelta(days=1)


def test_other_zones_are_the_same_moment() -> None:
    """A moment told in another zone belongs to the same quota day."""
    moment = datetime(2026, 1, 15, 14, 30, tzinfo=timezone(timedelta(hours=9)))

    assert date(2026, 1, 14) == quota_day(moment)


def test_a_clock_moved_by_hand() -> None:
    """It stands still, passes as much time as somebody sleeps, at once, and goes where it is moved."""
    clock = ManualClock(at("2026-01-01T00:00:00"))
    began = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-5)

    assert at("2026-01-01T01:00:00") == clock.now()
    clock.move_to(at("2020-01-01T00:00:00"))
    assert at("2020-01-01T00:00:00") == clock.now()
    assert time.monotonic() - began < 1


def test_a_scaled_clock() -> None:
    """A clock a million times as fast as life passes hours in milliseconds, from the moment it was set to."""
    moment = at("2030-01-01T00:00:00")
    clock = ScaledClock(datetime.now(UTC), moment, 1_000_000.0)
    began = time.monotonic()
    clock.sleep(3600)
    clock.sleep(-1)

    assert timedelta(hours=1) <= clock.now() - moment <= timedelta(days=30)
    assert time.monotonic() - began < 1


def test_the_machines_clock() -> None:
    """The machine's clock is aware and in UTC, and sleeping no time returns at once."""
    before = datetime.now(UTC)
    clock = SystemClock()
    clock.sleep(0)
    clock.sleep(-1)

    assert before <= clock.now() <= datetime.now(UTC)
    assert UTC == clock.now().tzinfo


@pytest.mark.parametrize("text", [None, ""])
def test_no_text_is_the_machines_clock(text: str | None) -> None:
    """Without a text the clock is the machine's."""
    assert SystemClock() == parse_clock(text)


@pytest.mark.parametrize("text", ["noon", "1", "1/2", "1/2/3/4", "1/2/0", "1/2/-1", "a/b/c"])
def test_texts_that_are_no_clock(text: str) -> None:
    """A text of another form, or a clock that would stand still or run backwards, is refused."""
    with pytest.raises(ValueError, match=r"scale|float|unpack"):
        parse_clock(text)
