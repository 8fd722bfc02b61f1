"""Changes, deletions and merges become rows, and the leads they tell of are read again: one capture, one commit."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from marketo_assets.api.activities import Activity
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import FieldNotFound
from marketo_assets.api.lead_database import LeadField, describe_lead_fields
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_changes import LeadPoll, Log, poll_lead_changes
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.rereading import Bargain
from marketo_assets.land.store import alone
from marketo_assets.load.change_rows import change_rows, deletion_rows, merge_rows
from marketo_assets.load.columns import SchemaChange
from marketo_assets.load.coverage import note_gaps
from marketo_assets.load.current_leads import GONE, settle, touch
from marketo_assets.load.field_names import read_field_names
from marketo_assets.load.lead_fields import ensure_registry, register_fields
from marketo_assets.load.lead_readings import TABLE, append_readings
from marketo_assets.load.lead_rereading import Reread, Wanted, mean_lead_bytes, read_again
from marketo_assets.load.lead_updates import load_update
from marketo_assets.load.lead_versions import fit_lead_tables
from marketo_assets.load.ledger import append_rows, ensure_tables, insert_row, next_load_id, record_schema_changes
from marketo_assets.load.position import Position, move_watermark, read_position
from marketo_assets.load.repairs import StaleMonth, blind_spots, leads_of_no_month, note_repair, stale_months
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse, WarehouseError

RETRY_EVERY_POLL = timedelta(days=1)
"""For so long a lead that was not found is asked for at each poll; later, at doubling intervals."""


@dataclass(frozen=True)
class Capture:
    """What one capture found and did."""

    load_id: int
    since: datetime
    until: datetime
    changes: int
    """Activities that were not known before; deletions are counted apart."""
    deletions: int
    merged_leads: int
    leads_read: int
    leads_missing: int
    """Leads asked for that Marketo did not find, and nothing explains yet; later captures ask again."""
    bargain: Bargain
    """What reading them again would have cost either way, and which was taken."""
    rejected_values: int
    repeated: int
    """Activities that came again: inside the poll, or known from one before."""
    schema_changes: tuple[SchemaChange, ...]
    warnings: tuple[str, ...]
    """What this capture cannot have seen, and what Marketo remarked, in sentences."""
    last_activity_at: datetime | None
    """When the latest of the activities happened."""
    calls: int
    seconds: float

    @property
    def is_empty(self) -> bool:
        """Whether nothing new was found, so that nothing that people read has changed."""
        return not (self.changes or self.deletions or self.leads_read or self.leads_missing or self.schema_changes)


@dataclass(frozen=True)
class _Fresh:
    """What of a poll is not in the warehouse yet."""

    activities: list[Activity]
    deletions: list[Activity]
    merge_guids: set[str]


def capture_lead_changes(
    client: MarketoClient, warehouse: Warehouse, settings: Settings, *, run_id: str, log: Log
) -> Capture:
    """Return what was captured, after everything that Marketo tells by now is in the warehouse, committed at once.

    New activities are appended, the leads they tell of are read again in full, deleted and merged leads are hidden,
    and the watermark moves. Captures of one data folder happen one after the other, in whatever process.

    **Cost:** with c activities that tell of n leads, at most ceil(c/300) + ceil(n/300) + 6 calls where pages are full;
    one more while no field number is known. The database is locked only to look things up and to commit.
    **Guarantee:** after a kill at any moment the next capture finds all of it again; nothing is stored twice.
    Raises: MarketoError, SettingsError, WarehouseError.
    """
    claim_folder(client.ledger, settings)
    try:
        with alone(
            settings.data_dir / "capture", warehouse.lock_seconds, lambda: log("Another capture is running; waiting")
        ):
            try:
                return _capture(client, warehouse, settings, run_id, log)
            except FieldNotFound:
                log("A field was hidden while changes were read; describing the fields again and starting anew")
                return _capture(client, warehouse, settings, run_id, log)
    except TimeoutError as error:
        raise WarehouseError(
            f"Another capture has been running for {warehouse.lock_seconds:.0f} s. Let it finish or stop it; "
            "the next one reads what this one would have."
        ) from error


@dataclass(frozen=True)
class Standing:
    """Where captures stand, for whoever decides whether another is needed."""

    since: datetime | None
    """Where the next capture begins to read; None before the first load and the first capture."""
    guids: frozenset[str]
    """The activities since then that are here."""
    leads_missing: int
    """Leads that were not found and are due to be asked for again."""
    stale_months: tuple[StaleMonth, ...] = ()
    """Months that have to be exported again, because changes were read too late."""


def read_standing(warehouse: Warehouse, settings: Settings) -> Standing:
    """Return where captures stand. Makes no call.

    Raises: WarehouseError when another process keeps the database for too long.
    """
    with warehouse.transaction() as con:
        ensure_tables(con)
        now, position = settings.clock.now(), read_position(con)
        since = _begin(position, settings) if position else None
        guids = con.execute(
            "SELECT activity_guid FROM raw.lead_changes WHERE activity_date >= $1 "
            "UNION SELECT activity_guid FROM raw.lead_deletions WHERE deleted_at >= $1",
            [since.replace(microsecond=0) if since else now],
        ).fetchall()
        # Less often than a capture would: what is missing must not start a run at every look.
        due = con.execute(
            "SELECT count(*) FROM meta.missing_leads WHERE $1 - missed_at > missed_at - first_missed_at", [now]
        ).fetchone()
        stale = tuple(stale_months(con))
    return Standing(since, frozenset(row[0] for row in guids), int(due[0]) if due else 0, stale)


def _begin(position: Position | None, settings: Settings) -> datetime:
    # A watermark in the future means that a clock was wrong: what happened since is read as well.
    now = settings.clock.now()
    return (min(position.watermark, now) if position else now) - timedelta(seconds=settings.lookback_seconds)


def _unseen_from(position: Position | None, poll: LeadPoll, settings: Settings) -> datetime:
    # Where our own clock was set back the poll began earlier than it had to, and nothing was forgotten in between.
    lookback = timedelta(seconds=settings.lookback_seconds)
    return max(poll.since, min(position.watermark, poll.until) - lookback) if position else poll.since


def _capture(client: MarketoClient, warehouse: Warehouse, settings: Settings, run_id: str, log: Log) -> Capture:
    began, calls, now = time.monotonic(), client.calls, settings.clock.now()
    with warehouse.transaction() as con:
        ensure_tables(con)
        ensure_registry(con)
        position = read_position(con)
        is_numbered = con.execute("SELECT 1 FROM main.lead_fields WHERE id IS NOT NULL LIMIT 1").fetchone() is not None
    described = describe_lead_fields(client, has_numbers=not is_numbered)
    fields = choose_lead_fields(described, settings)
    names = [known.name for known in fields]
    since = _begin(position, settings)
    poll = poll_lead_changes(client, since, names, more_types=settings.change_activity_types, log=log)
    unseen_from = _unseen_from(position, poll, settings)
    blind = blind_spots(unseen_from, poll.until)
    with warehouse.transaction() as con:
        ids = _leads_to_read(con, poll, now) | (leads_of_no_month(con) if blind else set())
        wanted = Wanted(ids, poll, fields, described, mean_lead_bytes(con))
    with (
        read_again(client, warehouse, settings, wanted, log) as again,
        warehouse.transaction() as con,
    ):
        capture = _commit(con, poll, again, described, fields, position, run_id, settings.clock.now())
        note_repair(con, unseen_from, poll.until, settings.clock.now())
        note_gaps(con, unseen_from, poll.until)
    warnings = (*blind, *poll.warnings)
    for warning in warnings:
        log(warning)
    return replace(capture, warnings=warnings, calls=client.calls - calls, seconds=time.monotonic() - began)


def _leads_to_read(con: DuckDBConnection, poll: LeadPoll, now: datetime) -> set[int]:
    fresh = _fresh(con, poll)
    due = con.execute(
        "SELECT lead_id FROM meta.missing_leads WHERE missed_at - first_missed_at < $1 "
        "OR $2 - missed_at >= missed_at - first_missed_at",
        [RETRY_EVERY_POLL, now],
    ).fetchall()
    wanted = {activity.lead_id for activity in fresh.activities} | {row[0] for row in due}
    wanted |= {merge.winner_id for merge in poll.merges if merge.guid in fresh.merge_guids}
    wanted -= {deletion.lead_id for deletion in poll.deletions} | {merge.loser_id for merge in poll.merges}
    known_gone = con.execute(
        f"SELECT id FROM ({GONE}) SEMI JOIN (SELECT unnest(?::BIGINT[]) AS id) USING (id)", [sorted(wanted)]
    )
    return wanted - {row[0] for row in known_gone.fetchall()}


def _fresh(con: DuckDBConnection, poll: LeadPoll) -> _Fresh:
    # Activities come back with the moment they had, so the known ones among them are not older than the oldest.
    changed = _known_guids(con, "raw.lead_changes", "activity_date", [activity.at for activity in poll.activities])
    deleted = _known_guids(con, "raw.lead_deletions", "deleted_at", [activity.at for activity in poll.deletions])
    merged = _known_guids(con, "raw.lead_merges", "merged_at", [merge.at for merge in poll.merges])
    return _Fresh(
        [activity for activity in poll.activities if activity.guid not in changed],
        [activity for activity in poll.deletions if activity.guid not in deleted],
        {merge.guid for merge in poll.merges} - merged,
    )


def _known_guids(con: DuckDBConnection, table: str, moment: str, moments: Collection[datetime]) -> set[str]:
    if not moments:
        return set()
    found = con.execute(f"SELECT DISTINCT activity_guid FROM {table} WHERE {moment} >= ?", [min(moments)])
    return {row[0] for row in found.fetchall()}


def _commit(
    con: DuckDBConnection,
    poll: LeadPoll,
    again: Reread,
    described: Sequence[LeadField],
    fields: Sequence[LeadField],
    began: Position | None,
    run_id: str,
    now: datetime,
) -> Capture:
    registry = register_fields(con, described, fields, poll.until)
    widened = fit_lead_tables(con, [registry.columns[known.name] for known in fields])
    record_schema_changes(con, poll.until, widened)
    loads = [load_update(con, file, registry, run_id=run_id, now=now) for file in again.files]
    load_id, fresh = next_load_id(con), _fresh(con, poll)
    merges = [merge for merge in poll.merges if merge.guid in fresh.merge_guids]
    changes = change_rows(fresh.activities, poll.score_type_ids, read_field_names(con), load_id)
    append_rows(con, "raw.lead_changes", changes)
    append_rows(con, "raw.lead_deletions", deletion_rows(fresh.deletions, load_id))
    append_rows(con, "raw.lead_merges", merge_rows(merges, load_id))
    touch(con, {found.lead_id for found in fresh.deletions} | {merge.loser_id for merge in merges})
    read, rejected = append_readings(con, again.readings, fields, registry, load_id)
    settle(con)
    # A page that may hide a failed search keeps the watermark where it is, and the next poll asks again.
    if not poll.warnings:
        move_watermark(con, began, poll.until, now)
    asked = {lead_id for reading in again.readings for lead_id in reading.asked}
    moments = [found.at for found in (*poll.activities, *poll.deletions)]
    capture = Capture(
        load_id=load_id,
        since=poll.since,
        until=poll.until,
        changes=len(fresh.activities),
        deletions=len(fresh.deletions),
        merged_leads=len(merges),
        leads_read=read + len(again.from_files),
        leads_missing=len(asked) - read,
        bargain=again.bargain,
        rejected_values=rejected + sum(load.rejected_values for load in loads),
        repeated=poll.repeated
        + (len(poll.activities) - len(fresh.activities))
        + (len(poll.deletions) - len(fresh.deletions)),
        schema_changes=registry.changes + widened,
        warnings=(),
        last_activity_at=max(moments, default=None),
        calls=0,
        seconds=0.0,
    )
    if not capture.is_empty:
        _record(con, capture, read, run_id, now)
    return capture


def _record(con: DuckDBConnection, capture: Capture, rows: int, run_id: str, now: datetime) -> None:
    values: Mapping[str, Any] = {
        "load_id": capture.load_id,
        "table_name": TABLE,
        "run_id": run_id,
        "rows": rows,
        "duplicates": capture.repeated,
        "rejected_values": capture.rejected_values,
        "as_of": capture.until,
        "loaded_at": now,
    }
    insert_row(con, "meta.loads", values)
