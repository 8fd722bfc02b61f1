"""What the export of a month will be: from what was exported before where that is known, else from the calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean, pstdev
from typing import Literal

from marketo_assets.extract.estimate.calibration import Calibration
from marketo_assets.extract.estimate.rows import header_bytes
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.windows import month_window

Source = Literal["landed", "measured", "rows measured", "sampled", "assumed"]

_SURE = 2.0
"""Standard errors to each side of an estimate that make its range."""
LEAST_MARGIN = 0.02
"""Part of a size by which even the best estimate may be off."""
# A month that nobody looked into is like those that are known, or up to so much more or less.
_ASSUMED_MARGIN = 0.5


@dataclass(frozen=True)
class Range:
    """A number, and between which it will lie."""

    likely: float
    low: float
    high: float

    @classmethod
    def around(cls, likely: float, error: float) -> Range:
        """Return the range of two standard *error*s around *likely*."""
        return cls(likely, max(0.0, likely - _SURE * error), likely + _SURE * error)

    @classmethod
    def exactly(cls, value: float) -> Range:
        """Return a range that is no wider than *value*."""
        return cls(value, value, value)


@dataclass(frozen=True)
class KnownMonth:
    """A month as it was exported before."""

    rows: int
    file_bytes: int
    fields: tuple[str, ...]
    as_of: datetime
    is_current: bool
    """Whether that file would be taken up, so that the month costs nothing more."""


@dataclass(frozen=True)
class MonthEstimate:
    """What the export of a month will be."""

    month: str
    rows: Range
    file_bytes: Range
    source: Source
    filling: Filling | None = None
    """How the bytes lie in the month's time, where a sample tells."""

    @property
    def is_here(self) -> bool:
        """Whether there is nothing left to export."""
        return self.source == "landed"


def estimate_months(
    months: Sequence[str],
    names: Sequence[str],
    *,
    known: Mapping[str, KnownMonth],
    calibration: Calibration | None,
    now: datetime,
) -> list[MonthEstimate]:
    """Return what the export of each of *months* with the fields *names* will be. Makes no call.

    Raises: LookupError when nothing at all is known.
    """
    if not known and calibration is None:
        raise LookupError("no month was exported or sampled yet")
    return [_estimate(month, names, known, calibration, now) for month in months]


def upper_bytes(calibration: Calibration, month: str, names: Sequence[str], now: datetime) -> int:
    """Return how large the file of *month* may be, to set as much of the quota aside."""
    return round(_sampled(month, names, calibration, now).file_bytes.high)


def filling_now(calibration: Calibration, month: str, now: datetime) -> Filling | None:
    """Return how the bytes of *month* lie in its time by the sample; None where it met nobody of that month."""
    sample = calibration.months.get(month)
    if sample is None or sample.filling is None:
        return None
    return sample.filling.grown(min(now, month_window(month).end))


def growth_of(month: str, seen_at: datetime, now: datetime) -> float:
    """Return how many times as much of *month* has passed now as when it was looked at."""
    window = month_window(month)
    seen = (min(seen_at, window.end) - window.start).total_seconds()
    return max(1.0, (min(now, window.end) - window.start).total_seconds() / max(seen, 1.0))


def _estimate(
    month: str,
    names: Sequence[str],
    known: Mapping[str, KnownMonth],
    calibration: Calibration | None,
    now: datetime,
) -> MonthEstimate:
    found = known.get(month)
    if found and found.is_current and set(found.fields) == set(names):
        return MonthEstimate(month, Range.exactly(found.rows), Range.exactly(0), "landed")
    if found:
        measured = _measured(month, names, found, calibration, now)
        return replace(measured, filling=filling_now(calibration, month, now)) if calibration else measured
    if calibration is not None:
        return _sampled(month, names, calibration, now)
    return _assumed(month, names, known)


def _measured(
    month: str, names: Sequence[str], found: KnownMonth, calibration: Calibration | None, now: datetime
) -> MonthEstimate:
    growth = growth_of(month, found.as_of, now)
    rows = Range.around(found.rows * growth, LEAST_MARGIN / 2 * found.rows + found.rows * (growth - 1) / 2)
    size = found.file_bytes * growth
    if set(found.fields) == set(names):
        return MonthEstimate(month, rows, Range.around(size, size * (LEAST_MARGIN + growth - 1) / 2), "measured")
    if calibration is None:
        share = len(names) / max(1, len(found.fields))
        return MonthEstimate(month, rows, Range.around(size * share, size * share / 4), "rows measured")
    # The sample says what each field takes; the file says how far off the sample was in this month.
    now_row, then_row = calibration.row_bytes(month, names), calibration.row_bytes(month, found.fields)
    likely = size * now_row.mean / max(then_row.mean, 1.0)
    error = likely * (LEAST_MARGIN / 2 + now_row.error / max(now_row.mean, 1.0))
    return MonthEstimate(month, rows, Range.around(likely, error), "rows measured")


def _sampled(month: str, names: Sequence[str], calibration: Calibration, now: datetime) -> MonthEstimate:
    sample, row, head = calibration.months.get(month), calibration.row_bytes(month, names), header_bytes(names)
    growth = growth_of(month, calibration.taken_at, now)
    rows = sample.rows * growth if sample else 0.0
    rows_error = sample.rows_error * growth + rows * (growth - 1) / 2 if sample else 0.0
    size = rows * row.mean
    error = ((rows_error * row.mean) ** 2 + (rows * row.error) ** 2) ** 0.5
    told = Range.around(size, error + LEAST_MARGIN / 2 * size)
    with_header = Range(told.likely + head, told.low + head, told.high + head)
    filling = filling_now(calibration, month, now)
    return MonthEstimate(month, Range.around(rows, rows_error), with_header, "sampled", filling)


def _assumed(month: str, names: Sequence[str], known: Mapping[str, KnownMonth]) -> MonthEstimate:
    head = header_bytes(names)
    rows = [found.rows for found in known.values()]
    sizes = [found.file_bytes * len(names) / max(1, len(found.fields)) for found in known.values()]
    spread = max(_ASSUMED_MARGIN * fmean(sizes), pstdev(sizes))
    return MonthEstimate(
        month,
        Range.around(fmean(rows), max(_ASSUMED_MARGIN * fmean(rows), pstdev(rows)) / _SURE),
        Range.around(max(head, fmean(sizes)), spread / _SURE),
        "assumed",
    )
