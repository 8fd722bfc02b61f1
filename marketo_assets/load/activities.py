"""A landed month of activities becomes rows of `main.activities`: one transaction, verified before it is committed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from marketo_assets.api.activities import ActivityType
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.load.activity_rows import (
    FILE_COLUMNS,
    TABLE,
    ensure_activities,
    forget_before,
    insert_leniently,
    insert_strictly,
    keep_one_each,
)
from marketo_assets.load.activity_types import known_types, register_types
from marketo_assets.load.columns import TEXT, SchemaChange, text_literal
from marketo_assets.load.file_loads import record_file_load
from marketo_assets.load.file_reading import FileReading, LoadError, read_as_needed, readable
from marketo_assets.load.ledger import ensure_tables, next_load_id
from marketo_assets.load.position import cover_since
from marketo_assets.load.reading_moments import reading_moment
from marketo_assets.warehouse import DuckDBConnection, Warehouse

STREAM = "activities"
_LONGEST_LINE = 20_000_000
_MOST_MONTHS = 12 * 200


@dataclass(frozen=True)
class ActivityLoad:
    """What one load did."""

    load_id: int
    partition: str
    rows: int
    """Activities that were not here before, or not like this."""
    duplicates: int
    """Rows of the file that were here already, the same or read later, or that repeated an activity."""
    rejected_values: int
    outside_window: int
    forgotten: int
    """Activities removed because the settings keep none that old."""
    schema_changes: tuple[SchemaChange, ...]
    seconds: float


def load_activities(
    warehouse: Warehouse, landed: LandedFile, *, run_id: str, now: datetime, keep_months: int = 0
) -> ActivityLoad:
    """Return what was loaded, after the activities of *landed* are in `main.activities`.

    Grain: one row per marketoGUID. An activity that comes again replaces its row only where it differs and was read
    later; none is removed because a file lacks it, for Marketo forgets and this table does not. With *keep_months*,
    those that happened so many months before *now* are removed.

    **Cost:** no call. One read of the file; a file with texts that do not fit their type is read twice.
    **Guarantee:** all rows and their bookkeeping are committed together, or nothing changes.
    Raises: LoadError when rows are missing or have no key; ParseError when the file is not the one asked for.
    """
    return read_as_needed(landed, lambda way: _load(warehouse, landed, way, run_id, now, keep_months))


def oldest_kept(now: datetime, keep_months: int) -> datetime | None:
    """Return the moment before which activities are removed, or None where all are kept."""
    if not 0 < keep_months < _MOST_MONTHS:
        return None
    month = now.year * 12 + now.month - 1 - keep_months
    return now.replace(year=month // 12, month=month % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)


def _load(
    warehouse: Warehouse, landed: LandedFile, way: FileReading, run_id: str, now: datetime, keep_months: int
) -> ActivityLoad:
    began = time.monotonic()
    with readable(warehouse, landed, way) as path, warehouse.transaction() as con:
        ensure_tables(con)
        ensure_activities(con)
        changes = register_types(con, landed.types, landed.as_of)
        load_id, rejected = next_load_id(con), 0
        if path is not None:
            rejected = _insert(con, landed, path, load_id, way)
        read = _verify(con, landed, load_id)
        keep_one_each(con, load_id)
        forgotten = forget_before(con, oldest_kept(now, keep_months))
        rows, outside = _count(con, landed, load_id)
        load = ActivityLoad(
            load_id=load_id,
            partition=landed.partition,
            rows=rows,
            duplicates=read - rows,
            rejected_values=rejected,
            outside_window=outside,
            forgotten=forgotten,
            schema_changes=changes,
            seconds=0.0,
        )
        cover_since(con, landed.as_of, now, STREAM)
        record_file_load(
            con, landed, load, folder="activity_exports", table=TABLE, run_id=run_id, now=now, outside_window=outside
        )
    return replace(load, seconds=time.monotonic() - began)


def _insert(con: DuckDBConnection, landed: LandedFile, path: Path, load_id: int, way: FileReading) -> int:
    header, line_end = parse.read_header(path)
    matched = parse.match_header(header, FILE_COLUMNS)
    cells = {column.name: f"c{number}" for number, column in enumerate(matched) if column is not None}
    types: list[ActivityType] = known_types(con)
    read_as = next(column.type for column in FILE_COLUMNS if column.name == "activity_date")
    happened = cells["activity_date"] if way.is_strict else parse.lenient_cast(cells["activity_date"], read_as)
    own = own_values("bulk", reading_moment(landed.as_of, landed.pieces, happened), load_id)
    if way.is_strict:
        source = parse.csv_source(path, len(header), line_end, types=[c.type if c else TEXT for c in matched])
        insert_strictly(con, source, cells, types, own)
        return 0
    texts = [TEXT] * len(header)
    source = parse.csv_source(path, len(header), line_end, types=texts, longest_line=_LONGEST_LINE)
    listed = ", ".join(f"{parse.with_returns(cell) if way.is_repaired else cell} AS {cell}" for cell in cells.values())
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT {listed} FROM {source}")
    return insert_leniently(con, cells, types, own)


def own_values(source: str, read_at: str, load_id: int) -> Mapping[str, str]:
    """Return what rows are told of themselves, as SQL; so is *read_at*."""
    return {"_source": text_literal(source), "_as_of": read_at, "_load_id": str(load_id)}


def _verify(con: DuckDBConnection, landed: LandedFile, load_id: int) -> int:
    row = con.execute(f"SELECT count(*), count(activity_guid) FROM {TABLE} WHERE _load_id = ?", [load_id]).fetchone()
    count, known = row or (0, 0)
    if landed.records is not None and count != landed.records:
        raise LoadError(
            f"{landed.partition}: Marketo reports {landed.records:,} records, but the landed file has {count:,}. "
            "Nothing was loaded. Materialize landing/activity_exports again with refresh switched on."
        )
    if known != count:
        raise LoadError(
            f"{landed.partition}: {count - known:,} activities have no marketoGUID. Nothing was loaded. "
            "Export the month again."
        )
    return int(count)


def _count(con: DuckDBConnection, landed: LandedFile, load_id: int) -> tuple[int, int]:
    row = con.execute(
        "SELECT count(*), count(*) FILTER ((activity_date >= $2 AND activity_date < $3) IS NOT TRUE) "
        f"FROM {TABLE} WHERE _load_id = $1",
        [load_id, landed.window.start, landed.window.end],
    ).fetchone()
    rows, outside = row or (0, 0)
    return int(rows), int(outside)
