"""Places for concurrent calls: each is a row that expires, so a killed process cannot keep one for ever."""

from __future__ import annotations

import sqlite3


def take(db: sqlite3.Connection, now: float, *, places: int, route: str, seconds: float) -> int | None:
    """Take a place for *seconds* from *now* and return its number, or None while all *places* are taken."""
    # A lease that ends later than one granted now would was granted before the clock was set back.
    db.execute("UPDATE lease SET expires_at = ? + seconds WHERE expires_at > ? + 2 * seconds", (now, now))
    db.execute("DELETE FROM lease WHERE expires_at <= ?", (now,))
    if db.execute("SELECT count(*) FROM lease").fetchone()[0] >= places:
        return None
    return db.execute(
        "INSERT INTO lease (route, expires_at, seconds) VALUES (?, ?, ?)", (route, now + seconds, seconds)
    ).lastrowid


def extend(db: sqlite3.Connection, lease: int, moment: float) -> None:
    """Let the place run its full time from *moment* on."""
    db.execute("UPDATE lease SET expires_at = ? + seconds WHERE id = ?", (moment, lease))


def give_back(db: sqlite3.Connection, lease: int) -> None:
    """Free the place."""
    db.execute("DELETE FROM lease WHERE id = ?", (lease,))
