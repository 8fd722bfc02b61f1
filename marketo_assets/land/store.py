"""Files on disk: written to a temporary name, flushed, renamed; private, compressed and checksummed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

_CHUNK = 1 << 20


def compress(raw: BinaryIO, packed: Path) -> tuple[str, str]:
    """Leave the whole of *raw* compressed at *packed*; return the SHA-256 of *raw* and of the compressed file.

    Guarantee: *packed* is whole or absent. Memory does not grow with the file.
    """
    plain, stored = hashlib.sha256(), hashlib.sha256()
    partial = packed.with_suffix(".zst.part")
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    raw.seek(0)
    with open_private(partial) as target:

        def write(data: bytes) -> None:
            stored.update(data)
            target.write(data)

        while chunk := raw.read(_CHUNK):
            plain.update(chunk)
            write(packer.compress(chunk))
        write(packer.flush())
        target.flush()
        os.fsync(target.fileno())
    partial.replace(packed)
    return plain.hexdigest(), stored.hexdigest()


def has_digest(path: Path, sha256: str) -> bool:
    """Say whether the file at *path* can be read and has that SHA-256."""
    try:
        with path.open("rb") as reader:
            return hashlib.file_digest(reader, "sha256").hexdigest() == sha256
    except OSError:
        return False


@contextlib.contextmanager
def alone(folder: Path, patience_seconds: float, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold *folder* (made if need be) against every other process while the block runs.

    *on_wait* is called once if another process holds it. The lock dies with its process, so a kill leaves none.

    Raises: TimeoutError when the other process keeps it for longer than *patience_seconds*.
    """
    _make_private_dirs(folder)
    with open_private(folder / ".lock", "ab") as lock:
        if not _try_lock(lock):
            on_wait()
            deadline = time.monotonic() + patience_seconds
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    raise TimeoutError
                time.sleep(0.1)
        yield


def write_atomically(path: Path, data: bytes) -> None:
    """Leave *data* at *path*; a reader, or a kill, finds all of it or what was there before."""
    partial = path.with_suffix(".json.part")
    with open_private(partial) as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    partial.replace(path)


def open_private(path: Path, mode: str = "wb") -> BinaryIO:
    """Return the file at *path*, opened; if it is new, only its owner may read it."""
    file = open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115  # the caller closes it
    return cast(BinaryIO, file)


def _make_private_dirs(folder: Path) -> None:
    # One by one: the parents that mkdir makes on the way would be open to everybody.
    for path in (*reversed(folder.parents), folder):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


def _try_lock(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
