"""What the subscription accepts, as Marketo said: remembered, so that a refusal is not paid for at every poll."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketo_assets.api.limits import Ledger

UPDATED_AT = "updatedAt export filter"
ASKED_AGAIN = timedelta(days=30)
"""After so long a refusal is no longer believed: subscriptions are extended."""

_TABLE = "CREATE TABLE IF NOT EXISTS feature (name TEXT PRIMARY KEY, is_accepted INTEGER NOT NULL, at TEXT NOT NULL)"


def is_refused(ledger: Ledger, feature: str) -> bool:
    """Say whether Marketo refused *feature* within the last month. Makes no call."""
    with ledger.transaction() as db:
        db.execute(_TABLE)
        row = db.execute("SELECT is_accepted, at FROM feature WHERE name = ?", (feature,)).fetchone()
    return bool(row and not row[0] and ledger.clock.now() - datetime.fromisoformat(row[1]) < ASKED_AGAIN)


def note_feature(ledger: Ledger, feature: str, *, is_accepted: bool) -> None:
    """Remember what Marketo said of *feature*, and when."""
    with ledger.transaction() as db:
        db.execute(_TABLE)
        db.execute(
            "INSERT OR REPLACE INTO feature VALUES (?, ?, ?)", (feature, is_accepted, ledger.clock.now().isoformat())
        )
