"""How many bytes may still be exported today, counted together with every other process of this project.

Marketo meters the size of completed jobs and looks at the meter only at create and enqueue, so bytes are reserved
before a job is made and settled when its size is known.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from marketo_assets.api.closings import close, closed_seconds, reopen, reopening
from marketo_assets.api.errors import ExportQuotaHeld, ExportQuotaSpent
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.marks import note, noted
from marketo_assets.clock import Clock, quota_day, quota_days, quota_reset

_RESERVATION_LASTS = timedelta(days=3)
# Whoever follows a job asks for its status every five minutes at least.
_UNATTENDED_SECONDS = 3600.0
_UNATTENDED_REAL_SECONDS = 300.0
FIRST_PLACES = 2
"""Runs at once that have no export in Marketo's queue yet: should it refuse, so many fail. It works at two as well."""


class ExportQuota:
    """The day's account of export bytes in the ledger's *file*; *daily_bytes* is this project's share.

    A job is known by a *key* its caller chooses and keeps, for example partition and request hash.
    **Guarantee:** reserving or settling a key again changes nothing that was counted before.
    """

    def __init__(self, file: LedgerFile, daily_bytes: int, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self.daily_bytes = daily_bytes
        # A hiccup of the machine is long in scaled time, and must not look like a run that died.
        hiccup = _UNATTENDED_REAL_SECONDS * float(getattr(clock, "scale", 1.0))
        self._unattended = timedelta(seconds=max(_UNATTENDED_SECONDS, hiccup))

    def reserve(self, key: str, expected_bytes: int) -> None:
        """Set *expected_bytes* aside for the job *key* until it is settled or released.

        A job larger than the whole day's share is let through on a day with nothing spent, for else it never could run.
        Raises: ExportQuotaHeld when the day would do but for what others set aside; ExportQuotaSpent when the quota is
        closed or what is left of the day is too little. Then the job's own earlier reservation is given back.
        """
        with self._file.transaction() as db:
            now = self._clock.now()
            self._check_open(db, now)
            needed = min(expected_bytes, self.daily_bytes)
            unspent = self.daily_bytes - self._used(db, now)
            free = unspent - self._reserved(db, now - _RESERVATION_LASTS, key)
            db.execute("DELETE FROM export_taken WHERE key = ?", (key,))
            if free >= needed or closed_seconds(db, "overruled", now):
                self._set_aside(db, key, expected_bytes, now)
                return
            db.execute("DELETE FROM export_reservation WHERE key = ?", (key,))
            if unspent < needed:
                close(db, "share", quota_reset(now))
        left = f"leaves {max(free, 0):,} of {self.daily_bytes:,} bytes; about {expected_bytes:,} are needed"
        error = ExportQuotaSpent if unspent < needed else ExportQuotaHeld
        raise _spent(f"This project's share of today's export quota {left}", quota_reset(now), error)

    def hold(self, key: str, expected_bytes: int) -> None:
        """Set *expected_bytes* aside for a job that Marketo has queued already, whether they are there or not."""
        with self._file.transaction() as db:
            self._set_aside(db, key, expected_bytes, self._clock.now())
            db.execute("INSERT OR IGNORE INTO export_taken VALUES (?)", (key,))

    def renew(self, key: str) -> None:
        """Say that somebody still follows the job *key*."""
        with self._file.transaction() as db:
            db.execute("UPDATE export_reservation SET at = ? WHERE key = ?", (self._clock.now().timestamp(), key))

    def leave(self, key: str) -> None:
        """Say that nobody follows the job *key* for now: its bytes stay set aside, but hold up no run that may ask."""
        with self._file.transaction() as db:
            at = (self._clock.now() - self._unattended).timestamp()
            db.execute("UPDATE export_reservation SET at = ? WHERE key = ?", (at, key))

    def unattended(self) -> list[str]:
        """Return the keys of jobs that nobody has followed for an hour: their runs were killed or gave up."""
        with self._file.transaction() as db:
            oldest = (self._clock.now() - self._unattended).timestamp()
            return [str(key) for (key,) in db.execute("SELECT key FROM export_reservation WHERE at <= ?", (oldest,))]

    def settle(self, key: str, file_bytes: int, *, finished_at: datetime) -> None:
        """Count *file_bytes* on the quota day of *finished_at* (both days where they overlap), for the job *key*."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM export_reservation WHERE key = ?", (key,))
            self._count(db, key, file_bytes, finished_at)

    def restore(
        self, db: sqlite3.Connection, *, finished: Iterable[tuple[str, int, datetime]], running: Iterable[str]
    ) -> None:
        """Count again, within the caller's transaction, what a ledger that was lost had counted.

        *finished* are jobs with their bytes and the moment at which they ended. For those *running*, whose size is not
        known, a quarter of the day's share is set aside until somebody follows them.
        """
        now = self._clock.now()
        for key, file_bytes, finished_at in finished:
            self._count(db, key, file_bytes, finished_at)
        for key in running:
            self._set_aside(db, key, self.daily_bytes // 4, now)
        note(db, "lost", now)

    def release(self, key: str) -> None:
        """Give back what was set aside for the job *key*, which will not complete."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM export_reservation WHERE key = ?", (key,))
            db.execute("DELETE FROM export_taken WHERE key = ?", (key,))

    def remaining(self) -> int:
        """Return how many bytes may still be reserved today; 0 while Marketo calls the quota spent."""
        with self._file.transaction() as db:
            now = self._clock.now()
            if closed_seconds(db, "exports", now):
                return 0
            return max(0, self._remaining(db, now))

    def used(self) -> int:
        """Return how many bytes were settled today."""
        with self._file.transaction() as db:
            return self._used(db, self._clock.now())

    def reserved(self) -> int:
        """Return how many bytes are set aside for jobs that somebody follows."""
        with self._file.transaction() as db:
            return self._reserved(db, self._clock.now() - self._unattended)

    def room(self, next_bytes: int) -> int:
        """Return how many jobs there are bytes for: those under way, and as many of *next_bytes* as still fit."""
        with self._file.transaction() as db:
            now = self._clock.now()
            left = sys.maxsize if closed_seconds(db, "overruled", now) else max(0, self._remaining(db, now))
            return int(self._under_way(db, now) + left // max(1, min(next_bytes, self.daily_bytes)))

    def admits(self) -> int:
        """Return how many runs may be under way: those whose export Marketo has queued, and two that still ask.

        Others may have spent the quota, and each run more would be refused as well; what is queued always ends. Until
        Marketo has taken one today it is two in all, and after a refusal one. A hand on the pool knows better.
        """
        with self._file.transaction() as db:
            now = self._clock.now()
            if closed_seconds(db, "overruled", now):
                return sys.maxsize
            if self._is_proven(db, now):
                return self._under_way(db, now, "JOIN export_taken USING (key)") + FIRST_PLACES
            refused = noted(db, "refused", now)
            return 1 if refused and refused >= noted(db, "accepted", now) else FIRST_PLACES

    def places(self, next_bytes: int) -> int:
        """Return how many runs may be under way if the next takes *next_bytes*."""
        return min(self.room(next_bytes), self.admits())

    def is_proven(self) -> bool:
        """Say whether Marketo has taken an export today, and refused none since."""
        with self._file.transaction() as db:
            return self._is_proven(db, self._clock.now())

    def accept(self, key: str = "") -> None:
        """Remember that Marketo has queued the job *key*: what it has queued ends, whatever others spend."""
        with self._file.transaction() as db:
            note(db, "accepted", self._clock.now())
            db.execute("INSERT OR IGNORE INTO export_taken VALUES (?)", (key,))

    def close(self) -> datetime:
        """Remember that Marketo called the quota spent; return when it is to be tried again."""
        with self._file.transaction() as db:
            until = reopening(self._clock.now())
            close(db, "exports", until)
            reopen(db, "overruled")
            note(db, "refused", self._clock.now())
            return until

    def reopens_at(self) -> datetime | None:
        """Return when the closed quota is to be tried again, or None while it is open."""
        with self._file.transaction() as db:
            now = self._clock.now()
            left = closed_seconds(db, "exports", now)
            return now + timedelta(seconds=left) if left else None

    def check_open(self) -> None:
        """Return when exports may be created. Raises: ExportQuotaSpent while Marketo's refusal stands."""
        with self._file.transaction() as db:
            self._check_open(db, self._clock.now())

    def _check_open(self, db: sqlite3.Connection, now: datetime) -> None:
        left = closed_seconds(db, "exports", now)
        if left:
            raise _spent("Marketo said earlier that the day's export quota is spent", now + timedelta(seconds=left))

    def _is_proven(self, db: sqlite3.Connection, now: datetime) -> bool:
        accepted = noted(db, "accepted", now)
        is_todays = quota_day(datetime.fromtimestamp(accepted, UTC)) == quota_day(now)
        return is_todays and accepted > noted(db, "refused", now)

    def _count(self, db: sqlite3.Connection, key: str, file_bytes: int, finished_at: datetime) -> None:
        db.executemany(
            "INSERT INTO export_spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
            [(day.isoformat(), key, file_bytes) for day in quota_days(finished_at)],
        )

    def _set_aside(self, db: sqlite3.Connection, key: str, expected_bytes: int, now: datetime) -> None:
        db.execute(
            "INSERT INTO export_reservation VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET bytes = excluded.bytes, at = excluded.at",
            (key, expected_bytes, now.timestamp()),
        )

    def _remaining(self, db: sqlite3.Connection, now: datetime) -> int:
        # What a killed run left behind must not hold others back; who reserves looks what became of it.
        return self.daily_bytes - self._used(db, now) - self._reserved(db, now - self._unattended)

    def _under_way(self, db: sqlite3.Connection, now: datetime, taken: str = "") -> int:
        since = (now - self._unattended).timestamp()
        query = f"SELECT count(*) FROM export_reservation {taken} WHERE at > ?"  # noqa: S608  # fixed texts
        return int(db.execute(query, (since,)).fetchone()[0])

    def _used(self, db: sqlite3.Connection, now: datetime) -> int:
        query = "SELECT coalesce(sum(bytes), 0) FROM export_spent WHERE day = ?"
        return max(int(db.execute(query, (day.isoformat(),)).fetchone()[0]) for day in quota_days(now))

    def _reserved(self, db: sqlite3.Connection, since: datetime, but_not: str = "") -> int:
        query = "SELECT coalesce(sum(bytes), 0) FROM export_reservation WHERE at > ? AND key <> ?"
        return int(db.execute(query, (since.timestamp(), but_not)).fetchone()[0])


def _spent(message: str, resets_at: datetime, kind: type[ExportQuotaSpent] = ExportQuotaSpent) -> ExportQuotaSpent:
    error = kind(message)
    error.resets_at = resets_at
    return error
