"""Moments for calls: never more than so many in any window, served in the order they were asked for.

The slot of a call is the latest of: now, the slot of the call so-many before it plus one window, the slot before it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple


class Slot(NamedTuple):
    """A moment for one call, in seconds since 1970."""

    id: int
    at: float


@dataclass(frozen=True)
class RateWindow:
    """At most *calls* in any *seconds*; at most *waiting* callers hold a slot in the future."""

    calls: int
    seconds: float
    waiting: int

    def reserve(
        self, db: sqlite3.Connection, now: float, *, not_before: float = 0.0, instead_of: Slot | None = None
    ) -> Slot:
        """Record the next free slot and return it; it may lie in the future. *instead_of* is given back unused."""
        self._forget(db, now)
        if instead_of is not None:
            db.execute("DELETE FROM call_slot WHERE id = ?", (instead_of.id,))
        newest = db.execute("SELECT max(at) FROM call_slot").fetchone()[0]
        full = db.execute("SELECT at FROM call_slot ORDER BY at DESC LIMIT 1 OFFSET ?", (self.calls - 1,)).fetchone()
        at = max(now, not_before, newest or 0.0, full[0] + self.seconds if full else 0.0)
        return Slot(db.execute("INSERT INTO call_slot (at) VALUES (?)", (at,)).lastrowid or 0, at)

    def _forget(self, db: sqlite3.Connection, now: float) -> None:
        # Slots further ahead than waiting callers can push them were made before the clock was set back:
        # they count as made just now, which is the latest that they can have been.
        furthest = now + self.seconds * (2 + self.waiting // self.calls)
        db.execute("DELETE FROM call_slot WHERE at < ?", (now - 2 * self.seconds,))
        db.execute("UPDATE call_slot SET at = ? WHERE at > ?", (now, furthest))
