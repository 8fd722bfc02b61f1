"""The plan of a backfill: its months, what they cost, and when it ends, with the range of what is not known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from marketo_assets.api.limits import Ledger
from marketo_assets.api.pauses import pauses
from marketo_assets.extract.estimate.calibration import Calibration, read_calibration
from marketo_assets.extract.estimate.course import play
from marketo_assets.extract.estimate.days import CALLS_OF_HERE, Allotment, Pace, Schedule, Wanted
from marketo_assets.extract.estimate.months import (
    KnownMonth,
    MonthEstimate,
    Range,
    estimate_months,
    filling_now,
    upper_bytes,
)
from marketo_assets.extract.export_jobs import LEADS, recorded_jobs
from marketo_assets.extract.export_sizes import known_sizes, recent_sizes
from marketo_assets.extract.filling import Filling
from marketo_assets.settings import Settings

# A job waits for Marketo from a minute to ten, whatever was measured or assumed.
_FASTEST, _SLOWEST = 0.5, 4.0
_COMMON = 0.3


@dataclass(frozen=True)
class FieldShare:
    """What one field takes of a backfill."""

    name: str
    file_bytes: float
    share: float
    is_empty: bool
    """Whether no lead that was looked at had a value in it."""


@dataclass(frozen=True)
class Plan:
    """What a backfill will cost."""

    months: tuple[MonthEstimate, ...]
    """Newest first, the order in which they are exported."""
    schedule: Schedule
    days: Range
    rows: Range
    file_bytes: Range
    calls: Range
    month_calls: Mapping[str, int]
    allotment: Allotment
    pace: Pace
    fields: tuple[str, ...] = ()
    """Those of leads."""
    calibration: Calibration | None = None
    """What is known of leads from a sample."""
    shares: tuple[FieldShare, ...] = ()
    """The largest first; empty where nothing was sampled."""


def make_plan(
    ledger: Ledger,
    settings: Settings,
    months: Sequence[str],
    names: Sequence[str],
    *,
    known: Mapping[str, KnownMonth],
    calibration: Calibration | None,
    at_once: int = 4,
) -> Plan:
    """Return what exporting *months* with the fields *names* will cost from now on, *at_once* at a time.

    **Cost:** no call. Raises: LookupError when nothing at all is known of the months.
    """
    ordered = sorted(months, reverse=True)
    now = ledger.clock.now()
    estimates = estimate_months(ordered, names, known=known, calibration=calibration, now=now)
    plan = plan_of(ledger, settings, estimates, exported=LEADS, at_once=at_once)
    shares = tuple(_shares(estimates, names, calibration))
    return replace(plan, fields=tuple(names), calibration=calibration, shares=shares)


def plan_of(
    ledger: Ledger, settings: Settings, estimates: Sequence[MonthEstimate], *, exported: str, at_once: int
) -> Plan:
    """Return what exporting the months of *estimates*, in their order, will cost from now on. Makes no call."""
    now, allotment = ledger.clock.now(), read_allotment(ledger)
    pace = replace(read_pace(ledger, settings, exported), at_once=at_once)
    rows = _total([estimate.rows for estimate in estimates])
    size = _total([estimate.file_bytes for estimate in estimates])
    schedule = play(wanted_of(estimates), now=now, allotment=allotment, pace=pace)
    low, high = (
        play(wanted_of(estimates, part / size.likely if size.likely else 1.0), now=now, allotment=allotment, pace=speed)
        for part, speed in (
            (size.low, replace(pace, seconds=pace.seconds * (1.0 if pace.is_measured else _FASTEST))),
            (size.high, replace(pace, seconds=pace.seconds * (1.5 if pace.is_measured else _SLOWEST))),
        )
    )
    return Plan(
        months=tuple(estimates),
        schedule=schedule,
        days=Range(schedule.days, min(low.days, schedule.days), max(high.days, schedule.days)),
        rows=rows,
        file_bytes=size,
        calls=Range(schedule.calls, min(low.calls, schedule.calls), max(high.calls, schedule.calls)),
        month_calls=_calls_by_month(estimates, schedule),
        allotment=allotment,
        pace=pace,
    )


def read_allotment(ledger: Ledger) -> Allotment:
    """Return what a backfill may spend a day, and what of today is gone or set aside. Makes no call.

    What captures keep in reserve is no backfill's.
    """
    left = max(ledger.calls_remaining(), 0)
    waits = [pause.until for pause in pauses(ledger)]
    return Allotment(
        daily_bytes=ledger.exports.daily_bytes,
        daily_calls=ledger.limits.daily_calls - ledger.limits.kept_calls,
        used_bytes=ledger.exports.used() + ledger.exports.reserved(),
        used_calls=ledger.day.daily_calls - left,
        not_before=max(waits, default=None),
        recent_bytes=tuple(recent_sizes(ledger)),
    )


def read_pace(ledger: Ledger, settings: Settings, exported: str = LEADS) -> Pace:
    """Return how long exports take here: as those of *exported* did, else as Marketo's small ones do."""
    usual = Pace(poll_seconds=settings.status_poll_seconds)
    queued, worked = [], []
    for job in recorded_jobs(ledger):
        if (
            job.object == exported
            and job.status == "Completed"
            and job.queued_at
            and job.started_at
            and job.finished_at
        ):
            queued.append((job.started_at - job.queued_at).total_seconds())
            worked.append((job.finished_at - job.started_at).total_seconds())
    if not worked:
        return usual
    # The shortest time in the queue is what Marketo needs though a place is free.
    shortest = min(queued)
    return replace(
        usual, seconds=median(worked) + shortest, queue_seconds=shortest, seconds_per_mb=0.0, is_measured=True
    )


