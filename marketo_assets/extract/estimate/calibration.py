"""What a few calls showed about the leads of each month: how many there are, and how many bytes each field takes.

Kept in the ledger, so that the next plan, a run's metadata and the bytes set aside for a job cost nothing. Only
counts and lengths are kept, no value of any lead.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from marketo_assets.api.activities import activity_types, feed_start, lead_activities
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, PagingTokenRefused
from marketo_assets.api.lead_database import leads_by_id
from marketo_assets.api.limits import Ledger
from marketo_assets.api.moments import parse_moment
from marketo_assets.extract.estimate.id_search import IdSearch
from marketo_assets.extract.estimate.rows import NOTHING, row_sizes
from marketo_assets.extract.filling import Filling, spread
from marketo_assets.extract.windows import month_window

LEAST_CALLS = 12
"""Fewer calls show too little to be worth making."""
_FIRST_LOOK = 60
_TABLE = "CREATE TABLE IF NOT EXISTS calibration (object TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID"
_OBJECT = "leads"
_NEW_LEAD = "new lead"
_LATEST = (timedelta(days=1), timedelta(days=30), timedelta(days=360))
# Where nobody knows the newest id: above any that an instance has come to.
_ANY_ID = 2**40


@dataclass(frozen=True)
class MonthSample:
    """The leads of a month, as sampled."""

    rows: float
    """How many there are."""
    rows_error: float
    """Standard error of that; 0 where every id was asked for."""
    leads: int
    """How many were looked at."""
    sums: tuple[int, ...]
    """For each field, the bytes of its cells, commas and line ends included."""
    squares: tuple[int, ...]
    """For each field, the sum of the squares of these."""
    filling: Filling | None = None
    """How the bytes lie in the month's time, up to when it was sampled."""


@dataclass(frozen=True)
class Size:
    """Bytes, and the standard error of knowing them."""

    mean: float
    error: float


@dataclass(frozen=True)
class Calibration:
    """What was sampled, when, and for how many calls."""

    taken_at: datetime
    calls: int
    fields: tuple[str, ...]
    months: Mapping[str, MonthSample]

    def row_bytes(self, month: str, names: Sequence[str]) -> Size:
        """Return the bytes of a row of *month* with the fields *names*; a field that was not sampled is an average one.

        What a month's own leads show counts the more, the more of them were looked at and the more months differ.
        """
        known = [self._by_field[name] for name in names if name in self._by_field]
        sizes = [field.get(month, field[""]) for field in known]
        average = sum(size.mean for size in sizes) / max(1, len(sizes))
        unknown = len(names) - len(known)
        error = math.sqrt(sum(size.error**2 for size in sizes)) + unknown * average
        return Size(sum(size.mean for size in sizes) + unknown * average, error)

    @property
    def empty_fields(self) -> list[str]:
        """The fields without a value in every lead that was looked at."""
        totals = [sum(sample.sums[place] for sample in self.months.values()) for place in range(len(self.fields))]
        return [name for name, total in zip(self.fields, totals, strict=True) if total == self.leads * (NOTHING + 1)]

    @property
    def leads(self) -> int:
        """How many leads were looked at."""
        return sum(sample.leads for sample in self.months.values())

    @cached_property
    def _by_field(self) -> dict[str, dict[str, Size]]:
        return {name: _partly_pooled(self.months, place) for place, name in enumerate(self.fields)}


def calibrate(
    client: MarketoClient,
    names: Sequence[str],
    *,
    calls: int,
    since: datetime,
    is_enough: Callable[[Calibration], bool] = lambda _: False,
) -> Calibration:
    """Return what at most *calls* calls show about the leads created from *since* on; the ledger keeps it.

    Only the fields *names* are asked for. After some sixty calls *is_enough* may end it.

    **Cost:** at most *calls* calls, no export quota. Raises: ValueError for fewer than `LEAST_CALLS`; MarketoError.
    """
    if calls < LEAST_CALLS:
        raise ValueError(f"{calls} calls show too little; allow at least {LEAST_CALLS}")
    before = client.calls
    sampler = _Sampler(client, names)
    top = sampler.newest_id()
    search = IdSearch(sampler.read, calls - (client.calls - before), earliest=since.timestamp(), near=sampler.near)
    search.explore(top or _ANY_ID)
    for more in (max(0, _FIRST_LOOK - (client.calls - before)), calls):
        weights = search.sample(more)
        months = _months(sampler, search.found, weights, client.clock.now())
        taken = Calibration(client.clock.now(), client.calls - before, sampler.names, months)
        if is_enough(taken):
            break
    _store(client.ledger, taken)
    return taken


def read_calibration(ledger: Ledger) -> Calibration | None:
    """Return what the last calibration showed, or None where there was none. Makes no call."""
    with ledger.transaction() as db:
        db.execute(_TABLE)
        row = db.execute("SELECT data FROM calibration WHERE object = ?", (_OBJECT,)).fetchone()
    if row is None:
        return None
    data: dict[str, Any] = json.loads(row[0])
    months = {
        name: MonthSample(
            **{
                **month,
                "sums": tuple(month["sums"]),
                "squares": tuple(month["squares"]),
                "filling": Filling.read(month.get("filling")),
            }
        )
        for name, month in data["months"].items()
    }
    return Calibration(datetime.fromisoformat(data["taken_at"]), data["calls"], tuple(data["fields"]), months)


