"""From a request to verified bytes: create or adopt the export job, see it through, fetch its file."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO, TypeVar

from marketo_assets.api import bulk_extract
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    AccessDenied,
    BadRange,
    DailyQuotaSpent,
    ExportQuotaHeld,
    ExportQuotaSpent,
    FeatureAbsent,
    InvalidData,
    MarketoError,
    NotFound,
    QueueFull,
    TryAgain,
)
from marketo_assets.api.export_file import open_export_file
from marketo_assets.api.limits import Ledger
from marketo_assets.clock import Clock
from marketo_assets.extract.export_jobs import (
    ExportRequest,
    RecordedJob,
    find_adoptable,
    mark,
    record_job,
)
from marketo_assets.extract.export_sizes import expected_bytes
from marketo_assets.extract.orphans import settle_orphans
from marketo_assets.extract.outage import PATIENCE, Endurance
from marketo_assets.extract.waits import Reason, Waits

T = TypeVar("T")
Log = Callable[[str], None]
_QUEUE_PAUSES = (60.0, 120.0, 240.0)
_RECREATIONS = 2
_FETCHES_WITHOUT_PROGRESS = 5
_BAD_FILES = 3
# Exports under way end within minutes; what they leave of the day's bytes decides.
_HELD_PATIENCE = timedelta(hours=1)


class ExportError(RuntimeError):
    """An export could not be brought to its end; the message says what is kept and what to do."""


class OverdueExportError(ExportError):
    """An export did not come to its end in all the time it was given, as Marketo's queue goes; others would not."""


def _nothing() -> None:
    pass


