"""Landed readings of reference objects become versions in `raw.reference_versions`: what each record was, and when.

A record has a row for each content that readings found one after another. Nothing is deleted; a row says until when
it was read, and since when its record is gone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from marketo_assets.api.moments import parse_moment
from marketo_assets.extract.objects import DETAILS, REFERENCE, Detail
from marketo_assets.extract.reference import Known, KnownRecord, Log
from marketo_assets.land.readings import FOLDER, LandedReading, check_file, pending_readings
from marketo_assets.land.repeated_readings import drop_repeated
from marketo_assets.load.columns import text_literal
from marketo_assets.load.lead_fields import ensure_registry
from marketo_assets.load.ledger import ensure_tables, insert_row, next_load_id
from marketo_assets.warehouse import DuckDBConnection, Warehouse

_MOMENT = "TIMESTAMP WITH TIME ZONE"
TABLE = "raw.reference_versions"
READINGS = "meta.reference_readings"
_TABLES = {
    TABLE: (
        "One row per object, id and content that readings found. Append-only but for read_until and removed_at.",
        (
            ("object", "VARCHAR", "kind of object, as its table is called"),
            ("id", "VARCHAR", "Marketo's key of the record"),
            ("record", "JSON", "the record as Marketo answered it, its members in alphabetical order"),
            ("read_from", _MOMENT, "the first reading with this content"),
            ("read_until", _MOMENT, "the last reading that had it"),
            ("removed_at", _MOMENT, "the reading of everything that lacked it; NULL while it is not known to be gone"),
            ("load_id", "BIGINT", "the load that brought the row; see meta.loads"),
        ),
    ),
    READINGS: (
        "One row per reading of an object that was loaded.",
        (
            ("object", "VARCHAR", "kind of object"),
            ("reading", "VARCHAR", "name of the landed reading; names sort as the readings were made"),
            ("is_whole", "BOOLEAN", "whether everything was read, which alone shows what is gone"),
            ("since", _MOMENT, "since when what was updated was read; NULL where everything was"),
            ("as_of", _MOMENT, "when Marketo's state was read"),
            ("records", "BIGINT", "records that Marketo answered, repeated ones included"),
            ("added", "BIGINT", "records that were not here, or gone"),
            ("changed", "BIGINT", "records that were here with another content"),
            ("removed", "BIGINT", "records that are gone"),
            ("pages", "BIGINT", "calls for the listing itself"),
            ("calls", "BIGINT", "calls for all of it"),
            ("load_id", "BIGINT", "the load, in meta.loads where rows came of it"),
            ("loaded_at", _MOMENT, "when it was committed"),
        ),
    ),
}
# Of an id that came several times: the approved version before a draft, else what was read last.
_READ = (
    "SELECT id, record FROM read_json({path}, format = 'newline_delimited', compression = 'zstd', "
    "columns = {{place: 'BIGINT', id: 'VARCHAR', record: 'JSON'}}) "
    "QUALIFY row_number() OVER (PARTITION BY id ORDER BY "
    "lower(coalesce(record ->> '$.status', '')) = 'approved' DESC, place DESC) = 1"
)
_NEWEST = (
    f"SELECT id, record, removed_at, load_id FROM {TABLE} WHERE object = $object "
    "QUALIFY row_number() OVER (PARTITION BY id ORDER BY load_id DESC) = 1"
)
_IS_NEWEST = (
    "held.object = $object AND held.id = newest.id AND held.load_id = newest.load_id AND newest.removed_at IS NULL"
)


@dataclass(frozen=True)
class ReadingLoad:
    """What one reading changed."""

    landed: LandedReading
    load_id: int
    records: int
    """Different ids in it."""
    added: int
    changed: int
    removed: int
    seconds: float


def ensure_reference(con: DuckDBConnection) -> None:
    """Leave the tables of versions and readings, commented."""
    ensure_tables(con)
    # Whoever reads columns looks there for fields of leads, also before any lead is loaded.
    ensure_registry(con)
    for address, (comment, columns) in _TABLES.items():
        if has_table(con, address):
            continue
        con.execute(f"CREATE TABLE {address} ({', '.join(f'{name} {kind}' for name, kind, _ in columns)})")
        con.execute(f"COMMENT ON TABLE {address} IS {text_literal(comment)}")
        for name, _, text in columns:
            con.execute(f"COMMENT ON COLUMN {address}.{name} IS {text_literal(text)}")


def has_table(con: DuckDBConnection, address: str = TABLE) -> bool:
    """Say whether the table is there."""
    query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"
    return con.execute(query, address.split(".")).fetchone() is not None


def read_known(warehouse: Warehouse) -> dict[str, Known]:
    """Return what is known of each object from the readings that are loaded. Makes no call.

    Raises: WarehouseError when another process keeps the database for too long.
    """
    with warehouse.transaction() as con:
        ensure_reference(con)
        return known_objects(con)


def known_objects(con: DuckDBConnection) -> dict[str, Known]:
    """Return the same of a database that has the tables."""
    records: dict[str, dict[str, KnownRecord]] = {}
    for name, one, called, updated_at, read_at in con.execute(
        f"SELECT object, id, record ->> '$.name', record ->> '$.updatedAt', read_until FROM {TABLE} "
        "QUALIFY row_number() OVER (PARTITION BY object, id ORDER BY load_id DESC) = 1 "
        "AND removed_at IS NULL"
    ).fetchall():
        records.setdefault(name, {})[one] = KnownRecord(called, parse_moment(updated_at), read_at)
    rows = con.execute(
        "SELECT object, max(reading), max(as_of), max(as_of) FILTER (is_whole), "
        "coalesce(arg_max(pages, reading) FILTER (is_whole), 0), "
        "min(as_of) FILTER (is_whole AND reading > coalesce(telling, '')) "
        f"FROM (SELECT *, max(reading) FILTER (records > 0) OVER (PARTITION BY object) AS telling FROM {READINGS}) "
        "GROUP BY object"
    ).fetchall()
    return {
        name: Known(newest, read_at, whole_at, pages, empty_at, records.get(name, {}))
        for name, newest, read_at, whole_at, pages, empty_at in rows
    }


def load_reference(
    warehouse: Warehouse, landing_dir: Path, *, run_id: str, now: datetime, log: Log
) -> list[ReadingLoad]:
    """Return what every landed reading changed that had not been loaded, in the order in which they were made.

    Files of readings that told nothing new go as soon as a later one repeats them.

    **Cost:** no call. **Guarantee:** versions, removals and bookkeeping of a reading are committed together; after a
    kill at any moment the rest is loaded by the next run, and nothing is loaded twice.
    Raises: LandingError for a damaged file, WarehouseError.
    """
    loads = []
    with warehouse.held() as con:
        # Asked while nobody else can load.
        known = read_known(warehouse)
        for part in (*REFERENCE, *DETAILS):
            for landed in pending_readings(landing_dir, part.name, known.get(part.name, Known()).newest):
                loads.append(load_reading(warehouse, landed, run_id=run_id, now=now))
                log(_told(loads[-1]))
        names = list(dict.fromkeys(load.landed.object for load in loads))
        drop_repeated(landing_dir, {name: _changed(con, name) for name in names}, log)
    return loads


def _changed(con: DuckDBConnection, name: str) -> dict[str, int]:
    """Return how many rows each reading of an object changed."""
    query = f"SELECT reading, added + changed + removed FROM {READINGS} WHERE object = ?"
    return dict(con.execute(query, [name]).fetchall())


def load_reading(warehouse: Warehouse, landed: LandedReading, *, run_id: str, now: datetime) -> ReadingLoad:
    """Return what *landed*, the newest reading of its object, changed, after it was committed."""
    began = time.monotonic()
    path = check_file(landed)
    with warehouse.transaction() as con:
        ensure_reference(con)
        load = _load(con, landed, path)
        _record(con, load, run_id, now)
    return replace(load, seconds=time.monotonic() - began)


def _load(con: DuckDBConnection, landed: LandedReading, path: Path) -> ReadingLoad:
    load_id = next_load_id(con)
    told = {"object": landed.object, "as_of": landed.as_of}
    counts = _compare(con, landed, path)
    if counts["added"] or counts["changed"]:
        con.execute(
            f"INSERT INTO {TABLE} SELECT $object, id, record, $as_of, $as_of, NULL, $load_id FROM read "
            "WHERE state <> 'same'",
            {**told, "load_id": load_id},
        )
    if counts["same"]:
        con.execute(
            f"UPDATE {TABLE} AS held SET read_until = greatest(held.read_until, $as_of) FROM read "
            "WHERE state = 'same' AND held.object = $object AND held.id = read.id AND held.load_id = read.held_load",
            told,
        )
    removed = None
    if landed.removed:
        removed = con.execute(
            f"UPDATE {TABLE} AS held SET removed_at = greatest($as_of, held.read_until) FROM ({_NEWEST}) AS newest "
            f"WHERE {_IS_NEWEST} AND held.id IN (SELECT unnest($removed::VARCHAR[])) "
            "AND held.id NOT IN (SELECT id FROM read)",
            {**told, "removed": list(landed.removed)},
        ).fetchone()
    for detail in DETAILS:
        if landed.object == detail.name or (landed.removed and landed.object == detail.of):
            _follow(con, detail)
    return ReadingLoad(
        landed,
        load_id,
        sum(counts.values()),
        counts["added"],
        counts["changed"],
        int(removed[0]) if removed else 0,
        0.0,
    )


def _compare(con: DuckDBConnection, landed: LandedReading, path: Path) -> Counter[str]:
    """Leave the table `read`: each record of the file, and whether it is new, changed or the same; count them."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE read AS SELECT told.id, told.record, newest.load_id AS held_load, "
        "CASE WHEN newest.id IS NULL OR newest.removed_at IS NOT NULL THEN 'added' "
        "WHEN newest.record::VARCHAR <> told.record::VARCHAR THEN 'changed' ELSE 'same' END AS state "
        f"FROM ({_READ.format(path=text_literal(str(path)))}) AS told LEFT JOIN ({_NEWEST}) AS newest USING (id)",
        {"object": landed.object},
    )
    return Counter(dict(con.execute("SELECT state, count(*) FROM read GROUP BY state").fetchall()))


