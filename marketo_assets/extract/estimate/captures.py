"""What a day of captured changes will cost in calls."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOOK_CALLS = 3
"""Of the sensor: activity types, paging token, one page."""
_FIXED = 4
# Describe, activity types, paging token, deletions; then two feeds of changes, and the leads that changed.
_FEEDS = 2
_BATCH = 300
_DAY = 86_400.0
ASSUMED_SHARE = 0.02
"""Part of the leads that change in a day, where nothing was measured."""


@dataclass(frozen=True)
class CaptureDay:
    """A day of captures."""

    poll_seconds: float
    quiet_calls: int
    """When nothing happens."""
    busy_calls: int
    """At `changes` changes a day, spread evenly."""
    changes: int
    is_measured: bool


def capture_day(poll_seconds: float, lookback_seconds: float, changes: int, *, is_measured: bool) -> CaptureDay:
    """Return what a day of polls every *poll_seconds* costs, quiet and at *changes* changed leads a day."""
    polls = _DAY / poll_seconds
    fresh = changes / polls
    repeated = changes * (poll_seconds + lookback_seconds) / _DAY
    # The sensor does not look while a capture is under way, and each capture follows a look.
    share_of_polls = 1 - math.exp(-fresh)
    pages = _FEEDS * max(1, math.ceil(repeated / _BATCH))
    reads = max(1, math.ceil(fresh / max(share_of_polls, 1e-9) / _BATCH)) if changes else 0
    busy = polls * (LOOK_CALLS + share_of_polls * (_FIXED + pages + reads))
    return CaptureDay(poll_seconds, round(polls * LOOK_CALLS), round(busy), changes, is_measured)
