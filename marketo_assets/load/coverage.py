"""Which times Marketo had forgotten when they were read: what history must not claim to know.

A row of `meta.coverage_gaps` stays for ever: what was pruned before it was read comes back by no later reading.
"""

from __future__ import annotations

from datetime import datetime

from marketo_assets.load.ledger import insert_row
from marketo_assets.load.position import STREAM
from marketo_assets.load.repairs import CHANGES_KEPT, DELETIONS_KEPT
from marketo_assets.warehouse import DuckDBConnection


def note_gaps(con: DuckDBConnection, since: datetime, until: datetime) -> None:
    """Leave a row for changes and one for deletions that a poll from *since* to *until* came too late for, if any.

    A poll from the same moment, made again because it may have missed something, widens the gap of the one before.
    """
    for missing, kept in (("changes", CHANGES_KEPT), ("deletions", DELETIONS_KEPT)):
        if until - since > kept:
            gap = {"stream": STREAM, "gap_from": since, "missing": missing}
            con.execute(
                "DELETE FROM meta.coverage_gaps WHERE stream = ? AND gap_from = ? AND missing = ?", list(gap.values())
            )
            insert_row(con, "meta.coverage_gaps", {**gap, "gap_to": until - kept})
