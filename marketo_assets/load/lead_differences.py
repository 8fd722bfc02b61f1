"""What a later reading of a lead found changed: rows of `raw.lead_differences`, where no activity tells it already.

Some values change without an activity: those of a company that its leads inherit, formula fields. Two readings show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from marketo_assets.load.columns import as_marketo_text, quoted, text_literal
from marketo_assets.load.current_leads import LATEST_FIRST, versions_of
from marketo_assets.load.lead_versions import PAST, SHOWN, lead_columns
from marketo_assets.warehouse import DuckDBConnection

_FIXED = ("id", "createdAt", "updatedAt")
# A lead is read in whole seconds, and what happened within that second may be in the reading or not.
_EXPLAINED = (
    "SELECT 1 FROM raw.lead_changes AS change WHERE change.lead_id = found.lead_id AND change.field = found.field "
    "AND change.activity_date BETWEEN held_as_of - INTERVAL 1 SECOND AND read_as_of"
)
# Where the fields that are read changed meanwhile, one of the two readings says nothing of the value.
_UNREAD = (
    "SELECT 1 FROM meta.schema_changes AS change WHERE change.field = found.field AND noticed_at > held_as_of "
    "AND noticed_at <= read_as_of AND (held_value IS NULL AND kind IN ('appeared', 'shown', 'copied') "
    "OR read_value IS NULL AND kind = 'left out')"
)


def record_superseded(con: DuckDBConnection) -> None:
    """Record what differs between the versions of the table `moving` and the one read next of the same lead.

    Guarantee: of each version and field one difference is told at most, however often this is run.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE moved AS SELECT DISTINCT id FROM moving")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE pairs AS SELECT id, _load_id AS held_load, read_load, place, is_later_past "
        "FROM (SELECT id, _load_id, lag(_load_id) OVER later AS read_load, lag(place) OVER later AS place, "
        f"lag(is_past) OVER later AS is_later_past FROM ({versions_of('moved')}) "
        f"WINDOW later AS (PARTITION BY id ORDER BY {LATEST_FIRST})) "
        "SEMI JOIN moving USING (id, _load_id) WHERE place IS NOT NULL"
    )
    parts = [
        f"SELECT * FROM {table} WHERE rowid IN (SELECT place FROM pairs WHERE is_later_past = {is_past})"
        for table, is_past in ((SHOWN, "false"), (PAST, "true"))
    ]
    con.execute(f"CREATE OR REPLACE TEMP TABLE read AS {' UNION ALL BY NAME '.join(parts)}")
    _record(con, "moving")
    for table in ("moved", "read"):
        con.execute(f"DROP TABLE {table}")


def keep_shown(con: DuckDBConnection, partition: str, as_of: datetime) -> None:
    """Keep in the table `replaced` which rows of a month are shown, if its new rows were read later, at *as_of*."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE replaced AS SELECT id, _load_id FROM {SHOWN} AS version "
        "ANTI JOIN meta.superseded_rows AS superseded "
        "ON superseded.lead_id = version.id AND superseded.load_id = version._load_id "
        "WHERE _partition = ? AND _as_of < ?",
        [partition, as_of],
    )


def record_replaced(con: DuckDBConnection, load_id: int) -> None:
    """Record what differs between the rows of the table `replaced` and those that *load_id* brought of the same leads.

    **Cost:** reads the rows of both; none where nothing is replaced.
    """
    if con.execute("SELECT 1 FROM replaced LIMIT 1").fetchone():
        values = ", ".join(quoted(column) for column in _columns(con).values())
        side = f"SELECT rowid AS place, id, _load_id, hash({values}) AS hashed FROM {SHOWN}"
        con.execute(
            "CREATE OR REPLACE TEMP TABLE pairs AS SELECT id, held._load_id AS held_load, read._load_id AS read_load, "
            f"held.place AS held_place, read.place AS read_place FROM ({side} SEMI JOIN replaced USING (id, _load_id)) "
            f"AS held JOIN ({side} WHERE _load_id = {load_id}) AS read USING (id) WHERE held.hashed <> read.hashed"
        )
        for name in ("held", "read"):
            places = f"SELECT {name}_place FROM pairs"
            con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {SHOWN} WHERE rowid IN ({places})")
        _record(con, "held")
        for name in ("held", "read"):
            con.execute(f"DROP TABLE {name}")
    con.execute("DROP TABLE replaced")


def _record(con: DuckDBConnection, held_table: str) -> None:
    """Record what differs between the versions of *held_table* and of the table `read` that `pairs` names."""
    columns, types = _columns(con), lead_columns(con)
    joined = (
        f"FROM pairs JOIN {held_table} AS held ON held.id = pairs.id AND held._load_id = held_load "
        "JOIN read ON read.id = pairs.id AND read._load_id = read_load"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE found AS SELECT *, 0::BIGINT AS held_load FROM raw.lead_differences LIMIT 0"
    )
    for field, column in _differing(con, columns, joined).items():
        held, read = (as_marketo_text(f"{side}.{quoted(column)}", types[column]) for side in ("held", "read"))
        con.execute(
            f"INSERT INTO found SELECT pairs.id, {text_literal(field)}, {held}, {read}, "
            f"held._as_of, read._as_of, read_load, held_load {joined} "
            f"WHERE held.{quoted(column)} IS DISTINCT FROM read.{quoted(column)}"
        )
    # A value that does not fit its type was kept as a text beside its row.
    for side, load in (("held", "held_load"), ("read", "_load_id")):
        con.execute(
            f"UPDATE found SET {side}_value = rejected.value FROM meta.rejected_values AS rejected WHERE "
            f"{side}_value IS NULL AND rejected.lead_id = found.lead_id AND rejected.field = found.field "
            f"AND rejected.load_id = found.{load}"
        )
    con.execute(
        "INSERT INTO raw.lead_differences BY NAME SELECT * EXCLUDE held_load FROM found "
        "ANTI JOIN raw.lead_differences AS told USING (lead_id, field, _load_id) "
        f"WHERE held_value IS DISTINCT FROM read_value AND NOT EXISTS ({_EXPLAINED}) AND NOT EXISTS ({_UNREAD})"
    )
    for table in ("found", "pairs"):
        con.execute(f"DROP TABLE {table}")


def _differing(con: DuckDBConnection, columns: Mapping[str, str], joined: str) -> dict[str, str]:
    counted = [f"bool_or(held.{quoted(c)} IS DISTINCT FROM read.{quoted(c)})" for c in columns.values()]
    found = con.execute(f"SELECT {', '.join(counted)} {joined}").fetchone() if counted else None
    return {field: column for (field, column), differs in zip(columns.items(), found or (), strict=False) if differs}


def _columns(con: DuckDBConnection) -> dict[str, str]:
    """Return the fields that leads are read with, and that may change, with their columns."""
    held = lead_columns(con)
    rows = con.execute(
        "SELECT name, column_name FROM main.lead_fields WHERE is_copied AND NOT is_hidden ORDER BY name"
    ).fetchall()
    return {name: column for name, column in rows if column in held and name not in _FIXED}