def _store(ledger: Ledger, taken: Calibration) -> None:
    text = json.dumps(asdict(taken), default=lambda moment: moment.isoformat(), separators=(",", ":"))
    with ledger.transaction() as db:
        db.execute(_TABLE)
        db.execute("INSERT OR REPLACE INTO calibration VALUES (?, ?)", (_OBJECT, text))


class _Sampler:
    """Asks Marketo for leads by id, and keeps of each its month and the lengths of its cells."""

    def __init__(self, client: MarketoClient, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.sizes: dict[int, list[int]] = {}
        self._client = client
        self._new_lead: int | None = None

    def read(self, ids: Sequence[int]) -> dict[int, float]:
        """Return when the leads among *ids* that exist were created. **Cost:** one call for 300."""
        found = {}
        for lead in leads_by_id(self._client, ids, self.names):
            moment = parse_moment(lead.get("createdAt"))
            if moment is not None:
                found[int(lead["id"])] = moment.timestamp()
                self.sizes[int(lead["id"])] = row_sizes(lead, self.names)
        return found

    def near(self, second: float) -> list[int]:
        """Return ids of leads created soon after *second*, none if Marketo does not tell. **Cost:** two calls."""
        return self._created_since(datetime.fromtimestamp(second, UTC), pages=1)

    def newest_id(self) -> int | None:
        """Return the highest id of the newest leads, or None if Marketo does not tell. **Cost:** three calls, or more.

        The log of activities may be closed to these credentials, or hold nothing so old.
        """
        try:
            names = {kind.name.lower(): kind.id for kind in activity_types(self._client)}
        except AccessDenied:
            return None
        self._new_lead = names.get(_NEW_LEAD)
        for age in _LATEST:
            if ids := self._created_since(self._client.clock.now() - age, pages=3):
                return max(ids)
        return None

    def _created_since(self, moment: datetime, *, pages: int) -> list[int]:
        ids: list[int] = []
        if self._new_lead is None:
            return ids
        try:
            feed = lead_activities(self._client, feed_start(self._client, moment).token, [self._new_lead])
            for _, page in zip(range(pages), feed, strict=False):
                ids += [activity.lead_id for activity in page.activities]
        except (AccessDenied, PagingTokenRefused):
            return ids
        return ids


def _months(
    sampler: _Sampler, found: Mapping[int, float], weights: Mapping[int, int], now: datetime
) -> dict[str, MonthSample]:
    by_month: dict[str, list[int]] = defaultdict(list)
    for lead_id, second in found.items():
        by_month[f"{datetime.fromtimestamp(second, UTC):%Y-%m}"].append(lead_id)
    months = {}
    for month, ids in sorted(by_month.items()):
        columns = list(zip(*(sampler.sizes[lead_id] for lead_id in ids), strict=True))
        standing = [weights.get(lead_id, 0) for lead_id in ids]
        window = month_window(month)
        sampled = sorted((found[one], weights[one], float(sum(sampler.sizes[one]))) for one in ids if one in weights)
        months[month] = MonthSample(
            rows=float(sum(standing)),
            rows_error=math.sqrt(sum(weight * (weight - 1) for weight in standing)),
            leads=len(ids),
            sums=tuple(sum(column) for column in columns),
            squares=tuple(sum(size * size for size in column) for column in columns),
            filling=Filling.of(spread(sampled), window.start, min(window.end, now)),
        )
    return months


def _partly_pooled(months: Mapping[str, MonthSample], place: int) -> dict[str, Size]:
    """Return the size of a field's cells by month, and of any other month under the empty name.

    A rare long text is no property of the month that it was met in, and an empty field may be: how far a month's own
    mean is believed follows from how much months differ beyond what chance explains.
    """
    count = sum(sample.leads for sample in months.values())
    mean = sum(sample.sums[place] for sample in months.values()) / max(1, count)
    inner = sum(sample.squares[place] - sample.sums[place] ** 2 / sample.leads for sample in months.values())
    variance = inner / max(1, count - len(months))
    outer = sum(sample.leads * (sample.sums[place] / sample.leads - mean) ** 2 for sample in months.values())
    spread = count - sum(sample.leads**2 for sample in months.values()) / max(1, count)
    between = max(0.0, (outer - (len(months) - 1) * variance) / spread) if spread > 0 else 0.0
    sizes = {"": Size(mean, math.sqrt(between + variance / max(1, count)))}
    for month, sample in months.items():
        # Of a month whose leads were all looked at, nothing is left to chance.
        chance = variance / sample.leads * max(0.0, 1 - sample.leads / max(sample.rows, 1.0))
        belief = between / (between + chance) if between + chance > 0 else 1.0
        own = sample.sums[place] / sample.leads
        sizes[month] = Size(
            mean + belief * (own - mean), math.sqrt(belief * chance + (1 - belief) ** 2 * variance / count)
        )
    return sizes
