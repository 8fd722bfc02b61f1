"""Which version of a lead is shown: of all that were read the latest, and none of a lead that is no more.

Versions in `main.leads` that are not to be shown any more stand in `meta.superseded_rows` until compaction moves them.
Only the leads that something happened to are looked at, so the work follows the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from marketo_assets.load.columns import text_literal
from marketo_assets.load.lead_versions import ALL_KEYS, PAST, SHOWN, move_picked, pick_versions
from marketo_assets.load.ledger import append_rows
from marketo_assets.warehouse import DuckDBConnection

GONE = "SELECT lead_id AS id FROM raw.lead_deletions UNION SELECT loser_id FROM raw.lead_merges"
"""Leads that were deleted or merged away: for ever, since Marketo gives no id again."""
# The later reading of Marketo wins. Of one second, a reading by REST was made because of something that happened in
# it; between two exports the month decides, so that the order of loads does not.
LATEST_FIRST = "_as_of DESC, is_reading DESC, _partition DESC NULLS LAST, _load_id DESC"


def versions_of(ids: str) -> str:
    """Return the query of every version of the leads in the table *ids*: where it lies, and all of `LATEST_FIRST`."""
    keys = "id, _load_id, _as_of, _partition, _source = 'rest' AS is_reading"
    return " UNION ALL ".join(
        f"SELECT {keys}, {is_past} AS is_past, rowid AS place FROM {table} SEMI JOIN {ids} USING (id)"
        for table, is_past in ((SHOWN, "false"), (PAST, "true"))
    )


def touch(con: DuckDBConnection, ids: Iterable[int] = (), queries: Sequence[str] = ()) -> None:
    """Add leads to those that the next `settle` looks at: *ids*, and the column `id` of each of *queries*."""
    con.execute("CREATE TEMP TABLE IF NOT EXISTS touched (id BIGINT)")
    numbers = list(ids)
    if numbers:
        con.execute("INSERT INTO touched SELECT unnest(?::BIGINT[])", [numbers])
    for query in queries:
        con.execute(f"INSERT INTO touched SELECT id FROM ({query})")


def settle(con: DuckDBConnection) -> int:
    """Return how many leads were touched, after choosing of each the version that `main.leads` shows.

    None is shown of a lead that was deleted or merged away, or that a reading no earlier than the version did not find.
    What is no longer shown waits in `meta.superseded_rows` for compaction; what is shown again is moved back at once.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT id FROM touched")
    (count,) = con.execute("SELECT count(*) FROM touched").fetchone() or (0,)
    if count:
        con.execute("DELETE FROM meta.superseded_rows WHERE lead_id IN (SELECT id FROM touched)")
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE versions AS "
            f"SELECT *, row_number() OVER (PARTITION BY id ORDER BY {LATEST_FIRST}) = 1 AS is_latest "
            f"FROM ({versions_of('touched')})"
        )
        con.execute(
            "DELETE FROM meta.missing_leads WHERE lead_id IN (SELECT id FROM touched) AND (lead_id IN "
            f"({GONE}) OR EXISTS (SELECT 1 FROM versions WHERE id = lead_id AND (_as_of > missed_at "
            "OR _as_of = missed_at AND is_reading AND _load_id > load_id)))"
        )
        hidden = f"id IN ({GONE}) OR id IN (SELECT lead_id FROM meta.missing_leads)"
        con.execute(
            "INSERT INTO meta.superseded_rows SELECT id, _load_id FROM versions "
            f"WHERE NOT is_past AND (NOT is_latest OR {hidden})"
        )
        back = f"SELECT id, _load_id FROM versions WHERE is_past AND is_latest AND NOT ({hidden})"
        if con.execute(f"{back} LIMIT 1").fetchone():
            pick_versions(con, back, PAST)
            move_picked(con, PAST, SHOWN)
        con.execute("DROP TABLE versions")
    con.execute("DROP TABLE touched")
    return int(count)


