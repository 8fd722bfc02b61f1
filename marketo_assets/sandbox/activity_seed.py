"""The activities that the seed made, month by month: worked out when somebody reads them, and never stored.

A row says when, who, of which type and a hash; what the activity tells is drawn from pools by that hash. So a million
activities cost nothing until they are read, and then one month of rows at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from itertools import accumulate

import polars as pl

from marketo_assets.sandbox.activity_catalogue import STANDARD
from marketo_assets.sandbox.activity_numbers import (
    ADD_TO_LIST,
    CHANGE_OWNER,
    CHANGE_SCORE,
    CHANGE_STATUS,
    REMOVE_FROM_LIST,
)
from marketo_assets.sandbox.activity_text import ActivityTexts
from marketo_assets.sandbox.generate import mixed, pick, salt, seconds_of_month, shares
from marketo_assets.sandbox.membership import MembershipSeed
from marketo_assets.sandbox.world import World

FIRST_NUMBER = 3_000_000_001
"""Numbers of the activities that the seed drew; those of its memberships lie below, those of new leads above."""
ROWS = 20_000
_PAGE = 512
_KEPT_MONTHS = 3
_OF_MEMBERSHIPS = frozenset({ADD_TO_LIST, REMOVE_FROM_LIST, CHANGE_STATUS})
_QUIET_SECONDS = 7 * 86_400
"""No change of score or owner is drawn so shortly before the start: whoever captures changes from the start on would
find values that no lead has."""


class ActivitySeed:
    """Every activity that the seed made, besides the New Lead of each lead. Any number of threads may read."""

    def __init__(self, world: World, memberships: MembershipSeed, *, seed: int, per_lead: int) -> None:
        self._leads = world.first
        self._edges, self._seed, self._memberships = world.edges, salt(seed, "activities"), memberships
        self._counts = list(shares(self._seed, world.first.height * per_lead, list(world.edges)))
        self._firsts = list(accumulate(self._counts, initial=FIRST_NUMBER))
        self._kept: dict[tuple[int, bool], pl.DataFrame] = {}
        self._guard = threading.Lock()
        self._fitting, self._unfit = ActivityTexts(self._seed), ActivityTexts(self._seed, with_unfit=True)

    def rows(self, first: int, last: int, *, with_memberships: bool = True) -> Iterator[pl.DataFrame]:
        """Yield the rows from second *first* to *last*, both included, by second and number, some at a time.

        Columns: second, number, type_id, lead_id, hash, scene. **Cost:** the memory of a few months.
        """
        for month, start in enumerate(self._edges[:-1]):
            if start <= last and self._edges[month + 1] > first:
                rows = self._month(month, with_memberships)
                found = rows.filter(pl.col("second").is_between(first, last))
                yield from found.iter_slices(ROWS)

    def since(
        self, second: int, type_ids: Collection[int], lead_ids: Collection[int] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of these types (and leads) from *second* on, as `rows` does but few at a time."""
        is_wanted = pl.col("type_id").is_in(list(type_ids))
        if lead_ids is not None:
            is_wanted &= pl.col("lead_id").is_in(list(lead_ids))
        # Whoever asks for changes of leads alone need not wait until every membership is worked out.
        with_memberships = not _OF_MEMBERSHIPS.isdisjoint(type_ids)
        for rows in self.rows(second, self._edges[-1], with_memberships=with_memberships):
            yield from rows.filter(is_wanted).iter_slices(_PAGE)

    def texts(self, rows: pl.DataFrame, *, with_unfit: bool) -> pl.DataFrame:
        """Return *rows* with what each activity tells: see `ActivityTexts.told`."""
        return (self._unfit if with_unfit else self._fitting).told(rows)

    def _month(self, month: int, with_memberships: bool) -> pl.DataFrame:
        with self._guard:
            key = (month, with_memberships)
            if key not in self._kept:
                self._kept[key] = self._made(month, with_memberships)
                for old in list(self._kept)[:-_KEPT_MONTHS]:
                    del self._kept[old]
            return self._kept[key]

    def _made(self, month: int, with_memberships: bool) -> pl.DataFrame:
        first, last = self._edges[month], self._edges[month + 1] - 1
        drawn = self._drawn(month, first, last)
        if not with_memberships:
            return drawn.sort("second", "number")
        events = self._memberships.events().filter(pl.col("second").is_between(first, last))
        return pl.concat([drawn, events.select(drawn.columns)]).sort("second", "number")

    def _drawn(self, month: int, first: int, last: int) -> pl.DataFrame:
        count = self._counts[month]
        seconds = seconds_of_month(self._seed, month, count, first, last)
        number = pl.int_range(self._firsts[month], self._firsts[month] + count, dtype=pl.Int64, eager=True)
        hashes = mixed(number, salt(self._seed, "hash"))
        known = self._leads["created"].search_sorted(seconds, side="right").cast(pl.UInt64)
        place = _pick_below(hashes, salt(self._seed, "lead"), known)
        rows = pl.DataFrame(
            {
                "second": seconds,
                "number": number,
                "type_id": self._types(hashes),
                "lead_id": self._leads["id"].gather(place),
                "hash": hashes,
                "scene": pl.Series([None], dtype=pl.Int32).new_from_index(0, count),
                "known": known,
            }
        )
        is_change = pl.col("type_id").is_in([CHANGE_SCORE, CHANGE_OWNER])
        is_late = pl.col("second") >= self._edges[-1] - _QUIET_SECONDS
        return rows.filter((pl.col("known") > 0) & ~(is_change & is_late)).drop("known")

    def _types(self, hashes: pl.Series) -> pl.Series:
        drawn = [kind for kind in STANDARD if kind.weight]
        bounds = pl.Series(list(accumulate(kind.weight for kind in drawn)), dtype=pl.UInt64)
        place = bounds.search_sorted(pick(hashes, salt(self._seed, "type"), int(bounds[-1])), side="right")
        return pl.Series([kind.id for kind in drawn], dtype=pl.Int32).gather(place)


def _pick_below(hashes: pl.Series, key: int, sizes: pl.Series) -> pl.Series:
    """Return for each hash a number below its size (0 for a size of 0)."""
    one = pl.Series([key], dtype=pl.UInt64)
    shift = pl.Series([2**32], dtype=pl.UInt64)
    return hashes * one // shift % sizes.clip(lower_bound=1)
