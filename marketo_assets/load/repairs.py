"""What Marketo forgot before it was read, and which months have to be exported again because of it.

A month is repaired by a load that read Marketo late enough: which months are still to be repaired follows from
`meta.repairs` and `meta.loads`, and nobody keeps a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketo_assets.load.columns import table_columns
from marketo_assets.load.current_leads import GONE, mark_missing, settle, touch
from marketo_assets.load.lead_versions import SHOWN, lead_columns
from marketo_assets.load.ledger import insert_row
from marketo_assets.warehouse import DuckDBConnection

CHANGES_KEPT, DELETIONS_KEPT = timedelta(days=90), timedelta(days=14)
"""What Marketo keeps for certain of changed values, and of deletions."""
# Marketo says at least fourteen days; a month that was read a day short of them is exported again all the same.
_MARGIN = timedelta(days=1)
_SHOWN_NOW = (
    f"SELECT * FROM {SHOWN} AS version ANTI JOIN meta.superseded_rows AS superseded "
    "ON superseded.lead_id = version.id AND superseded.load_id = version._load_id"
)
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
    """Return the months that are still to be repaired, the newest first; none in a release of an older version."""
    if not table_columns(con, "meta", "repairs"):
        return []
    rows = con.execute(
        "SELECT partition, arg_max(as_of, load_id) AS read_at, (SELECT max(needed_since) FROM meta.repairs) AS needed "
        "FROM meta.loads WHERE table_name = 'raw.lead_snapshots' GROUP BY partition HAVING read_at < needed "
        "ORDER BY partition DESC"
    ).fetchall()
    return [StaleMonth(*row) for row in rows]


def leads_of_no_month(con: DuckDBConnection) -> set[int]:
    """Return the leads that are shown and were created in a month that was never loaded: no export repairs them."""
    if not lead_columns(con):
        return set()
    rows = con.execute(
        f"SELECT DISTINCT id FROM ({_SHOWN_NOW}) AS version ANTI JOIN "
        "(SELECT DISTINCT partition FROM meta.loads WHERE table_name = 'raw.lead_snapshots') AS loaded "
        "ON loaded.partition = strftime(version.createdAt AT TIME ZONE 'UTC', '%Y-%m')"
    ).fetchall()
    return {row[0] for row in rows}


def keep_unrepaired(con: DuckDBConnection, partition: str) -> None:
    """Keep in the table `unrepaired` which leads a month shows whose new export is about to repair it; else none."""
    is_stale = partition in {found.month for found in stale_months(con)}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE unrepaired AS SELECT id FROM ({_SHOWN_NOW}) WHERE _partition = ? AND ?",
        [partition, is_stale],
    )


def miss_forgotten(con: DuckDBConnection, partition: str, as_of: datetime, load_id: int) -> None:
    """Take those leads of the table `unrepaired` for missing that the month's new rows, read at *as_of*, do not have.

    Marketo has forgotten their deletion; captures ask for them by id, and then they count among the deleted leads.
    """
    rows = con.execute(
        f"SELECT id FROM unrepaired ANTI JOIN (SELECT id FROM {SHOWN} WHERE _partition = $1 OR _as_of >= $2) AS here "
        f"USING (id) ANTI JOIN ({GONE}) AS gone USING (id)",
        [partition, as_of],
    ).fetchall()
    con.execute("DROP TABLE unrepaired")
    if rows:
        ids = [row[0] for row in rows]
        mark_missing(con, ids, as_of, load_id)
        touch(con, ids)
        settle(con)
