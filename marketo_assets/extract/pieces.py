"""A month whose file is larger than a day's share of the export quota: cut into pieces that a day has room for.

Why only such months: two jobs instead of one cost calls, and are read at two moments. A month that any day has room for
waits for the next day and comes whole.

Why the window is written into the name of a piece: the ledger's jobs then tell where the month was cut, so a run that
comes after a kill cuts it there too and takes up what is paid for.

Why one function cuts for exports and for plans: what is known of how a month is filled moves its days, and a plan that
did not know as much as the export would tell others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.export_jobs import ExportRequest, find_adoptable, recorded_jobs
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.windows import Window, month_window

LEAST_OF_DAY = 1 / 8
"""Part of a day's share that is worth a piece."""
_GUESSED, _NEXT, _LAST = 0.5, 0.8, 0.9
"""Parts of what is left that a piece is to take: rows do not come evenly, and a month's first piece is a guess."""
_KNOWN = 0.93
"""The same where a sample tells how a month is filled: what is left of the day then is not worth a job."""
_NARROWEST = timedelta(minutes=1)
_NAME = "%Y-%m-%dT%H%M%SZ"
_BETWEEN = "--"


@dataclass(frozen=True)
class Known:
    """What of a month is here already: up to when, and how many bytes that were."""

    until: datetime
    file_bytes: float = 0


@dataclass(frozen=True)
class Cut:
    """A piece that is to be exported next."""

    window: Window
    file_bytes: float
    """How large it may be."""
    part: float
    """Which part of the month that is."""


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


def month_of(partition: str) -> str:
    """Return the month that *partition* is, or is a piece of."""
    window = read_piece_name(partition)
    return partition if window is None else f"{window.start:%Y-%m}"


def piece_of(request: ExportRequest, window: Window, likely_bytes: int | None = None) -> ExportRequest:
    """Return the request for that part of *request*."""
    return replace(request, partition=piece_name(window), window=window, likely_bytes=likely_bytes)


def cut(
    month: Window, known: Known, *, expected: float, filling: Filling | None, left: float, daily: float, now: datetime
) -> Cut:
    """Return the piece of *month* to export after what is *known*, with *left* bytes left of the *daily* share.

    *expected* is the size of the whole month, and *filling* how it lies in its time: evenly where nobody knows. What
    came in one moment is not parted, however large it is, and has a day of its own then. Where too little is left the
    piece is as large as the least that is worth a job, and the day has no room for it.
    """
    course = filling or Filling.even(month.start, _lived(month, now))
    before, whole = course.before(known.until), _scaled(expected, course, known)
    needed, least = whole * (1.0 - before), LEAST_OF_DAY * daily
    rest = Cut(Window(known.until, month.end), needed, 1.0 - before)
    if needed <= max(_LAST, _KNOWN if filling else 0.0) * left:
        return rest
    taken = _KNOWN if filling else _GUESSED if known.until == month.start else _NEXT
    end = course.latest(before + max(least, taken * left) / whole)
    if whole * (course.before(end) - before) < least:
        end = course.earliest(before + least / whole)
    end = max(end, known.until + _NARROWEST)
    part = course.before(end) - before
    return rest if before + part >= 1.0 else Cut(Window(known.until, end), whole * part, part)


def has_room(needed: float, left: float, daily: float) -> bool:
    """Say whether the ledger sets *needed* bytes aside with *left* of the *daily* share: all of it is always enough."""
    return min(needed, daily) <= left


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
    month = request.window
    for job in recorded_jobs(ledger):
        window = read_piece_name(job.partition) if job.object == request.object else None
        if window and window.start == known.until and window.end <= month.end:
            piece = piece_of(request, window)
            if find_adoptable(ledger, piece, now=now, is_refresh=is_refresh, not_before=not_before) == job:
                course = request.filling or Filling.even(month.start, _lived(month, now))
                part = course.before(window.end) - course.before(window.start)
                likely = max(1, round(_scaled(expected, course, known) * part))
                return replace(piece, likely_bytes=job.file_bytes or likely)
    left, daily = ledger.exports.remaining(), ledger.exports.daily_bytes
    found = cut(month, known, expected=expected, filling=request.filling, left=left, daily=daily, now=now)
    return piece_of(request, found.window, min(daily, max(1, round(found.file_bytes))))


def _scaled(expected: float, course: Filling, known: Known) -> float:
    """Return how large the month may be: as was expected, or as what came of it tells, whichever is more."""
    before = course.before(known.until)
    return max(1.0, expected, known.file_bytes / before if before else 0.0)


def _lived(month: Window, now: datetime) -> datetime:
    """Return the end of *month*, or *now* where that is still to come."""
    return max(min(month.end, now), month.start + _NARROWEST)


def sizes_of_months(jobs: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Return how large each month was when it was exported last; *jobs* are partitions and bytes, the newest first.

    The pieces of a month count together where they are the whole of it; a month that is not whole yet has no size.
    """
    sizes: dict[str, int] = {}
    pieces: dict[str, dict[Window, int]] = {}
    for partition, file_bytes in jobs:
        window = read_piece_name(partition)
        month = month_of(partition)
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
