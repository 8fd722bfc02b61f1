"""What is closed, and until when: the memory of 606, 607, 615 and 1029, shared by all processes."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Literal

from marketo_assets.clock import quota_reset

What = Literal["rate", "calls", "exports"]

_LONGEST_SECONDS = {"rate": 3600.0, "calls": 25 * 3600.0, "exports": 25 * 3600.0}
_EARLY = timedelta(minutes=15)


def close(db: sqlite3.Connection, what: What, until: datetime) -> None:
    """Close *what* until then, or for longer where it was closed for longer."""
    db.execute(
        "INSERT INTO closed VALUES (?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        (what, until.timestamp()),
    )


def closed_seconds(db: sqlite3.Connection, what: What, now: datetime) -> float:
    """Return for how many seconds from *now* on *what* stays closed; 0 when it is open."""
    row = db.execute("SELECT until FROM closed WHERE what = ?", (what,)).fetchone()
    left = row[0] - now.timestamp() if row else 0.0
    # A moment further away than any closing lasts was written before the clock was set back.
    return float(left) if 0 < left <= _LONGEST_SECONDS[what] else 0.0


def reopening(now: datetime) -> datetime:
    """Return when a quota that Marketo calls spent *now* is to be tried again: after the reset.

    Just after a reset the two clocks may disagree about the day, so then it is a quarter of an hour.
    """
    reset = quota_reset(now)
    day_began = reset - timedelta(days=1)
    return now + _EARLY if now - day_began < _EARLY else reset
