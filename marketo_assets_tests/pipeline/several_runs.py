"""Several runs at once in this process, as Dagster's queue and the gate of the export pool let them, in no time.

Each is a thread, of which one works at a time; the clock moves on when all of them wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush

from marketo_assets.api.errors import DailyQuotaSpent, ExportQuotaSpent
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import pauses
from marketo_assets.clock import ManualClock
from marketo_assets.extract.estimate.next_export import next_bytes
from marketo_assets.land.manifest import LandedFile
from marketo_assets_tests.pipeline.road import Road

TICK_SECONDS = 15.0
_STUCK_SECONDS = 120.0


class SharedClock(ManualClock):
    """A clock for threads that take turns: whoever sleeps lets the one go on that is to wake first."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._turn = threading.Condition()
        self._asleep: list[tuple[datetime, int]] = []
        self._number, self._awake = 0, 0

    def sleep(self, seconds: float) -> None:
        """Return when it is this thread's turn and *seconds* have passed."""
        with self._turn:
            mine = self._lie_down(self.now() + timedelta(seconds=max(seconds, 0)))
            self._wake_next()
            self._await(mine)

    def run(self, *works: Callable[[], None]) -> None:
        """Return when each of *works* is done, by a thread of its own. Raises what one of them raised."""
        failed: list[BaseException] = []

        def take_turns(mine: int, work: Callable[[], None]) -> None:
            with self._turn:
                self._await(mine)
            try:
                work()
            except BaseException as error:  # raised again by whoever started the threads
                failed.append(error)
            with self._turn:
                self._wake_next()

        with self._turn:
            threads = [threading.Thread(target=take_turns, args=(self._lie_down(self.now()), work)) for work in works]
            for thread in threads:
                thread.start()
            self._wake_next()
        for thread in threads:
            thread.join(_STUCK_SECONDS)
            assert not thread.is_alive(), "a run is stuck"
        if failed:
            raise failed[0]

    def _lie_down(self, until: datetime) -> int:
        self._number += 1
        heappush(self._asleep, (until, self._number))
        return self._number

    def _wake_next(self) -> None:
        if self._asleep:
            until, self._awake = heappop(self._asleep)
            self.move_to(max(until, self.now()))
            self._turn.notify_all()

    def _await(self, mine: int) -> None:
        assert self._turn.wait_for(lambda: self._awake == mine, _STUCK_SECONDS), "a run is stuck"


@dataclass
class Backfill:
    """Months that are exported, the newest first, as many *at_once* as the gate lets."""

    road: Road
    months: Sequence[str]
    at_once: int
    land: Callable[[Road, str], LandedFile] = Road.land
    landed: list[LandedFile] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """What runs said that met the end of a quota."""
    most_under_way: int = 0

    def run(self) -> None:
        """Leave all months landed, each day's quota waited for."""
        clock = self.road.settings.clock
        assert isinstance(clock, SharedClock)
        self._waiting, self._under_way = sorted(self.months), 0
        clock.run(*[self._work] * self.at_once)

    def _work(self) -> None:
        settings = self.road.settings
        ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock)
        try:
            while self._waiting or self._under_way:
                if not self._waiting or self._under_way >= self._places(ledger):
                    settings.clock.sleep(self._seconds_to_wait(ledger))
                else:
                    self._begin(self._waiting.pop())
        finally:
            ledger.shut()

    def _begin(self, month: str) -> None:
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            self.landed.append(self.land(self.road, month))
        except (ExportQuotaSpent, DailyQuotaSpent) as spent:
            self.refusals.append(f"{month}: {spent}")
            self._waiting.append(month)
        self._under_way -= 1

    def _places(self, ledger: Ledger) -> int:
        needed = next_bytes(ledger)
        return 0 if pauses(ledger, next_bytes=needed) else min(self.at_once, ledger.exports.places(needed))

    def _seconds_to_wait(self, ledger: Ledger) -> float:
        rests = pauses(ledger, next_bytes=next_bytes(ledger))
        if self._under_way or not rests:
            return TICK_SECONDS
        return (rests[0].until - ledger.clock.now()).total_seconds()
