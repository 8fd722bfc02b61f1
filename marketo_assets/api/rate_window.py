"""Moments for calls: never more than so many in any window, served in the order they were asked for.

The slot of a call is the latest of: now, the slot of the call so-many before it plus one window, the slot before it.
Calls of several windows together stay below the sum of their numbers, so a window that only some callers may use is
kept for them, however many slots the others hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Table = Literal["call_slot", "kept_slot"]


class Slot(NamedTuple):
    """A moment for one call, in seconds since 1970."""

    id: int
    at: float
    table: Table = "call_slot"


@dataclass(frozen=True)
class RateWindow:
    """At most *calls* in any *seconds*; at most *waiting* callers hold a slot in the future."""

    calls: int
    seconds: float
    waiting: int
    table: Table = "call_slot"

    def reserve(
        self, db: sqlite3.Connection, now: float, *, not_before: float = 0.0, instead_of: Slot | None = None
    ) -> Slot:
        """Record the next free slot and return it; it may lie in the future. *instead_of* is given back unused."""
        if instead_of is not None:
            db.execute(f"DELETE FROM {instead_of.table} WHERE id = ?", (instead_of.id,))  # noqa: S608  # fixed names
        at = max(self.next_at(db, now), not_before)
        row = db.execute(f"INSERT INTO {self.table} (at) VALUES (?)", (at,))  # noqa: S608  # fixed names
        return Slot(row.lastrowid or 0, at, self.table)

    def next_at(self, db: sqlite3.Connection, now: float) -> float:
        """Return the next free slot, which is not recorded."""
        self._forget(db, now)
        newest = db.execute(f"SELECT max(at) FROM {self.table}").fetchone()[0]  # noqa: S608  # fixed names
        full = db.execute(
            f"SELECT at FROM {self.table} ORDER BY at DESC LIMIT 1 OFFSET ?",  # noqa: S608  # fixed names
            (self.calls - 1,),
        ).fetchone()
        return max(now, newest or 0.0, full[0] + self.seconds if full else 0.0)

    def _forget(self, db: sqlite3.Connection, now: float) -> None:
        # Slots further ahead than waiting callers can push them were made before the clock was set back:
        # they count as made just now, which is the latest that they can have been.
        furthest = now + self.seconds * (2 + self.waiting // self.calls)
        db.execute(f"DELETE FROM {self.table} WHERE at < ?", (now - 2 * self.seconds,))  # noqa: S608  # fixed names
        db.execute(f"UPDATE {self.table} SET at = ? WHERE at > ?", (now, furthest))  # noqa: S608  # fixed names


def reserve_earliest(
    windows: Sequence[RateWindow],
    db: sqlite3.Connection,
    now: float,
    *,
    not_before: float = 0.0,
    instead_of: Slot | None = None,
) -> Slot:
    """Record the earliest free slot of any of *windows*, and return it."""
    earliest = min(windows, key=lambda window: window.next_at(db, now))
    return earliest.reserve(db, now, not_before=not_before, instead_of=instead_of)
