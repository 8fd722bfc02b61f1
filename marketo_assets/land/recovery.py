"""What a lost ledger and a lost journal knew, as far as landed files and Marketo's list of jobs still tell it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from marketo_assets.api import bulk_extract
from marketo_assets.api.errors import MarketoError
from marketo_assets.extract.bulk import Exporter
from marketo_assets.extract.export_jobs import RecordedJob, adopt_job, recorded_jobs
from marketo_assets.extract.pieces import piece_name
from marketo_assets.land.manifest import LandedFile, LandingError, Piece, read_manifest

_UNKNOWN_SHARE = 4
_OBJECTS = (bulk_extract.LEADS, bulk_extract.ACTIVITIES, bulk_extract.PROGRAM_MEMBERS)


def recover_jobs(exporter: Exporter, folders: Mapping[str, Path]) -> None:
    """Leave in a ledger that knows of no job those that were landed, and what the API user spent today.

    *folders* are where the months of each object lie. So a landed file that is damaged is fetched again and not
    exported again, and today's bytes count.

    **Cost:** three calls, where files were landed and the ledger knows of none; otherwise none.
    """
    if recorded_jobs(exporter.ledger):
        return
    landed = [(name, file) for name, folder in folders.items() for file in _manifests(folder)]
    if not landed:
        return
    exporter.log(f"The ledger knows of no export, and {len(landed)} were landed; learning again what was spent")
    for name, file in sorted(landed, key=lambda found: found[1].landed_at):
        for job in _jobs_of(name, file):
            adopt_job(exporter.ledger, job)
    _count_todays(exporter)


def _manifests(folder: Path) -> list[LandedFile]:
    found = []
    for path in (*folder.glob("*/*.json"), *folder.glob("*/pieces/*/*.json")):
        try:
            found.append(read_manifest(path))
        except LandingError:
            continue  # its month says so when it is exported or loaded
    return found


def _jobs_of(name: str, landed: LandedFile) -> list[RecordedJob]:
    exports: tuple[LandedFile | Piece, ...] = landed.pieces or (landed,)
    return [
        RecordedJob(
            export_id=export.export_id,
            object=name,
            partition=piece_name(export.window) if isinstance(export, Piece) else landed.partition,
            request_hash=export.request_hash,
            status="Completed",
            created_at=export.as_of,
            queued_at=None,
            started_at=export.as_of,
            finished_at=export.landed_at,
            records=export.records,
            file_bytes=export.file_bytes,
            checksum=export.sha256 if export.file_bytes else None,
            error=None,
            recorded_at=export.landed_at,
            polled_at=None,
            landed_at=export.landed_at,
        )
        for export in exports
    ]


def _count_todays(exporter: Exporter) -> None:
    exports = exporter.ledger.exports
    for of in _OBJECTS:
        try:
            jobs = bulk_extract.list_exports(exporter.client, of=of)
        except MarketoError as error:
            exporter.log(f"What was exported today of {of} is not known: {error}")
            continue
        for job in jobs:
            if job.status == "Completed" and job.finished_at:
                exports.settle(job.export_id, job.file_bytes or 0, finished_at=job.finished_at)
            elif job.status in ("Queued", "Processing"):
                exports.hold(job.export_id, exports.daily_bytes // _UNKNOWN_SHARE)
