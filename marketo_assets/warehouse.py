"""The two database files: one that only the pipeline opens, and the releases that everybody reads.

DuckDB lets one process write and shuts every other out, readers included. So `work.duckdb` is opened under
a file lock, for one short transaction at a time, and what people open is a finished copy behind a symbolic link.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from marketo_assets.settings import read_data_dir

DuckDBConnection = duckdb.DuckDBPyConnection
DuckDBError = duckdb.Error
# What DuckDB raises when it cannot write or hold what it must.
DuckDBSpaceError = (duckdb.IOException, duckdb.OutOfMemoryException)
# What DuckDB raises when a text does not fit its type, or a CSV its rules.
DuckDBTextError = (duckdb.ConversionException, duckdb.InvalidInputException, duckdb.OutOfRangeException)
# Files in this format are read by DuckDB 1.5 clients too, which notebooks still use.
_CONFIG = {"storage_compatibility_version": "v1.5.0"}
# What DuckDB says of a file whose bytes are not those that it wrote.
_DAMAGES = ("not a valid DuckDB database file", "Corrupt database file", "Could not read enough bytes from file")
_KEPT_RELEASES = 3
_FICLONE = 0x40049409


class WarehouseError(RuntimeError):
    """The database files cannot be used now; the message says what to do."""


class ReleaseError(WarehouseError):
    """What is committed must not be shown; the message says why, and what to do."""


@dataclass(frozen=True)
class Release:
    """A finished copy that readers open through the symbolic link."""

    number: int
    path: Path
    file_bytes: int
    seconds: float


@dataclass
class Warehouse:
    """The files of one data folder, for one thread.

    *memory_limit* bounds what DuckDB keeps in memory; above it, it spills to disk below the data folder.
    """

    data_dir: Path
    lock_seconds: float = 3600.0
    memory_limit: str = "1GB"
    _held: DuckDBConnection | None = field(default=None, init=False, repr=False)

    @property
    def work_path(self) -> Path:
        """The pipeline's own file."""
        return self.data_dir / "work.duckdb"

    @property
    def published_path(self) -> Path:
        """The symbolic link to the newest release."""
        return self.data_dir / "marketo.duckdb"

    @contextlib.contextmanager
    def transaction(self) -> Iterator[DuckDBConnection]:
        """Yield a connection whose statements are committed together, or not at all.

        The file is closed and the lock free afterwards, whatever happened.

        Guarantee: after a kill at any moment the file holds the last committed state.
        Raises: WarehouseError when another process keeps the lock for longer than `lock_seconds`, or when the file
        cannot be opened or written.
        """
        with self.held() as con, _committed(con):
            yield con

    @contextlib.contextmanager
    def held(self) -> Iterator[DuckDBConnection]:
        """Keep the file open and locked for several transactions and a release, which saves opening it for each.

        Raises: WarehouseError when another process keeps the lock for longer than `lock_seconds`, or when the file is
        found to be damaged.
        """
        if self._held is not None:
            yield self._held
            return
        with self._locked(), _damage_told(), self._connected() as con:
            self._held = con
            try:
                yield con
            finally:
                self._held = None

    def publish(self, prepare: Callable[[DuckDBConnection], str | None]) -> Release:
        """Return a new release that holds the last committed state, with the symbolic link swung to it.

        *prepare* gets a last transaction before the copy; a text it returns is the reason not to publish.
        The newest three releases stay, so that a reader between resolving the link and opening the file is safe.

        **Cost:** a copy of the file; none where the file system can share blocks.
        **Guarantee:** readers see the old release or the new one, never half of one; a kill leaves the old one.
        Raises: ReleaseError; WarehouseError when the copy cannot be written.
        """
        began = time.monotonic()
        with self.held() as con:
            with _committed(con):
                refusal = prepare(con)
            with _explained("What is committed is safe, but it cannot be made ready for a release"):
                con.execute("CHECKPOINT")  # what is committed must be in the file before it is copied
            if refusal:
                raise ReleaseError(refusal)
            number = max((int(p.name) for p in self._release_dirs()), default=0) + 1
            path = self._copy_release(number)
            self._swing(path)
            self._prune(number)
        return Release(number, path, path.stat().st_size, time.monotonic() - began)

    def _copy_release(self, number: int) -> Path:
        folder = self.data_dir / "releases" / str(number)
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        _make_private_dir(partial)
        try:
            _copy_file(self.work_path, partial / "marketo.duckdb")
            partial.rename(folder)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise WarehouseError(
                f"The release could not be written: {error.strerror}. The committed data is safe; "
                f"free some space under {self.data_dir.name}/ and publish again (materialize marketo/leads)."
            ) from error
        return folder / "marketo.duckdb"

    def _swing(self, path: Path) -> None:
        # A link of its own and a rename: replacing the link in place would leave a moment without one.
        fresh = self.published_path.with_suffix(".link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(path.relative_to(self.data_dir))
        fresh.replace(self.published_path)

    def _release_dirs(self) -> list[Path]:
        folder = self.data_dir / "releases"
        return [p for p in folder.iterdir() if p.name.isdigit()] if folder.exists() else []

    def _prune(self, newest: int) -> None:
        for folder in self._release_dirs():
            if int(folder.name) <= newest - _KEPT_RELEASES:
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[DuckDBConnection]:
        config: dict[str, str | bool | int | float | list[str]] = {
            **_CONFIG,
            "memory_limit": self.memory_limit,
            "temp_directory": str(self.data_dir / "work.tmp"),
            # Rows have no order of their own, and keeping the file's order would read CSV on one core.
            "preserve_insertion_order": "false",
        }
        is_new = not self.work_path.exists()
        with _explained("work.duckdb cannot be opened; if another program has it open, close it there"):
            con = duckdb.connect(str(self.work_path), config=config)
        try:
            if is_new:
                self.work_path.chmod(0o600)
            con.execute("SET TimeZone = 'UTC'")
            yield con
        finally:
            con.close()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock_file() as lock:
            deadline = time.monotonic() + self.lock_seconds
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        f"Another process has held {self.data_dir.name}/work.lock for {self.lock_seconds:.0f} s. "
                        "Let its run finish or stop it, then run this again."
                    )
                time.sleep(0.05)
            yield

    @contextlib.contextmanager
    def _lock_file(self) -> Iterator[int]:
        try:
            _make_private_dir(self.data_dir)
            descriptor = os.open(self.data_dir / "work.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise WarehouseError(
                f"Nothing can be written to the data folder {self.data_dir} ({error.strerror}). Make it a writable "
                "folder of the user who runs this, or set MARKETO_DATA_DIR to another. Then run this again."
            ) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def connect_readonly(path: str | Path | None = None) -> DuckDBConnection:
    """Return a connection to the newest release: one consistent point in time, which no run can change or block.

    Without *path*, the release below `MARKETO_DATA_DIR`. Reconnect to see a newer one.

    Raises: WarehouseError when nothing has been published yet.
    """
    published = Path(path) if path is not None else Warehouse(read_data_dir()).published_path
    if not published.exists():
        raise WarehouseError(
            f"{published.name} does not exist yet in {published.parent}. Materialize a month of landing/lead_exports "
            "and marketo/raw/lead_snapshots first, or run `marketo-assets demo`."
        )
    con = duckdb.connect(str(published.resolve()), read_only=True)
    con.execute("SET TimeZone = 'UTC'")
    return con


