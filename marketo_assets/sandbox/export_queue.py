"""The export jobs of the instance: one queue, two that are processed at once, a day's allotment of bytes.

Nothing ticks. Whoever looks first lets everything happen that was due since the last look, in order and at the
moments at which it was due, so moved and scaled time give the same history as time that passes.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_job import ExportJob
from marketo_assets.sandbox.export_request import ExportRequest, Kind
from marketo_assets.sandbox.export_writer import ExportWriter
from marketo_assets.sandbox.options import Limits, Switches
from marketo_assets.sandbox.world import World

_LOG = logging.getLogger("marketo_assets.sandbox")
PATIENCE_SECONDS = 5.0
"""How long an answer waits (in real time) for a file that is due but still being written."""


class ExportQueue:
    """Holds every export job and moves them on."""

    def __init__(
        self,
        world: World,
        clock: SandboxClock,
        *,
        limits: Callable[[], Limits],
        switches: Callable[[], Switches],
        day: Callable[[datetime], date],
        writer: ExportWriter,
        random_source: random.Random,
    ) -> None:
        self._world, self._clock, self._limits, self._switches, self._day = world, clock, limits, switches, day
        self._random = random_source
        self.jobs: dict[str, ExportJob] = {}
        self.counters: dict[str, Counter[str]] = {}
        """What happened per filter: created, enqueued, completed, failed, cancelled."""
        self.bytes_sent = 0
        """Bytes of files sent to callers, repeated and partial downloads included."""
        self.bytes_exported = 0
        """Bytes of all completed jobs."""
        self._queue: list[ExportJob] = []
        self._processing: list[ExportJob] = []
        self._idle_since: list[datetime] = []
        self._turn = asyncio.Lock()
        self._writer = writer

    async def create(self, user_id: str, request: ExportRequest) -> ExportJob:
        """Record a new job.

        Raises: ApiError 1029 when the day's allotment is spent.
        """
        async with self._turn:
            await self._advance()
            self._check_allotment()
            digits = f"{self._random.getrandbits(128):032x}"
            export_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
            job = self.jobs[export_id] = ExportJob(export_id, user_id, request, self._now())
            self.count(job, "created")
            return job

    async def enqueue(self, kind: Kind, user_id: str, export_id: str) -> ExportJob:
        """Put a job in the queue.

        Raises: ApiError 1029 in its three meanings; 1013 for an unknown job.
        """
        async with self._turn:
            await self._advance()
            job = self._job_of(kind, user_id, export_id)
            if job.state != "Created":
                raise ApiError("1029", "Job already queued")
            self._check_allotment()
            if len(self._queue) + len(self._processing) >= self._limits().exports_queued:
                raise ApiError("1029", "Too many jobs in queue")
            job.queued_at = self._now()
            self._queue.append(job)
            self.count(job, "enqueued")
            return job

    async def cancel(self, kind: Kind, user_id: str, export_id: str) -> ExportJob:
        """Stop a job that has not finished.

        Raises: ApiError 1029 for a finished job; 1013 for an unknown one.
        """
        async with self._turn:
            await self._advance()
            job = self._job_of(kind, user_id, export_id)
            if job.state in ("Completed", "Failed", "Canceled"):
                raise ApiError("1029", f"Job already {job.state.lower()}")
            job.cancelled_at = self._now()
            if job in self._queue:
                self._queue.remove(job)
            if job in self._processing:
                self._free(job, job.cancelled_at)
            self.count(job, "cancelled")
            return job

    async def find(self, kind: Kind, user_id: str, export_id: str) -> ExportJob:
        """Return a job of this user, moved on to the present.

        Raises: ApiError 1013 when there is none, or when it finished too long ago.
        """
        async with self._turn:
            await self._advance()
            return self._job_of(kind, user_id, export_id)

    async def recent(self, kind: Kind, user_id: str) -> list[ExportJob]:
        """Return this user's jobs of one kind of the past days that the list shows, oldest first."""
        async with self._turn:
            await self._advance()
            horizon = self._clock.now() - timedelta(days=self._limits().list_days)
            own = [job for job in self.jobs.values() if (job.request.kind, job.user_id) == (kind, user_id)]
            return [job for job in own if job.created_at > horizon]

    async def lose(self, kind: Kind, user_id: str, export_id: str) -> None:
        """Forget a job as if it had never been: a fault."""
        job = await self.find(kind, user_id, export_id)
        async with self._turn:
            if job in self._queue:
                self._queue.remove(job)
            if job in self._processing:
                self._free(job, self._now())
            self.drop_file(job)
            del self.jobs[job.export_id]

    async def look(self) -> None:
        """Let everything happen that is due."""
        async with self._turn:
            await self._advance()

    @asynccontextmanager
    async def still(self) -> AsyncIterator[World]:
        """Yield the world to somebody who changes it: all that is due has happened, and no file is being written.

        **Guarantee:** a job that started before the change does not see it; one that starts later does.
        """
        async with self._turn:
            await self._advance()
            await self.close()
            try:
                yield self._world
            finally:
                # The world writes its changes into its columns at the next reading: here, before two threads read.
                self._world.truth(["id"], limit=0)

    def bytes_on(self, day: date) -> int:
        """Return the bytes of the exports completed on *day*."""
        done = [job for job in self.jobs.values() if job.state == "Completed"]
        return sum(job.file.file_bytes for job in done if job.file and job.finished_on(self._day) == day)

    def clear_counters(self) -> None:
        """Start counting anew; the jobs, and the day's bytes, stay."""
        self.counters.clear()
        self.bytes_sent = self.bytes_exported = 0

    def count_sent(self, size: int) -> None:
        """Count bytes of a file that went to a caller."""
        self.bytes_sent += size

    async def close(self) -> None:
        """Return when no file is being written any more."""
        pending = [job.rendering for job in self.jobs.values() if job.rendering and not job.rendering.done()]
        await asyncio.gather(*pending, return_exceptions=True)

    def _now(self) -> datetime:
        # Answers show whole seconds, so a job's own moments are whole seconds too.
        return self._clock.now().replace(microsecond=0)

    def count(self, job: ExportJob, happening: str) -> None:
        """Count something that happened to a job, under its filter."""
        self.counters.setdefault(job.request.key, Counter())[happening] += 1

    def _check_allotment(self) -> None:
        if self.bytes_on(self._day(self._clock.now())) >= self._limits().daily_export_bytes:
            raise ApiError("1029", "Export daily quota exceeded")

    def _job_of(self, kind: Kind, user_id: str, export_id: str) -> ExportJob:
        job = self.jobs.get(export_id)
        if job is None or (job.request.kind, job.user_id) != (kind, user_id):
            raise ApiError("1013", f"Export job '{export_id}' not found")
        return job

    async def _advance(self) -> None:
        """Let everything happen that was due by now, in order."""
        while True:
            start = self._next_start()
            finish = await self._next_finish()
            if finish and (start is None or finish[0] <= start):
                self._finish(finish[1], finish[0])
            elif start and start <= self._clock.now():
                self._start(self._queue.pop(0), start)
            else:
                break
        self._forget_old()

    def _next_start(self) -> datetime | None:
        """Return when the first queued job starts, or None while no slot is free for it."""
        if not self._queue or len(self._processing) >= self._limits().exports_processing:
            return None
        due = (self._queue[0].queued_at or self._now()) + timedelta(seconds=self._switches().queue_seconds)
        # The slot that was freed longest ago; a slot never used was always free.
        free = self._limits().exports_processing - len(self._processing)
        since = sorted(self._idle_since)[-free] if len(self._idle_since) >= free else due
        return max(due, since)

    async def _next_finish(self) -> tuple[datetime, ExportJob] | None:
        """Return the first job whose processing is over by now, with the moment."""
        now, over = self._clock.now(), []
        for job in self._processing:
            if job.started_at and job.started_at + timedelta(seconds=self._switches().export_seconds) <= now:
                moment = await self._finish_of(job)
                if moment and moment <= now:
                    over.append((moment, job))
        return min(over, key=lambda item: (item[0], item[1].export_id), default=None)

    async def _finish_of(self, job: ExportJob) -> datetime | None:
        """Return when *job* is ready, or None while its file is still being written."""
        seconds = self._switches().export_seconds + job.slow_seconds
        if job.rendering and not job.fails_with:
            patience = 0 if job.busy_until else PATIENCE_SECONDS
            done, _ = await asyncio.wait([job.rendering], timeout=patience)
            if not done:
                job.busy_until = self._now()
                return None
            if error := job.rendering.exception():
                _LOG.error("Export %s could not be written", job.export_id, exc_info=error)
                job.fails_with = f"Export failed: {error}"
            else:
                file_bytes = job.rendering.result().file_bytes
                seconds += file_bytes / 1_000_000 * self._switches().export_seconds_per_mb
        due = (job.started_at or job.created_at) + timedelta(seconds=round(seconds))
        return max(due, job.busy_until) if job.busy_until else due

    def _start(self, job: ExportJob, moment: datetime) -> None:
        job.started_at = moment
        free = self._limits().exports_processing - len(self._processing)
        if len(self._idle_since) >= free:
            self._idle_since = sorted(self._idle_since)[-free:][1:]
        self._processing.append(job)
        # Read when processing starts, as Marketo evaluates its filters then; shown when processing is over.
        job.rendering = asyncio.create_task(self._writer.write(job))

    def _finish(self, job: ExportJob, moment: datetime) -> None:
        job.finished_at = moment
        if job.rendering and not job.fails_with:
            job.file = job.rendering.result()
            self.bytes_exported += job.file.file_bytes
        self._free(job, moment)
        self.count(job, "failed" if job.fails_with else "completed")

    def _free(self, job: ExportJob, moment: datetime) -> None:
        self._processing.remove(job)
        self._idle_since.append(moment)

    def _forget_old(self) -> None:
        now, limits = self._clock.now(), self._limits()
        for job in [job for job in self.jobs.values() if job.finished_at]:
            age = now - (job.finished_at or now)
            if age >= timedelta(days=limits.file_days):
                self.drop_file(job)
            if age >= timedelta(days=limits.status_days):
                del self.jobs[job.export_id]

    def drop_file(self, job: ExportJob) -> None:
        """Make a job's file unavailable for good."""
        job.file_is_lost = True
        if job.file:
            job.file.path.unlink(missing_ok=True)
