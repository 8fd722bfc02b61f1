"""Stretches of a feed of activities that were read, and what probably lies between them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from marketo_assets.api.activities import BATCH, Activity, ActivityPage, ActivityType, feed_start, lead_activities
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.values import text
from marketo_assets.extract.estimate.rows import cell_bytes

_NUMBERS = frozenset({"integer", "score", "float", "percent", "currency", "boolean"})
_MOMENT_BYTES = len("2026-01-01T00:00:00Z")
_RESULT = "succeeded"
_EMPTY_PAGES = 3
_PARTS = 20


@dataclass(frozen=True)
class Stretch:
    """The time from *first* up to *last*, in seconds since 1970, of which every activity was seen."""

    first: float
    last: float
    seen: tuple[tuple[float, int], ...] = field(repr=False)
    """When each happened, and its bytes in a file."""
    token: str | None = field(default=None, repr=False)
    """Where the feed goes on after it; None at its end."""

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.seen)

    @property
    def density(self) -> float:
        """Activities a second while there were any."""
        moments = [second for second, _ in self.seen]
        span = max(moments) - min(moments) if moments else 0.0
        return (self.count - 1) / span if span > 0 else self.count / max(1.0, self.last - self.first)


@dataclass(frozen=True)
class Gap:
    """What was not read between two stretches."""

    before: Stretch
    after: Stretch | None

    @property
    def first(self) -> float:
        """Where it begins."""
        return self.before.last

    @property
    def last(self) -> float:
        """Where it ends."""
        return self.after.first if self.after else self.before.last

    @property
    def mean_bytes(self) -> float:
        """The bytes of an activity."""
        sizes = self._sizes()
        return sum(sizes) / max(1, len(sizes))

    @property
    def bytes_error(self) -> float:
        """Standard error of that."""
        sizes, mean = self._sizes(), self.mean_bytes
        return math.sqrt(sum((size - mean) ** 2 for size in sizes)) / max(1, len(sizes))

    @property
    def count(self) -> float:
        """How many activities it probably holds."""
        return self.count_in(self.first, self.last)[0]

    def count_in(self, first: float, last: float) -> tuple[float, float]:
        """Return how many activities of it probably happened from *first* to *last*, and the standard error."""
        start, end = max(first, self.first), min(last, self.last)
        if end <= start or self.after is None:
            return 0.0, 0.0
        one, other = self.before.density, self.after.density
        middle = ((start + end) / 2 - self.first) / (self.last - self.first)
        count = (end - start) * (one + (other - one) * middle)
        chance = sum(1 / stretch.count for stretch in (self.before, self.after) if stretch.count) / 4
        return count, math.sqrt(chance * count**2 + ((other - one) * (end - start)) ** 2 / 12)

    def sizes_in(self, first: float, last: float) -> Iterator[tuple[float, float]]:
        """Yield the bytes that it probably holds from *first* to *last*, by second, in some small parts."""
        start, end = max(first, self.first), min(last, self.last)
        width = (end - start) / _PARTS
        for place in range(_PARTS if width > 0 else 0):
            since = start + place * width
            yield since + width / 2, self.count_in(since, since + width)[0] * self.mean_bytes

    def _sizes(self) -> list[int]:
        return [size for stretch in (self.before, self.after) if stretch for _, size in stretch.seen]


def between(stretches: Sequence[Stretch]) -> list[Gap]:
    """Return what lies between *stretches*, which are in order."""
    return [Gap(one, other) for one, other in pairwise(stretches) if other.first > one.last]


class FeedSampler:
    """Reads stretches of feeds from *since* to *until*, seconds since 1970, for at most *calls* calls."""

    def __init__(
        self, client: MarketoClient, types: Mapping[int, ActivityType], since: float, until: float, calls: int
    ) -> None:
        self.stretches: list[list[Stretch]] = []
        """Those of each group of types, in order."""
        self._client, self._types, self._since, self._until = client, types, since, until
        self._groups: list[Sequence[int]] = []
        self._start: str | None = None
        self._most = client.calls + calls

    def look_first(self, group: Sequence[int]) -> None:
        """Read a group's first page, and its last day. **Cost:** a call or two, and one for the first group."""
        if self._left() < 2:
            return
        self._start = self._start or self._token(self._since)
        self._groups.append(group)
        self.stretches.append([self._read(group, self._since, self._start)])

    def look_closer(self) -> None:
        """Read on where most is unknown until the calls are spent, or nothing is unknown."""
        for number in range(len(self.stretches)):
            self._reach_end(number)
        while self._left() >= 2 and (gaps := list(self._gaps())):
            unknown = sum(gap.count for _, gap in gaps)
            number, gap = max(gaps, key=lambda found: found[1].count)
            if unknown / BATCH <= self._left() and gap.before.token:
                self._add(number, self._read(self._groups[number], gap.first, gap.before.token))
            else:
                moment = random.uniform(0.3, 0.7) * (gap.last - gap.first) + gap.first  # noqa: S311  # a sample
                self._add(number, self._read(self._groups[number], moment, self._token(moment)))

    def _reach_end(self, number: int) -> None:
        """Let the group's stretches reach the end, whose density is guessed from half of what the first told."""
        (first,) = self.stretches[number]
        if first.token is None:
            return
        moment = max(first.last, self._until - BATCH / 2 / max(first.density, 1e-9))
        while self._left() >= 2:
            found = self._read(self._groups[number], moment, self._token(moment))
            self._add(number, found)
            if found.token is None:
                return
            moment = found.last + (self._until - found.last) / 2
        # What lies behind the last page is as dense as it.
        last = self.stretches[number][-1]
        self.stretches[number].append(Stretch(self._until, self._until, last.seen))

    def _gaps(self) -> Iterator[tuple[int, Gap]]:
        for number, stretches in enumerate(self.stretches):
            for gap in between(stretches):
                if gap.count >= 1:
                    yield number, gap

    def _add(self, number: int, found: Stretch) -> None:
        stretches = self.stretches[number]
        follows = next((other for other in stretches if other.first > found.first), None)
        if follows and found.last >= follows.first:
            kept = tuple(pair for pair in found.seen if pair[0] < follows.first)
            found = Stretch(found.first, follows.first, kept, found.token)
        stretches.append(found)
        stretches.sort(key=lambda stretch: (stretch.first, stretch.last))

    def _read(self, group: Sequence[int], first: float, token: str) -> Stretch:
        page = self._page(group, token)
        seen = sorted((found.at.timestamp(), self._bytes_of(found)) for found in page.activities)
        seen = [pair for pair in seen if pair[0] >= first]
        if not page.has_more:
            return Stretch(first, self._until, tuple(seen))
        # Of its last second a page may have only a part; the next one repeats none of it.
        last = seen[-1][0] if seen else first + 1.0
        return Stretch(first, max(last, first + 1.0), tuple(seen), page.next_token)

    def _page(self, group: Sequence[int], token: str) -> ActivityPage:
        pages = lead_activities(self._client, token, group)
        page = next(pages)
        for _ in range(_EMPTY_PAGES):
            if page.activities or not page.has_more or not self._left():
                break
            page = next(pages)
        return page

    def _token(self, second: float) -> str:
        return feed_start(self._client, datetime.fromtimestamp(second, UTC)).token

    def _left(self) -> int:
        return self._most - self._client.calls

    def _bytes_of(self, found: Activity) -> int:
        """Return the bytes of the activity's row in an export file, its line end included."""
        declared = self._types.get(found.type_id)
        numbers = {known.name for known in declared.attributes if known.data_type in _NUMBERS} if declared else set()
        members = [
            f"{_quoted(name)}:{told if name in numbers else _quoted(told)}"
            for name, value in found.attributes.items()
            if (told := text(value))
        ]
        cells = (
            found.guid,
            found.lead_id,
            "x" * _MOMENT_BYTES,
            found.type_id,
            found.campaign_id,
            found.primary_id,
            found.primary_value,
            f"{{{','.join(members)}}}",
            _RESULT,
        )
        return sum(cell_bytes(cell) + 1 for cell in cells)


def _quoted(told: str) -> str:
    return json.dumps(told, ensure_ascii=False)
