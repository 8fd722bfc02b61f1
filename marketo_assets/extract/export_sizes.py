"""How large the file of an export will be, as far as earlier files tell: so much is set aside before it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.export_jobs import MONTHLY, ExportRequest, RecordedJob, recorded_jobs
from marketo_assets.extract.pieces import LEAST_OF_DAY, month_of, sizes_of_months

_NEIGHBOURS = 2
_MARGIN = 0.1
_UNDER_WAY = ("Queued", "Processing")


def expected_bytes(ledger: Ledger, request: ExportRequest) -> int:
    """Return how large the file may be: as its request says, else as its partition's last or its neighbours, and more.

    Where no size is known, it is a quarter of the day's share: four jobs may find out at once, and no more.
    """
    if request.likely_bytes is not None:
        return request.likely_bytes
    sizes = known_sizes(ledger, request.object)
    if request.partition in sizes:
        return sizes[request.partition]
    # Not the largest of all: one month with a list import in it would make every other look too large for the day.
    before = sorted(name for name in sizes if name < request.partition)[-_NEIGHBOURS:]
    after = sorted(name for name in sizes if name > request.partition)[:_NEIGHBOURS]
    return _or_more([sizes[name] for name in (*before, *after)], ledger.exports.daily_bytes)


def known_sizes(ledger: Ledger, exported: str) -> dict[str, int]:
    """Return how large each partition of an object was when it was exported last, the newest export first."""
    jobs = [job for job in recorded_jobs(ledger) if job.object == exported]
    return sizes_of_months([(job.partition, job.file_bytes) for job in jobs if job.file_bytes is not None])


def usual_bytes(ledger: Ledger) -> int:
    """Return how much the next export of a month may take of a day: as the largest of the newest of the same object.

    The object is that of the newest export. At first it is a quarter of the share; of months that no day has room for,
    what the smallest piece takes.
    """
    return usual_of(recent_sizes(ledger), ledger.exports.daily_bytes)


def recent_sizes(ledger: Ledger) -> list[int]:
    """Return how large the months of the object of the newest export were, the one that was exported last first."""
    newest = newest_export(ledger)
    return list(known_sizes(ledger, newest.object).values()) if newest else []


def months_taken(ledger: Ledger, exported: str) -> set[str]:
    """Return the months of an object that are whole, or that Marketo works on: none of them is exported next."""
    under_way = [job for job in recorded_jobs(ledger) if job.object == exported and job.status in _UNDER_WAY]
    return set(known_sizes(ledger, exported)) | {month_of(job.partition) for job in under_way}


def newest_export(ledger: Ledger) -> RecordedJob | None:
    """Return the job of a month, or of a piece of one, that was created last; None before the first."""
    return next((job for job in recorded_jobs(ledger) if job.object in MONTHLY), None)


def usual_of(recent: Sequence[int], daily: int) -> int:
    """Return how much of the *daily* share the next export may take, after *recent* ones."""
    return least_of(_or_more([size for size in recent if size][: 2 * _NEIGHBOURS], daily), daily)


def least_of(file_bytes: int, daily: int) -> int:
    """Return how much of the *daily* share has to be there before a month of *file_bytes*, or a piece of it, goes."""
    return file_bytes if file_bytes <= daily else round(LEAST_OF_DAY * daily)


def _or_more(sizes: Sequence[int], daily: int) -> int:
    # Months differ: with no more than the largest set aside, a day's share is exceeded by the next larger one.
    return round(max(sizes) * (1 + (_MARGIN if len(sizes) > 1 else 2 * _MARGIN))) if sizes else daily // 4
