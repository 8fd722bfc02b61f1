"""Which leads exist, and the three moments each one carries.

Kept as a frame of numbers, one row per lead that ever was, sorted by id. Changes wait in plain dictionaries and are
written into the frame when somebody next reads it, so that many small edits cost no copies of a big column.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

import polars as pl

from marketo_assets.sandbox.generate import FIRST_ID

Moment = Literal["created", "updated", "latest"]
_MOMENTS: tuple[Moment, ...] = ("created", "updated", "latest")


class Lead(NamedTuple):
    """One lead's row; its first values are made from *hash*, which a lead that was added later does not have."""

    id: int
    hash: int | None
    created: int
    updated: int
    latest: int


_SCHEMA = {"id": pl.Int64, "hash": pl.UInt64, "created": pl.Int64, "updated": pl.Int64, "latest": pl.Int64}


class Roster:
    """Every lead that ever was: its id, its moments in seconds since 1970, and whether it is still there.

    One thread may change it while no other reads; any number may read at once.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.first = frame
        """The rows that were there at the start, as they were."""
        self._frame = frame.with_columns(alive=pl.lit(value=True))
        # Beside the frame, because finding one row by its column takes a hundred times as long.
        self._ids = array("q", frame["id"].to_list())
        self._new: dict[int, int] = {}
        self._moved: dict[int, dict[Moment, int]] = {}
        self._leaving: set[int] = set()
        self._gone: set[int] = set()
        self._last_id = self._ids[-1] if self._ids else FIRST_ID - 1
        self._guard = threading.Lock()

    def __contains__(self, lead_id: int) -> bool:
        """Whether *lead_id* is a lead that exists now."""
        return lead_id not in self._gone and (lead_id in self._new or self._place(lead_id) is not None)

    @property
    def live(self) -> int:
        """How many leads exist now."""
        return self._frame.height + len(self._new) - len(self._gone)

    def add(self, second: int) -> int:
        """Return the id of a new lead, above every id ever given, with a gap now and then."""
        self._last_id += 7 if self._last_id % 5 == 0 else 1
        self._new[self._last_id] = second
        return self._last_id

    def move(self, lead_id: int, column: Moment, second: int) -> None:
        """Set a moment of a lead to *second*, unless it is later already."""
        moments = self._moved.setdefault(lead_id, {})
        moments[column] = max(second, moments.get(column, second))

    def remove(self, lead_id: int) -> None:
        """Take a lead out for good."""
        self._gone.add(lead_id)
        self._leaving.add(lead_id)

    def lead(self, lead_id: int) -> Lead | None:
        """Return the row of a live lead."""
        if lead_id not in self:
            return None
        if lead_id in self._new:
            row = Lead(lead_id, None, *[self._new[lead_id]] * 3)
        else:
            row = Lead(*self._frame.row(self._place(lead_id) or 0)[:5])
        moved = self._moved.get(lead_id, {})
        return row._replace(**{column: max(second, getattr(row, column)) for column, second in moved.items()})

    def between(self, column: Moment, first: int, last: int) -> list[int]:
        """Return the ids of the live leads whose moment lies in [first, last], ascending."""
        found = self.frame().filter(pl.col("alive") & pl.col(column).is_between(first, last))
        return found["id"].to_list()

    def rows(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return the rows of those of *ids* that exist now, in the order given."""
        frame = self.frame()
        wanted = pl.Series("id", ids, dtype=pl.Int64)
        if not frame.height:
            return frame
        rows = frame[frame["id"].search_sorted(wanted).clip(0, frame.height - 1)]
        return rows.filter((rows["id"] == wanted) & rows["alive"])

    def page(self, after_id: int, limit: int) -> pl.DataFrame:
        """Return the rows of the first *limit* live leads whose id is above *after_id*."""
        frame = self.frame()
        rest = frame.slice(bisect_right(self._ids, after_id))
        return rest.filter("alive").head(limit) if self._gone else rest.head(limit)

    def frame(self) -> pl.DataFrame:
        """Return all rows, every change so far included."""
        with self._guard:
            if self._new:
                self._write_new()
            if self._moved:
                self._write_moments()
            if self._leaving:
                places = self._frame["id"].search_sorted(pl.Series(sorted(self._leaving), dtype=pl.Int64))
                self._frame = self._frame.with_columns(self._frame["alive"].clone().scatter(places, values=False))
                self._leaving = set()
            return self._frame

    def _write_new(self) -> None:
        rows = [(lead_id, None, second, second, second) for lead_id, second in self._new.items()]
        added = pl.DataFrame(rows, schema=_SCHEMA, orient="row").with_columns(alive=pl.lit(value=True))
        self._frame = self._frame.vstack(added).rechunk()
        self._ids.extend(self._new)
        self._new = {}

    def _write_moments(self) -> None:
        for column in _MOMENTS:
            moved = {lead_id: moments[column] for lead_id, moments in self._moved.items() if column in moments}
            if moved:
                before = self._frame[column]
                places = self._frame["id"].search_sorted(pl.Series(list(moved), dtype=pl.Int64))
                kept, asked = before.gather(places), pl.Series(list(moved.values()), dtype=pl.Int64)
                after = before.clone().scatter(places, asked.zip_with(asked > kept, kept))
                self._frame = self._frame.with_columns(after)
        self._moved = {}

    def _place(self, lead_id: int) -> int | None:
        place = bisect_left(self._ids, lead_id)
        return place if place < len(self._ids) and self._ids[place] == lead_id else None
