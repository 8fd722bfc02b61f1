"""A landed file of program members becomes rows of `raw.program_members`: one transaction, verified before it ends."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime

from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.member_exports import is_whole
from marketo_assets.load.columns import quoted, table_columns
from marketo_assets.load.file_loads import record_file_load
from marketo_assets.load.file_reading import FileReading, LoadError, read_as_needed, readable
from marketo_assets.load.ledger import ensure_tables, next_load_id
from marketo_assets.load.member_doubts import count_members
from marketo_assets.load.member_fields import register_member_fields
from marketo_assets.load.member_readings import PROGRAMS, note_known, note_whole, read_readings
from marketo_assets.load.program_member_rows import OWN, TABLE, fit_members, read_incoming
from marketo_assets.warehouse import DuckDBConnection, Warehouse

_KEY = "program_id, lead_id"


@dataclass(frozen=True)
class MemberLoad:
    """What one load did."""

    load_id: int
    rows: int
    """Memberships that the file brought, new or read again."""
    removed: int
    """Memberships that the whole file no longer had."""
    duplicates: int
    """Rows that repeated a membership, or told of programs that were read later already."""
    rejected_values: int
    seconds: float


def load_program_members(warehouse: Warehouse, landed: LandedFile, *, run_id: str, now: datetime) -> MemberLoad:
    """Return what was loaded of *landed*, after `raw.program_members` has it.

    Grain: one row per membership ever seen. A membership that comes again is replaced; one that a whole file lacks gets
    `removed_at`, and keeps its values. Programs that were read later than the file are left as they are, so the same
    file, or an older one, may come again.

    **Cost:** no call. One read of the file; a file with texts that do not fit their type is read twice.
    **Guarantee:** rows and bookkeeping are committed together, or nothing changes.
    Raises: LoadError when rows are missing or have no key; ParseError when the file is not the one asked for.
    """
    return read_as_needed(landed, lambda way: _load(warehouse, landed, way, run_id, now))


def emptied_programs(con: DuckDBConnection, landed: LandedFile) -> dict[int, datetime]:
    """Return the programs that have members and that *landed*, read later, shows without any; and when it was read."""
    if not is_whole(landed) or landed.path is not None or not table_columns(con, "raw", "program_members"):
        return {}
    members, readings = count_members(con, TABLE, "program_id"), read_readings(con, PROGRAMS)
    return {
        number: landed.as_of
        for number in landed.members_of
        if number in members and number in readings and readings[number].known_until < landed.as_of
    }


def _load(warehouse: Warehouse, landed: LandedFile, way: FileReading, run_id: str, now: datetime) -> MemberLoad:
    began = time.monotonic()
    with readable(warehouse, landed, way) as path, warehouse.transaction() as con:
        ensure_tables(con)
        known = register_member_fields(con, landed.described, landed.as_of, reserved=tuple(OWN))
        columns = [known[field.name] for field in landed.fields]
        fit_members(con, columns, landed)
        load_id, rejected = next_load_id(con), 0
        if path is None:
            con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS FROM {TABLE} LIMIT 0")
        else:
            rejected = read_incoming(con, landed, path, columns, way, load_id)
        read = _verify(con, landed)
        programs = _programs_to_take(con, landed)
        rows = _keep_one_each(con, programs)
        removed = _replace(con, landed, programs, load_id)
        _note(con, landed, programs, load_id)
        load = MemberLoad(load_id, rows, removed, read - rows, rejected, 0.0)
        folder = landed.path.parent.parent.name if landed.path else ""
        record_file_load(con, landed, load, folder=folder, table=TABLE, run_id=run_id, now=now)
    return replace(load, seconds=time.monotonic() - began)


def _verify(con: DuckDBConnection, landed: LandedFile) -> int:
    row = con.execute(
        "SELECT count(*), count(*) FILTER (program_id IS NOT NULL AND lead_id IS NOT NULL), "
        "count(*) FILTER (program_id IN (SELECT unnest(?::BIGINT[]))) FROM incoming",
        [list(landed.members_of)],
    ).fetchone()
    count, keyed, asked = row or (0, 0, 0)
    what = f"The landed file of export job {landed.export_id} ({landed.partition})"
    if landed.records is not None and count != landed.records:
        raise LoadError(
            f"{what} has {count:,} rows, and Marketo reports {landed.records:,} records. Nothing was loaded. "
            "Delete the file and its manifest, then run job program_members again."
        )
    if keyed != count or asked != count:
        raise LoadError(
            f"{what} has {count - keyed:,} rows without program or lead and {keyed - asked:,} of programs that were "
            "not asked for. Nothing was loaded. Delete the file and its manifest, then run job program_members again."
        )
    return int(count)


def _programs_to_take(con: DuckDBConnection, landed: LandedFile) -> list[int]:
    readings = read_readings(con, PROGRAMS)
    return [
        number
        for number in landed.members_of
        if (known := readings.get(number)) is None or known.known_until < landed.as_of
    ]


def _keep_one_each(con: DuckDBConnection, programs: list[int]) -> int:
    # Adobe has seen a record twice in one file; the one that was updated last is kept.
    order = "updated_at DESC NULLS LAST" if "updated_at" in _incoming_columns(con) else "lead_id"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE taken AS SELECT * FROM incoming "
        "WHERE program_id IN (SELECT unnest(?::BIGINT[])) "
        f"QUALIFY row_number() OVER (PARTITION BY {_KEY} ORDER BY {order}) = 1",
        [programs],
    )
    row = con.execute("SELECT count(*) FROM taken").fetchone()
    return int(row[0]) if row else 0


def _incoming_columns(con: DuckDBConnection) -> list[str]:
    return [column[0] for column in con.execute("SELECT * FROM incoming LIMIT 0").description or ()]


def _replace(con: DuckDBConnection, landed: LandedFile, programs: list[int], load_id: int) -> int:
    removed = 0
    if is_whole(landed):
        row = con.execute(
            f"UPDATE {TABLE} SET removed_at = $1 WHERE removed_at IS NULL "
            "AND program_id IN (SELECT unnest($2::BIGINT[])) "
            f"AND NOT EXISTS (FROM taken WHERE taken.program_id = {TABLE}.program_id "
            f"AND taken.lead_id = {TABLE}.lead_id)",
            [landed.as_of, programs],
        ).fetchone()
        removed = int(row[0]) if row else 0
    came = [name for name in _incoming_columns(con) if name not in OWN]
    # A field that Marketo hides keeps the values it had.
    kept = [name for name in table_columns(con, "raw", "program_members") if name not in (*came, *OWN)]
    listed = [f"taken.{quoted(name)}" for name in came] + [f"held.{quoted(name)}" for name in kept]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT {', '.join(listed)}, "
        "coalesce(held.first_seen_at, $1) AS first_seen_at, $1::TIMESTAMPTZ AS last_seen_at, "
        "NULL::TIMESTAMPTZ AS removed_at, $1::TIMESTAMPTZ AS _as_of, $2::BIGINT AS _load_id "
        f"FROM taken LEFT JOIN {TABLE} AS held USING ({_KEY})",
        [landed.as_of, load_id],
    )
    con.execute(
        f"DELETE FROM {TABLE} USING fresh WHERE fresh.program_id = {TABLE}.program_id "
        f"AND fresh.lead_id = {TABLE}.lead_id"
    )
    con.execute(f"INSERT INTO {TABLE} BY NAME FROM fresh")
    for name in ("incoming", "taken", "fresh"):
        con.execute(f"DROP TABLE {name}")
    return removed


def _note(con: DuckDBConnection, landed: LandedFile, programs: list[int], load_id: int) -> None:
    if not is_whole(landed):
        note_known(con, PROGRAMS, programs, landed.as_of, load_id)
        return
    rows = con.execute(
        f"SELECT program_id, count(*) FROM {TABLE} WHERE removed_at IS NULL GROUP BY program_id"
    ).fetchall()
    counts = dict(rows)
    note_whole(con, PROGRAMS, {number: counts.get(number, 0) for number in programs}, landed.as_of, load_id)
