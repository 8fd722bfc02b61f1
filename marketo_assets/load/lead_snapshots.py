"""A landed month becomes rows of `raw.lead_snapshots`: one transaction, verified before it is committed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.load.columns import SchemaChange
from marketo_assets.load.compaction import compact
from marketo_assets.load.current_leads import after_month, before_month
from marketo_assets.load.file_loads import record_file_load
from marketo_assets.load.file_reading import FileReading, LoadError, read_as_needed, readable
from marketo_assets.load.lead_differences import keep_shown, record_replaced
from marketo_assets.load.lead_fields import Registry, register_fields
from marketo_assets.load.lead_rows import FileRows, carry_over, insert_leniently, insert_strictly
from marketo_assets.load.lead_versions import ALL_KEYS, PAST, SHOWN, SNAPSHOTS, fit_lead_tables, lead_columns
from marketo_assets.load.ledger import ensure_tables, next_load_id, record_schema_changes
from marketo_assets.load.position import cover_since
from marketo_assets.load.repairs import keep_unrepaired, miss_forgotten
from marketo_assets.warehouse import DuckDBConnection, Warehouse


@dataclass(frozen=True)
class SnapshotLoad:
    """What one load did."""

    load_id: int
    partition: str
    rows: int
    """Rows of the month now in the table."""
    duplicates: int
    """Rows of the file that repeated an id."""
    rejected_values: int
    outside_window: int
    schema_changes: tuple[SchemaChange, ...]
    columns: Mapping[str, str]
    """The table's columns, with their types."""
    seconds: float
    newer_as_of: datetime | None = None
    """When the rows were read that the month has already, if that is later than the file: then nothing changed."""


def load_lead_snapshot(warehouse: Warehouse, landed: LandedFile, *, run_id: str, now: datetime) -> SnapshotLoad:
    """Return what was loaded, after the rows of *landed* have replaced those of its month.

    Grain of `raw.lead_snapshots`: one row per lead per month; every field typed under its column, then `_partition`,
    `_as_of`, `_source`, `_load_id`. Columns of hidden fields keep the values they had. Of leads that were read later
    the later reading stays shown, and changes are read from `_as_of` on. What the month had of leads that its file no
    longer has is kept as a reading, and they are missing where nothing tells yet that they are gone. A file that was
    read before the one whose rows the month has changes nothing: what no activity tells it would take back.

    **Cost:** no call. One read of the file; a file with texts that do not fit their type is read twice.
    **Guarantee:** all of the month's rows and their bookkeeping are committed together, or nothing changes.
    Raises: LoadError when rows are missing or ids repeat; ParseError when the file is not the one asked for.
    """
    return read_as_needed(landed, lambda way: _load(warehouse, landed, way, run_id, now))


def _load(warehouse: Warehouse, landed: LandedFile, way: FileReading, run_id: str, now: datetime) -> SnapshotLoad:
    began = time.monotonic()
    with readable(warehouse, landed, way) as path, warehouse.transaction() as con:
        ensure_tables(con)
        if newer := _newer_load(con, landed):
            return replace(newer, seconds=time.monotonic() - began)
        # What pending versions held otherwise is told before the month's own rows go.
        compact(con)
        registry = register_fields(con, landed.described, landed.fields, landed.as_of)
        widened = _fit_table(con, registry, landed)
        record_schema_changes(con, landed.as_of, widened)
        load_id, rejected = next_load_id(con), 0
        keep_shown(con, landed.partition, landed.as_of)
        keep_unrepaired(con, landed.partition)
        before_month(con, landed.partition)
        if path is not None:
            rows = _file_rows(con, registry, landed, path, load_id)
            if way.is_strict:
                insert_strictly(con, rows)
            else:
                rejected = insert_leniently(con, rows, has_stand_ins=way.is_repaired)
        record_replaced(con, load_id)
        _keep_vanished(con, landed, load_id)
        _delete_before(con, landed.partition, load_id)
        count, duplicates = _verify(con, landed)
        load = SnapshotLoad(
            load_id=load_id,
            partition=landed.partition,
            rows=count,
            duplicates=duplicates,
            rejected_values=rejected,
            outside_window=_count_outside(con, landed),
            schema_changes=registry.changes + widened,
            columns=lead_columns(con),
            seconds=0.0,
        )
        created = (landed.window.start, landed.window.end)
        after_month(con, landed.partition, created, landed.as_of, load_id)
        miss_forgotten(con, landed.partition, landed.as_of, load_id)
        cover_since(con, landed.as_of, now)
        record_file_load(
            con,
            landed,
            load,
            folder="lead_exports",
            table=SNAPSHOTS,
            run_id=run_id,
            now=now,
            outside_window=load.outside_window,
        )
    return replace(load, seconds=time.monotonic() - began)


