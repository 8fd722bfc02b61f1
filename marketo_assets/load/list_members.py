"""The table `raw.static_list_members`: who was ever on a static list, by whole readings and by what activities tell.

A whole reading is the ground (`is_read`), and Add to List and Remove from List that happened since are told on top of
it, from the beginning at each capture: so a reading, or an activity that comes late or turns out to have been skipped,
sets everything right that follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketo_assets.extract.list_reading import ListReading
from marketo_assets.load.columns import table_columns, text_literal
from marketo_assets.load.list_events import STATES, make_states
from marketo_assets.load.member_readings import LISTS, note_whole
from marketo_assets.warehouse import DuckDBConnection

TABLE = "raw.static_list_members"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
_COLUMNS = (
    ("list_id", "BIGINT", "the static list"),
    ("lead_id", "BIGINT", "the lead"),
    ("first_seen_at", _MOMENT, "when it joined, where an activity told; else when a reading first found it there"),
    ("last_seen_at", _MOMENT, "when it was last known to be there; of members see meta.member_readings too"),
    ("removed_at", _MOMENT, "when it left, where an activity told; else when a reading first missed it"),
    ("is_read", "BOOLEAN", "whether the last whole reading of the list found it there"),
    ("_as_of", _MOMENT, "when the reading or activity was made that the row follows from"),
    ("_load_id", "BIGINT", "the load that changed the row last; see meta.loads"),
)


def ensure_list_members(con: DuckDBConnection) -> None:
    """Leave the table, commented."""
    if table_columns(con, "raw", "static_list_members"):
        return
    con.execute(f"CREATE TABLE {TABLE} ({', '.join(f'{name} {kind}' for name, kind, _ in _COLUMNS)})")
    con.execute(f"COMMENT ON TABLE {TABLE} IS 'One row per lead and static list that it was ever seen on.'")
    for name, _, told in _COLUMNS:
        con.execute(f"COMMENT ON COLUMN {TABLE}.{name} IS {text_literal(told)}")


def put_readings(con: DuckDBConnection, readings: Sequence[ListReading], load_id: int) -> int:
    """Return how many rows changed, after the lists in *readings* have exactly the members that were found there."""
    changed = 0
    for reading in readings:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE there AS SELECT DISTINCT unnest(?::BIGINT[]) AS lead_id", [[*reading.ids]]
        )
        values = [reading.list_id, reading.as_of, load_id]
        changed += _count(
            con,
            f"UPDATE {TABLE} SET removed_at = greatest($2, last_seen_at), _as_of = $2, _load_id = $3, "
            "last_seen_at = greatest(last_seen_at, (SELECT least(max(known_until), $2) FROM meta.member_readings "
            f"WHERE members_of = '{LISTS}' AND id = $1)) "
            "WHERE list_id = $1 AND removed_at IS NULL AND lead_id NOT IN (SELECT lead_id FROM there)",
            values,
        )
        changed += _count(
            con,
            f"UPDATE {TABLE} SET removed_at = NULL, _as_of = $2, _load_id = $3 "
            "WHERE list_id = $1 AND removed_at IS NOT NULL AND lead_id IN (SELECT lead_id FROM there)",
            values,
        )
        con.execute(
            f"UPDATE {TABLE} SET is_read = NOT is_read, last_seen_at = if(is_read, last_seen_at, $2) "
            "WHERE list_id = $1 AND is_read <> (lead_id IN (SELECT lead_id FROM there))",
            values[:2],
        )
        changed += _count(
            con,
            f"INSERT INTO {TABLE} SELECT $1, lead_id, $2, $2, NULL, true, $2, $3 FROM there "
            f"ANTI JOIN (SELECT lead_id FROM {TABLE} WHERE list_id = $1) AS held USING (lead_id)",
            values,
        )
        con.execute("DROP TABLE there")
        note_whole(con, LISTS, {reading.list_id: len(reading.ids)}, reading.as_of, load_id)
    return changed


def tell_events(con: DuckDBConnection, load_id: int) -> int:
    """Return how many rows changed, after every list that was read is as activities and merges since then tell.

    **Cost:** no call; a scan of the activities since the earliest reading, and one of the table.
    """
    make_states(con)
    # What was an activity's word alone, and is no more: it was skipped, as an export has told since.
    changed = _count(
        con,
        f"DELETE FROM {TABLE} USING meta.member_readings AS reading WHERE reading.id = list_id "
        f"AND reading.members_of = '{LISTS}' AND NOT is_read AND first_seen_at > reading.whole_as_of "
        f"AND NOT EXISTS (FROM {STATES} AS told WHERE told.list_id = {TABLE}.list_id "
        f"AND told.lead_id = {TABLE}.lead_id)",
        [],
    )
    changed += _count(
        con,
        f"INSERT INTO {TABLE} SELECT list_id, lead_id, first_added_at, told_at, if(is_member, NULL, told_at), "
        "false, told_at, $1 "
        f"FROM {STATES} ANTI JOIN {TABLE} USING (list_id, lead_id) WHERE first_added_at IS NOT NULL",
        [load_id],
    )
    wanted = (
        "SELECT held.rowid AS place, coalesce(state.is_member, held.is_read) AS is_member, "
        "coalesce(state.told_at, reading.whole_as_of) AS told_at "
        f"FROM {TABLE} AS held JOIN meta.member_readings AS reading ON reading.id = list_id "
        f"AND reading.members_of = '{LISTS}' LEFT JOIN {STATES} AS state "
        "ON state.list_id = held.list_id AND state.lead_id = held.lead_id"
    )
    changed += _count(
        con,
        f"UPDATE {TABLE} SET removed_at = if(wanted.is_member, NULL, wanted.told_at), "
        "last_seen_at = greatest(last_seen_at, wanted.told_at), _as_of = wanted.told_at, _load_id = $1 "
        f"FROM ({wanted}) AS wanted WHERE {TABLE}.rowid = wanted.place "
        "AND wanted.is_member <> (removed_at IS NULL)",
        [load_id],
    )
    con.execute(f"DROP TABLE {STATES}")
    return changed


def _count(con: DuckDBConnection, statement: str, values: list[object]) -> int:
    row = con.execute(statement, values).fetchone()
    return int(row[0]) if row else 0
