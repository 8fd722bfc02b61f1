"""Who is on which static list, brought up to now: told by activities, read where they cannot tell, and now and then.

Why so: a list has no membership dates and no filter of what changed (Adobe: List Membership), so that a whole reading
is the only other way. Activities are here anyway and cost nothing; what they do not tell (a list that was never read,
activities that are not captured, two that contradict each other) is read, and everything again after some days.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import DailyQuotaSpent, ExportQuotaSpent, NotFound
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.list_reading import MOST_PAGED, ListReading, read_list
from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.member_exports import land_list_members
from marketo_assets.load.activity_polls import capture_activities
from marketo_assets.load.lead_changes import capture_lead_changes
from marketo_assets.load.lead_updates import readable_updates
from marketo_assets.load.ledger import ensure_tables, insert_row, next_load_id
from marketo_assets.load.list_events import covered_lists, covered_since, current_position, unsure_lists
from marketo_assets.load.list_members import TABLE, ensure_list_members, put_readings, tell_events
from marketo_assets.load.member_doubts import count_members, is_doubtful, told_of_doubt
from marketo_assets.load.member_readings import (
    LISTS,
    MemberReading,
    end_removed,
    ensure_readings,
    note_known,
    read_containers,
    read_readings,
)
from marketo_assets.load.member_runs import PASSING, Failures, ReadingTerms, one_at_a_time
from marketo_assets.load.position import STREAM as CHANGES
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse

_BYTES_A_LEAD, _UNKNOWN_BYTES = 14, 2_000_000
_MOST_HELD = 50


@dataclass
class ListCapture:
    """What one capture of list members found and did."""

    lists: int = 0
    told: int = 0
    """Lists that needed no reading: activities told everything."""
    read: int = 0
    exported: int = 0
    """Those of them that were exported, being too large for pages."""
    postponed: int = 0
    """Lists whose reading is due, and that `most_calls`, or what is left of the day's calls, did not allow."""
    waiting: int = 0
    """Lists that take an export, for which the day's quota has no room; the next capture reads them."""
    doubted: int = 0
    """Lists that were found without any member, all at once, and wait for a reading that confirms it."""
    vanished: list[int] = field(default_factory=list)
    """Lists that Marketo no longer has, though reference data still tells of them; nothing was marked."""
    changed: int = 0
    """Rows that are otherwise than before."""
    file_bytes: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Due:
    id: int
    members: int | None
    """At the last reading."""
    has_members: bool
    """By what is known now."""


def capture_list_members(
    client: MarketoClient,
    warehouse: Warehouse,
    settings: Settings,
    *,
    run_id: str,
    log: Log,
    terms: ReadingTerms | None = None,
    on_accepted: Callable[[], object] | None = None,
) -> ListCapture:
    """Return what was captured, after `raw.static_list_members` is as Marketo's static lists are.

    Where the export quota has no room, lists that take an export wait for the next capture, and all others are read;
    where the day's calls are spent among them, those that are left do.

    **Cost:** a capture of activities and one of changes, where these are kept current; for each list to be read one
    call for each 300 leads, or where there are more than five pages an export: 3 calls, one status call a minute and
    some ten bytes a lead.
    **Guarantee:** after a kill at any moment the next capture goes on with what is still to be done.
    Raises: WarehouseError where no list is known; AccessDenied; DailyQuotaSpent, LandingError; MarketoError,
    ExportError, LoadError, ParseError, for what fails of single lists after the others were read.
    """
    with one_at_a_time(client, warehouse, settings, "list members", log=log, on_accepted=on_accepted) as exporter:
        return _Run(exporter, warehouse, settings, run_id, log).capture(terms or ReadingTerms())


