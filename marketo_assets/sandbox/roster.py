"""Which leads exist, and the three moments each one carries.

Kept as a frame of numbers, one row per lead that ever was, sorted by id. Changes wait in plain dictionaries and are
written into the frame when somebody next reads it, so that many small edits cost no copies of a big column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import polars as pl

from marketo_assets.sandbox.generate import FIRST_ID

Moment = Literal["created", "updated", "latest"]
_SCHEMA = {"id": pl.Int64, "hash": pl.UInt64, "created": pl.Int64, "updated": pl.Int64, "latest": pl.Int64}


class Roster:
    """Every lead that ever was: its id, its moments in seconds since 1970, and whether it is still there."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame.with_columns(alive=pl.lit(value=True))
        self._new: dict[int, int] = {}
        self._moved: dict[int, dict[Moment, int]] = {}
        self._gone: set[int] = set()
        self._to_remove: set[int] = set()
        self._last_id = int(frame["id"][-1]) if frame.height else FIRST_ID - 1

    def __contains__(self, lead_id: int) -> bool:
        """Whether *lead_id* is a lead that exists now."""
        return lead_id not in self._gone and (lead_id in self._new or self._place(lead_id) is not None)

    @property
    def live(self) -> int:
        """How many leads exist now."""
        return self._frame.height + len(self._new) - len(self._gone)

    def add(self, second: int) -> int:
        """Return the id of a new lead, above every id ever given, with a gap now and then."""
        self._last_id += 1 + (self._last_id % 5 == 0) * 6
        self._new[self._last_id] = second
        return self._last_id

    def move(self, lead_id: int, column: Moment, second: int) -> None:
        """Set a moment of a lead to *second*; a moment never goes back."""
        moments = self._moved.setdefault(lead_id, {})
        moments[column] = max(second, moments.get(column, second))

    def remove(self, lead_id: int) -> None:
        """Take a lead out for good."""
        self._gone.add(lead_id)
        self._to_remove.add(lead_id)

    def hash_of(self, lead_id: int) -> int | None:
        """Return the number from which a lead's first values are made; None for a lead that was added later."""
        place = self._place(lead_id)
        return None if place is None else self._frame["hash"][place]

    def between(self, column: Moment, first: int, last: int) -> list[int]:
        """Return the ids of the live leads whose moment lies in [first, last], ascending."""
        found = self.frame().lazy().filter(pl.col("alive") & pl.col(column).is_between(first, last))
        return found.select("id").collect()["id"].to_list()

    def rows(self, ids: Sequence[int]) -> pl.DataFrame:
        """Return the rows of those of *ids* that exist now, in the order given."""
        frame = self.frame()
        wanted = pl.Series("id", ids, dtype=pl.Int64)
        if not frame.height:
            return frame
        places = frame["id"].search_sorted(wanted).clip(0, frame.height - 1)
        rows = frame[places]
        return rows.filter((rows["id"] == wanted) & rows["alive"])

    def page(self, after_id: int, limit: int) -> pl.DataFrame:
        """Return the rows of the first *limit* live leads whose id is above *after_id*."""
        frame = self.frame()
        start = int(frame["id"].search_sorted(after_id, side="right"))
        return frame.slice(start).lazy().filter("alive").head(limit).collect()

    def frame(self) -> pl.DataFrame:
        """Return all rows, every change so far included."""
        if self._new:
            seconds = list(self._new.values())
            columns = {"id": list(self._new), "hash": None, "created": seconds, "updated": seconds, "latest": seconds}
            added = pl.DataFrame(columns, schema=_SCHEMA).with_columns(alive=pl.lit(value=True))
            self._frame = self._frame.vstack(added).rechunk()
            self._new = {}
        if self._moved:
            self._write_moments()
        if self._to_remove:
            gone = pl.Series(sorted(self._to_remove), dtype=pl.Int64)
            alive = self._frame["alive"].clone().scatter(self._frame["id"].search_sorted(gone), False)
            self._frame = self._frame.with_columns(alive)
            self._to_remove = set()
        return self._frame

    def _write_moments(self) -> None:
        for column in ("created", "updated", "latest"):
            moved = {lead_id: moments[column] for lead_id, moments in self._moved.items() if column in moments}
            if moved:
                places = self._frame["id"].search_sorted(pl.Series(list(moved), dtype=pl.Int64))
                before = self._frame[column]
                after = pl.Series(list(moved.values()), dtype=pl.Int64)
                kept = before.gather(places)
                written = before.clone().scatter(places, after.zip_with(after > kept, kept))
                self._frame = self._frame.with_columns(written)
        self._moved = {}

    def _place(self, lead_id: int) -> int | None:
        ids = self._frame["id"]
        place = int(ids.search_sorted(lead_id))
        return place if place < len(ids) and ids[place] == lead_id else None
