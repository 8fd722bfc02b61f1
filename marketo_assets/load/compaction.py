"""Before people read: versions that are no longer shown move to the past, and what is shown is a table as it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketo_assets.load.lead_differences import record_superseded
from marketo_assets.load.lead_versions import PAST, SHOWN, has_lead_tables, move_picked, pick_versions
from marketo_assets.load.ledger import append_rows
from marketo_assets.warehouse import DuckDBConnection

_ROWS_TO_A_GAP = 1_000
"""DuckDB reads 2,048 rows at once, at half the speed where one is missing: with more gaps, counts feel it."""
_FEW_ROWS = 100_000
_PAUSE_PER_ROW = timedelta(microseconds=50)
"""Some ten times as long as writing a lead anew takes: it never becomes what releases are busy with."""


def compact(con: DuckDBConnection) -> int:
    """Return how many versions were moved to `raw.past_lead_versions`; afterwards `main.leads` is what is shown.

    What the moved versions held otherwise than the next reading is told in `raw.lead_differences`.

    **Cost:** follows the changes since the last compaction, and reading the columns of the rows that moved.
    """
    if not has_lead_tables(con) or not con.execute("SELECT 1 FROM meta.superseded_rows LIMIT 1").fetchone():
        return 0
    pending = "SELECT lead_id AS id, load_id AS _load_id FROM meta.superseded_rows"
    pick_versions(con, pending, SHOWN)
    record_superseded(con)
    moved = move_picked(con, SHOWN, PAST)
    con.execute("DELETE FROM meta.superseded_rows")
    return moved


def close_gaps(con: DuckDBConnection, now: datetime) -> int:
    """Return how many gaps that moved rows had left in `main.leads` are closed, by writing the table anew.

    Done where a count would feel them: from one gap in 1,000 rows on, at most every 50 seconds for each million leads,
    and not in small tables.

    Comments go with the old table; refreshing the models writes them again.

    **Cost:** writes the whole table, about four seconds for a million leads of sixty fields.
    """
    if not has_lead_tables(con):
        return 0
    # A row's number is its place, so what is missing up to the last one are gaps.
    rows, gaps = con.execute(f"SELECT count(*), coalesce(max(rowid) + 1 - count(*), 0) FROM {SHOWN}").fetchone() or (
        0,
        0,
    )
    if rows < _FEW_ROWS or gaps * _ROWS_TO_A_GAP < rows or _is_recent(con, now, rows):
        return 0
    con.execute(f"CREATE TABLE {SHOWN}_anew AS FROM {SHOWN}")
    con.execute(f"DROP TABLE {SHOWN}")
    con.execute(f"ALTER TABLE {SHOWN}_anew RENAME TO {SHOWN.partition('.')[2]}")
    append_rows(con, "meta.compactions", [{"compacted_at": now, "rows": rows, "gaps": gaps}])
    return int(gaps)


def _is_recent(con: DuckDBConnection, now: datetime, rows: int) -> bool:
    last = con.execute("SELECT max(compacted_at) FROM meta.compactions").fetchone()
    # A clock that was set back must not put it off for longer.
    return bool(last and last[0] and abs(now - last[0]) < rows * _PAUSE_PER_ROW)
