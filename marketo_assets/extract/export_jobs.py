"""What is remembered of every export job, so that no later run creates, or pays for, the same one again.

Why in the ledger: a job outlives the process that created it, and runs that adopt it may be anywhere on this machine.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

from marketo_assets.api import bulk_extract
from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.limits import Ledger
from marketo_assets.extract.filling import Filling
from marketo_assets.extract.job_journal import append_jobs, journal_path, read_jobs
from marketo_assets.extract.windows import Window

log = logging.getLogger(__name__)

# Adobe says 7 days in one place and 10 in another; half a day is left for the download itself.
FILE_KEPT = timedelta(days=6, hours=12)
# A file of the running month shows only what existed when it was read, so it is taken up again only for this long.
PARTIAL_KEPT = timedelta(minutes=15)
# The same, for a job that nobody has fetched yet: its bytes are paid for.
UNFETCHED_PARTIAL_KEPT = timedelta(days=1)
LEADS = "leads"
"""Exports of whole leads by month, beside those that sweeps and audits ask for."""
ACTIVITIES = "activities"
"""Exports of activities by month."""
MONTHLY = (LEADS, ACTIVITIES)
PROGRAM_MEMBERS = "program_members"
"""Exports of all members of some programs."""
PROGRAM_MEMBER_UPDATES = "program_member_updates"
"""Exports of those of them that changed."""
LIST_MEMBERS = "list_members"
"""Exports of the ids of the leads on a static list."""
_OF_PROGRAMS = (PROGRAM_MEMBERS, PROGRAM_MEMBER_UPDATES)
_ENDPOINTS = {ACTIVITIES: bulk_extract.ACTIVITIES, **dict.fromkeys(_OF_PROGRAMS, bulk_extract.PROGRAM_MEMBERS)}
_DEAD = ("Failed", "Cancelled", "Gone")

_TABLE = """
CREATE TABLE IF NOT EXISTS export_job (
    export_id TEXT PRIMARY KEY, object TEXT NOT NULL, partition TEXT NOT NULL, request_hash TEXT NOT NULL,
    status TEXT NOT NULL, created_at TEXT, queued_at TEXT, started_at TEXT, finished_at TEXT,
    records INTEGER, file_bytes INTEGER, checksum TEXT, error TEXT,
    recorded_at TEXT NOT NULL, polled_at TEXT, landed_at TEXT
)
"""


@dataclass(frozen=True)
class ExportRequest:
    """One question to Bulk Extract: an object's fields, filtered by the window of a partition."""

    object: str
    partition: str
    window: Window
    fields: tuple[str, ...]
    filter_name: str = "createdAt"
    """What of a record lies in the window; empty where there is no such filter."""
    likely_bytes: int | None = None
    """How large the file will probably be, where whoever asks knows better than earlier files tell."""
    type_ids: tuple[int, ...] = ()
    """The kinds of activities; none stands for all."""
    members_of: tuple[int, ...] = ()
    """The programs, ten at most, or the one static list, whose members are asked for."""
    filling: Filling | None = None
    """How the bytes lie in the window's time, where whoever asks knows."""

    @property
    def of(self) -> str:
        """What is exported, as the paths of Bulk Extract name it."""
        return _ENDPOINTS.get(self.object, bulk_extract.LEADS)

    @property
    def unit(self) -> str:
        """What is to be run again, should the export fail."""
        return "partition" if self.object in MONTHLY else "job"

    @property
    def filter(self) -> dict[str, dict[str, str] | list[int] | int]:
        """The filter member of the create call."""
        if self.object == LIST_MEMBERS:
            return {"staticListId": self.members_of[0]}
        found: dict[str, dict[str, str] | list[int] | int] = {}
        if self.filter_name:
            found[self.filter_name] = self.window.as_filter()
        if self.type_ids:
            found["activityTypeIds"] = list(self.type_ids)
        if self.members_of:
            found["programIds"] = list(self.members_of)
        return found

    @property
    def headers(self) -> dict[str, str]:
        """How the columns of the file are to be called, where Marketo would call them by labels."""
        return {name: name for name in self.fields} if self.object in _OF_PROGRAMS else {}

    @property
    def request_hash(self) -> str:
        """A digest that two requests share exactly if Marketo would answer both with the same file."""
        text = json.dumps([self.object, self.filter, self.fields], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class RecordedJob:
    """An export job as this machine knows it."""

    export_id: str
    object: str
    partition: str
    request_hash: str
    status: str
    created_at: datetime | None
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    records: int | None
    file_bytes: int | None
    checksum: str | None
    error: str | None
    recorded_at: datetime
    polled_at: datetime | None
    landed_at: datetime | None

    @property
    def of(self) -> str:
        """What is exported, as the paths of Bulk Extract name it."""
        return _ENDPOINTS.get(self.object, bulk_extract.LEADS)

    @property
    def as_of(self) -> datetime:
        """The moment at which Marketo's state was read, or one before it."""
        return self.started_at or self.created_at or self.recorded_at


_COLUMNS = tuple(column.name for column in fields(RecordedJob))
_MOMENTS = frozenset(name for name in _COLUMNS if name.endswith("_at"))


def record_job(
    ledger: Ledger, request: ExportRequest, job: ExportJob, *, now: datetime, was_polled: bool = False
) -> RecordedJob:
    """Return *job* as the ledger now holds it.

    Guarantee: committed on return, so a kill afterwards leaves a job that the next run adopts.
    """
    before = find_by_id(ledger, job.export_id)
    recorded = RecordedJob(
        export_id=job.export_id,
        object=request.object,
        partition=request.partition,
        request_hash=request.request_hash,
        status=job.status,
        created_at=job.created_at or (before.created_at if before else None),
        queued_at=job.queued_at or (before.queued_at if before else None),
        started_at=job.started_at or (before.started_at if before else None),
        finished_at=job.finished_at,
        records=job.records,
        file_bytes=job.file_bytes,
        checksum=job.checksum,
        error=job.error,
        recorded_at=before.recorded_at if before else now,
        polled_at=now if was_polled or before is None else before.polled_at,
        landed_at=before.landed_at if before else None,
    )
    _save(ledger, recorded)
    return recorded


def adopt_job(ledger: Ledger, job: RecordedJob) -> None:
    """Leave *job*, which something else than the ledger still tells of, in the ledger."""
    _save(ledger, job)


def note_status(ledger: Ledger, recorded: RecordedJob, job: ExportJob, *, now: datetime) -> RecordedJob:
    """Return *recorded* as *job* shows it now, committed; for a job whose request nobody asks for any more."""
    changed = replace(
        recorded,
        status=job.status,
        queued_at=job.queued_at or recorded.queued_at,
        started_at=job.started_at or recorded.started_at,
        finished_at=job.finished_at,
        records=job.records,
        file_bytes=job.file_bytes,
        checksum=job.checksum,
        error=job.error,
        polled_at=now,
    )
    _save(ledger, changed)
    return changed


def mark(
    ledger: Ledger, recorded: RecordedJob, *, status: str | None = None, landed_at: datetime | None = None
) -> RecordedJob:
    """Return *recorded* with a new status or the moment it was landed, committed."""
    changed = replace(recorded, status=status or recorded.status, landed_at=landed_at or recorded.landed_at)
    _save(ledger, changed)
    return changed


def find_by_id(ledger: Ledger, export_id: str) -> RecordedJob | None:
    """Return the job with that id, if this machine knows it."""
    found = _select(ledger, "export_id = ?", (export_id,))
    return found[0] if found else None


def find_adoptable(
    ledger: Ledger,
    request: ExportRequest,
    *,
    now: datetime,
    is_refresh: bool = False,
    not_before: datetime | None = None,
) -> RecordedJob | None:
    """Return the newest job of the same request that is worth taking up, or None.

    With *is_refresh*, only one that nobody has fetched yet; with *not_before*, none that read Marketo earlier.
    """
    for job in _select(ledger, "request_hash = ? AND partition = ?", (request.request_hash, request.partition)):
        if job.status in _DEAD or (is_refresh and job.landed_at) or (not_before and job.as_of < not_before):
            continue
        if is_current(job.as_of, request.window, now=now, is_fetched=job.landed_at is not None):
            return job
    return None


def is_current(as_of: datetime, window: Window, *, now: datetime, is_fetched: bool) -> bool:
    """Say whether a reading of *as_of* may still stand for *window*.

    A month read after its end stays good for as long as Marketo keeps the file; the running month only for minutes.
    """
    if as_of >= window.end:
        return now - as_of < FILE_KEPT
    return now - as_of < (PARTIAL_KEPT if is_fetched else UNFETCHED_PARTIAL_KEPT)


def recorded_jobs(ledger: Ledger) -> list[RecordedJob]:
    """Return every job this machine knows, newest first."""
    return _select(ledger, "1", ())


def _select(ledger: Ledger, where: str, values: tuple[str, ...]) -> list[RecordedJob]:
    with ledger.transaction() as con:
        _prepare(con, ledger)
        rows = _rows(con, where, values)
    return [_from_row(dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def _rows(con: sqlite3.Connection, where: str = "1", values: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
    return con.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM export_job WHERE {where} ORDER BY recorded_at DESC",  # noqa: S608  # fixed texts
        values,
    ).fetchall()


def _from_row(row: Mapping[str, object]) -> RecordedJob:
    return RecordedJob(
        **{  # type: ignore[arg-type]  # the table's columns are the dataclass's fields
            name: datetime.fromisoformat(str(value)) if name in _MOMENTS and value is not None else value
            for name, value in row.items()
        }
    )


def _save(ledger: Ledger, job: RecordedJob) -> None:
    values = [getattr(job, name) for name in _COLUMNS]
    texts = [value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value for value in values]
    journal = journal_path(ledger.path)
    with ledger.transaction() as con:
        _prepare(con, ledger)
        before = con.execute(
            "SELECT status, landed_at FROM export_job WHERE export_id = ?", (job.export_id,)
        ).fetchone()
        _insert(con, texts)
        if before is None or before != (job.status, texts[_COLUMNS.index("landed_at")]) or not journal.exists():
            # Before the commit: a job that only the journal knows was never enqueued, and costs nothing.
            known = [texts] if journal.exists() else reversed(_rows(con))
            try:
                append_jobs(journal, (dict(zip(_COLUMNS, row, strict=True)) for row in known))
            except OSError as error:
                raise LedgerUnusable(f"The journal {journal.name} cannot be written: {error.strerror}") from error


def _insert(con: sqlite3.Connection, values: Sequence[object]) -> None:
    con.execute(
        f"INSERT OR REPLACE INTO export_job ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})",  # noqa: S608
        values,
    )


def _prepare(con: sqlite3.Connection, ledger: Ledger) -> None:
    """Leave the table of jobs in the ledger; a ledger without one is new, and learns from the journal what it held."""
    if con.execute("SELECT 1 FROM sqlite_master WHERE name = 'export_job'").fetchone():
        return
    con.execute(_TABLE)
    found = []
    for told in read_jobs(journal_path(ledger.path)):
        row = [told.get(name) for name in _COLUMNS]
        try:
            job = _from_row(dict(zip(_COLUMNS, row, strict=True)))
            _insert(con, row)
        except (ValueError, sqlite3.IntegrityError):
            continue  # a line that was damaged on disk
        found.append(job)
    if found:
        ledger.exports.restore(
            con,
            finished=[(job.export_id, job.file_bytes or 0, job.finished_at) for job in found if job.finished_at],
            running=[job.request_hash for job in found if job.status in ("Queued", "Processing")],
        )
        log.warning("The ledger is new; %d export jobs and what they cost are known from its journal.", len(found))
