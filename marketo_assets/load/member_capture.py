"""Who is in which program, brought up to now: what changed by the updatedAt filter, and whole where that cannot tell.

The filter never tells who left, nor what a merge moved. So each program is read whole from time to time, and at once
when one of its members was merged away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import InvalidData, NotFound, UnsupportedFilter
from marketo_assets.api.lead_database import LeadField
from marketo_assets.api.memberships import describe_member_fields
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ExportRequest
from marketo_assets.extract.subscription import is_refused, note_feature
from marketo_assets.land.landing import is_intact
from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.member_exports import (
    MOST_PROGRAMS,
    land_program_members,
    landed_program_members,
    update_request,
    whole_request,
)
from marketo_assets.load.columns import table_columns
from marketo_assets.load.lead_changes import capture_lead_changes
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.load.list_events import current_position
from marketo_assets.load.member_doubts import is_doubtful, told_of_doubt
from marketo_assets.load.member_readings import PROGRAMS, MemberReading, end_removed, read_containers, read_readings
from marketo_assets.load.member_runs import PASSING, Failures, ReadingTerms, one_at_a_time
from marketo_assets.load.position import STREAM as CHANGES
from marketo_assets.load.program_member_rows import TABLE
from marketo_assets.load.program_members import emptied_programs, load_program_members
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse

UPDATED_AT = "updatedAt export filter of program members"
# A filter spans 31 days, of which the lookback takes its part; what was read longer ago is read whole.
_OLDEST_UPDATE = timedelta(days=30)
_LEAST_BYTES = 20_000
_CHANGED_PART = 0.1


@dataclass
class MemberCapture:
    """What one capture of program members found and did."""

    programs: int = 0
    read_whole: int = 0
    postponed: int = 0
    """Programs whose whole reading is due, and that `most_bytes` did not allow."""
    vanished: list[int] = field(default_factory=list)
    """Programs that Marketo no longer has, though reference data still tells of them; nothing was marked."""
    doubted: int = 0
    """Programs that were found without any member, all at once, and wait for a reading that confirms it."""
    rows: int = 0
    removed: int = 0
    rejected_values: int = 0
    exports: int = 0
    file_bytes: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class _Plan:
    whole: list[int]
    updates: list[int]
    postponed: int
    readings: dict[int, MemberReading]
    mean_bytes: float | None

    def likely(self, programs: Sequence[int]) -> int | None:
        if self.mean_bytes is None or any(number not in self.readings for number in programs):
            return None
        return _LEAST_BYTES + round(1.2 * self.mean_bytes * sum(self.readings[number].members for number in programs))


def capture_program_members(
    client: MarketoClient,
    warehouse: Warehouse,
    settings: Settings,
    *,
    run_id: str,
    log: Log,
    terms: ReadingTerms | None = None,
    on_accepted: Callable[[], object] | None = None,
) -> MemberCapture:
    """Return what was captured, after `raw.program_members` is as Marketo's programs were when they were exported.

    Each export is committed by itself, and what a run before this one landed and did not load is loaded first.

    **Cost:** one call; 3 calls, one status call a minute and the file's bytes for each ten programs; and a capture of
    changes, where these are kept current. **Guarantee:** after a kill at any moment the next capture goes on with what
    is still to be done, and takes up its export.
    Raises: WarehouseError where no program is known; AccessDenied; ExportQuotaSpent, LandingError; MarketoError,
    ExportError, LoadError, ParseError, for what fails of single programs after the others were read.
    """
    with one_at_a_time(client, warehouse, settings, "program members", log=log, on_accepted=on_accepted) as exporter:
        return _Run(exporter, warehouse, settings, run_id, log).capture(terms or ReadingTerms())


@dataclass
class _Run:
    exporter: Exporter
    warehouse: Warehouse
    settings: Settings
    run_id: str
    log: Log
    found: MemberCapture = field(default_factory=MemberCapture)
    _failures: Failures = field(default_factory=Failures)
    _empty: list[LandedFile] = field(default_factory=list)
    """Files in which nobody is, of programs that had members; loaded last, for they may be doubted."""
    _has_seen_members: bool = False

    def capture(self, terms: ReadingTerms) -> MemberCapture:
        began, client, calls = time.monotonic(), self.exporter.client, self.exporter.client.calls
        with self.warehouse.transaction() as con:
            ensure_tables(con)
            programs = read_containers(con, PROGRAMS)
            are_changes_read = current_position(con, self.settings, CHANGES) is not None
        self._load_pending()
        described = describe_member_fields(client)
        if are_changes_read:
            # Merges move memberships, and no filter of exports tells.
            capture_lead_changes(client, self.warehouse, self.settings, run_id=self.run_id, log=self.log)
        with self.warehouse.transaction() as con:
            if table_columns(con, "raw", "program_members"):
                self.found.removed += end_removed(con, TABLE, "program_id", PROGRAMS, programs.removed)
            plan = self._plan(con, programs.present, terms)
        self.found.programs, self.found.postponed = len(programs.present), plan.postponed
        for chunk in _tens(plan.whole):
            self._read_whole(chunk, described, plan)
        for chunk in _tens(plan.updates):
            self._read_updates(chunk, described, plan)
        self._load_empty()
        self._failures.tell()
        return replace(self.found, calls=client.calls - calls, seconds=time.monotonic() - began)

    def _load_pending(self) -> None:
        with self.warehouse.transaction() as con:
            loaded = con.execute("SELECT export_id FROM meta.loads WHERE table_name = ?", [TABLE]).fetchall()
        known = {row[0] for row in loaded}
        for landed in landed_program_members(self.settings.landing_dir):
            if landed.export_id not in known and is_intact(landed):
                self.log(f"{landed.partition}: loading what was landed at {landed.landed_at:%Y-%m-%d %H:%M} UTC")
                try:
                    self._take(landed)
                except PASSING as error:
                    self._fail(landed.members_of, error)

    def _plan(self, con: DuckDBConnection, present: Sequence[int], terms: ReadingTerms) -> _Plan:
        now, readings = self.settings.clock.now(), read_readings(con, PROGRAMS)
        have_merged = _with_merged(con, timedelta(seconds=self.settings.lookback_seconds))
        doubted = {number for number, reading in readings.items() if reading.empty_since}
        must = [number for number in present if number not in readings or number in {*have_merged, *doubted}]
        has_updates = not is_refused(self.exporter.ledger, UPDATED_AT)
        aged = [
            number
            for number in sorted(set(present) - {*must}, key=lambda number: (readings[number].whole_as_of, number))
            if terms.is_whole
            or not has_updates
            or now - readings[number].whole_as_of >= terms.whole_after
            or now - readings[number].known_until >= _OLDEST_UPDATE
        ]
        plan = _Plan(must, [], 0, readings, _mean_bytes(con))
        taken, left = list[int](), terms.most_bytes
        for number in aged:
            left -= plan.likely([number]) or 0
            if left >= 0 or not taken or terms.is_whole:
                taken.append(number)
        still = [number for number in present if number not in {*must, *taken}]
        able = [number for number in still if now - readings[number].known_until < _OLDEST_UPDATE and has_updates]
        return replace(plan, whole=sorted([*must, *taken]), updates=able, postponed=len(aged) - len(taken))

    def _read_whole(self, programs: Sequence[int], described: Sequence[LeadField], plan: _Plan) -> None:
        try:
            self._export(whole_request(programs, described, plan.likely(programs)), described)
        except (NotFound, InvalidData) as error:
            # One of them is gone since reference data was read, or refused, and the refusal does not say which.
            for half in _halves(programs):
                self._read_whole(half, described, plan)
            if len(programs) == 1:
                self._leave_out(programs[0], error)
            return
        except PASSING as error:
            self._fail(programs, error)
            return
        self.found.read_whole += len(programs)

    def _leave_out(self, program: int, error: Exception) -> None:
        if not isinstance(error, NotFound):
            self._fail([program], error)
            return
        self.log(f"Program {program} is no longer at Marketo; nothing was marked. Run job reference.")
        self.found.vanished.append(program)

    def _fail(self, programs: Sequence[int], error: Exception) -> None:
        """Go on with other programs where these alone failed."""
        self._failures.take(error)
        named = ", ".join(map(str, programs))
        self.log(f"Members of {named} could not be read, those of other programs are read first. {error}")

    def _read_updates(self, programs: Sequence[int], described: Sequence[LeadField], plan: _Plan) -> None:
        lookback = timedelta(seconds=self.settings.lookback_seconds)
        since = min(plan.readings[number].known_until for number in programs) - lookback
        likely = max(_LEAST_BYTES, round(_CHANGED_PART * (plan.likely(programs) or 0)))
        ledger = self.exporter.ledger
        if is_refused(ledger, UPDATED_AT):
            self._read_whole(programs, described, plan)
            return
        try:
            self._export(update_request(programs, described, since, likely), described)
            note_feature(ledger, UPDATED_AT, is_accepted=True)
        except UnsupportedFilter as error:
            self.log(f"{error} Programs are read whole instead")
            note_feature(ledger, UPDATED_AT, is_accepted=False)
            self._read_whole(programs, described, plan)
        except (NotFound, InvalidData):
            for half in _halves(programs):
                self._read_updates(half, described, plan)
            if len(programs) == 1:
                self._read_whole(programs, described, plan)
        except PASSING as error:
            self._fail(programs, error)

    def _export(self, request: ExportRequest, described: Sequence[LeadField]) -> None:
        landed = land_program_members(self.exporter, self.settings.landing_dir, request, described=described)
        self.found.exports += not landed.was_adopted
        self.found.file_bytes += 0 if landed.was_adopted else landed.file_bytes
        self._has_seen_members |= landed.path is not None
        self._take(landed)

    def _take(self, landed: LandedFile) -> None:
        with self.warehouse.transaction() as con:
            is_emptied = bool(emptied_programs(con, landed))
        if is_emptied:
            self._empty.append(landed)
        else:
            self._load(landed)

    def _load_empty(self) -> None:
        """Load the files in which nobody is, unless so many lost all members while no program has any."""
        if self._empty and not self._has_seen_members:
            with self.warehouse.transaction() as con:
                emptied = dict(item for landed in self._empty for item in emptied_programs(con, landed).items())
                is_doubted = is_doubtful(con, PROGRAMS, emptied)
            if is_doubted:
                self.found.doubted = len(emptied)
                self.log(told_of_doubt("programs", len(emptied)))
                return
        for landed in self._empty:
            self._load(landed)

    def _load(self, landed: LandedFile) -> None:
        load = load_program_members(self.warehouse, landed, run_id=self.run_id, now=self.settings.clock.now())
        self.found.rows += load.rows
        self.found.removed += load.removed
        self.found.rejected_values += load.rejected_values


def _with_merged(con: DuckDBConnection, lookback: timedelta) -> frozenset[int]:
    """Return the programs with a member who was merged away after, or just before, they were last read whole."""
    if not table_columns(con, "raw", "program_members"):
        return frozenset()
    rows = con.execute(
        f"SELECT DISTINCT program_id FROM {TABLE} JOIN raw.lead_merges ON loser_id = lead_id "
        "JOIN meta.member_readings AS reading ON reading.members_of = ? AND reading.id = program_id "
        "WHERE removed_at IS NULL AND merged_at >= reading.whole_as_of - ?::INTERVAL",
        [PROGRAMS, lookback],
    ).fetchall()
    return frozenset(row[0] for row in rows)


def _mean_bytes(con: DuckDBConnection) -> float | None:
    row = con.execute(
        "SELECT sum(file_bytes) / nullif(sum(records), 0) FROM meta.loads WHERE table_name = ?", [TABLE]
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else None


def _tens(programs: Sequence[int]) -> list[Sequence[int]]:
    return [programs[first : first + MOST_PROGRAMS] for first in range(0, len(programs), MOST_PROGRAMS)]


def _halves(programs: Sequence[int]) -> list[Sequence[int]]:
    """Return *programs* as two lists; none for one program."""
    middle = len(programs) // 2
    return [programs[:middle], programs[middle:]] if middle else []
