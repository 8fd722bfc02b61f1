"""What time it is, for everything that waits, expires or belongs to a quota day.

Whatever deals with Marketo's time is given a clock, so that tests move time by hand and a sandbox that runs
faster than life carries its client along. Only waiting for a file lock is real, because other processes are.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")


class Clock(Protocol):
    """A source of time that can also wait."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return when *seconds* of this clock have passed."""


@dataclass(frozen=True)
class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Return when *seconds* have passed."""
        if seconds > 0:
            time.sleep(seconds)


@dataclass(frozen=True)
class ScaledClock:
    """A clock that read *moment* when the machine's read *anchor*, and runs *scale* times as fast.

    A sandbox started with a time scale prints the text that `parse_clock` turns into this, so its
    clients count rate windows, status pauses and quota days in the sandbox's time.
    """

    anchor: datetime
    moment: datetime
    scale: float

    def now(self) -> datetime:
        """Return the scaled present moment, aware and in UTC."""
        return self.moment + (datetime.now(UTC) - self.anchor) * self.scale

    def sleep(self, seconds: float) -> None:
        """Return when *seconds* of scaled time have passed."""
        if seconds > 0:
            time.sleep(seconds / self.scale)


class ManualClock:
    """A clock for tests: it stands still until someone sleeps on it or moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._guard = threading.Lock()

    def now(self) -> datetime:
        """Return the moment the clock was last moved to."""
        with self._guard:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Return at once, with the clock moved on by *seconds*."""
        with self._guard:
            self._now += timedelta(seconds=max(seconds, 0))

    def move_to(self, moment: datetime) -> None:
        """Set the clock to *moment*, forwards or backwards."""
        with self._guard:
            self._now = moment


def parse_clock(text: str | None) -> Clock:
    """Return the clock that *text* describes: empty for the machine's own, else `anchor/moment/scale`.

    The first two parts are seconds since 1970 (the machine's, and the scaled clock's at that instant).

    Raises: ValueError when *text* has another form.
    """
    if not text:
        return SystemClock()
    anchor, moment, scale = (float(part) for part in text.split("/"))
    if scale <= 0:
        raise ValueError("the scale must be above zero")
    return ScaledClock(datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(moment, UTC), scale)


def quota_day(moment: datetime) -> date:
    """Return the quota day that *moment* surely belongs to: a day that begins at 06:00 UTC.

    Adobe says both "12:00 AM CST" and "midnight Central Time", which differ by an hour in summer.
    06:00 UTC is midnight in the reading that comes later, so a quota is never believed reset too soon.
    """
    return (moment.astimezone(UTC) - timedelta(hours=6)).date()


def quota_days(moment: datetime) -> tuple[date, ...]:
    """Return every quota day that spending at *moment* may be counted on, the earlier first.

    In daylight time the hour from 05:00 to 06:00 UTC is the old day in one reading of Adobe's words and
    the new day in the other, so spending in that hour counts on both.
    """
    standard = quota_day(moment)
    wall = moment.astimezone(CENTRAL).date()
    return (standard,) if wall == standard else (standard, wall)


def quota_reset(moment: datetime) -> datetime:
    """Return the next moment at which the quotas have surely been reset, in UTC."""
    return datetime.combine(quota_day(moment) + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=6)
