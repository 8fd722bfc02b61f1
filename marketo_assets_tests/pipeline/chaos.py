"""A backfill in bad weather: months are exported one by one, beside them leads change and are captured, runs die."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from marketo_assets.api.errors import MarketoError, WaitForReset
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import pauses
from marketo_assets.clock import ManualClock
from marketo_assets.extract.bulk import ExportError
from marketo_assets.extract.export_jobs import (
    PARTIAL_KEPT,
    UNFETCHED_PARTIAL_KEPT,
    RecordedJob,
    recorded_jobs,
)
from marketo_assets.extract.export_sizes import usual_bytes
from marketo_assets.extract.windows import month_window
from marketo_assets.land.manifest import LandingError
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Cut, Dying, Killed, Storm

MOST_RUNS = 40
"""Runs that a month may take in the worst weather."""
MOST_BESIDE = 12
"""Things that may happen beside the runs of one backfill, or it would never be over."""
HARMED = ("job_failed", "job_lost", "job_cancelled", "file_lost")
"""After these, and only these, Marketo has to be paid for the same request again."""
EXPECTED = (MarketoError, ExportError, LandingError)
"""What a run may fail with in bad weather; anything else is a mistake of ours."""


class BusyClock(ManualClock):
    """A clock on which other things happen while somebody waits."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self.beside: Callable[[], None] | None = None

    def sleep(self, seconds: float) -> None:
        """Let something else happen, and then the seconds pass."""
        beside, self.beside = self.beside, None
        try:
            if beside and seconds > 0:
                beside()
        finally:
            self.beside = beside
        super().sleep(seconds)


@dataclass
class Backfill:
    """All months of an instance in the weather of *seed*, newest first, each run again until it is done."""

    road: Road
    seed: int
    storm: Storm
    runs: Counter[str] = field(default_factory=Counter)
    """How runs ended."""

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.left_beside = MOST_BESIDE

    def go(self) -> None:
        """Return when every month is loaded."""
        for month in reversed(self.storm.months):
            for _ in range(MOST_RUNS):
                self._wait_for_the_gate()
                if self._run(month):
                    break
            else:
                raise AssertionError(f"{month} was not done after {MOST_RUNS} runs")

    def end(self) -> None:
        """Let what is late come, and changes be captured for the last time."""
        self._wait_for_the_gate()
        self.storm.calm_down()

    def _run(self, month: str) -> bool:
        """Return whether a run took *month* all the way; otherwise it was killed, paused or failed."""
        try:
            with self._busy(), self._mortal() as road:
                landed = road.land(month)
                if self.rng.random() < 0.1:
                    raise Killed
                self.storm.landed.append(landed)
                self.storm.load_file(landed)
                if self.rng.random() < 0.3:
                    road.publish()
        except Killed:
            return self._ended("killed", month)
        except WaitForReset as error:
            return self._ended("paused", month, error)
        except EXPECTED as error:
            # Nobody runs it again at once, and nobody waits for longer than half an hour.
            self.road.settings.clock.sleep(min(60 * 2 ** self.runs["failed"], 1800))
            return self._ended("failed", month, error)
        return not self._ended("done", month)

    def _ended(self, how: str, month: str, error: Exception | None = None) -> bool:
        self.runs[how] += 1
        self.storm.told.append(f"{self.storm.now} {month} {how}: {type(error).__name__} {error}")
        return False

    @contextlib.contextmanager
    def _mortal(self) -> Iterator[Road]:
        """Give the road of a process that may die of any of its calls, or of a commit."""
        assert self.road.transport
        road, dying = self.road, self.road.kept
        if self.rng.random() < 0.25:
            road = replace(road, transport=Cut(self.road.transport, self.rng.randint(0, 9)))
        elif isinstance(dying, Dying) and self.rng.random() < 0.15:
            dying.left = self.rng.randint(0, 1)
        try:
            yield road
        finally:
            if isinstance(dying, Dying):
                dying.left = float("inf")

    @contextlib.contextmanager
    def _busy(self) -> Iterator[None]:
        clock = self.road.settings.clock
        assert isinstance(clock, BusyClock)
        clock.beside = self._beside
        try:
            yield
        finally:
            clock.beside = None

    def _beside(self) -> None:
        if not self.left_beside or self.rng.random() > 0.35:
            return
        self.left_beside -= 1
        self.rng.choice([self._happen, self._capture, self._capture, self.storm.die_of_call])()

    def _happen(self) -> None:
        for _ in range(self.rng.randint(1, 3)):
            self.road.desk("POST", "/changes", changes=[self.storm.change()])
        self.storm.ids = [lead["id"] for lead in self.road.desk("GET", "/leads")["leads"]]

    def _capture(self) -> None:
        try:
            self.storm.capture()
            self.runs["captured"] += 1
        except EXPECTED as error:
            self.runs["not captured"] += 1
            self.storm.told.append(f"{self.storm.now} not captured: {type(error).__name__} {error}")

    def _wait_for_the_gate(self) -> None:
        """Wait as runs in the queue do, while the pool is closed."""
        clock = self.road.settings.clock
        assert isinstance(clock, BusyClock)
        with opened(self.road) as ledger:
            while found := pauses(ledger, next_bytes=usual_bytes(ledger)):
                self.runs[f"gate closed: {found[0].reason}"] += 1
                clock.move_to(max(found[0].until, clock.now() + timedelta(seconds=15)))


