"""Activities as REST tells of them become rows of `main.activities`, the same rows that an export would bring."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.client import MarketoClient
from marketo_assets.extract.activities import ActivityPoll, poll_activities
from marketo_assets.extract.activity_fields import choose_activity_types
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_changes import Log
from marketo_assets.land.store import alone
from marketo_assets.load.activities import STREAM, oldest_kept, own_values
from marketo_assets.load.activity_rows import TABLE, ensure_activities, forget_before, insert_answered, keep_one_each
from marketo_assets.load.activity_types import known_types, register_types, types_seen_at
from marketo_assets.load.columns import SchemaChange
from marketo_assets.load.ledger import ensure_tables, insert_row, next_load_id
from marketo_assets.load.position import Position, move_watermark, read_position
from marketo_assets.load.reading_moments import reading_moment
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse, WarehouseError

TYPES_KEPT = timedelta(days=1)
"""For so long a list of activity types is believed by looks; polls and exports ask for it each time."""


@dataclass(frozen=True)
class ActivityCapture:
    """What one capture found and did."""

    load_id: int
    since: datetime
    until: datetime
    activities: int
    """Activities that were not here, or not like this."""
    repeated: int
    """Activities that came again: inside the poll, or known from before."""
    rejected_values: int
    forgotten: int
    schema_changes: tuple[SchemaChange, ...]
    warnings: tuple[str, ...]
    last_activity_at: datetime | None
    calls: int
    seconds: float


@dataclass(frozen=True)
class ActivityStanding:
    """Where captures of activities stand, for whoever decides whether another is needed."""

    since: datetime | None
    """Where the next begins to read; None before the first load and the first capture."""
    guids: frozenset[str]
    """The activities since then that are here."""
    type_ids: tuple[int, ...]
    """The types to look at, as they were listed last; none where that is too long ago."""


def capture_activities(
    client: MarketoClient, warehouse: Warehouse, settings: Settings, *, run_id: str, log: Log
) -> ActivityCapture:
    """Return what was captured, after every activity that Marketo tells by now is in the warehouse.

    The watermark moves with the rows. Captures of one data folder happen one after the other, in whatever process.

    **Cost:** two calls, and one for each page of each ten types. The database is locked only to look and to commit.
    **Guarantee:** after a kill at any moment the next capture finds all of it again; nothing is stored twice.
    Raises: MarketoError, SettingsError, WarehouseError.
    """
    claim_folder(client.ledger, settings)
    folder = settings.data_dir / "activity_capture"
    try:
        with alone(folder, warehouse.lock_seconds, lambda: log("Another capture of activities is running; waiting")):
            return _capture(client, warehouse, settings, run_id, log)
    except TimeoutError as error:
        raise WarehouseError(
            f"Another capture of activities has been running for {warehouse.lock_seconds:.0f} s. Let it finish or "
            "stop it; the next one reads what this one would have."
        ) from error


def read_activity_standing(warehouse: Warehouse, settings: Settings) -> ActivityStanding:
    """Return where captures of activities stand. Makes no call.

    Raises: WarehouseError when another process keeps the database for too long; SettingsError for an unknown type.
    """
    with warehouse.transaction() as con:
        ensure_tables(con)
        position, now = read_position(con, STREAM), settings.clock.now()
        if position is None:
            return ActivityStanding(None, frozenset(), ())
        since = _begin(position, settings)
        ensure_activities(con)
        rows = con.execute(
            f"SELECT activity_guid FROM {TABLE} WHERE activity_date >= ?", [since.replace(microsecond=0)]
        ).fetchall()
        types = choose_activity_types(_fresh_types(con, now), settings)
    return ActivityStanding(since, frozenset(row[0] for row in rows), tuple(kind.id for kind in types))


def read_fresh_types(warehouse: Warehouse, settings: Settings) -> list[ActivityType]:
    """Return the types of the instance if they were listed within a day, else none. Makes no call.

    Raises: WarehouseError when another process keeps the database for too long.
    """
    with warehouse.transaction() as con:
        ensure_tables(con)
        return _fresh_types(con, settings.clock.now())


def _fresh_types(con: DuckDBConnection, now: datetime) -> list[ActivityType]:
    listed_at = types_seen_at(con)
    is_fresh = listed_at is not None and now - listed_at < TYPES_KEPT
    return known_types(con, is_listed=True) if is_fresh else []


def _begin(position: Position | None, settings: Settings) -> datetime:
    now = settings.clock.now()
    return (min(position.watermark, now) if position else now) - timedelta(seconds=settings.lookback_seconds)


def _capture(client: MarketoClient, warehouse: Warehouse, settings: Settings, run_id: str, log: Log) -> ActivityCapture:
    began, calls = time.monotonic(), client.calls
    with warehouse.transaction() as con:
        ensure_tables(con)
        position = read_position(con, STREAM)
    poll = poll_activities(client, _begin(position, settings), settings)
    with warehouse.transaction() as con:
        capture = _commit(con, poll, position, settings, run_id)
    for warning in poll.warnings:
        log(warning)
    return replace(capture, calls=client.calls - calls, seconds=time.monotonic() - began)


def _commit(
    con: DuckDBConnection, poll: ActivityPoll, began: Position | None, settings: Settings, run_id: str
) -> ActivityCapture:
    now = settings.clock.now()
    ensure_activities(con)
    changes = register_types(con, poll.types, poll.until)
    load_id = next_load_id(con)
    rejected = insert_answered(
        con, poll.activities, known_types(con), own_values("rest", reading_moment(poll.until, (), ""), load_id)
    )
    keep_one_each(con, load_id)
    forgotten = forget_before(con, oldest_kept(now, settings.activity_keep_months))
    row = con.execute(f"SELECT count(*) FROM {TABLE} WHERE _load_id = ?", [load_id]).fetchone()
    count = int(row[0]) if row else 0
    # A page that may hide a failed search keeps the watermark where it is, and the next poll asks again.
    if not poll.warnings:
        move_watermark(con, began, poll.until, now, STREAM)
    capture = ActivityCapture(
        load_id=load_id,
        since=poll.since,
        until=poll.until,
        activities=count,
        repeated=poll.repeated + len(poll.activities) - count,
        rejected_values=rejected,
        forgotten=forgotten,
        schema_changes=changes,
        warnings=poll.warnings,
        last_activity_at=max((found.at for found in poll.activities), default=None),
        calls=0,
        seconds=0.0,
    )
    if count:
        _record(con, capture, run_id, now)
    return capture


def _record(con: DuckDBConnection, capture: ActivityCapture, run_id: str, now: datetime) -> None:
    insert_row(
        con,
        "meta.loads",
        {
            "load_id": capture.load_id,
            "table_name": TABLE,
            "run_id": run_id,
            "rows": capture.activities,
            "duplicates": capture.repeated,
            "rejected_values": capture.rejected_values,
            "as_of": capture.until,
            "loaded_at": now,
        },
    )