def bytes_to_set_aside(ledger: Ledger, month: str, names: Sequence[str]) -> int | None:
    """Return how large the file of *month* may be by the calibration; None where its own last size tells better.

    The upper end is set aside, so that the day's share is not exceeded, and settled by what Marketo reports.
    """
    if month in known_sizes(ledger, LEADS):
        return None
    calibration = read_calibration(ledger)
    return upper_bytes(calibration, month, names, ledger.clock.now()) if calibration else None


def foreseen_bytes(ledger: Ledger) -> dict[str, int]:
    """Return how large the file of each sampled month may be with the fields that were sampled; makes no call."""
    found, now = read_calibration(ledger), ledger.clock.now()
    return {month: upper_bytes(found, month, found.fields, now) for month in found.months} if found else {}


def filling_of(ledger: Ledger, month: str) -> Filling | None:
    """Return how the bytes of *month* lie in its time by the calibration, as the plan reckons; None where none tells.

    Makes no call.
    """
    calibration = read_calibration(ledger)
    return filling_now(calibration, month, ledger.clock.now()) if calibration else None


def wanted_of(estimates: Sequence[MonthEstimate], factor: float = 1.0) -> list[Wanted]:
    """Return what is to be exported, as far as is known; *factor* times as large."""
    return [
        Wanted(
            estimate.month,
            estimate.file_bytes.likely * factor,
            estimate.file_bytes.high,
            is_here=estimate.is_here,
            is_empty=estimate.rows.likely == 0,
            is_foreseen=estimate.source == "sampled",
            filling=estimate.filling,
        )
        for estimate in estimates
    ]


def _calls_by_month(estimates: Sequence[MonthEstimate], schedule: Schedule) -> Mapping[str, int]:
    calls = Counter({estimate.month: CALLS_OF_HERE if estimate.is_here else 0 for estimate in estimates})
    for planned in schedule.exports:
        calls[planned.month] += planned.calls
    return calls


def _total(ranges: Sequence[Range]) -> Range:
    likely = sum(part.likely for part in ranges)
    below = _joint([part.likely - part.low for part in ranges])
    above = _joint([part.high - part.likely for part in ranges])
    return Range(likely, max(0.0, likely - below), likely + above)


def _joint(errors: Sequence[float]) -> float:
    # Months err independently of each other, but for what a row takes, which errs the same way in many.
    return max(math.sqrt(sum(error**2 for error in errors)), _COMMON * sum(errors))


def _shares(
    estimates: Sequence[MonthEstimate], names: Sequence[str], calibration: Calibration | None
) -> list[FieldShare]:
    if calibration is None:
        return []
    rows = [(estimate.month, estimate.rows.likely) for estimate in estimates if not estimate.is_here]
    sizes = {
        name: sum(count * calibration.row_bytes(month, [name]).mean for month, count in rows)
        for name in names
        if name in calibration.fields
    }
    total, empty = sum(sizes.values()) or 1.0, set(calibration.empty_fields)
    shares = [FieldShare(name, size, size / total, name in empty) for name, size in sizes.items()]
    return sorted(shares, key=lambda share: share.file_bytes, reverse=True)
