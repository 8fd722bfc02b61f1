"""One export request, seen through to a landed file: taken up where an earlier run left it, or asked for."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.errors import FileGone
from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ExportRequest, RecordedJob, is_current, mark
from marketo_assets.land.manifest import LandedFile, LandingError, damage, read_manifest, write_manifest
from marketo_assets.land.store import alone, compress, has_digest, open_private


@dataclass(frozen=True)
class _Stored:
    """What lies on disk after a fetch."""

    path: Path | None
    file_bytes: int
    sha256: str
    stored_sha256: str


_NOTHING = _Stored(None, 0, hashlib.sha256().hexdigest(), "")


def land_request(
    exporter: Exporter,
    request: ExportRequest,
    folder: Path,
    *,
    fields: Sequence[LeadField],
    described: Sequence[LeadField],
    types: Sequence[ActivityType] = (),
    is_refresh: bool = False,
) -> LandedFile:
    """Return the landed file of *request*, which asks for *fields*, in *folder*; *types* are those of activities.

    A landed file or a job of the same request is taken up as long as it can stand for the window and nothing newer
    was landed; with *is_refresh*, only a job that was never fetched is.

    **Cost:** 3 calls (create, enqueue, file) and one status call a minute at most.
    **Guarantee:** the file is complete and undamaged, or there is none; a kill costs at most the bytes in flight.
    Raises: LandingError, ExportError, MarketoError.
    """
    with alone_with(folder, request, exporter):
        found, damaged = read_manifests(folder, request.partition, exporter.log)
        # A manifest that cannot be read may be the newest, so what lies beside it is not taken up.
        newest = found[0] if found else None
        if newest and not (is_refresh or damaged) and is_taken_up(newest, request, exporter):
            return newest.as_adopted(exporter.calls)
        job, stored = _export(exporter, request, folder, is_refresh, newest.as_of if newest else None)
        now = exporter.clock.now()
        landed = LandedFile(
            partition=request.partition,
            path=stored.path,
            export_id=job.export_id,
            request_hash=request.request_hash,
            window=request.window,
            fields=tuple(fields),
            described=tuple(described),
            records=job.records,
            file_bytes=stored.file_bytes,
            sha256=stored.sha256,
            stored_sha256=stored.stored_sha256,
            as_of=job.as_of,
            landed_at=now,
            calls=exporter.calls,
            waited_seconds=exporter.waited_seconds,
            worked_seconds=exporter.worked_seconds,
            types=tuple(types),
            members_of=request.members_of,
        )
        manifest = folder / f"{job.export_id}.json"
        write_manifest(manifest, landed)
        # What a killed run left of another job is of no use any more; nobody else is at work in this folder.
        for path in (*(path for path in damaged if path != manifest), *folder.glob("*.part")):
            path.unlink(missing_ok=True)
        mark(exporter.ledger, job, landed_at=now)
        return landed


def read_newest(folder: Path) -> LandedFile:
    """Return the newest landed file of the partition that *folder* is named for, checked against its manifest.

    Raises: LandingError when there is none, or when it is damaged.
    """
    partition, asset = folder.name, folder.parent.name
    found = newest_first([read_manifest(path) for path in folder.glob("*.json")])
    if not found:
        raise LandingError(
            f"Nothing has been landed for {partition}. Materialize landing/{asset} for {partition} first."
        )
    if not is_intact(found[0]):
        raise LandingError(damage(found[0].path or folder / found[0].export_id, partition))
    return found[0]


def newest_first(landed_files: Sequence[LandedFile]) -> list[LandedFile]:
    """Return *landed_files* in the order of what they read of Marketo, the latest reading first."""
    return sorted(landed_files, key=lambda landed: (landed.as_of, landed.landed_at), reverse=True)


def is_intact(landed: LandedFile) -> bool:
    """Say whether the file is there with every byte; an empty one always is."""
    return landed.path is None or has_digest(landed.path, landed.stored_sha256)


def _export(
    exporter: Exporter, request: ExportRequest, folder: Path, is_refresh: bool, not_before: datetime | None
) -> tuple[RecordedJob, _Stored]:
    job = exporter.complete(request, is_refresh=is_refresh, not_before=not_before)
    try:
        return job, _store(exporter, request, job, folder)
    except FileGone:
        # Completed does not always mean downloadable, and files expire: one new job, then it is an error.
        exporter.log(f"{request.partition}: Marketo no longer has the file of {job.export_id}; exporting again")
        mark(exporter.ledger, job, status="Gone")
    job = exporter.complete(request, is_refresh=is_refresh, not_before=not_before)
    return job, _store(exporter, request, job, folder)


def _store(exporter: Exporter, request: ExportRequest, job: RecordedJob, folder: Path) -> _Stored:
    if job.records == 0:
        return _NOTHING
    raw, packed = folder / f"{job.export_id}.csv.part", folder / f"{job.export_id}.csv.zst"
    try:
        with open_private(raw, "a+b"):  # a kill may have left the beginning of the file, which is kept
            pass
        with raw.open("r+b") as sink:
            exporter.fetch(request, job, sink)
            file_bytes = sink.tell()
            plain, stored = compress(sink, packed)
        raw.unlink()
    except OSError as error:
        raise LandingError(
            f"The export of {request.partition} could not be written: {error.strerror}. Free some space for "
            f"the landing folder and run the {request.unit} again: the job is kept, and fetching it costs no quota."
        ) from error
    return _Stored(packed, file_bytes, plain, stored)


def read_manifests(folder: Path, partition: str, log: Log) -> tuple[list[LandedFile], list[Path]]:
    """Return what was landed, the newest first, and the manifests that cannot be read."""
    found, damaged = [], []
    for path in folder.glob("*.json"):
        try:
            found.append(read_manifest(path))
        except LandingError:
            log(f"{partition}: the manifest {path.name} is damaged; fetching its file again")
            damaged.append(path)
    return newest_first(found), damaged


def is_taken_up(landed: LandedFile, request: ExportRequest, exporter: Exporter) -> bool:
    """Say whether *landed* still stands for *request*, and is whole; the log says why."""
    is_same = landed.request_hash == request.request_hash
    if not is_same or not is_current(landed.as_of, landed.window, now=exporter.clock.now(), is_fetched=True):
        return False
    if not is_intact(landed):
        exporter.log(f"{request.partition}: the landed file of {landed.export_id} is damaged; fetching it again")
        return False
    exporter.log(f"{request.partition}: took up the file landed at {landed.landed_at:%Y-%m-%d %H:%M} UTC")
    return True


@contextlib.contextmanager
def alone_with(folder: Path, request: ExportRequest, exporter: Exporter) -> Iterator[None]:
    """Keep other processes from exporting *request* into *folder* while the block runs; wait for one that does.

    Raises: LandingError when it does not end.
    """
    what = "month" if request.filter_name == "createdAt" else "window"

    clock = exporter.clock
    until = clock.now() + timedelta(hours=exporter.deadline_hours)
    began: list[datetime] = []

    def on_wait() -> None:
        exporter.log(f"{request.partition}: another process is exporting this {what}; waiting for it")
        began.append(clock.now())
        subject = f"{request.partition}, a second time"
        exporter.waits.begin(exporter.ledger, subject, "other_run", 3600, until=until)

    try:
        with alone(folder, exporter.deadline_hours * 3600, on_wait):
            if began:
                waited = (clock.now() - began[0]).total_seconds()
                exporter.waits.add(request.partition, "other_run", waited, until=until)
                exporter.waits.end(exporter.ledger, f"{request.partition}, a second time")
            yield
    except TimeoutError as error:
        raise LandingError(
            f"Another process has been exporting {request.partition} for {exporter.deadline_hours:g} hours. "
            f"Let it finish or stop it, then run this {request.unit} again: what it exported is taken up."
        ) from error
