"""What Marketo forgot before it was read, and which months have to be exported again because of it.

A month is repaired by a load that read Marketo late enough: which months are still to be repaired follows from
`meta.repairs` and `meta.loads`, and nobody keeps a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketo_assets.load.columns import table_columns
from marketo_assets.load.ledger import insert_row
from marketo_assets.warehouse import DuckDBConnection

CHANGES_KEPT, DELETIONS_KEPT = timedelta(days=90), timedelta(days=14)
"""What Marketo keeps for certain of changed values, and of deletions."""
# Marketo says at least fourteen days; a month that was read a day short of them is exported again all the same.
_MARGIN = timedelta(days=1)
_HOW = (
    "Export every month again: lead_changes_sensor starts job lead_snapshots for each of them, with refresh switched "
    "on; where it is off, do the same by hand. Check months_repaired of marketo/leads says which are still to come."
)


@dataclass(frozen=True)
class StaleMonth:
    """A month that may show what is no longer so."""

    month: str
    read_at: datetime
    """When its newest load read Marketo."""
    needed_since: datetime
    """It is repaired by a load that read Marketo then or later."""


def blind_spots(since: datetime, until: datetime) -> list[str]:
    """Return what a poll from *since* to *until* cannot have seen, in sentences that say what is done about it."""
    found = []
    if until - since > DELETIONS_KEPT:
        found.append(
            f"Marketo keeps deletions for {DELETIONS_KEPT.days} days, and changes were last read {since:%Y-%m-%d %H:%M}"
            f" UTC: leads deleted in between may still be shown. {_HOW}"
        )
    if until - since > CHANGES_KEPT:
        found.append(
            f"Marketo keeps changed values for {CHANGES_KEPT.days} days: older ones since {since:%Y-%m-%d %H:%M} UTC "
            "cannot be known, and leads may be shown with old values until their month is exported again."
        )
    return found


def note_repair(con: DuckDBConnection, since: datetime, until: datetime, now: datetime) -> None:
    """Leave a row in `meta.repairs` when a poll from *since* to *until* was blind in parts; one for each *since*."""
    reasons = blind_spots(since, until)
    if reasons and not con.execute("SELECT 1 FROM meta.repairs WHERE unseen_from = ?", [since]).fetchone():
        needed_since = until - DELETIONS_KEPT + _MARGIN
        row = {"needed_since": needed_since, "unseen_from": since, "reason": " ".join(reasons), "noted_at": now}
        insert_row(con, "meta.repairs", row)


def stale_months(con: DuckDBConnection) -> list[StaleMonth]:
    """Return the months that are still to be repaired, the newest first."""
    rows = con.execute(
        "SELECT partition, arg_max(as_of, load_id) AS read_at, (SELECT max(needed_since) FROM meta.repairs) AS needed "
        "FROM meta.loads WHERE table_name = 'raw.lead_snapshots' GROUP BY partition HAVING read_at < needed "
        "ORDER BY partition DESC"
    ).fetchall()
    return [StaleMonth(*row) for row in rows]


def leads_of_no_month(con: DuckDBConnection) -> set[int]:
    """Return the leads that are shown and were created in a month that was never loaded: no export repairs them."""
    if not table_columns(con, "main", "leads"):
        return set()
    rows = con.execute(
        "SELECT DISTINCT id FROM main.leads AS version ANTI JOIN meta.superseded_rows AS superseded "
        "ON superseded.lead_id = version.id AND superseded.load_id = version._load_id ANTI JOIN "
        "(SELECT DISTINCT partition FROM meta.loads WHERE table_name = 'raw.lead_snapshots') AS loaded "
        "ON loaded.partition = strftime(version.createdAt AT TIME ZONE 'UTC', '%Y-%m')"
    ).fetchall()
    return {row[0] for row in rows}
