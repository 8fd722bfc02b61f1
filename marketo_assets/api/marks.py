"""When something happened that every process should know of, kept in the ledger."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Literal

Mark = Literal["usage_asked", "crowded", "accepted", "refused", "calls_refused", "lost"]
"""Marketo's statistics were asked for; it said 606 or 615; it took an export; it called a quota spent, or that of the
calls; an older ledger was lost."""


def note(db: sqlite3.Connection, what: Mark, now: datetime) -> None:
    """Remember that *what* happened now."""
    db.execute("INSERT OR REPLACE INTO noted VALUES (?, ?)", (what, now.timestamp()))


def noted(db: sqlite3.Connection, what: Mark, now: datetime) -> float:
    """Return when *what* happened last, in seconds since 1970, or 0; never after *now*."""
    row = db.execute("SELECT at FROM noted WHERE what = ?", (what,)).fetchone()
    # A moment to come was written before the clock was set back.
    return min(float(row[0]), now.timestamp()) if row else 0.0