@dataclass
class Exporter:
    """Sees export jobs through, and counts what that took: calls, and the machine's seconds of waiting and working."""

    client: MarketoClient
    ledger: Ledger
    clock: Clock
    log: Log
    poll_seconds: float = 60.0
    deadline_hours: float = 24.0
    on_accepted: Callable[[], object] = _nothing
    """Called when Marketo has queued an export."""
    waits: Waits = field(default_factory=Waits)
    """How long, in Marketo's time, was waited for what."""
    waited_seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._began, self._calls = time.monotonic(), self.client.calls

    @property
    def calls(self) -> int:
        """How many calls were made since."""
        return self.client.calls - self._calls

    @property
    def worked_seconds(self) -> float:
        """How long it took since, but for the waiting."""
        return max(time.monotonic() - self._began - self.waited_seconds, 0.0)

    def complete(
        self, request: ExportRequest, *, is_refresh: bool = False, not_before: datetime | None = None
    ) -> RecordedJob:
        """Return a Completed job for *request*, adopted in whatever state it is, or else created.

        What may be adopted, `find_adoptable` says.

        **Cost:** create, enqueue and one status call a minute at most; an adopted job costs status calls only.
        **Guarantee:** a kill at any moment leaves a job that the next call takes up.
        Raises: ExportError after the deadline or when Marketo fails the job again and again; WaitForReset when a quota
        is spent or the instance is down: nothing is lost, and the bytes set aside for a job that does not run are free.
        """
        try:
            return self._completed(request, is_refresh=is_refresh, not_before=not_before)
        finally:
            # What Marketo has queued goes on without its run, and is paid for: whoever comes next takes it up.
            self.ledger.exports.leave(request.request_hash)
            self.waits.end(self.ledger, request.partition)

    def _completed(self, request: ExportRequest, *, is_refresh: bool, not_before: datetime | None) -> RecordedJob:
        started = self.clock.now()
        adoptable = find_adoptable(self.ledger, request, now=started, is_refresh=is_refresh, not_before=not_before)
        job = self._adopt(request, adoptable) if adoptable else None
        ended: list[str] = []
        while len(ended) <= _RECREATIONS:
            job = job or self._create(request)
            try:
                job = self._follow(request, job, started)
            except NotFound as error:  # Marketo has lost it, which comes to the same as having failed it
                job = mark(self.ledger, replace(job, error=error.message), status="Gone")
            if job.status == "Completed":
                done = job.finished_at or self.clock.now()
                self.ledger.exports.settle(job.export_id, job.file_bytes or 0, finished_at=done)
            self.ledger.exports.release(request.request_hash)
            if job.status == "Completed":
                return job
            told = f"{job.export_id} ended {job.status}: {job.error or 'no reason'}"
            self.log(f"{request.partition}: export job {told}")
            ended.append(told.rstrip(".").replace(". ", "; "))
            job = None
        raise ExportError(
            f"Marketo failed {len(ended)} export jobs for {request.partition}, one after the other "
            f"({'; '.join(ended)}). Nothing was lost. Run the {request.unit} again later: it begins a new job; "
            "if it keeps failing, give Marketo support the export ids."
        )

    def fetch(self, request: ExportRequest, job: RecordedJob, sink: BinaryIO) -> None:
        """Leave the whole file of *job* in *sink*, checked against Marketo's size and SHA-256.

        *sink* may already hold the beginning of the file; only the rest is asked for.

        **Cost:** one call, and one more per interruption; bytes fetched again are not counted by Marketo.
        **Guarantee:** memory does not grow with the file; a kill leaves a beginning to resume from.
        Raises: FileGone when Marketo no longer has it; ExportError when it cannot be had undamaged.
        """
        for _ in range(_BAD_FILES):
            digest = self.endure(lambda: self._fetch_rest(job, sink), doing=f"{request.partition}: fetching the file")
            length = sink.tell()
            if job.file_bytes in (None, length) and job.checksum in (None, digest):
                return
            self.log(
                f"{request.partition}: the file of {job.export_id} arrived damaged; fetching it again from the start"
            )
            sink.seek(0)
            sink.truncate()
        raise ExportError(
            f"The file of export job {job.export_id} ({request.partition}) arrived damaged {_BAD_FILES} times: "
            f"its size or SHA-256 is not what Marketo reports. Nothing was loaded. Run the {request.unit} again: "
            "the job is kept, and fetching it again costs no export quota."
        )

    def endure(self, once: Callable[[], T], *, doing: str) -> T:
        """Return what *once* returns, called again while the instance is down. Raises: InstanceDown; its own errors."""
        last, subject = self.clock.now(), doing.partition(":")[0]
        until = last + PATIENCE

        def sleep(seconds: float) -> None:
            nonlocal last
            self.waits.begin(self.ledger, subject, "outage", seconds, until=until)
            self._sleep(seconds)
            # The tries in between take minutes too.
            last, before = self.clock.now(), last
            self.waits.add(subject, "outage", (last - before).total_seconds(), until=until)

        return Endurance(self.client, self.ledger, self.clock, self.log, sleep).repeat(once, doing=doing)

    def _adopt(self, request: ExportRequest, job: RecordedJob) -> RecordedJob | None:
        self._sleep(self._seconds_until(job.polled_at, self.poll_seconds))
        try:
            job = self._status(request, job.export_id)
        except (NotFound, InvalidData, FeatureAbsent):  # Marketo forgets a job after 30 days; its words are unknown
            mark(self.ledger, job, status="Gone")
            return None
        except AccessDenied:  # another API user's job: it stays theirs, and this user asks for its own
            return None
        if job.status in ("Failed", "Cancelled"):
            return None
        self.log(f"{request.partition}: took up export job {job.export_id}, which is {job.status}")
        if job.status == "Created":
            self._reserve(request)
        elif job.status != "Completed":
            self.ledger.exports.hold(request.request_hash, expected_bytes(self.ledger, request))
        return job

    def _create(self, request: ExportRequest) -> RecordedJob:
        self._reserve(request)
        try:
            # A job that was created but never enqueued does not run and costs nothing, so asking again is safe.
            created = self.endure(
                lambda: bulk_extract.create_export(
                    self.client,
                    of=request.of,
                    filter=request.filter,
                    fields=request.fields,
                    headers=request.headers,
                ),
                doing=f"{request.partition}: creating an export job",
            )
        except MarketoError:
            self.ledger.exports.release(request.request_hash)
            raise
        job = record_job(self.ledger, request, created, now=self.clock.now())
        self.log(f"{request.partition}: created export job {job.export_id} with {len(request.fields)} fields")
        return job

    def _reserve(self, request: ExportRequest) -> None:
        needed, is_told = expected_bytes(self.ledger, request), False
        until = self.clock.now() + min(_HELD_PATIENCE, timedelta(hours=self.deadline_hours))
        while True:
            try:
                return self.ledger.exports.reserve(request.request_hash, needed)
            except ExportQuotaHeld as held:
                if self.clock.now() > until:
                    raise
                if not is_told:
                    self.log(f"{request.partition}: {held.message}, and others have set them aside; waiting for them")
                    is_told = True
            settle_orphans(self.client, self.ledger, self.clock)
            self._wait("set_aside", self.poll_seconds, request.partition, until)

    def _follow(self, request: ExportRequest, job: RecordedJob, started: datetime) -> RecordedJob:
        deadline = started + timedelta(hours=self.deadline_hours)
        if job.status == "Created":
            job = self._enqueue(request, job, deadline)
        polls = 0
        while job.status not in ("Completed", "Failed", "Cancelled"):
            if self.clock.now() > deadline:
                raise OverdueExportError(
                    f"Export job {job.export_id} ({request.partition}) is still {job.status} after "
                    f"{self.deadline_hours:g} hours. It is kept: run the {request.unit} again to take it up, "
                    "at no further cost. Other integrations may be filling Marketo's export queue."
                )
            reason: Reason = "processing" if job.status == "Processing" else "slot"
            self._wait(reason, self._seconds_until(job.polled_at, self._pause(polls)), request.partition, deadline)
            job = self._status(request, job.export_id)
            polls += 1
            if job.status == "Created" and polls > 1:
                # A status is a minute old at most, so by now the job is not queued, whatever the enqueue answered.
                job = self._enqueue(request, job, deadline)
        return job

    def _pause(self, polls: int) -> float:
        # A status is refreshed once a minute; a job that has run for long will probably run for longer.
        return self.poll_seconds * min(5.0, 1.0 if polls < 5 else 1.25 ** (polls - 4))

    def _enqueue(self, request: ExportRequest, job: RecordedJob, deadline: datetime) -> RecordedJob:
        refusals = 0
        while True:
            try:
                queued = self.endure(
                    lambda: bulk_extract.enqueue(self.client, job.export_id, request.of),
                    doing=f"{request.partition}: queueing {job.export_id}",
                )
            except (DailyQuotaSpent, ExportQuotaSpent):
                # It does not run, so others may have its bytes; whoever takes it up sets them aside again.
                self.ledger.exports.release(request.request_hash)
                raise
            except QueueFull as full:
                if self.clock.now() > deadline:
                    raise OverdueExportError(
                        f"Marketo's export queue has been full for {self.deadline_hours:g} hours, so {job.export_id} "
                        f"({request.partition}) could not be queued. The job is kept: run the {request.unit} again."
                    ) from full
                pause = _QUEUE_PAUSES[min(refusals, len(_QUEUE_PAUSES) - 1)] * random.uniform(1.0, 1.2)  # noqa: S311  # jitter
                self.log(f"{request.partition}: the export queue is full; trying again in {pause:.0f} s")
                self.ledger.exports.renew(request.request_hash)
                self._wait("queue", pause * self.poll_seconds / 60.0, request.partition, deadline)
                refusals += 1
            else:
                recorded = record_job(self.ledger, request, queued, now=self.clock.now(), was_polled=True)
                self.ledger.exports.accept(request.request_hash)
                self.on_accepted()
                return recorded

    def _status(self, request: ExportRequest, export_id: str) -> RecordedJob:
        self.ledger.exports.renew(request.request_hash)
        job = self.endure(
            lambda: bulk_extract.status(self.client, export_id, request.of),
            doing=f"{request.partition}: asking for {export_id}",
        )
        return record_job(self.ledger, request, job, now=self.clock.now(), was_polled=True)

    def _fetch_rest(self, job: RecordedJob, sink: BinaryIO) -> str:
        digest = hashlib.sha256()
        sink.seek(0)
        while chunk := sink.read(1 << 20):
            digest.update(chunk)
        failures = 0
        while job.file_bytes is None or sink.tell() < job.file_bytes:
            before = sink.tell()
            try:
                with open_export_file(self.client, job.export_id, of=job.of, start=before) as answer:
                    for chunk in answer:
                        digest.update(chunk)
                        sink.write(chunk)
                if job.file_bytes is None or sink.tell() == before:
                    break
            except BadRange:
                break  # the caller sees that the file is not whole, and begins again
            except TryAgain as error:
                failures = 0 if sink.tell() > before else failures + 1
                if failures >= _FETCHES_WITHOUT_PROGRESS:
                    raise
                self.log(f"{job.partition}: the download stopped at {sink.tell():,} bytes ({error}); resuming there")
                self._sleep(min(2.0**failures, 30.0) * self.poll_seconds / 60.0)
        sink.flush()
        return digest.hexdigest()

    def _seconds_until(self, since: datetime | None, seconds: float) -> float:
        if since is None:
            return 0.0
        # A moment to come was written before the clock was set back, and is no reason to wait for longer.
        return min((since + timedelta(seconds=seconds) - self.clock.now()).total_seconds(), seconds)

    def _wait(self, reason: Reason, seconds: float, subject: str, until: datetime) -> None:
        if seconds > 0:
            self.waits.begin(self.ledger, subject, reason, seconds, until=until)
            self._sleep(seconds)
            self.waits.add(subject, reason, seconds, until=until)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            began = time.monotonic()
            self.clock.sleep(seconds)
            self.waited_seconds += time.monotonic() - began
