"""The sandbox's own time: it can run faster than life, stand still and be moved."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

MIDNIGHTS: dict[str, tzinfo] = {
    # Adobe writes both "12:00 AM CST" and "midnight Central Time"; in summer they are an hour apart.
    "America/Chicago": ZoneInfo("America/Chicago"),
    "CST": ZoneInfo("Etc/GMT+6"),
}


class SandboxClock:
    """A clock that reads *start* now and then runs *scale* times as fast as *machine* (seconds since 1970)."""

    def __init__(
        self, start: datetime | None = None, scale: float = 1.0, *, machine: Callable[[], float] = time.time
    ) -> None:
        self._machine = machine
        self._anchor = machine()
        self._moment = start.astimezone(UTC) if start else datetime.fromtimestamp(self._anchor, UTC)
        self._scale = check_scale(scale)
        self._is_moved = start is not None

    @property
    def scale(self) -> float:
        """How many seconds pass here in one second of life; 0 stands still."""
        return self._scale

    def now(self) -> datetime:
        """Return the present moment of the sandbox, aware and in UTC."""
        return self._moment + timedelta(seconds=(self._machine() - self._anchor) * self._scale)

    def move_to(self, moment: datetime) -> None:
        """Set the present moment, later or earlier; the scale stays."""
        self._anchor, self._moment, self._is_moved = self._machine(), moment.astimezone(UTC), True

    def move_by(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self.move_to(self.now() + timedelta(seconds=seconds))

    def set_scale(self, scale: float) -> None:
        """Run *scale* times as fast from now on.

        Raises: ValueError for a negative scale.
        """
        moment = self.now()
        self._scale = check_scale(scale)
        self.move_to(moment)

    def describe(self) -> str | None:
        """Return `anchor/moment/scale` for a client's `MARKETO_CLOCK`, or None while this is the machine's own time."""
        if not self._is_moved and self._scale == 1:
            return None
        return f"{self._anchor!r}/{self._moment.timestamp()!r}/{self._scale!r}"


def check_scale(scale: float) -> float:
    """Return *scale*.

    Raises: ValueError when it is negative or not a number.
    """
    if not 0 <= scale < float("inf"):
        raise ValueError("the time scale is a number of at least 0")
    return scale


def day_of(moment: datetime, midnight: str) -> date:
    """Return the quota day of *moment*, which ends at midnight as *midnight* (a key of MIDNIGHTS) reads it."""
    return moment.astimezone(MIDNIGHTS[midnight]).date()


def day_end(moment: datetime, midnight: str) -> datetime:
    """Return the end of the quota day of *moment*, as `day_of` reads it."""
    zone = MIDNIGHTS[midnight]
    following = day_of(moment, midnight) + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(UTC)


def spell(moment: datetime) -> str:
    """Return *moment* as Marketo writes it: whole seconds, UTC, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
