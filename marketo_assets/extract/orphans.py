"""Export bytes that a run set aside before it was killed: counted if its job ran, given back if it did not."""

from __future__ import annotations

from marketo_assets.api import bulk_extract
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import FeatureAbsent, InvalidData, NotFound
from marketo_assets.api.limits import Ledger
from marketo_assets.clock import Clock
from marketo_assets.extract.export_jobs import RecordedJob, mark, note_status, recorded_jobs

_UNENDED = ("Created", "Queued", "Processing")


def settle_orphans(client: MarketoClient, ledger: Ledger, clock: Clock) -> None:
    """Leave no bytes set aside for a job that has ended or never ran, of those that nobody follows.

    **Cost:** one call for each job that nobody has followed for an hour; usually none. Raises: MarketoError.
    """
    for key in ledger.exports.unattended():
        jobs = [job for job in recorded_jobs(ledger) if job.request_hash == key and job.status in _UNENDED]
        under_way = [job for job in jobs if _is_under_way(client, ledger, clock, job)]
        if under_way:
            ledger.exports.renew(key)
        else:
            ledger.exports.release(key)


def _is_under_way(client: MarketoClient, ledger: Ledger, clock: Clock, recorded: RecordedJob) -> bool:
    try:
        job = bulk_extract.status(client, recorded.export_id, recorded.of)
    except (NotFound, InvalidData, FeatureAbsent):  # Marketo forgets a job after 30 days; its words are unknown
        mark(ledger, recorded, status="Gone")
        return False
    found = note_status(ledger, recorded, job, now=clock.now())
    if found.status == "Completed":
        ledger.exports.settle(found.export_id, found.file_bytes or 0, finished_at=found.finished_at or clock.now())
    return found.status in ("Queued", "Processing")
