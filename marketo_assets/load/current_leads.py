"""Which version of a lead is shown: of all that were read the latest, and none of a lead that is no more.

A version is a row of `raw.lead_snapshots` or `raw.lead_readings`. Those that are not shown stand in
`meta.superseded_rows`. Only the leads that something happened to are looked at, so the work follows the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from marketo_assets.load.columns import text_literal
from marketo_assets.load.ledger import append_rows
from marketo_assets.warehouse import DuckDBConnection

GONE = "SELECT lead_id AS id FROM raw.lead_deletions UNION SELECT loser_id FROM raw.lead_merges"
"""Leads that were deleted or merged away: for ever, since Marketo gives no id again."""
_KEYS = "id, _load_id, _as_of"
# The later reading of Marketo wins. Of one second, a reading by REST was made because of something that happened in
# it; between two exports the month decides, so that the order of loads does not.
_VERSIONS = (
    f"SELECT {_KEYS}, _partition, false AS is_reading FROM raw.lead_snapshots SEMI JOIN touched USING (id) "
    f"UNION ALL SELECT {_KEYS}, NULL, true FROM raw.lead_readings SEMI JOIN touched USING (id)"
)
_LATEST_FIRST = "_as_of DESC, is_reading DESC, _partition DESC, _load_id DESC"


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
    """
    con.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT id FROM touched")
    (count,) = con.execute("SELECT count(*) FROM touched").fetchone() or (0,)
    if count:
        con.execute("DELETE FROM meta.superseded_rows WHERE lead_id IN (SELECT id FROM touched)")
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE versions AS "
            f"SELECT *, row_number() OVER (PARTITION BY id ORDER BY {_LATEST_FIRST}) AS nth "
            f"FROM ({_VERSIONS})"
        )
        con.execute(
            "DELETE FROM meta.missing_leads WHERE lead_id IN (SELECT id FROM touched) AND (lead_id IN "
            f"({GONE}) OR EXISTS (SELECT 1 FROM versions WHERE id = lead_id AND (_as_of > missed_at "
            "OR _as_of = missed_at AND is_reading AND _load_id > load_id)))"
        )
        con.execute(
            "INSERT INTO meta.superseded_rows SELECT id, _load_id FROM versions WHERE nth > 1 "
            f"OR id IN ({GONE}) OR id IN (SELECT lead_id FROM meta.missing_leads)"
        )
        con.execute("DROP TABLE versions")
    con.execute("DROP TABLE touched")
    return int(count)


def mark_missing(con: DuckDBConnection, ids: Iterable[int], missed_at: datetime, load_id: int) -> None:
    """Record that a reading at *missed_at* did not find these leads; when each was first missed stays known."""
    numbers = sorted(set(ids))
    firsts = dict(
        con.execute(
            "DELETE FROM meta.missing_leads WHERE lead_id IN (SELECT unnest(?::BIGINT[])) "
            "RETURNING lead_id, first_missed_at",
            [numbers],
        ).fetchall()
    )
    rows = [
        {
            "lead_id": lead_id,
            "first_missed_at": firsts.get(lead_id, missed_at),
            "missed_at": missed_at,
            "load_id": load_id,
        }
        for lead_id in numbers
    ]
    append_rows(con, "meta.missing_leads", rows)


def before_month(con: DuckDBConnection, partition: str) -> None:
    """Touch the leads of a month whose rows are about to be replaced, as far as another version may now be shown."""
    con.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT lead_id AS id FROM meta.superseded_rows LIMIT 0")
    if not con.execute("SELECT 1 FROM meta.superseded_rows LIMIT 1").fetchone():
        return
    month = "SELECT id, _load_id FROM raw.lead_snapshots WHERE _partition = $1"
    con.execute(f"CREATE OR REPLACE TEMP TABLE month AS {month}", [partition])
    touch(con, queries=["SELECT lead_id AS id FROM meta.superseded_rows SEMI JOIN month ON lead_id = id"])
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
    name = text_literal(partition)
    month = f"SELECT id FROM raw.lead_snapshots WHERE _partition = {name}"
    others = [f"SELECT id FROM raw.lead_snapshots WHERE _partition <> {name}"]
    changed = ["SELECT id FROM raw.lead_readings", GONE, "SELECT lead_id AS id FROM meta.missing_leads"]
    if con.execute(" UNION ALL ".join(f"(SELECT 1 FROM ({query}) LIMIT 1)" for query in changed)).fetchone():
        others += changed
        _miss_lost(con, month, created, as_of, load_id)
    touch(con, queries=[f"SELECT id FROM ({other}) SEMI JOIN ({month}) USING (id)" for other in others])
    settle(con)


def _miss_lost(
    con: DuckDBConnection, month: str, created: tuple[datetime, datetime], as_of: datetime, load_id: int
) -> None:
    lost = con.execute(
        "SELECT DISTINCT id FROM raw.lead_readings ANTI JOIN "
        f"({month}) AS month USING (id) ANTI JOIN ({GONE}) AS gone USING (id) "
        "WHERE createdAt >= $1 AND createdAt < $2 AND NOT EXISTS "
        "(SELECT 1 FROM raw.lead_readings AS later WHERE later.id = raw.lead_readings.id AND later._as_of >= $3)",
        [*created, as_of],
    ).fetchall()
    if lost:
        ids = [row[0] for row in lost]
        mark_missing(con, ids, as_of, load_id)
        touch(con, ids)
