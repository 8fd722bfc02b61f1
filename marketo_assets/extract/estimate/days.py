"""On which days the exports will run: the rules of the ledger and of the gate, played through beforehand.

A month goes on a day if what may become of it is still free; the first that does not fit ends the day. The day ends
where the ledger ends it, and what it counts on two days counts on two days here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from marketo_assets.clock import quota_day, quota_days, quota_reset
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.pieces import Known, cut, has_room
from marketo_assets.extract.windows import month_window

SLOTS = 2
"""Export jobs that Marketo processes at once."""
_STATUS_SECONDS = 60.0
_PATIENT_AFTER, _PATIENCE, _MOST_PATIENCE = 5, 1.25, 5.0
_DESCRIBE = 1
CALLS_OF_HERE = _DESCRIBE
"""Calls of a month that is here already."""
_CREATE_ENQUEUE = 2
_FILE = 1


@dataclass(frozen=True)
class Pace:
    """How long an export takes at Marketo, and how many are under way."""

    seconds: float = 95.0
    """From the queue to the file, with a place free at once."""
    seconds_per_mb: float = 1.0
    """More of it for each 1,000,000 bytes."""
    at_once: int = 4
    """Runs under way together; more than two wait for each other at Marketo."""
    poll_seconds: float = _STATUS_SECONDS
    """Shortest pause between two status calls."""
    is_measured: bool = False

    def processing(self, file_bytes: float) -> float:
        """Return the seconds that Marketo works on a file."""
        return self.seconds + self.seconds_per_mb * file_bytes / 1e6

    def waiting(self, file_bytes: float) -> float:
        """Return the seconds from enqueueing to the file, with so many others under way."""
        return self.processing(file_bytes) * max(1.0, self.at_once / SLOTS)


@dataclass(frozen=True)
class Allotment:
    """What may be spent."""

    daily_bytes: int
    daily_calls: int
    used_bytes: int = 0
    """Today already, and set aside for exports under way."""
    used_calls: int = 0
    not_before: datetime | None = None
    """Until when exports rest anyway."""


@dataclass(frozen=True)
class Planned:
    """One export, of a month or a piece of it, as it will go."""

    month: str
    day: date
    """The quota day that it is counted on."""
    finished_at: datetime
    file_bytes: float
    calls: int


@dataclass(frozen=True)
class Wanted:
    """One month that is to be exported."""

    month: str
    file_bytes: float
    reserved_bytes: float
    """What is set aside for it before its size is known."""
    is_here: bool = False
    is_empty: bool = False
    filling: Filling | None = None
    """How its bytes lie in its time, where that is known."""


@dataclass(frozen=True)
class Schedule:
    """All of them."""

    exports: tuple[Planned, ...]
    pauses: int
    """How often the quota will be waited for."""
    calls: int
    finished_at: datetime

    @property
    def days(self) -> int:
        """Quota days on which something is exported."""
        return len({planned.day for planned in self.exports})


def play(wanted: Sequence[Wanted], *, now: datetime, allotment: Allotment, pace: Pace) -> Schedule:
    """Return when each of *wanted* will be exported, in their order, if nothing else is spent meanwhile.

    A month that no day has room for goes in pieces, each an export of its own.
    """
    course = _Course(now, allotment, pace)
    for month in wanted:
        if month.is_here:
            course.call(_DESCRIBE)
        elif month.reserved_bytes <= allotment.daily_bytes:
            course.whole(month)
        else:
            course.in_pieces(month)
    return Schedule(tuple(course.done), course.pauses, course.calls, course.at)


def calls_of(month: Wanted, pace: Pace) -> int:
    """Return the calls of one export: describe, create, enqueue, a status now and then, and the file if it has rows."""
    if month.is_here:
        return _DESCRIBE
    file = 0 if month.is_empty else _FILE
    return _DESCRIBE + _CREATE_ENQUEUE + status_calls(pace.waiting(month.file_bytes), pace.poll_seconds) + file


def status_calls(seconds: float, poll_seconds: float = _STATUS_SECONDS) -> int:
    """Return how often a job is asked for until it is seen to be ready, *seconds* after it was queued."""
    passed, polls = 0.0, 0
    while passed < seconds or polls == 0:
        passed += poll_seconds * min(_MOST_PATIENCE, 1.0 if polls < _PATIENT_AFTER else _PATIENCE ** (polls - 4))
        polls += 1
    return polls


class _Course:
    """What was exported so far, when, and what is spent."""

    def __init__(self, now: datetime, allotment: Allotment, pace: Pace) -> None:
        self.at, self.pauses, self.calls, self.done = max(now, allotment.not_before or now), 0, 0, list[Planned]()
        self._allotment, self._pace = allotment, pace
        self._bytes, self._calls = _Account(now, allotment.used_bytes), _Account(now, allotment.used_calls)

    def call(self, calls: int) -> None:
        self.calls += calls
        self._calls.add(self.at, calls)

    def whole(self, month: Wanted) -> None:
        while self._left() < month.reserved_bytes or not self._may_call(month):
            if not self._wait():
                break
        self._export(month, calls_of(month, self._pace))

    def in_pieces(self, month: Wanted) -> None:
        window, describe, daily = month_window(month.month), _DESCRIBE, self._allotment.daily_bytes
        known = Known(window.start)
        while known.until < window.end:
            # The running month goes on to fill while its pieces wait for their days.
            until, filling = min(self.at, window.end), month.filling
            growth = filling.growth(until) if filling else 1.0
            found = cut(
                window,
                known,
                expected=month.reserved_bytes * growth,
                filling=filling.grown(until) if filling else None,
                left=self._left(),
                daily=daily,
                now=self.at,
            )
            if not (has_room(found.file_bytes, self._left(), daily) and self._may_call(month)) and self._wait():
                continue
            likely = month.file_bytes * growth
            likely = likely - known.file_bytes if found.window.end == window.end else likely * found.part
            piece = replace(month, file_bytes=max(0.0, likely), reserved_bytes=found.file_bytes)
            self._export(piece, calls_of(piece, self._pace) - _DESCRIBE + describe)
            known, describe = Known(found.window.end, known.file_bytes + piece.file_bytes), 0

    def _export(self, month: Wanted, calls: int) -> None:
        self.at += timedelta(seconds=self._pace.processing(month.file_bytes) / min(SLOTS, self._pace.at_once))
        self._bytes.add(self.at, month.file_bytes)
        self.call(calls)
        self.done.append(Planned(month.month, quota_day(self.at), self.at, month.file_bytes, calls))

    def _left(self) -> float:
        return self._allotment.daily_bytes - self._bytes.on(self.at)

    def _may_call(self, month: Wanted) -> bool:
        return self._allotment.daily_calls - self._calls.on(self.at) >= calls_of(month, self._pace)

    def _wait(self) -> bool:
        """Let the day pass, and say so; a day on which nothing is spent is as good as any other."""
        if self._bytes.on(self.at) + self._calls.on(self.at) <= 0:
            return False
        # The run that finds too little left has asked for the fields already.
        self.calls += _DESCRIBE
        self.pauses += 1
        self.at = quota_reset(self.at)
        return True


class _Account:
    """What is spent on each quota day, the doubtful hour on both."""

    def __init__(self, now: datetime, spent: float) -> None:
        self._spent: Counter[date] = Counter()
        for day in quota_days(now):
            self._spent[day] = spent  # type: ignore[assignment]  # bytes may be estimates

    def on(self, moment: datetime) -> float:
        return max(self._spent[day] for day in quota_days(moment))

    def add(self, moment: datetime, amount: float) -> None:
        for day in quota_days(moment):
            self._spent[day] += amount  # type: ignore[assignment]
