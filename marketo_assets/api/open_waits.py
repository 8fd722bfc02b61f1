"""What runs wait for at this moment, kept in the ledger so that `doctor` can tell from another process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from marketo_assets.api.limits import Ledger

_SILENT_SECONDS = 900.0


@dataclass(frozen=True)
class OpenWait:
    """Something that a run waits for."""

    subject: str
    """What is held up: a month, for example."""
    what: str
    """What it waits for, in words that go on from `waits for`."""
    since: datetime
    until: datetime
    """When the run stops waiting and says so."""


def note_wait(ledger: Ledger, subject: str, what: str, *, until: datetime, next_look: datetime) -> None:
    """Remember that *subject* waits for *what*, at most *until*; it looks again at *next_look*."""
    with ledger.transaction() as db:
        now = ledger.clock.now().timestamp()
        db.execute(
            "INSERT INTO open_wait VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            # A moment to come was written before the clock was set back.
            "since = CASE WHEN what = excluded.what THEN min(since, excluded.since) ELSE excluded.since END, "
            "what = excluded.what, until = excluded.until, at = excluded.at",
            (subject, what, now, until.timestamp(), next_look.timestamp()),
        )


def end_wait(ledger: Ledger, subject: str) -> None:
    """Forget what *subject* waited for."""
    with ledger.transaction() as db:
        db.execute("DELETE FROM open_wait WHERE subject = ?", (subject,))


def open_waits(ledger: Ledger) -> list[OpenWait]:
    """Return what runs wait for, the longest wait first; those of runs that were killed are left out."""
    with ledger.transaction() as db:
        silent = ledger.clock.now().timestamp() - _SILENT_SECONDS * float(getattr(ledger.clock, "scale", 1.0))
        rows = db.execute("SELECT subject, what, since, until FROM open_wait WHERE at >= ? ORDER BY since", (silent,))
        return [
            OpenWait(subject, what, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(until, UTC))
            for subject, what, since, until in rows
        ]
