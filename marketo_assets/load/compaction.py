"""Before people read: versions that are no longer shown move to the past, and what is shown is a table as it is."""

from __future__ import annotations

from marketo_assets.load.lead_differences import record_superseded
from marketo_assets.load.lead_versions import PAST, SHOWN, has_lead_tables, move_picked, pick_versions
from marketo_assets.warehouse import DuckDBConnection


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
