"""Where in the range of ids leads live, and a fair sample of them: three hundred ids are asked for with every call.

Ids grow with time but not evenly: deleted and anonymous leads leave gaps, and numbering may jump. A stretch in which
ids grow much faster than beside it is looked into until it is known to be void; the rest is sampled, one id in every
stretch of equal length. Few enough ids are all asked for, and then nothing is a guess.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

BATCH = 300
Read = Callable[[Sequence[int]], Mapping[int, float]]
"""Tells of each id that exists the second in which its lead was created. One call for 300 ids."""
Near = Callable[[float], Sequence[int]]
"""Tells ids of leads created soon after a second, for two calls; none if nobody knows."""

_RUN = 3
_RUNS = BATCH // _RUN
_EXPLORING = 0.4
# Ids that grow so many times faster than beside them are a void, once hardly any time passes in it.
_STEEP = 10.0
_BRIEF = 0.004
# A gap is worth a look if it is at least such a part of all narrower ones together.
_WIDE = 0.1
_ENOUGH = 12
_ROOM = 300
_BLIND_LOOKS = 3
_HIGHER_LOOKS = 5
_HIGHER = 1.06
_LONG = 0.02
_MISSES = 24
# While there are calls to spare, the edges of voids are looked at so many times as far in.
_GENEROSITY = (16, 4)


@dataclass(frozen=True)
class Gap:
    """Ids between two leads that were found next to each other, both excluded, and the seconds between these."""

    start: int
    end: int
    since: float
    until: float

    @property
    def width(self) -> int:
        """How many ids."""
        return self.end - self.start

    @property
    def seconds(self) -> float:
        """How much time."""
        return max(self.until - self.since, 0.0)


class IdSearch:
    """Looks up ids with *read*, at most *calls* times, and remembers every answer; *near* helps over voids.

    No lead is looked for that was created before second *earliest*.
    """

    def __init__(self, read: Read, calls: int, *, earliest: float, near: Near | None = None) -> None:
        self._read, self._near, self.calls_left, self._earliest = read, near, calls, earliest
        self._least = calls - round(calls * _EXPLORING)
        self._random = Random(0)  # noqa: S311 - the same plan twice, no secret
        self._asked: set[int] = set()
        self._sampled: set[int] = set()
        self._top = 0
        self.found: dict[int, float] = {}
        """Every lead that was met, and its second."""

    def explore(self, top: int) -> None:
        """Learn outside of which stretches there is hardly a lead, up to id *top* and what lies right above it.

        **Cost:** two fifths of the calls at most.
        """
        self._top = self._highest(top)
        self._explore(self._top)

    def sample(self, calls: int) -> dict[int, int]:
        """Return ids of leads, each with the number of leads that it stands for, after at most *calls* more calls.

        What was sampled before is part of it, so sampling in two goes costs no more than in one.
        """
        calls = min(calls, self.calls_left)
        places = calls * BATCH + len(self._sampled)
        widths = (self._territories(self._top, generosity) for generosity in _GENEROSITY)
        affordable = (found for found in widths if _width(found) < places / 2)
        territories = next(affordable, self._territories(self._top, 1))
        known = sorted(self._sampled)
        while True:
            strata = dict(_strata(territories, places, known, self._random))
            fresh = len(strata.keys() - self._asked)
            if fresh <= calls * BATCH:
                break
            # Two that were sampled before may lie in one stretch, where only one of them counts.
            places = int(places * calls * BATCH / fresh * 0.99)
        self._look_up(strata, calls)
        self._sampled = strata.keys() & self._asked
        return {lead_id: weight for lead_id, weight in strata.items() if lead_id in self.found}

    def _highest(self, top: int) -> int:
        """Return the highest id that is found by looking above *top*, farther and farther."""
        for _ in range(_HIGHER_LOOKS):
            self._look_up((top + place + round(_HIGHER**place) for place in range(BATCH)), 1)
            higher = max(self.found, default=0)
            if higher <= top:
                break
            top = higher
        return top

    def _explore(self, top: int) -> None:
        self._probe(self._from_both_ends(1, top, _RUNS))
        blind: Counter[Gap] = Counter()
        while self.calls_left > self._least:
            brief = _BRIEF * self._span
            doubtful = [gap for gap in self._voids(top) if gap.seconds > brief and blind[gap] < _BLIND_LOOKS]
            if not doubtful:
                return
            before = len(self.found)
            doubtful = sorted(doubtful, key=lambda gap: gap.seconds, reverse=True)[:8]
            share = _RUNS // len(doubtful)
            inside = [self._from_both_ends(gap.start + 1, gap.end - 1, share) for gap in doubtful]
            self._probe(start for starts in inside for start in starts)
            blind.update(gap for gap in doubtful if not any(gap.start < new < gap.end for new in self.found))
            if len(self.found) == before:
                self._ask_near(doubtful[0])

    def _ask_near(self, gap: Gap) -> None:
        if self._near and self.calls_left > self._least + 2 and gap.seconds > _LONG * self._span:
            self.calls_left -= 2
            self._look_up(self._near((gap.since + gap.until) / 2), 1)

    @property
    def _span(self) -> float:
        return max(self.found.values(), default=0.0) - min(self.found.values(), default=0.0)

    def _gaps(self, top: int) -> list[Gap]:
        ids = sorted(self.found)
        if not ids:
            return [Gap(0, top + 1, self._earliest, self._earliest)]
        gaps = [Gap(a, b, self.found[a], self.found[b]) for a, b in pairwise(ids)]
        first, last = self.found[ids[0]], self.found[ids[-1]]
        return [Gap(0, ids[0], self._earliest, first), *gaps, Gap(ids[-1], top + 1, last, last)]

    def _voids(self, top: int) -> list[Gap]:
        """Return the wide gaps in which ids grow much faster than elsewhere; while little is known, all wide ones."""
        gaps = sorted(self._gaps(top), key=lambda gap: gap.width)
        wide: list[Gap] = []
        while gaps and gaps[-1].width > _WIDE * sum(gap.width for gap in gaps[:-1]):
            wide.append(gaps.pop())
        pace = _pace([gap for gap in gaps if gap.start])
        is_little = len(gaps) < _ENOUGH
        return [gap for gap in wide if is_little or gap.width > _STEEP * gap.seconds * pace]

    def _was_looked_into(self, gap: Gap) -> bool:
        """Say whether so many ids of a gap are known to be nobody's that an import of many leads cannot be in it."""
        asked = sorted(self._asked)
        return bisect_left(asked, gap.end) - bisect_left(asked, gap.start + 1) >= _MISSES

    def _territories(self, top: int, generosity: int = 1) -> list[tuple[int, int]]:
        """Return the stretches (first, last) of ids outside of which there is hardly a lead.

        With more *generosity* more of a void's edges counts as such a stretch.
        """
        gaps, ends = self._gaps(top), [1]
        voids = {gap for gap in self._voids(top) if self._was_looked_into(gap)}
        pace = _pace([gap for gap in gaps if gap not in voids and gap.start])
        for gap in gaps:
            # What lies below the first lead was looked into from that lead downwards.
            seconds = gap.seconds if gap.start else 0.0
            room = generosity * (round(2 * seconds * pace) + _ROOM)
            if gap in voids and 2 * room < gap.width:
                ends += [gap.start + room if gap.start else 1, gap.end - room]
        ends.append(top)
        return [(first, last) for first, last in zip(ends[::2], ends[1::2], strict=True) if first <= last]

    def _probe(self, starts: Iterable[int]) -> None:
        self._look_up((start + place for start in starts for place in range(_RUN)), 1)

    def _from_both_ends(self, first: int, last: int, count: int) -> Iterator[int]:
        """Yield about *count* ids from *first* to *last*, closer and closer together towards both ends."""
        half, width = max(1, count // 2), max(1, last - first)
        for place in range(half):
            offset = round(width ** ((place + self._random.random()) / half)) - 1
            yield min(first + offset, last)
            yield max(last - offset - _RUN + 1, first)

    def _look_up(self, ids: Iterable[int], calls: int) -> None:
        wanted = [lead_id for lead_id in dict.fromkeys(ids) if lead_id not in self._asked]
        for place in range(0, len(wanted), BATCH)[: min(calls, self.calls_left)]:
            self.calls_left -= 1
            batch = wanted[place : place + BATCH]
            self._asked.update(batch)
            self.found |= self._read(batch)


def _pace(gaps: Sequence[Gap]) -> float:
    """Return how many ids a second takes."""
    return sum(gap.width for gap in gaps) / max(1.0, sum(gap.seconds for gap in gaps))


def _width(territories: Sequence[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in territories)


def _strata(
    territories: Sequence[tuple[int, int]], places: int, sampled: Sequence[int], random: Random
) -> Iterator[tuple[int, int]]:
    """Yield one id in each of at most *places* stretches of equal length, with that length.

    Where one of *sampled* lies in a stretch, it is that one: it was as likely as any other.
    """
    width = _width(territories)
    step = max(1.0, width / max(1, places))
    bounds = [int(step * number) for number in range(int(width / step) + 1)]
    bounds = [bound for bound in bounds if bound < width] + [width]
    before, at = 0, iter(territories)
    first, last = next(at, (1, 0))
    for start, end in pairwise(bounds):
        chosen = random.randrange(start, end)
        while chosen - before > last - first:
            before += last - first + 1
            first, last = next(at)
        lead_id = first + chosen - before
        low, high = lead_id - (chosen - start), lead_id + (end - 1 - chosen)
        known = bisect_left(sampled, low)
        is_known = known < len(sampled) and sampled[known] <= high and low >= first and high <= last
        yield sampled[known] if is_known else lead_id, end - start