def _newer_load(con: DuckDBConnection, landed: LandedFile) -> SnapshotLoad | None:
    row = con.execute(
        "SELECT load_id, rows, duplicates, rejected_values, outside_window, as_of FROM meta.loads "
        f"WHERE table_name = '{SNAPSHOTS}' AND partition = ? ORDER BY load_id DESC LIMIT 1",
        [landed.partition],
    ).fetchone()
    if row is None or row[-1] <= landed.as_of:
        return None
    load_id, rows, duplicates, rejected, outside, as_of = row
    columns = lead_columns(con)
    return SnapshotLoad(load_id, landed.partition, rows, duplicates, rejected, outside, (), columns, 0.0, as_of)


def _fit_table(con: DuckDBConnection, registry: Registry, landed: LandedFile) -> tuple[SchemaChange, ...]:
    return fit_lead_tables(con, [registry.columns[field.name] for field in landed.fields])


def _file_rows(con: DuckDBConnection, registry: Registry, landed: LandedFile, path: Path, load_id: int) -> FileRows:
    header, line_end = parse.read_header(path)
    asked = [registry.columns[field.name] for field in landed.fields]
    types = lead_columns(con)
    # A field that Marketo hides keeps its values here; one that the settings leave out does not.
    hidden = [registry.columns[name].name for name in sorted(registry.hidden - {field.name for field in landed.fields})]
    return FileRows(
        path=path,
        line_end=line_end,
        cells=tuple(parse.match_header(header, asked)),
        types=types,
        file_bytes=landed.file_bytes,
        as_of=landed.as_of,
        partition=landed.partition,
        load_id=load_id,
        pieces=landed.pieces,
        carried=carry_over(con, landed.partition, [name for name in hidden if name in types]),
    )


def _keep_vanished(con: DuckDBConnection, landed: LandedFile, load_id: int) -> None:
    # A lead that is gone has no row in the new file, and what it was last is asked for all the same: by deleted_leads,
    # and by history. A row of a lead that was created elsewhere says only that it left this file.
    before = f"SELECT 1 FROM {ALL_KEYS} WHERE _partition = ? AND _load_id <> ? LIMIT 1"
    for table in (SHOWN, PAST) if con.execute(before, [landed.partition, load_id]).fetchone() else ():
        con.execute(
            f"UPDATE {table} SET _partition = NULL WHERE _partition = $1 AND _load_id <> $2 "
            f"AND createdAt >= $3 AND createdAt < $4 AND id NOT IN (SELECT id FROM {SHOWN} WHERE _load_id = $2 "
            "AND id IS NOT NULL)",
            [landed.partition, load_id, landed.window.start, landed.window.end],
        )


def _delete_before(con: DuckDBConnection, partition: str, load_id: int) -> None:
    for table in (SHOWN, PAST):
        con.execute(f"DELETE FROM {table} WHERE _partition = ? AND _load_id <> ?", [partition, load_id])


def _verify(con: DuckDBConnection, landed: LandedFile) -> tuple[int, int]:
    """Return the month's rows and how many of the file repeated an id; raise before anything is committed."""
    count, ids, known = _one(
        con, f"SELECT count(*), count(DISTINCT id), count(id) FROM {SHOWN} WHERE _partition = $1", landed
    )
    if landed.records is not None and count != landed.records:
        raise LoadError(
            f"{landed.partition}: Marketo reports {landed.records:,} records, but the landed file has {count:,}. "
            "Nothing was loaded. Materialize landing/lead_exports again with refresh switched on."
        )
    if known != count:
        raise LoadError(
            f"{landed.partition}: {count - known:,} rows have no id. Nothing was loaded. Export the month again."
        )
    if ids != count:
        # Adobe has seen a lead twice in one file; the row updated last is kept, the other is the same lead's past.
        con.execute(
            f"DELETE FROM {SHOWN} WHERE _partition = $1 AND rowid NOT IN ("
            "SELECT arg_max(rowid, coalesce(updatedAt, TIMESTAMPTZ '-infinity')) "
            f"FROM {SHOWN} WHERE _partition = $1 GROUP BY id)",
            [landed.partition],
        )
    return ids, count - ids


def _count_outside(con: DuckDBConnection, landed: LandedFile) -> int:
    (outside,) = _one(
        con,
        f"SELECT count(*) FROM {SHOWN} WHERE _partition = $1 AND (createdAt >= $2 AND createdAt < $3) IS NOT TRUE",
        landed,
        landed.window.start,
        landed.window.end,
    )
    return outside


def _one(con: DuckDBConnection, query: str, landed: LandedFile | None = None, *values: object) -> tuple[int, ...]:
    row = con.execute(query, [landed.partition, *values] if landed else []).fetchone()
    return tuple(int(value) for value in row or ())