@dataclass
class _Run:
    exporter: Exporter
    warehouse: Warehouse
    settings: Settings
    run_id: str
    log: Log
    found: ListCapture = field(default_factory=ListCapture)
    _held: list[ListReading] = field(default_factory=list)
    _emptied: list[ListReading] = field(default_factory=list)
    """Of lists that had members and have none any more; committed last, for they may be doubted."""
    _has_seen_members: bool = False
    _failures: Failures = field(default_factory=Failures)

    @property
    def client(self) -> MarketoClient:
        return self.exporter.client

    def capture(self, terms: ReadingTerms) -> ListCapture:
        began, calls = time.monotonic(), self.client.calls
        self._capture_what_is_told()
        with self.warehouse.transaction() as con:
            due = self._plan(con, terms)
        first = self.client.calls
        try:
            for number, one in enumerate(due):
                if self.client.calls - first >= terms.most_calls:
                    self.found.postponed = len(due) - number
                    break
                try:
                    self._read(one)
                except DailyQuotaSpent as error:
                    self.log(f"{len(due) - number:,} static lists are left to the next run. {error}")
                    self.found.postponed = len(due) - number
                    break
                if len(self._held) >= _MOST_HELD:
                    self._commit()
        finally:
            # What was read is kept, whatever stopped the reading.
            self._believe()
            self._commit()
        self._failures.tell()
        return replace(self.found, calls=self.client.calls - calls, seconds=time.monotonic() - began)

    def _capture_what_is_told(self) -> None:
        with self.warehouse.transaction() as con:
            ensure_tables(con)
            read_containers(con, LISTS)
            is_covered = covered_since(con, self.settings) is not None
            are_changes_read = current_position(con, self.settings, CHANGES) is not None
        told = {"run_id": self.run_id, "log": self.log}
        if are_changes_read:
            capture_lead_changes(self.client, self.warehouse, self.settings, **told)  # type: ignore[arg-type]
        if is_covered:
            capture_activities(self.client, self.warehouse, self.settings, **told)  # type: ignore[arg-type]

    def _plan(self, con: DuckDBConnection, terms: ReadingTerms) -> list[_Due]:
        ensure_list_members(con)
        ensure_readings(con)
        lists, now = read_containers(con, LISTS), self.settings.clock.now()
        self.found.changed += end_removed(con, TABLE, "list_id", LISTS, lists.removed)
        self._tell(con, lists.present)
        readings, members = read_readings(con, LISTS), count_members(con, TABLE, "list_id")
        told = {*covered_lists(con, covered_since(con, self.settings), lists.present)}
        unsure = unsure_lists(con, timedelta(seconds=self.settings.lookback_seconds))
        # First what is known to be doubtful, then what was never read, then what was read longest ago.
        doubted = {number for number, reading in readings.items() if reading.empty_since}
        due = [number for number in lists.present if number in {*unsure, *doubted}]
        due += [number for number in lists.present if number not in readings]
        aged = [
            number
            for number in lists.present
            if number in readings
            and number not in due
            and (terms.is_whole or number not in told or now - readings[number].whole_as_of >= terms.whole_after)
        ]
        due += sorted(aged, key=lambda number: (readings[number].whole_as_of, number))
        self.found.lists, self.found.told = len(lists.present), len(lists.present) - len(due)
        return [_Due(number, _members(readings.get(number)), number in members) for number in due]

    def _tell(self, con: DuckDBConnection, present: Sequence[int]) -> None:
        load_id = next_load_id(con)
        changed = tell_events(con, load_id)
        covered = covered_since(con, self.settings)
        if covered is not None:
            note_known(con, LISTS, covered_lists(con, covered, present), covered.watermark, load_id)
        self._record(con, load_id, changed)

    def _read(self, due: _Due) -> None:
        try:
            reading = read_list(self.client, due.id) if (due.members or 0) <= MOST_PAGED else None
            if reading is None and self.found.waiting:
                self.found.waiting += 1
                return
            if reading is None:
                reading = self._export(due)
            elif not reading.is_at_once:
                reading = self._confirm(reading)
        except NotFound:
            self.log(f"Static list {due.id} is no longer at Marketo; nothing was marked. Run job reference.")
            self.found.vanished.append(due.id)
            return
        except ExportQuotaSpent as error:
            self.found.waiting += 1
            self.log(f"Static list {due.id}, and others that take an export, wait for the next run. {error}")
            return
        except PASSING as error:
            self._failures.take(error)
            self.log(f"Static list {due.id} could not be read, the others are read first. {error}")
            return
        self.found.read += 1
        self._has_seen_members |= bool(reading.ids)
        (self._emptied if due.has_members and not reading.ids else self._held).append(reading)

    def _believe(self) -> None:
        """Let lists that nobody is on any more be committed, unless they are so many while nobody is on any other."""
        emptied, self._emptied = self._emptied, []
        if emptied and not self._has_seen_members:
            with self.warehouse.transaction() as con:
                is_doubted = is_doubtful(con, LISTS, {reading.list_id: reading.as_of for reading in emptied})
            if is_doubted:
                self.found.doubted = len(emptied)
                self.log(told_of_doubt("static lists", len(emptied)))
                return
        self._held += emptied

    def _confirm(self, reading: ListReading) -> ListReading:
        # Somebody who slipped from page to page must not be taken for gone: whom a second look finds is still there.
        with self.warehouse.transaction() as con:
            rows = con.execute(
                f"SELECT lead_id FROM {TABLE} WHERE list_id = ? AND removed_at IS NULL", [reading.list_id]
            ).fetchall()
        if {row[0] for row in rows} <= reading.ids:
            return reading
        again = read_list(self.client, reading.list_id)
        return replace(reading, ids=reading.ids | again.ids) if again else reading

    def _export(self, due: _Due) -> ListReading:
        likely = _UNKNOWN_BYTES if due.members is None else _BYTES_A_LEAD * (due.members + 1_000)
        is_refresh = due.members is not None  # what was landed is loaded, unless the list was never loaded
        landed = land_list_members(self.exporter, self.settings.landing_dir, due.id, likely, is_refresh=is_refresh)
        self.found.exported += 1
        self.found.file_bytes += 0 if landed.was_adopted else landed.file_bytes
        return ListReading(due.id, self._ids(landed), landed.as_of, export_id=landed.export_id)

    def _ids(self, landed: LandedFile) -> frozenset[int]:
        with readable_updates(self.warehouse, [landed]) as (file,):
            return file.ids

    def _commit(self) -> None:
        readings, self._held = self._held, []
        if not readings:
            return
        with self.warehouse.transaction() as con:
            load_id = next_load_id(con)
            changed = put_readings(con, readings, load_id)
            self._record(con, load_id, changed, readings)
            self._tell(con, [reading.list_id for reading in readings])

    def _record(self, con: DuckDBConnection, load_id: int, changed: int, readings: Sequence[ListReading] = ()) -> None:
        self.found.changed += changed
        if not (changed or readings):
            return
        exported = [reading.export_id for reading in readings if reading.export_id]
        insert_row(
            con,
            "meta.loads",
            {
                "load_id": load_id,
                "table_name": TABLE,
                "run_id": self.run_id,
                "export_id": exported[0] if len(exported) == len(readings) == 1 else None,
                "records": sum(len(reading.ids) for reading in readings) if readings else None,
                "rows": changed,
                "as_of": min((reading.as_of for reading in readings), default=None),
                "loaded_at": self.settings.clock.now(),
            },
        )


def _members(reading: MemberReading | None) -> int | None:
    return None if reading is None else reading.members
