"""How the bytes of a month lie in its time: an import of one minute may hold half of them.

Why one description for both the plan and the export: where the one expects a cut, the other makes it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_STEP = 0.004
"""Parts of a month are told no finer than this."""
_MOST_SPREAD = 10


@dataclass(frozen=True)
class Filling:
    """Which part of the bytes had come before which moment, in seconds since 1970: first none, in the end all."""

    moments: tuple[float, ...]
    parts: tuple[float, ...]

    @classmethod
    def even(cls, start: datetime, end: datetime) -> Filling:
        """Return that of bytes that come evenly."""
        return cls((start.timestamp(), end.timestamp()), (0.0, 1.0))

    @classmethod
    def of(cls, sizes: Iterable[tuple[float, float]], start: datetime, end: datetime) -> Filling | None:
        """Return that of *sizes*, bytes by second, from *start* up to *end*; None where there are no bytes."""
        by_second: dict[int, float] = {}
        for second, size in sizes:
            by_second[int(second)] = by_second.get(int(second), 0.0) + size
        total, last = sum(by_second.values()), end.timestamp()
        if not total or last <= start.timestamp():
            return None
        moments, parts, came = [start.timestamp()], [0.0], 0.0
        for second, size in sorted(by_second.items()):
            if size >= _STEP * total and second > moments[-1]:
                moments.append(float(second))
                parts.append(came / total)
            came += size
            if came / total - parts[-1] >= _STEP and second + 1 > moments[-1]:
                moments.append(second + 1.0)
                parts.append(came / total)
        if last > moments[-1]:
            moments.append(last)
            parts.append(1.0)
        parts[-1] = 1.0
        return cls(tuple(moments), tuple(round(part, 5) for part in parts))

    @classmethod
    def read(cls, told: Any) -> Filling | None:
        """Return what was kept as JSON, or None where nothing was."""
        return cls(tuple(told["moments"]), tuple(told["parts"])) if told else None

    def growth(self, until: datetime) -> float:
        """Return how many times as many bytes there are *until* then, if they go on to come as they did."""
        seen = self.moments[-1] - self.moments[0]
        return max(1.0, (until.timestamp() - self.moments[0]) / seen)

    def grown(self, until: datetime) -> Filling:
        """Return that of all bytes *until* then, of which the new ones come evenly."""
        factor = self.growth(until)
        if factor == 1.0:
            return self
        return Filling((*self.moments, until.timestamp()), (*(part / factor for part in self.parts), 1.0))

    def before(self, moment: datetime) -> float:
        """Return which part of the bytes had come before *moment*."""
        second = moment.timestamp()
        place = bisect_right(self.moments, second)
        if place in (0, len(self.moments)):
            return 0.0 if place == 0 else 1.0
        since, until = self.moments[place - 1], self.moments[place]
        return _between(self.parts[place - 1], self.parts[place], (second - since) / (until - since))

    def latest(self, part: float) -> datetime:
        """Return the last moment before which no more than *part* of the bytes had come."""
        place = min(bisect_right(self.parts, part), len(self.parts) - 1)
        return datetime.fromtimestamp(math.floor(self._second(place, part)), UTC)

    def earliest(self, part: float) -> datetime:
        """Return the first moment before which *part* of the bytes had come."""
        place = max(1, min(bisect_left(self.parts, part), len(self.parts) - 1))
        return datetime.fromtimestamp(math.ceil(self._second(place, part)), UTC)

    def _second(self, place: int, part: float) -> float:
        before, after = self.parts[place - 1], self.parts[place]
        passed = (part - before) / (after - before) if after > before else 1.0
        return _between(self.moments[place - 1], self.moments[place], min(max(passed, 0.0), 1.0))


def spread(seen: Sequence[tuple[float, int, float]]) -> Iterator[tuple[float, float]]:
    """Yield bytes by second for what was *seen*, in order: a second, for how many rows one stands, and its bytes.

    A row that stands for many stands for others up to half-way to its neighbours, and for none where these are as old.
    """
    seconds = [second for second, _, _ in seen]
    for place, (second, weight, size) in enumerate(seen):
        since = (seconds[max(0, place - 1)] + second) / 2
        until = (seconds[min(place + 1, len(seen) - 1)] + second) / 2
        count = min(weight, _MOST_SPREAD)
        if count == 1:
            # A month may be cut right beside a row of many bytes, so where that is known it is told to the second.
            yield second, size
            continue
        for number in range(count):
            yield since + (until - since) * (number + 0.5) / count, weight * size / count


def _between(one: float, other: float, passed: float) -> float:
    return one + (other - one) * passed