@contextlib.contextmanager
def opened(road: Road) -> Iterator[Ledger]:
    """Give the ledger of the data folder."""
    ledger = Ledger(road.settings.ledger_path, Limits.from_settings(road.settings), road.settings.clock)
    try:
        yield ledger
    finally:
        ledger.shut()


def paid_twice(road: Road, thrown: list[dict[str, Any]]) -> list[str]:
    """Return the jobs that were paid although another of the same request could have been taken up.

    Another could not if Marketo failed, lost or cancelled it or lost its file (which the weather says of itself, by
    the job's id), or if it shows the running month as it was too long ago.
    """
    harmed = {order["call"].split("/")[-2] for order in thrown if order["kind"] in HARMED}
    with opened(road) as ledger:
        jobs = [job for job in reversed(recorded_jobs(ledger)) if job.queued_at or job.status != "Created"]
    found = []
    for place, job in enumerate(jobs):
        for before in jobs[:place]:
            if (
                before.request_hash == job.request_hash
                and before.export_id not in harmed
                and not _is_stale(before, job)
            ):
                found.append(f"{job.partition}: {job.export_id} was paid although there was {before.export_id}")
    return found


def _is_stale(before: RecordedJob, job: RecordedJob) -> bool:
    if before.as_of >= month_window(before.partition).end:
        return False
    was_landed = before.landed_at is not None and before.landed_at <= job.recorded_at
    return job.recorded_at - before.as_of >= (PARTIAL_KEPT if was_landed else UNFETCHED_PARTIAL_KEPT)


def limits_broken(road: Road) -> list[str]:
    """Return the limits of the instance that were exceeded, as it counted."""
    counted, limits = road.desk("GET", "/counters"), road.desk("GET", "/limits")
    by_day: Counter[str] = Counter()
    for job in road.desk("GET", "/jobs"):
        if job["status"] == "Completed":
            by_day[job["finishedAt"][:10]] += job["fileSize"]
    most = {
        "calls in a window": (counted["most_calls_in_window"], limits["rate_calls"]),
        "calls at once": (counted["most_calls_at_once"], limits["concurrency"]),
        "calls a day": (max(sum(users.values()) for users in counted["calls_by_day"].values()), limits["daily_calls"]),
        "bytes a day": (max(by_day.values(), default=0), limits["daily_export_bytes"]),
        "failures of the sandbox": (counted["own_failures"], 0),
    }
    return [f"{name}: {used} of {allowed}" for name, (used, allowed) in most.items() if used > allowed]
