"""Which programs and static lists were read, and up to when their members are known.

One row in `meta.member_readings` for each: position lies with the rows that it describes, and moves in their
transaction. What a lead's end means for its memberships is said here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from marketo_assets.load.columns import table_columns, text_literal
from marketo_assets.load.reference import READINGS, has_table
from marketo_assets.load.reference import TABLE as VERSIONS
from marketo_assets.warehouse import DuckDBConnection, WarehouseError

TABLE = "meta.member_readings"
PROGRAMS, LISTS = "programs", "static_lists"
"""The tables of what has members."""
GONE_LEADS = (
    "(SELECT lead_id, min(gone_at) AS gone_at FROM (SELECT lead_id, deleted_at AS gone_at FROM raw.lead_deletions "
    "UNION ALL SELECT loser_id, merged_at FROM raw.lead_merges) GROUP BY lead_id)"
)
"""Leads that were deleted or merged away, and when: their memberships end then."""
_COLUMNS = (
    ("members_of", "VARCHAR", "what has the members: programs or static_lists"),
    ("id", "BIGINT", "the program or the static list"),
    ("whole_as_of", "TIMESTAMP WITH TIME ZONE", "when all its members were last read: who was missing then had left"),
    ("known_until", "TIMESTAMP WITH TIME ZONE", "what Marketo showed by then of those who joined or changed is here"),
    ("members", "BIGINT", "how many members there were at the last whole reading"),
    ("_load_id", "BIGINT", "the load that moved it; see meta.loads"),
    ("empty_since", "TIMESTAMP WITH TIME ZONE", "when it was found without members, which is doubted until confirmed"),
)


@dataclass(frozen=True)
class MemberReading:
    """Where the readings of one program or static list stand."""

    id: int
    whole_as_of: datetime
    known_until: datetime
    members: int
    empty_since: datetime | None
    """Since when a reading finds nobody there, which no other has confirmed yet."""


@dataclass(frozen=True)
class Containers:
    """The programs or static lists that reference data tells of."""

    present: tuple[int, ...]
    """In the order of their ids."""
    removed: Mapping[int, datetime]
    """Those that Marketo no longer has, and when they were found missing."""


def ensure_readings(con: DuckDBConnection) -> None:
    """Leave the table, commented."""
    if columns := table_columns(con, "meta", "member_readings"):
        if "empty_since" not in columns:  # as an earlier version left it
            name, kind, told = _COLUMNS[-1]
            con.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name} {kind}")
            con.execute(f"COMMENT ON COLUMN {TABLE}.{name} IS {text_literal(told)}")
        return
    con.execute("CREATE SCHEMA IF NOT EXISTS meta")
    con.execute(f"CREATE TABLE {TABLE} ({', '.join(f'{name} {kind}' for name, kind, _ in _COLUMNS)})")
    con.execute(f"COMMENT ON TABLE {TABLE} IS 'One row per program and static list whose members were read.'")
    for name, _, told in _COLUMNS:
        con.execute(f"COMMENT ON COLUMN {TABLE}.{name} IS {text_literal(told)}")


def read_containers(con: DuckDBConnection, table: str) -> Containers:
    """Return the programs or static lists that are known.

    An instance may have none. Raises: WarehouseError as long as nobody asked for them.
    """
    # Not from the published view: it is made with the next release only.
    rows = (
        con.execute(
            f"SELECT TRY_CAST(id AS BIGINT) AS number, removed_at FROM {VERSIONS} WHERE object = ? "
            "QUALIFY row_number() OVER (PARTITION BY id ORDER BY load_id DESC) = 1 AND number IS NOT NULL ORDER BY 1",
            [table],
        ).fetchall()
        if has_table(con)
        else []
    )
    if not rows and not _was_read(con, table):
        raise WarehouseError(
            f"marketo.{table} was not read yet, so that nobody knows whose members to ask for. Run job reference "
            f"first, with {table} among MARKETO_OBJECTS (or with that unset)."
        )
    return Containers(tuple(row[0] for row in rows if row[1] is None), {row[0]: row[1] for row in rows if row[1]})


def _was_read(con: DuckDBConnection, table: str) -> bool:
    return has_table(con, READINGS) and con.execute(f"FROM {READINGS} WHERE object = ?", [table]).fetchone() is not None


def read_readings(con: DuckDBConnection, members_of: str) -> dict[int, MemberReading]:
    """Return where the readings of each program or static list stand, by its id."""
    ensure_readings(con)
    rows = con.execute(
        f"SELECT id, whole_as_of, known_until, members, empty_since FROM {TABLE} WHERE members_of = ?", [members_of]
    ).fetchall()
    return {row[0]: MemberReading(*row) for row in rows}


def note_whole(
    con: DuckDBConnection, members_of: str, counts: Mapping[int, int], as_of: datetime, load_id: int
) -> None:
    """Record that all members of these, *counts* by id, were read at *as_of*."""
    con.execute(
        f"DELETE FROM {TABLE} WHERE members_of = ? AND id IN (SELECT unnest(?::BIGINT[]))", [members_of, list(counts)]
    )
    for number, count in counts.items():
        con.execute(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, NULL)", [members_of, number, as_of, as_of, count, load_id]
        )


def note_known(con: DuckDBConnection, members_of: str, ids: Iterable[int], until: datetime, load_id: int) -> None:
    """Record that what happened to the members of *ids* is known up to *until*; a later moment stays."""
    con.execute(
        f"UPDATE {TABLE} SET known_until = $1, _load_id = $2 "
        "WHERE members_of = $3 AND id IN (SELECT unnest($4::BIGINT[])) AND known_until < $1",
        [until, load_id, members_of, list(ids)],
    )


def end_removed(
    con: DuckDBConnection, raw_table: str, column: str, members_of: str, removed: Mapping[int, datetime]
) -> int:
    """Return how many memberships ended because Marketo no longer has what they were in; should it be there again, it
    is read as if for the first time."""
    count = 0
    for number, removed_at in removed.items():
        row = con.execute(
            f"UPDATE {raw_table} SET removed_at = greatest(?, last_seen_at) WHERE {column} = ? AND removed_at IS NULL",
            [removed_at, number],
        ).fetchone()
        count += int(row[0]) if row else 0
    con.execute(
        f"DELETE FROM {TABLE} WHERE members_of = ? AND id IN (SELECT unnest(?::BIGINT[]))", [members_of, list(removed)]
    )
    return count
