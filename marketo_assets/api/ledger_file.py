"""The SQLite file under the ledger: made private, mended when damaged, shared by every process on this machine.

Why SQLite: one file, no server, and a reservation costs 0.03 ms. It needs a local disk: neither WAL nor file locks
work on NFS.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.local_disk import network_file_system

log = logging.getLogger(__name__)

BUSY_SECONDS = 30.0
_COMPANIONS = ("-wal", "-shm")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNUSABLE = _DAMAGED | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS call_slot (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS call_slot_at ON call_slot (at);
CREATE TABLE IF NOT EXISTS kept_slot (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS lease (
    id INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT NOT NULL, expires_at REAL NOT NULL, seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS place_ticket (
    id INTEGER PRIMARY KEY AUTOINCREMENT, lapses_at REAL NOT NULL, seconds REAL NOT NULL, can_wait INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS spent_calls (
    day TEXT NOT NULL, route TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (day, route)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instance_calls (
    day TEXT PRIMARY KEY, calls INTEGER NOT NULL, own INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS noted (what TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open_wait (
    subject TEXT PRIMARY KEY, what TEXT NOT NULL, since REAL NOT NULL, until REAL NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS closed (what TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_reservation (
    key TEXT PRIMARY KEY, bytes INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_taken (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_spent (
    day TEXT NOT NULL, key TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (day, key)
) WITHOUT ROWID;
"""


class LedgerFile:
    """One connection per process to the file at *path*, opened when first used and shared by the process's threads.

    **Guarantee:** a file that is damaged or deleted, before or while it is open, is replaced by an empty one and the
    old one is kept beside it; the log says so. Files are 0600, a folder made for them 0700.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._pid = os.getpid()
        self._damaged: tuple[int, int] | None = None
        self._left_by_parent: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside BEGIN IMMEDIATE … COMMIT; an exception rolls back.

        Keep it short: every process waits for it. Raises: LedgerUnusable when the file cannot be written.
        """
        with self._guard:
            db = self._begin()
            try:
                yield db
                db.execute("COMMIT")
            except BaseException as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                if isinstance(error, sqlite3.DatabaseError) and self._is_unusable(error):
                    raise _unusable(self.path, error) from error
                raise

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        with self._guard:
            if self._db is not None:
                self._db.close()
            self._db = self._identity = None

    def _begin(self) -> sqlite3.Connection:
        for is_last in (False, False, True):
            db = self._connected()
            if db.in_transaction:
                raise RuntimeError("A ledger transaction is open in this thread; finish it before making a call.")
            try:
                db.execute("BEGIN IMMEDIATE")
                db.execute("SELECT 1 FROM closed LIMIT 1").fetchone()
                return db
            except sqlite3.DatabaseError as error:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                is_mendable = self._is_unusable(error) and self._damaged is not None
                self.close()
                if is_last or not (is_mendable or "no such table" in str(error)):
                    raise _unusable(self.path, error) from error
        raise AssertionError("the last attempt returns or raises")

    def _is_unusable(self, error: sqlite3.DatabaseError) -> bool:
        if _is_damage(error):
            # Remembered, because the quick check at opening does not see every damage that a statement meets.
            self._damaged = self._identity
            self.close()
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE

    def _connected(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            # A connection must not cross a fork, not even to be closed.
            self._left_by_parent, self._db, self._pid = self._db, None, os.getpid()
        if self._db is not None and self._identity != _identity_of(self.path):
            # Its file was deleted or replaced: it would keep limits that no other process sees.
            self.close()
            log.warning(
                "The ledger %s was removed while it was in use; going on with the file there now.", self.path.name
            )
        if self._db is None:
            self._db = self._open()
            self._identity = _identity_of(self.path)
        return self._db

    def _open(self) -> sqlite3.Connection:
        if kind := network_file_system(self.path.parent):
            raise LedgerUnusable(
                f"The folder of {self.path.name} lies on a network file system ({kind}), where locks do not hold",
                next_step="Set MARKETO_DATA_DIR to a folder on a disk of this machine.",
            )
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path.with_name(self.path.name + ".lock")):
                if self._damaged is not None and self._damaged == _identity_of(self.path):
                    _set_aside(self.path)
                try:
                    return _connect(self.path)
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
                    _set_aside(self.path)
                    return _connect(self.path)
        except (OSError, sqlite3.DatabaseError) as error:
            raise _unusable(self.path, error) from error


def _connect(path: Path) -> sqlite3.Connection:
    if not path.exists():
        # What an older file left behind would be taken for this one's.
        for ending in _COMPANIONS:
            path.with_name(path.name + ending).unlink(missing_ok=True)
        # Only a file that is not there is opened by hand: closing it drops every lock that this process has on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != ("ok",):
            damage = sqlite3.DatabaseError("the file failed its integrity check")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def _set_aside(path: Path) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for ending in ("", *_COMPANIONS):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    log.warning(
        "The ledger %s was damaged. It was set aside as %s and a new one begun: what was spent earlier today is not "
        "known here, so Marketo may say 607 or 1029 before this project expects it. Delete the old file at leisure.",
        path.name,
        aside.name,
    )


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _unusable(path: Path, error: Exception) -> LedgerUnusable:
    return LedgerUnusable(f"The ledger {path.name} cannot be used: {type(error).__name__}: {error}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # Two processes mending at once would set each other's new file aside.
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
