"""What Marketo is about to forget before it was read: most activities after 25 months, some types after 90 days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from marketo_assets.extract.retention import LONG, SHORT, falls_off
from marketo_assets.extract.windows import month_window
from marketo_assets.load.activities import STREAM
from marketo_assets.load.activity_rows import TABLE
from marketo_assets.load.position import read_position
from marketo_assets.warehouse import DuckDBConnection

WARNED = timedelta(days=30)
"""So long before something falls off a warning begins."""
EARLY = (
    "Visit Webpage, Click Link, Send Email, Email Delivered, Change Data Value, Change Score, Add to List, Remove from "
    "List, Request Campaign and CRM syncs"
)


def falling_off(con: DuckDBConnection, months: Sequence[str], now: datetime) -> list[str]:
    """Return, in sentences, what will soon be gone unread: months never exported, and a watermark that stands still.

    A month that was exported before its end counts for what it held, and polls for the rest. Makes no call.
    """
    read = dict(
        con.execute(
            "SELECT partition, max(as_of) FROM meta.loads WHERE table_name = ? AND partition IS NOT NULL GROUP BY ALL",
            [TABLE],
        ).fetchall()
    )
    position = read_position(con, STREAM)
    covered = position.covered_from if position else now
    unread = [month for month in months if read.get(month, month_window(month).start) < _end(month, covered, now)]
    found = []
    for kept, what in ((SHORT, EARLY), (LONG, "all activities")):
        due = [month for month in unread if falls_off(month, now, kept=kept, within=WARNED)]
        if due:
            found.append(
                f"Activities of {', '.join(due)} were not read, or not to the month's end, and Marketo forgets {what} "
                f"after {kept.days} days: materialize landing/activity_exports and marketo/activities for these months."
            )
    if position and now - position.watermark > SHORT - WARNED:
        found.append(
            f"Activities were last polled up to {position.watermark:%Y-%m-%d}, and Marketo forgets {EARLY} after "
            f"{SHORT.days} days: start activities_sensor, or materialize landing/activity_polls."
        )
    return found


def _end(month: str, covered: datetime, now: datetime) -> datetime:
    return min(month_window(month).end, max(covered, month_window(month).start), now)
