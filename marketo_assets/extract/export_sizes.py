"""How large the file of an export will be, as far as earlier files tell: so much is set aside before it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.export_jobs import MONTHLY, ExportRequest, recorded_jobs

_NEIGHBOURS = 2
_MARGIN = 0.1


def expected_bytes(ledger: Ledger, request: ExportRequest) -> int:
    """Return how large the file may be: as its request says, else as its partition's last or its neighbours, and more.

    Where no size is known, it is a quarter of the day's share: four jobs may find out at once, and no more.
    """
    if request.likely_bytes is not None:
        return request.likely_bytes
    sizes: dict[str, int] = {}
    for job in recorded_jobs(ledger):
        if job.object == request.object and job.file_bytes is not None:
            sizes.setdefault(job.partition, job.file_bytes)
    if request.partition in sizes:
        return sizes[request.partition]
    # Not the largest of all: one month with a list import in it would make every other look too large for the day.
    before = sorted(name for name in sizes if name < request.partition)[-_NEIGHBOURS:]
    after = sorted(name for name in sizes if name > request.partition)[:_NEIGHBOURS]
    return _or_more([sizes[name] for name in (*before, *after)], ledger)


def usual_bytes(ledger: Ledger) -> int:
    """Return how large a month's next file may be: as the largest of the newest; at first a quarter of the share.

    What `expected_bytes` says of a month whose neighbours were exported just now.
    """
    sizes = [job.file_bytes for job in recorded_jobs(ledger) if job.file_bytes and job.object in MONTHLY]
    return _or_more(sizes[: 2 * _NEIGHBOURS], ledger)


def _or_more(sizes: Sequence[int], ledger: Ledger) -> int:
    # Months differ: with no more than the largest set aside, a day's share is exceeded by the next larger one.
    return round(max(sizes) * (1 + (_MARGIN if len(sizes) > 1 else 2 * _MARGIN))) if sizes else _unknown(ledger)


def _unknown(ledger: Ledger) -> int:
    return ledger.exports.daily_bytes // 4
