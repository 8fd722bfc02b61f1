"""What is closed, and until when: the memory of 606, 607, 615, 1029 and of outages, shared by all processes.

`exports` and `calls` are Marketo's own refusals, `share` is a job that this project's share had no room for, `instance`
an outage. One entry is the opposite of a closing: while `overruled` stands, somebody who reopened the export pool by
hand wants to go on beyond this project's share, until Marketo itself refuses.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Literal

from marketo_assets.clock import quota_reset

What = Literal["rate", "calls", "exports", "share", "instance", "overruled"]

_LONGEST_SECONDS = {"rate": 3600.0, "instance": 3600.0}
_LONGEST_DAY_SECONDS = 25 * 3600.0
_EARLY = timedelta(minutes=15)


def close(db: sqlite3.Connection, what: What, until: datetime) -> None:
    """Close *what* until then, or for longer where it was closed for longer."""
    db.execute(
        # A moment further away than any closing lasts was written before the clock was set back.
        "INSERT INTO closed VALUES (?, ?) ON CONFLICT DO UPDATE SET until = "
        "CASE WHEN until > excluded.until + ? THEN excluded.until ELSE max(until, excluded.until) END",
        (what, until.timestamp(), _LONGEST_SECONDS.get(what, _LONGEST_DAY_SECONDS)),
    )


def reopen(db: sqlite3.Connection, *what: What) -> None:
    """Forget that any of *what* was closed."""
    db.executemany("DELETE FROM closed WHERE what = ?", [(name,) for name in what])


def closed_seconds(db: sqlite3.Connection, what: What, now: datetime) -> float:
    """Return for how many seconds from *now* on *what* stays closed; 0 when it is open."""
    row = db.execute("SELECT until FROM closed WHERE what = ?", (what,)).fetchone()
    left = row[0] - now.timestamp() if row else 0.0
    # A moment further away than any closing lasts was written before the clock was set back.
    return float(left) if 0 < left <= _LONGEST_SECONDS.get(what, _LONGEST_DAY_SECONDS) else 0.0


def reopening(now: datetime) -> datetime:
    """Return when a quota that Marketo calls spent *now* is to be tried again: after the reset.

    Just after a reset the two clocks may disagree about the day, so then it is a quarter of an hour.
    """
    reset = quota_reset(now)
    day_began = reset - timedelta(days=1)
    return now + _EARLY if now - day_began < _EARLY else reset