def mark_missing(con: DuckDBConnection, ids: Iterable[int], missed_at: datetime, load_id: int) -> None:
    """Record that a reading at *missed_at* did not find these leads; when each was first and last missed stays known.

    A file that is loaded again may be older than the last reading that missed them.
    """
    numbers = sorted(set(ids))
    known = con.execute(
        "DELETE FROM meta.missing_leads WHERE lead_id IN (SELECT unnest(?::BIGINT[])) "
        "RETURNING lead_id, first_missed_at, missed_at, load_id",
        [numbers],
    ).fetchall()
    firsts, lasts = {row[0]: row[1] for row in known}, {row[0]: row[2:] for row in known if row[2] > missed_at}
    rows = []
    for lead_id in numbers:
        last_missed_at, last_load_id = lasts.get(lead_id, (missed_at, load_id))
        rows.append(
            {
                "lead_id": lead_id,
                "first_missed_at": firsts.get(lead_id, missed_at),
                "missed_at": last_missed_at,
                "load_id": last_load_id,
            }
        )
    append_rows(con, "meta.missing_leads", rows)


def before_month(con: DuckDBConnection, partition: str) -> None:
    """Touch the leads of a month whose rows are about to be replaced, as far as another version may now be shown."""
    con.execute("CREATE OR REPLACE TEMP TABLE touched (id BIGINT)")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE month AS SELECT id, _load_id FROM {ALL_KEYS} WHERE _partition = ?", [partition]
    )
    if con.execute("SELECT 1 FROM month LIMIT 1").fetchone():
        touch(con, queries=[_elsewhere(partition, "month")])
        con.execute(
            "DELETE FROM meta.superseded_rows WHERE load_id IN (SELECT DISTINCT _load_id FROM month) "
            "AND lead_id IN (SELECT id FROM month)"
        )
    con.execute("DROP TABLE month")


def after_month(
    con: DuckDBConnection, partition: str, created: tuple[datetime, datetime], as_of: datetime, load_id: int
) -> None:
    """Choose what is shown of the leads of a month whose rows were replaced by a reading of *as_of*.

    A lead that was *created* in the month, was read earlier, and is not in its export any more, is missing.

    **Cost:** follows the month, and where there are changes, their number.
    """
    month = f"SELECT id FROM {SHOWN} WHERE _partition = {text_literal(partition)}"
    others = [_elsewhere(partition, f"({month})")]
    for changed in (GONE, "SELECT lead_id AS id FROM meta.missing_leads"):
        if con.execute(f"SELECT 1 FROM ({changed}) LIMIT 1").fetchone():
            others.append(f"SELECT id FROM ({changed}) SEMI JOIN ({month}) USING (id)")
    _miss_lost(con, month, created, as_of, load_id)
    touch(con, queries=others)
    settle(con)


def _elsewhere(partition: str, ids: str) -> str:
    """Return the query of those of *ids* of which there is a version that no export of the month brought."""
    return (
        f"SELECT id FROM {ALL_KEYS} SEMI JOIN {ids} AS month USING (id) "
        f"WHERE _partition IS DISTINCT FROM {text_literal(partition)}"
    )


def _miss_lost(
    con: DuckDBConnection, month: str, created: tuple[datetime, datetime], as_of: datetime, load_id: int
) -> None:
    readings = " UNION ALL ".join(
        f"SELECT id, createdAt, _as_of FROM {table} WHERE _partition IS NULL" for table in (SHOWN, PAST)
    )
    lost = con.execute(
        f"SELECT id FROM ({readings}) ANTI JOIN ({month}) AS month USING (id) ANTI JOIN ({GONE}) AS gone USING (id) "
        "GROUP BY id HAVING bool_or(createdAt >= $1 AND createdAt < $2) AND max(_as_of) < $3",
        [*created, as_of],
    ).fetchall()
    if lost:
        ids = [row[0] for row in lost]
        mark_missing(con, ids, as_of, load_id)
        touch(con, ids)
