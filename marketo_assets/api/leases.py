"""Places for concurrent calls, handed out in the order they were asked for.

A place is a row that expires, so a killed process cannot keep one for ever. Who finds none free takes a ticket and asks
again; a ticket whose holder has stopped asking lapses. Without tickets, a busy process would starve the others.
Who can wait leaves some places free and lets everybody else go first, so a backfill never holds up what is urgent.
"""

from __future__ import annotations

import sqlite3


def take(
    db: sqlite3.Connection,
    now: float,
    *,
    places: int,
    route: str,
    seconds: float,
    ticket: int | None = None,
    can_wait: bool = False,
) -> int | None:
    """Take a place for *seconds* from *now* and return its number, or None while it is the turn of others.

    *places* is how many may be taken after this one; who *can_wait* comes after everybody else who is in line.
    """
    # What ends later than if granted now was granted before the clock was set back.
    db.execute("UPDATE lease SET expires_at = ? + seconds WHERE expires_at > ? + 2 * seconds", (now, now))
    db.execute("DELETE FROM lease WHERE expires_at <= ?", (now,))
    db.execute("DELETE FROM place_ticket WHERE lapses_at <= ? OR lapses_at > ? + 2 * seconds", (now, now))
    free = places - _count(db, "SELECT count(*) FROM lease")
    mine = 2**62 if ticket is None else ticket
    ahead = _count(db, "SELECT count(*) FROM place_ticket WHERE id < ? AND can_wait <= ?", mine, can_wait)
    if can_wait:
        ahead += _count(db, "SELECT count(*) FROM place_ticket WHERE id > ? AND NOT can_wait", mine)
    if ahead >= free:
        return None
    if ticket is not None:
        db.execute("DELETE FROM place_ticket WHERE id = ?", (ticket,))
    return db.execute(
        "INSERT INTO lease (route, expires_at, seconds) VALUES (?, ?, ?)", (route, now + seconds, seconds)
    ).lastrowid


def stand_in_line(
    db: sqlite3.Connection, now: float, *, seconds: float, ticket: int | None, can_wait: bool = False
) -> int | None:
    """Keep *ticket* good for *seconds* from *now*, or take a new one where it lapsed or there is none; return it."""
    if ticket is not None:
        kept = db.execute(
            "UPDATE place_ticket SET lapses_at = ?, seconds = ? WHERE id = ?", (now + seconds, seconds, ticket)
        )
        if kept.rowcount:
            return ticket
    return db.execute(
        "INSERT INTO place_ticket (lapses_at, seconds, can_wait) VALUES (?, ?, ?)", (now + seconds, seconds, can_wait)
    ).lastrowid


def extend(db: sqlite3.Connection, lease: int, moment: float) -> None:
    """Let the place run its full time from *moment* on."""
    db.execute("UPDATE lease SET expires_at = ? + seconds WHERE id = ?", (moment, lease))


def give_back(db: sqlite3.Connection, lease: int) -> None:
    """Free the place."""
    db.execute("DELETE FROM lease WHERE id = ?", (lease,))


def _count(db: sqlite3.Connection, query: str, *values: object) -> int:
    return int(db.execute(query, values).fetchone()[0])
