"""On which days the exports will run: the rules of the ledger, the gate and Marketo's queue, played through beforehand.

Some runs are under way at once, and Marketo works on two exports. A month begins if the gate sees room for one more of
the usual size, and what it may become is still free; where it is not, the day is over for exports. The day ends where
the ledger ends it, and what that counts on two days counts on two days here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import heappop, heappush

from marketo_assets.clock import quota_day, quota_days, quota_reset
from marketo_assets.extract.estimate.days import (
    CALLS_OF_HERE,
    SLOTS,
    Allotment,
    Pace,
    Planned,
    Schedule,
    Wanted,
    calls_but_status,
    status_calls,
    status_seconds,
)
from marketo_assets.extract.export_sizes import least_of, usual_of
from marketo_assets.extract.pieces import Known, cut
from marketo_assets.extract.windows import Window, month_window

_LEAST_CALLS = 100
_DESCRIBE = 1


def play(wanted: Sequence[Wanted], *, now: datetime, allotment: Allotment, pace: Pace) -> Schedule:
    """Return when each of *wanted* will be exported, begun in their order, if nothing else is spent meanwhile.

    A month that no day has room for goes in pieces, each an export of its own.
    """
    course = _Course(wanted, now, allotment, pace)
    course.play()
    done = sorted(course.done, key=lambda planned: planned.finished_at)
    return Schedule(tuple(done), course.pauses, course.calls, course.at)


@dataclass(eq=False)
class _Run:
    """One month under way, or waiting for its turn."""

    month: Wanted
    known: Known
    """What of it is here."""
    calls: int = 0
    """Made since its last export."""


@dataclass(frozen=True)
class _Next:
    """What a run exports next."""

    end: datetime
    needed: float
    """Bytes that are set aside for it."""
    likely: float


class _Course:
    """What was exported so far, when, and what is spent."""

    def __init__(self, wanted: Sequence[Wanted], now: datetime, allotment: Allotment, pace: Pace) -> None:
        self.at, self.pauses, self.calls, self.done = max(now, allotment.not_before or now), 0, 0, list[Planned]()
        self._allotment, self._pace, self._daily = allotment, pace, allotment.daily_bytes
        self._waiting = deque(_Run(month, Known(month_window(month.month).start)) for month in wanted)
        self._under_way = 0
        self._set_aside: dict[_Run, float] = {}
        self._sizes = list(allotment.recent_bytes)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._event, self._closed_until = 0, self.at
        self._free_at = [self.at] * SLOTS
        self._bytes, self._calls = _Account(now, allotment.used_bytes), _Account(now, allotment.used_calls)

    def play(self) -> None:
        self._begin_what_may()
        while self._events or self._waiting:
            if self._events:
                at, _, happens = heappop(self._events)
                self.at = max(self.at, at)
                happens()
            elif self.at >= self._closed_until and not self._is_touched():
                # A day on which nothing is spent is as good as any other.
                self._begin()
            else:
                self._close()
                self.at = self._closed_until
            self._begin_what_may()

    def _begin_what_may(self) -> None:
        while self._waiting and self.at >= self._closed_until and self._under_way < self._places():
            self._begin()

    def _begin(self) -> None:
        run = self._waiting.popleft()
        self._spend_calls(run, CALLS_OF_HERE)
        if not run.month.is_here:
            self._under_way += 1
            self._ask(run, self._next(run))

    def _places(self) -> int:
        """Return how many runs the gate lets be under way."""
        if self._calls_left() <= min(_LEAST_CALLS, self._allotment.daily_calls // 10):
            return 0
        month = self._waiting[0].month
        told = least_of(round(month.reserved_bytes), self._daily) if month.is_foreseen else 0
        room = len(self._set_aside) + int(self._left() // (told or usual_of(self._sizes, self._daily)))
        return min(self._pace.at_once, room)

    def _ask(self, run: _Run, asked: _Next) -> None:
        """Let *run* export what is *asked*, wait for bytes that others set aside, or end the day."""
        unspent, needed = self._daily - self._bytes.on(self.at), min(asked.needed, self._daily)
        if self._is_touched() and (unspent < needed or self._calls_left() < self._calls_for(asked, run)):
            self._under_way -= 1
            self._waiting.appendleft(run)
            self._close()
        elif needed <= self._left() or not self._is_touched():
            self._export(run, asked)
        else:
            self._later(self.at + timedelta(seconds=self._pace.poll_seconds), lambda: self._ask(run, asked))

    def _export(self, run: _Run, asked: _Next) -> None:
        self._set_aside[run] = asked.needed
        place = self._free_at.index(min(self._free_at))
        begins = max(self.at + timedelta(seconds=self._pace.queue_seconds), self._free_at[place])
        worked = self._pace.processing(asked.likely) - self._pace.queue_seconds
        ends = begins + timedelta(seconds=worked)
        self._free_at[place] = ends
        passed = (ends - self.at).total_seconds()
        self._spend_calls(run, calls_but_status(run.month) + status_calls(passed, self._pace.poll_seconds))
        seen_at = self.at + timedelta(seconds=status_seconds(passed, self._pace.poll_seconds))
        self._later(seen_at, lambda: self._settle(run, asked, ends))

    def _settle(self, run: _Run, asked: _Next, ended: datetime) -> None:
        del self._set_aside[run]
        self._bytes.add(ended, asked.likely)
        self.done.append(Planned(run.month.month, quota_day(ended), ended, asked.likely, run.calls))
        run.known, run.calls = Known(asked.end, run.known.file_bytes + asked.likely), 0
        if asked.end < month_window(run.month.month).end:
            self._ask(run, self._next(run))
        else:
            self._under_way -= 1
            self._sizes.insert(0, round(run.known.file_bytes))

    def _next(self, run: _Run) -> _Next:
        month, window = run.month, month_window(run.month.month)
        if month.reserved_bytes <= self._daily:
            return _Next(window.end, month.reserved_bytes, month.file_bytes)
        return self._piece(run, window)

    def _piece(self, run: _Run, window: Window) -> _Next:
        month, until = run.month, min(self.at, window.end)
        # The running month goes on to fill while its pieces wait for their days.
        growth = month.filling.growth(until) if month.filling else 1.0
        found = cut(
            window,
            run.known,
            expected=month.reserved_bytes * growth,
            filling=month.filling.grown(until) if month.filling else None,
            left=max(0.0, self._left()),
            daily=self._daily,
            now=self.at,
        )
        whole, is_last = month.file_bytes * growth, found.window.end == window.end
        likely = whole - run.known.file_bytes if is_last else whole * found.part
        return _Next(found.window.end, found.file_bytes, max(0.0, likely))

    def _close(self) -> None:
        """Let the day be over for exports."""
        if self._closed_until <= self.at:
            self.pauses += 1
            self._closed_until = quota_reset(self.at)

    def _left(self) -> float:
        return self._daily - self._bytes.on(self.at) - sum(self._set_aside.values())

    def _calls_left(self) -> float:
        return self._allotment.daily_calls - self._calls.on(self.at)

    def _calls_for(self, asked: _Next, run: _Run) -> int:
        passed = self._pace.processing(asked.likely)
        return calls_but_status(run.month) + status_calls(passed, self._pace.poll_seconds)

    def _is_touched(self) -> bool:
        """Say whether something is spent of the day, or about to be."""
        return bool(self._bytes.on(self.at) > 0 or self._calls.on(self.at) > _DESCRIBE or self._set_aside)

    def _spend_calls(self, run: _Run, calls: int) -> None:
        run.calls += calls
        self.calls += calls
        self._calls.add(self.at, calls)

    def _later(self, at: datetime, happens: Callable[[], None]) -> None:
        self._event += 1
        heappush(self._events, (at, self._event, happens))


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
