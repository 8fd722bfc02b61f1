"""One month of leads, exported and landed: taken up where an earlier run left it, or asked for."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import FileGone
from marketo_assets.api.lead_database import describe_lead_fields
from marketo_assets.api.limits import Ledger
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ExportRequest, RecordedJob, is_current, mark
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.windows import month_window
from marketo_assets.land.manifest import LandedFile, LandingError, damage, read_manifest, write_manifest
from marketo_assets.land.store import alone, compress, has_digest, open_private
from marketo_assets.settings import Settings


@dataclass(frozen=True)
class _Stored:
    """What lies on disk after a fetch."""

    path: Path | None
    file_bytes: int
    sha256: str
    stored_sha256: str


_NOTHING = _Stored(None, 0, hashlib.sha256().hexdigest(), "")


def land_lead_export(
    client: MarketoClient,
    ledger: Ledger,
    settings: Settings,
    partition: str,
    *,
    log: Log,
    is_refresh: bool = False,
) -> LandedFile:
    """Return the landed export of the leads created in *partition* (a month, `YYYY-MM`).

    A landed file or a job of the same request is taken up as long as it can stand for the month and nothing newer
    was landed; with *is_refresh*, only a job that was never fetched is.

    **Cost:** 4 calls (describe, create, enqueue, file) and one status call a minute at most.
    **Guarantee:** the file is complete and undamaged, or there is none; a kill costs at most the bytes in flight.
    Raises: LandingError, ExportError, SettingsError, MarketoError.
    """
    began, calls = time.monotonic(), client.calls
    claim_folder(ledger, settings)
    exporter = Exporter(
        client, ledger, settings.clock, log, settings.status_poll_seconds, settings.export_deadline_hours
    )
    described = exporter.endure(
        lambda: describe_lead_fields(client, has_numbers=False), doing=f"{partition}: asking for the fields"
    )
    fields = choose_lead_fields(described, settings)
    request = ExportRequest("leads", partition, month_window(partition), tuple(field.name for field in fields))
    folder = lead_export_dir(settings.landing_dir, partition)
    with _alone(folder, partition, settings, log):
        found, damaged = _read_manifests(folder, partition, log)
        # A manifest that cannot be read may be the newest, so what lies beside it is not taken up.
        newest = found[0] if found else None
        if newest and not (is_refresh or damaged) and _is_current(newest, request, settings.clock.now(), log):
            return newest.as_adopted(client.calls - calls)
        job, stored = _export(exporter, request, folder, is_refresh, newest.as_of if newest else None)
        now = settings.clock.now()
        landed = LandedFile(
            partition=partition,
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
            calls=client.calls - calls,
            waited_seconds=exporter.waited_seconds,
            worked_seconds=max(time.monotonic() - began - exporter.waited_seconds, 0.0),
        )
        manifest = folder / f"{job.export_id}.json"
        write_manifest(manifest, landed)
        for path in damaged:
            if path != manifest:
                path.unlink()
        mark(ledger, job, landed_at=now)
        return landed


def lead_export_dir(landing_dir: Path, partition: str) -> Path:
    """Return the folder that holds the landed exports of *partition*."""
    return landing_dir / "lead_exports" / partition


def read_landed(landing_dir: Path, partition: str) -> LandedFile:
    """Return the newest landed export of *partition*, its bytes checked against the manifest.

    Raises: LandingError when there is none, or when it is damaged.
    """
    found = _newest_first([read_manifest(path) for path in lead_export_dir(landing_dir, partition).glob("*.json")])
    if not found:
        raise LandingError(
            f"Nothing has been landed for {partition}. Materialize landing/lead_exports for {partition} first."
        )
    if not _is_intact(found[0]):
        raise LandingError(damage(found[0].path or Path(found[0].export_id), partition))
    return found[0]


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
            f"The export of {request.partition} could not be written: {error.strerror}. Free some space for the "
            "landing folder and run the partition again: the job is kept, and fetching it again costs no export quota."
        ) from error
    return _Stored(packed, file_bytes, plain, stored)


def _read_manifests(folder: Path, partition: str, log: Log) -> tuple[list[LandedFile], list[Path]]:
    """Return what was landed, the newest first, and the manifests that cannot be read."""
    found, damaged = [], []
    for path in folder.glob("*.json"):
        try:
            found.append(read_manifest(path))
        except LandingError:
            log(f"{partition}: the manifest {path.name} is damaged; fetching its file again")
            damaged.append(path)
    return _newest_first(found), damaged


def _is_current(landed: LandedFile, request: ExportRequest, now: datetime, log: Log) -> bool:
    is_same = landed.request_hash == request.request_hash
    if not is_same or not is_current(landed.as_of, landed.window, now=now, is_fetched=True):
        return False
    if not _is_intact(landed):
        log(f"{request.partition}: the landed file of {landed.export_id} is damaged; fetching it again")
        return False
    log(f"{request.partition}: took up the file landed at {landed.landed_at:%Y-%m-%d %H:%M} UTC")
    return True


def _is_intact(landed: LandedFile) -> bool:
    return landed.path is None or has_digest(landed.path, landed.stored_sha256)


@contextlib.contextmanager
def _alone(folder: Path, partition: str, settings: Settings, log: Log) -> Iterator[None]:
    def on_wait() -> None:
        log(f"{partition}: another process is exporting this month; waiting for it")

    try:
        with alone(folder, settings.export_deadline_hours * 3600, on_wait):
            yield
    except TimeoutError as error:
        raise LandingError(
            f"Another process has been exporting {partition} for {settings.export_deadline_hours:g} hours. "
            "Let it finish or stop it, then run this partition again: what it exported is taken up."
        ) from error


def _newest_first(landed_files: Sequence[LandedFile]) -> list[LandedFile]:
    return sorted(landed_files, key=lambda landed: (landed.as_of, landed.landed_at), reverse=True)