def _follow(con: DuckDBConnection, detail: Detail) -> None:
    """Mark the details of what is gone, in whichever order the two were loaded."""
    con.execute(
        f"UPDATE {TABLE} AS held SET removed_at = greatest(owner.removed_at, held.read_until) "
        f"FROM ({_NEWEST}) AS newest JOIN ({_NEWEST.replace('$object', '$owner')}) AS owner USING (id) "
        f"WHERE {_IS_NEWEST} AND owner.removed_at IS NOT NULL",
        {"object": detail.name, "owner": detail.of},
    )


def _record(con: DuckDBConnection, load: ReadingLoad, run_id: str, now: datetime) -> None:
    landed = load.landed
    counted: Mapping[str, object] = {
        "object": landed.object,
        "reading": landed.name,
        "is_whole": landed.is_whole,
        "since": landed.since,
        "as_of": landed.as_of,
        "records": landed.records,
        "added": load.added,
        "changed": load.changed,
        "removed": load.removed,
        "pages": landed.pages,
        "calls": landed.calls,
        "load_id": load.load_id,
        "loaded_at": now,
    }
    insert_row(con, READINGS, counted)
    if load.added or load.changed or load.removed:
        told: Mapping[str, object] = {
            "load_id": load.load_id,
            "table_name": TABLE,
            "partition": landed.object,
            "run_id": run_id,
            "file": f"{FOLDER}/{landed.object}/{landed.path.name}",
            "sha256": landed.sha256,
            "file_bytes": landed.file_bytes,
            "records": landed.records,
            "rows": load.added + load.changed,
            "duplicates": landed.records - load.records,
            "as_of": landed.as_of,
            "loaded_at": now,
        }
        insert_row(con, "meta.loads", told)


def _told(load: ReadingLoad) -> str:
    landed = load.landed
    what = "everything" if landed.is_whole else "one by one"
    what = f"updated since {landed.since:%Y-%m-%d %H:%M:%S} UTC" if landed.since else what
    return (
        f"{landed.object}: {load.records:,} read ({what}), {load.added:,} new, {load.changed:,} changed, "
        f"{load.removed:,} removed"
    )
