"""Asset checks of memberships: nothing twice, and nothing that is read no more."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg

from marketo_assets.defs.check_results import ERROR, counted
from marketo_assets.load.columns import table_columns
from marketo_assets.load.list_members import TABLE as ON_LISTS
from marketo_assets.load.member_readings import LISTS, PROGRAMS, read_readings
from marketo_assets.load.program_member_rows import TABLE as IN_PROGRAMS
from marketo_assets.warehouse import DuckDBConnection

PROGRAM_MEMBERS = dg.AssetKey(["marketo", "program_members"])
LIST_MEMBERS = dg.AssetKey(["marketo", "static_list_members"])
STALE_AFTER = timedelta(days=14)
"""A program or list that was not read whole for so long is warned of; a week is usual."""
_SHOWN = 20
_UNIQUE, _READ, _EMPTY = "unique_members", "read_whole", "not_suddenly_empty"
_TOLD = {
    _UNIQUE: "No lead is twice in one program, or on one list.",
    _READ: "Programs, or lists, that were not read whole for two weeks, or never: who left them unnoticed is still "
    "shown.",
    _EMPTY: "Programs, or lists, that had members and were all found without any; they are shown until a later reading "
    "confirms it.",
}
PROGRAM_MEMBER_CHECKS, LIST_MEMBER_CHECKS = (
    tuple(dg.AssetCheckSpec(name, asset=key, description=told) for name, told in _TOLD.items())
    for key in (PROGRAM_MEMBERS, LIST_MEMBERS)
)


def check_program_members(con: DuckDBConnection, now: datetime) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks of program members. Costs a scan."""
    yield _unique(con, PROGRAM_MEMBERS, IN_PROGRAMS, "program_id")
    yield _read(con, PROGRAM_MEMBERS, PROGRAMS, now)
    yield _empty(con, PROGRAM_MEMBERS, PROGRAMS)


def check_list_members(con: DuckDBConnection, now: datetime) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks of list members. Costs a scan."""
    yield _unique(con, LIST_MEMBERS, ON_LISTS, "list_id")
    yield _read(con, LIST_MEMBERS, LISTS, now)
    yield _empty(con, LIST_MEMBERS, LISTS)


def _unique(con: DuckDBConnection, key: dg.AssetKey, table: str, column: str) -> dg.AssetCheckResult:
    found = 0
    if table_columns(con, *table.split(".")):
        row = con.execute(f"SELECT count(*) - count(DISTINCT ({column}, lead_id)) FROM {table}").fetchone()
        found = int(row[0]) if row else 0
    advice = f"{found:,} memberships are there twice. Tell the maintainers."
    return counted(_UNIQUE, found, advice, asset=key, severity=ERROR)


def _read(con: DuckDBConnection, key: dg.AssetKey, members_of: str, now: datetime) -> dg.AssetCheckResult:
    readings = read_readings(con, members_of)
    stale = [
        number
        for number in _present(con, members_of)
        if number not in readings or now - readings[number].whole_as_of > STALE_AFTER
    ]
    named = ", ".join(map(str, stale[:_SHOWN]))
    advice = (
        f"{len(stale):,} of {members_of} were not read whole lately: {named}. Run the job more often, or let a run "
        "spend more (most_calls, most_export_mb in its configuration)."
    )
    return counted(_READ, len(stale), advice, asset=key, facts={"read": len(readings)})


def _empty(con: DuckDBConnection, key: dg.AssetKey, members_of: str) -> dg.AssetCheckResult:
    doubted = sum(reading.empty_since is not None for reading in read_readings(con, members_of).values())
    advice = (
        f"{doubted:,} of {members_of} had members, and Marketo told of nobody in any of them. Look whether the API "
        "user's role or workspaces were changed; the next day's run believes what it finds."
    )
    return counted(_EMPTY, doubted, advice, asset=key)


def _present(con: DuckDBConnection, members_of: str) -> Sequence[int]:
    if not table_columns(con, "main", members_of):
        return []
    rows = con.execute(f"SELECT id::BIGINT FROM main.{members_of} WHERE removed_at IS NULL ORDER BY 1").fetchall()
    return [row[0] for row in rows]
