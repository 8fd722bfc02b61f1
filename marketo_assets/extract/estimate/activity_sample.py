"""What some pages of the log showed about the activities of each month: how many there are, and how many bytes.

Why pages: Marketo counts nothing for a caller, but a page of 300 activities begins at a moment that the caller chooses,
and its last one tells how much time they filled. What lies between pages is taken to be as dense as they are. Kept in
the ledger, as the sample of leads is; only counts and lengths are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.limits import Ledger
from marketo_assets.extract.activities import type_groups
from marketo_assets.extract.activity_fields import DELETE_LEAD
from marketo_assets.extract.estimate.feed_stretches import FeedSampler, Stretch, between
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.windows import Window, month_window

LEAST_CALLS = 24
"""Fewer calls show too little of all types to be worth making."""
_TABLE = "CREATE TABLE IF NOT EXISTS calibration (object TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID"
_OBJECT = "activities"


@dataclass(frozen=True)
class MonthOfActivities:
    """The activities of a month, as sampled, with standard errors; these are 0 where every one was looked at."""

    rows: float = 0.0
    rows_error: float = 0.0
    file_bytes: float = 0.0
    bytes_error: float = 0.0
    filling: Filling | None = None
    """How the bytes lie in the month's time, up to when it was sampled."""


@dataclass(frozen=True)
class ActivitySample:
    """What was sampled, when, of which types, and for how many calls."""

    taken_at: datetime
    since: datetime
    calls: int
    type_ids: tuple[int, ...]
    activities: int
    """How many were looked at."""
    months: Mapping[str, MonthOfActivities]


def sample_activities(
    client: MarketoClient, types: Sequence[ActivityType], months: Sequence[str], *, calls: int
) -> ActivitySample:
    """Return what at most *calls* calls show about the activities of *types* in *months*; the ledger keeps it.

    Deletions of leads are in no export and are left out.

    **Cost:** at most *calls* calls, no export quota. Raises: ValueError for fewer than `LEAST_CALLS`; MarketoError.
    """
    if calls < LEAST_CALLS:
        raise ValueError(f"{calls} calls show too little; allow at least {LEAST_CALLS}")
    before, now = client.calls, client.clock.now()
    ids = [kind.id for kind in types if kind.name.lower() != DELETE_LEAD.lower()]
    since = month_window(min(months)).start
    sampler = FeedSampler(client, {kind.id: kind for kind in types}, since.timestamp(), now.timestamp(), calls)
    for group in type_groups(ids):
        sampler.look_first(group)
    sampler.look_closer()
    taken = ActivitySample(
        taken_at=now,
        since=since,
        calls=client.calls - before,
        type_ids=tuple(sorted(ids)),
        activities=sum(stretch.count for stretches in sampler.stretches for stretch in stretches),
        months={month: _month(month_window(month), sampler.stretches, now) for month in months},
    )
    _store(client.ledger, taken)
    return taken


def read_activity_sample(ledger: Ledger) -> ActivitySample | None:
    """Return what the last sample showed, or None where there was none. Makes no call."""
    with ledger.transaction() as db:
        db.execute(_TABLE)
        row = db.execute("SELECT data FROM calibration WHERE object = ?", (_OBJECT,)).fetchone()
    if row is None:
        return None
    data: dict[str, Any] = json.loads(row[0])
    months = {
        name: MonthOfActivities(**{**month, "filling": Filling.read(month.get("filling"))})
        for name, month in data.pop("months").items()
    }
    taken_at, since = (datetime.fromisoformat(data[name]) for name in ("taken_at", "since"))
    return ActivitySample(taken_at, since, data["calls"], tuple(data["type_ids"]), data["activities"], months)


def _store(ledger: Ledger, taken: ActivitySample) -> None:
    text = json.dumps(asdict(taken), default=lambda moment: moment.isoformat(), separators=(",", ":"))
    with ledger.transaction() as db:
        db.execute(_TABLE)
        db.execute("INSERT OR REPLACE INTO calibration VALUES (?, ?)", (_OBJECT, text))


def _month(window: Window, feeds: Sequence[Sequence[Stretch]], now: datetime) -> MonthOfActivities:
    first, last = window.start.timestamp(), min(window.end, now.astimezone(UTC)).timestamp()
    rows = size = rows_variance = bytes_variance = 0.0
    sizes = list[tuple[float, float]]()
    for stretches in feeds:
        for stretch in stretches:
            seen = [found for found in stretch.seen if first <= found[0] < window.end.timestamp()]
            rows, size = rows + len(seen), size + sum(cells for _, cells in seen)
            sizes += seen
        for gap in between(stretches):
            count, error = gap.count_in(first, last)
            rows, size = rows + count, size + count * gap.mean_bytes
            rows_variance += error**2
            bytes_variance += (error * gap.mean_bytes) ** 2 + (count * gap.bytes_error) ** 2
            sizes += gap.sizes_in(first, last)
    filling = Filling.of(sizes, window.start, min(window.end, now))
    return MonthOfActivities(rows, rows_variance**0.5, size, bytes_variance**0.5, filling)
