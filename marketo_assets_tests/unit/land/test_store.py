"""Files on disk: whole or absent, private, and one process at a time."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import stat
from pathlib import Path

import pytest
import zstandard

from marketo_assets.land.store import alone, compress, has_digest, open_private, write_atomically


@pytest.mark.parametrize("size", [0, 1, 3_000_000], ids=["nothing", "a byte", "three megabytes"])
def test_what_is_compressed_comes_back(tmp_path: Path, size: int) -> None:
    """A compressed file holds the bytes that went in, and both digests are those of the bytes."""
    raw, packed = bytes(range(256)) * (size // 256) + b"x" * (size % 256), tmp_path / "a.csv.zst"
    plain, stored = compress(io.BytesIO(raw), packed)

    assert raw == zstandard.ZstdDecompressor().decompressobj().decompress(packed.read_bytes())
    assert hashlib.sha256(raw).hexdigest() == plain
    assert has_digest(packed, stored)
    assert ["a.csv.zst"] == [path.name for path in tmp_path.iterdir()]


def test_the_whole_of_a_file_is_compressed_wherever_it_stands(tmp_path: Path) -> None:
    """A file that was just written, and stands at its end, is read from its beginning."""
    raw = io.BytesIO(b"abc")
    raw.seek(3)

    assert hashlib.sha256(b"abc").hexdigest() == compress(raw, tmp_path / "a.zst")[0]


def test_a_digest_of_what_is_not_there(tmp_path: Path) -> None:
    """A file that is missing, or a folder, has no digest."""
    assert (False, False) == (has_digest(tmp_path / "none", ""), has_digest(tmp_path, ""))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Writing again leaves the new content under the name, private, and nothing beside it."""
    path = tmp_path / "a.json"
    write_atomically(path, b"old and long")
    write_atomically(path, b"new")

    assert b"new" == path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ["a.json"] == [found.name for found in tmp_path.iterdir()]


def test_an_existing_file_is_opened_with_what_it_holds(tmp_path: Path) -> None:
    """Opening to append makes a private file, or leaves what a killed run had written."""
    with open_private(tmp_path / "part", "a+b") as file:
        file.write(b"first")
    with open_private(tmp_path / "part", "a+b"):
        pass

    assert b"first" == (tmp_path / "part").read_bytes()
    assert 0o600 == stat.S_IMODE((tmp_path / "part").stat().st_mode)


def hold(folder: Path, is_held: multiprocessing.synchronize.Event, may_go: multiprocessing.synchronize.Event) -> None:
    with alone(folder, 10, lambda: None):
        is_held.set()
        may_go.wait(30)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """While another process holds the folder, waiting is told once and ends after its patience; then it is free."""
    context = multiprocessing.get_context("spawn")
    is_held, may_go, waits = context.Event(), context.Event(), []
    other = context.Process(target=hold, args=(tmp_path / "month", is_held, may_go))
    other.start()
    assert is_held.wait(30)
    with pytest.raises(TimeoutError), alone(tmp_path / "month", 0.15, lambda: waits.append("waiting")):
        pass
    may_go.set()
    other.join(30)
    with alone(tmp_path / "month", 0.15, lambda: waits.append("waiting")):
        pass

    assert ["waiting"] == waits
    assert 0 == other.exitcode


def test_a_folder_is_free_after_its_holder_was_killed(tmp_path: Path) -> None:
    """A lock dies with its process: after a kill nobody has to clean up."""
    context = multiprocessing.get_context("spawn")
    is_held, never = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "month", is_held, never))
    other.start()
    assert is_held.wait(30)
    other.kill()
    other.join(30)

    with alone(tmp_path / "month", 0.0, lambda: pytest.fail("the folder is not free")):
        assert (tmp_path / "month").is_dir()