@contextlib.contextmanager
def _committed(con: DuckDBConnection) -> Iterator[None]:
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(DuckDBError):  # a failed statement may have ended the transaction already
            con.execute("ROLLBACK")
        raise
    with _explained("The transaction could not be committed, and nothing changed"):
        con.execute("COMMIT")


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (*DuckDBSpaceError, duckdb.TransactionException, duckdb.FatalException) as error:
        if _is_damage(error):
            raise
        raise WarehouseError(
            f"{what}: {str(error).partition(chr(10))[0]}. If the disk is full, free some space for the data folder. "
            "Then run this again: nothing is exported anew."
        ) from error


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if not _is_damage(error):
            raise
        raise WarehouseError(
            f"work.duckdb is damaged: {str(error).partition(chr(10))[0]}. Stop Dagster, move work.duckdb (and "
            "work.duckdb.wal, if it is there) aside, and copy marketo.duckdb, the newest release, to work.duckdb; an "
            "older one below releases/, or a backup, if that is damaged too. Captures go on from what it holds, and "
            "nothing is exported anew."
        ) from error


def _is_damage(error: duckdb.Error) -> bool:
    # A landed file that is cut short is called by its own name.
    told = str(error)
    return any(words in told for words in _DAMAGES) and (".duckdb" in told or "block" in told)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:  # most file systems cannot share blocks: copy them
            os.posix_fallocate(writer.fileno(), 0, os.fstat(reader.fileno()).st_size)
            shutil.copyfile(source, target)
        os.fsync(writer.fileno())


def _make_private_dir(folder: Path) -> None:
    # One by one: the parents that mkdir makes on the way would be open to everybody.
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
