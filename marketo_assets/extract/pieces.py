"""A month whose file is larger than a day's share of the export quota: cut into pieces that a day has room for.

Why only such months: two jobs instead of one cost calls, and are read at two moments. A month that any day has room for
waits for the next day and comes whole.

Why the window is written into the name of a piece: the ledger's jobs then tell where the month was cut, so a run that
comes after a kill cuts it there too and takes up what is paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.export_jobs import ExportRequest, find_adoptable, recorded_jobs
from marketo_assets.extract.windows import Window, month_window

LEAST_OF_DAY = 1 / 8
"""Part of a day's share that is worth a piece."""
_FIRST, _NEXT, _LAST = 0.5, 0.8, 0.9
"""Parts of what is left that a piece is to take: rows do not come evenly, and a month's first piece is a guess."""
_NARROWEST = timedelta(minutes=1)
_NAME = "%Y-%m-%dT%H%M%SZ"
_BETWEEN = "--"


@dataclass(frozen=True)
class Known:
    """What of a month is here already: up to when, and how many bytes that were."""

    until: datetime
    file_bytes: int = 0


def piece_name(window: Window) -> str:
    """Return what the piece of *window* is called in the ledger and on disk; the name begins with the month."""
    return f"{window.start:{_NAME}}{_BETWEEN}{window.end:{_NAME}}"


def read_piece_name(name: str) -> Window | None:
    """Return the window of the piece that is called so, or None for a name that is none of a piece."""
    try:
        start, end = (datetime.strptime(part, _NAME).replace(tzinfo=UTC) for part in name.split(_BETWEEN))
    except ValueError:
        return None
    return Window(start, end)


def piece_of(request: ExportRequest, window: Window, likely_bytes: int | None = None) -> ExportRequest:
    """Return the request for that part of *request*."""
    return replace(request, partition=piece_name(window), window=window, likely_bytes=likely_bytes)


def part_that_fits(needed: float, left: float, daily: float, *, is_first: bool) -> float:
    """Return which part of *needed* bytes to export next with *left* bytes of the *daily* share; 0 is: wait a day."""
    if needed <= _LAST * left:
        return 1.0
    return (_FIRST if is_first else _NEXT) * left / needed if left >= LEAST_OF_DAY * daily else 0.0


def next_piece(
    ledger: Ledger,
    request: ExportRequest,
    known: Known,
    *,
    expected: int,
    now: datetime,
    is_refresh: bool = False,
    not_before: datetime | None = None,
) -> ExportRequest:
    """Return the request for what follows of a month's *request* after what is *known*, sized for what is left today.

    A job that begins there and is worth taking up decides where it ends. Makes no call; *expected* is the size of the
    whole month. Where too little is left it is as large as the least that is worth a job, and the ledger will refuse.
    """
    for job in recorded_jobs(ledger):
        window = read_piece_name(job.partition) if job.object == request.object else None
        if window and window.start == known.until and window.end <= request.window.end:
            piece = piece_of(request, window)
            if find_adoptable(ledger, piece, now=now, is_refresh=is_refresh, not_before=not_before) == job:
                return replace(piece, likely_bytes=job.file_bytes or _bytes_of(request, window, known, expected, now))
    return _cut(request, known, expected, now, left=ledger.exports.remaining(), daily=ledger.exports.daily_bytes)


def _cut(request: ExportRequest, known: Known, expected: int, now: datetime, *, left: int, daily: int) -> ExportRequest:
    rest = Window(known.until, request.window.end)
    needed = _bytes_of(request, rest, known, expected, now)
    is_first = known.until == request.window.start
    part = part_that_fits(needed, left, daily, is_first=is_first) or min(1.0, LEAST_OF_DAY * daily / needed)
    until = _lived(rest, now)
    width = max(_NARROWEST, (until - rest.start) * part)
    end = rest.start + timedelta(seconds=round(width.total_seconds()))
    window = rest if part >= 1 or end >= until else Window(rest.start, end)
    return piece_of(request, window, min(daily, max(1, round(needed * part))))


def _bytes_of(request: ExportRequest, window: Window, known: Known, expected: int, now: datetime) -> int:
    """Return how large the file of *window* may be: as dense as was expected or as what came, whichever is more."""
    month = request.window
    seconds = (_lived(window, now) - window.start).total_seconds()
    before = (known.until - month.start).total_seconds()
    density = expected / (_lived(month, now) - month.start).total_seconds()
    return max(1, round(seconds * max(density, known.file_bytes / before if before else 0.0)))


def _lived(window: Window, now: datetime) -> datetime:
    """Return the end of *window*, or *now* where that is still to come."""
    return max(min(window.end, now), window.start + _NARROWEST)


def sizes_of_months(jobs: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Return how large each month was when it was exported last; *jobs* are partitions and bytes, the newest first.

    The pieces of a month count together where they are the whole of it; a month that is not whole yet has no size.
    """
    sizes: dict[str, int] = {}
    pieces: dict[str, dict[Window, int]] = {}
    for partition, file_bytes in jobs:
        window = read_piece_name(partition)
        month = partition if window is None else f"{window.start:%Y-%m}"
        if month in sizes:
            continue
        if window is None:
            sizes[month] = file_bytes
            continue
        found = pieces.setdefault(month, {})
        if not any(window.start < other.end and other.start < window.end for other in found):
            found[window] = file_bytes
        if _is_whole(month, found):
            sizes[month] = sum(found.values())
    return sizes


def _is_whole(month: str, windows: dict[Window, int]) -> bool:
    whole = month_window(month)
    return sum((window.end - window.start for window in windows), timedelta()) == whole.end - whole.start
