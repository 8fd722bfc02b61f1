"""The plan of a backfill of activities, made as that of leads is; both spend the same quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.activity_fields import EXPORTED
from marketo_assets.extract.estimate.activity_sample import ActivitySample, read_activity_sample
from marketo_assets.extract.estimate.course import play
from marketo_assets.extract.estimate.days import Schedule
from marketo_assets.extract.estimate.months import (
    LEAST_MARGIN,
    KnownMonth,
    MonthEstimate,
    Range,
    estimate_months,
    growth_of,
)
from marketo_assets.extract.estimate.plan import Plan, plan_of, wanted_of
from marketo_assets.extract.estimate.rows import header_bytes
from marketo_assets.extract.export_jobs import ACTIVITIES
from marketo_assets.extract.export_sizes import known_sizes
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.windows import month_window
from marketo_assets.settings import Settings

_NAMES = tuple(field.name for field in EXPORTED)


def make_activity_plan(
    ledger: Ledger,
    settings: Settings,
    months: Sequence[str],
    *,
    known: Mapping[str, KnownMonth],
    sample: ActivitySample | None,
    at_once: int = 4,
) -> Plan:
    """Return what exporting the activities of *months* will cost from now on, *at_once* at a time.

    **Cost:** no call. Raises: LookupError when nothing at all is known of the months.
    """
    now = ledger.clock.now()
    estimates = [_estimate(month, known, sample, now) for month in sorted(months, reverse=True)]
    return plan_of(ledger, settings, estimates, exported=ACTIVITIES, at_once=at_once)


def play_both(leads: Plan, activities: Plan, now: datetime) -> Schedule:
    """Return when both will be here, the activities exported after the leads from *now* on. Makes no call."""
    wanted = [*wanted_of(leads.months), *wanted_of(activities.months)]
    return play(wanted, now=now, allotment=leads.allotment, pace=leads.pace)


def activity_bytes_to_set_aside(ledger: Ledger, month: str) -> int | None:
    """Return how large the file of *month* may be by the sample; None where its own last size tells better."""
    sample = read_activity_sample(ledger)
    if sample is None or month not in sample.months or month in known_sizes(ledger, ACTIVITIES):
        return None
    return round(_sampled(month, sample, ledger.clock.now()).file_bytes.high)


def foreseen_activity_bytes(ledger: Ledger) -> dict[str, int]:
    """Return how large the file of each sampled month may be; makes no call."""
    sample, now = read_activity_sample(ledger), ledger.clock.now()
    return {month: round(_sampled(month, sample, now).file_bytes.high) for month in sample.months} if sample else {}


def activity_filling_of(ledger: Ledger, month: str) -> Filling | None:
    """Return how the bytes of *month* lie in its time by the sample, as the plan reckons; None where none tells."""
    sample = read_activity_sample(ledger)
    return _filling(month, sample, ledger.clock.now()) if sample else None


def _filling(month: str, sample: ActivitySample, now: datetime) -> Filling | None:
    found = sample.months.get(month)
    return found.filling.grown(min(now, month_window(month).end)) if found and found.filling else None


def _estimate(
    month: str, known: Mapping[str, KnownMonth], sample: ActivitySample | None, now: datetime
) -> MonthEstimate:
    if month in known or sample is None or month not in sample.months:
        (found,) = estimate_months([month], _NAMES, known=known, calibration=None, now=now)
        return replace(found, filling=_filling(month, sample, now)) if sample else found
    return _sampled(month, sample, now)


def _sampled(month: str, sample: ActivitySample, now: datetime) -> MonthEstimate:
    found, head = sample.months[month], header_bytes(_NAMES)
    growth = growth_of(month, sample.taken_at, now)
    rows, size, unseen = found.rows * growth, found.file_bytes * growth, (growth - 1) / 2
    told = Range.around(size, (found.bytes_error + LEAST_MARGIN / 2 * found.file_bytes) * growth + unseen * size)
    with_header = Range(told.likely + head, told.low + head, told.high + head)
    error = found.rows_error * growth + unseen * rows
    return MonthEstimate(month, Range.around(rows, error), with_header, "sampled", _filling(month, sample, now))
