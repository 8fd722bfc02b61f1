"""What activities and merges tell of static lists since each was read whole, and what they cannot tell for sure.

Nobody is asked: Add to List and Remove from List stand in `main.activities`, merges in `raw.lead_merges`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from marketo_assets.api.activities import ActivityType
from marketo_assets.extract.activity_fields import choose_activity_types
from marketo_assets.extract.list_reading import MOST_PAGED
from marketo_assets.load.activities import STREAM
from marketo_assets.load.activity_rows import has_activities
from marketo_assets.load.activity_types import known_types
from marketo_assets.load.member_readings import GONE_LEADS, LISTS
from marketo_assets.load.position import Position, read_position
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection

ADD, REMOVE = "add to list", "remove from list"
STATES = "list_states"
"""A temporary table: of each list and lead that something is told of: is it a member by that, and since when."""
# Nobody takes longer to read five pages; a departure meanwhile may have moved somebody to a page that was read already.
_PAGED_WITHIN = timedelta(minutes=5)
_ONE_PAGE = 300
_KEPT_CURRENT = timedelta(days=3)
_SIDES = ("loser", "winner")
_READINGS = f"(SELECT id AS list_id, whole_as_of, members FROM meta.member_readings WHERE members_of = '{LISTS}')"
# Whoever remains at the end of all merges.
_SURVIVORS = """
WITH RECURSIVE merged AS (
    SELECT loser_id, arg_min(winner_id, (merged_at, activity_guid)) AS winner_id, min(merged_at) AS merged_at
    FROM raw.lead_merges GROUP BY loser_id
), chains AS (
    SELECT loser_id, winner_id, merged_at, 1 AS steps FROM merged
    UNION
    SELECT chains.loser_id, merged.winner_id, greatest(chains.merged_at, merged.merged_at), chains.steps + 1
    FROM chains JOIN merged ON merged.loser_id = chains.winner_id
    WHERE merged.winner_id <> chains.loser_id AND chains.steps < 1000
)
SELECT loser_id, arg_max(winner_id, steps) AS winner_id, max(merged_at) AS merged_at FROM chains GROUP BY loser_id
"""


def covered_since(con: DuckDBConnection, settings: Settings) -> Position | None:
    """Return the time of which every Add to List and Remove from List is here; None where they are not kept current.

    Raises: SettingsError for an unknown activity type.
    """
    position = current_position(con, settings, STREAM) if has_activities(con) else None
    if position is None:
        return None
    chosen = choose_activity_types(known_types(con), settings)
    return position if {ADD, REMOVE} <= {_folded(kind) for kind in chosen} else None


def current_position(con: DuckDBConnection, settings: Settings, stream: str) -> Position | None:
    """Return where the polls of *stream* stand; None where nobody has polled for days.

    Catching up with months would cost more calls than reading every list.
    """
    position = read_position(con, stream)
    is_current = position is not None and settings.clock.now() - position.watermark < _KEPT_CURRENT
    return position if is_current else None


def make_states(con: DuckDBConnection) -> None:
    """Leave the table `STATES`: what follows for each list and lead from what happened since the list was read.

    The last activity decides. Where two of one second contradict each other, the reading does, until the next one.
    """
    _make_events(con)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {STATES} AS WITH last AS (SELECT list_id, lead_id, max(told_at) AS told_at, "
        "min(told_at) FILTER (is_add) AS first_added_at FROM list_events GROUP BY ALL) "
        "SELECT last.*, CASE WHEN bool_and(is_add) THEN true WHEN NOT bool_or(is_add) THEN false "
        "ELSE coalesce(any_value(is_read), false) END AS is_member FROM last "
        "JOIN list_events USING (list_id, lead_id, told_at) "
        "LEFT JOIN raw.static_list_members AS held USING (list_id, lead_id) GROUP BY ALL"
    )
    _hand_on(con)
    con.execute("DROP TABLE list_events")


def unsure_lists(con: DuckDBConnection, lookback: timedelta) -> list[int]:
    """Return the lists of which activities do not tell for sure who is on them, so that they have to be read again.

    Two activities of one second contradict each other; a lead joined or left and was merged; or somebody left while
    pages were read.
    """
    _make_events(con)
    contradicting = (
        "SELECT list_id FROM list_events GROUP BY list_id, lead_id, told_at "
        "HAVING bool_or(is_add) AND bool_or(NOT is_add)"
    )
    merged = " UNION ALL ".join(f"SELECT {side}_id AS lead_id, merged_at FROM raw.lead_merges" for side in _SIDES)
    entangled = (
        f"SELECT event.list_id FROM list_events AS event JOIN ({merged}) AS merged USING (lead_id) "
        f"JOIN {_READINGS} USING (list_id) WHERE merged_at >= whole_as_of - $1::INTERVAL"
    )
    left = (
        "SELECT list_id, told_at FROM list_events WHERE NOT is_add UNION ALL SELECT list_id, gone_at "
        f"FROM raw.static_list_members JOIN {GONE_LEADS} USING (lead_id) WHERE is_read"
    )
    slipped = (
        f"SELECT list_id FROM ({left}) JOIN {_READINGS} USING (list_id) "
        f"WHERE members BETWEEN {_ONE_PAGE} AND {MOST_PAGED} "
        "AND told_at BETWEEN whole_as_of AND whole_as_of + $2::INTERVAL"
    )
    rows = con.execute(
        f"SELECT DISTINCT list_id FROM ({contradicting} UNION ALL {entangled} UNION ALL {slipped}) ORDER BY 1",
        [lookback, _PAGED_WITHIN],
    ).fetchall()
    con.execute("DROP TABLE list_events")
    return [row[0] for row in rows]


def _make_events(con: DuckDBConnection) -> None:
    names = {_folded(kind): kind.id for kind in known_types(con)}
    add, remove = names.get(ADD), names.get(REMOVE)
    if not has_activities(con) or add is None or remove is None:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE list_events "
            "(list_id BIGINT, lead_id BIGINT, told_at TIMESTAMPTZ, is_add BOOLEAN)"
        )
        return
    # What a flow step skipped or failed to do did not happen; only exports tell, and what REST told is taken for done.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE list_events AS SELECT list_id, lead_id, activity_date AS told_at, "
        f"activity_type_id = {add} AS is_add FROM main.activities JOIN {_READINGS} "
        f"ON list_id = primary_attribute_value_id WHERE activity_type_id IN ({add}, {remove}) "
        "AND activity_date >= (SELECT date_trunc('second', min(whole_as_of)) FROM meta.member_readings) "
        "AND activity_date >= date_trunc('second', whole_as_of) "
        "AND coalesce(lower(action_result), 'succeeded') = 'succeeded'"
    )


def _hand_on(con: DuckDBConnection) -> None:
    # A merge gives the winner the lists of its losers, and logs nothing of it.
    con.execute(
        f"INSERT INTO {STATES} BY NAME SELECT list_id, survivor.winner_id AS lead_id, true AS is_member, "
        "max(survivor.merged_at) AS told_at, max(survivor.merged_at) AS first_added_at "
        f"FROM raw.static_list_members JOIN ({_SURVIVORS}) AS survivor ON survivor.loser_id = lead_id "
        f"WHERE is_read AND NOT EXISTS (FROM {STATES} AS told WHERE told.list_id = static_list_members.list_id "
        "AND told.lead_id IN (survivor.loser_id, survivor.winner_id)) GROUP BY ALL"
    )


def _folded(kind: ActivityType) -> str:
    return " ".join(kind.name.lower().split())


def covered_lists(con: DuckDBConnection, covered: Position | None, ids: Sequence[int]) -> list[int]:
    """Return those of *ids* that were read when their activities were captured already: what happened since is here."""
    if covered is None:
        return []
    rows = con.execute(
        f"SELECT list_id FROM {_READINGS} WHERE whole_as_of >= $1 AND list_id IN (SELECT unnest($2::BIGINT[])) "
        "ORDER BY 1",
        [covered.covered_from, list(ids)],
    ).fetchall()
    return [row[0] for row in rows]
