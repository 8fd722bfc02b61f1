"""Whose leads a data folder holds: nothing is mixed, and nothing of anybody else's is removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.cli.endings import Failed, WrongUse
from marketo_assets.cli.sandbox_record import (
    SandboxRecord,
    World,
    claim,
    clear,
    held,
    later,
    read_record,
    write_record,
)

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
RECORD = SandboxRecord(leads=300, months=3, seed=7, now=NOW, moment=NOW)


def test_a_record_is_read_as_it_was_written(data_dir: Path) -> None:
    """What is remembered of a sandbox survives, its changes in order."""
    record = later(RECORD, NOW + timedelta(hours=1), {"delete": 1001, "at": NOW.isoformat()}, {"delete": 1002})
    write_record(data_dir, record)
    assert record == read_record(data_dir)


def test_time_only_moves_on() -> None:
    """A record never says that a sandbox had come less far than was known."""
    assert RECORD == later(RECORD, NOW - timedelta(hours=1))


def test_the_folder_is_for_its_owner_alone(data_dir: Path) -> None:
    """A data folder that is made for a sandbox can be read by nobody else."""
    claim(data_dir, World(), begin=NOW)
    assert [0o700, 0o700] == [path.stat().st_mode & 0o777 for path in (data_dir, data_dir / "sandbox")]


def test_a_new_folder_gets_the_sandbox_that_was_asked_for(data_dir: Path) -> None:
    """What was not said is the default."""
    expected = SandboxRecord(leads=300, months=24, seed=1, now=NOW, moment=NOW)
    assert expected == claim(data_dir, World(leads=300), begin=NOW) == read_record(data_dir)


def test_a_later_call_goes_on_with_the_same_sandbox(data_dir: Path) -> None:
    """A folder keeps its sandbox and its first moment, whether or not its size is said again."""
    first = claim(data_dir, World(leads=300, seed=7), begin=NOW)
    assert first == claim(data_dir, World(), begin=NOW + timedelta(days=3))
    assert first == claim(data_dir, World(leads=300), begin=NOW + timedelta(days=3))


@pytest.mark.parametrize("name", ["work.duckdb", "marketo.duckdb", "ledger.sqlite", "landing", "releases"])
def test_a_folder_with_a_real_instance_is_refused(data_dir: Path, name: str) -> None:
    """Leads whose sandbox is not known are somebody's: nothing is written beside them, fresh or not."""
    data_dir.mkdir()
    (data_dir / name).write_bytes(b"a person's data")
    for is_fresh in (False, True):
        with pytest.raises(WrongUse, match=r"another Marketo instance.*MARKETO_DATA_DIR"):
            claim(data_dir, World(), begin=NOW, is_fresh=is_fresh)
    assert [(name, b"a person's data")] == [(path.name, path.read_bytes()) for path in data_dir.iterdir()]


def test_a_dangling_link_is_a_sign_of_life(data_dir: Path) -> None:
    """A published link whose release is away for a moment still says that the folder is taken."""
    data_dir.mkdir()
    (data_dir / "marketo.duckdb").symlink_to("releases/1/marketo.duckdb")
    with pytest.raises(WrongUse):
        claim(data_dir, World(), begin=NOW)


def test_another_sandbox_is_refused(data_dir: Path) -> None:
    """Leads of two sandboxes are not mixed: the message says what is there and how to begin again."""
    claim(data_dir, World(leads=300), begin=NOW)
    with pytest.raises(WrongUse, match=r"another sandbox \(--leads 300\).*--fresh"):
        claim(data_dir, World(leads=500), begin=NOW)


def test_fresh_removes_what_the_pipeline_keeps_and_nothing_else(data_dir: Path) -> None:
    """`--fresh` begins again in the same folder, and leaves files that are not the pipeline's."""
    claim(data_dir, World(leads=300), begin=NOW)
    for name in ("work.duckdb", "ledger.sqlite", "notes.txt"):
        (data_dir / name).write_bytes(b"")
    (data_dir / "releases" / "1").mkdir(parents=True)
    (data_dir / "marketo.duckdb").symlink_to("releases/1/marketo.duckdb")
    assert 500 == claim(data_dir, World(leads=500), begin=NOW, is_fresh=True).leads
    assert ["notes.txt", "sandbox"] == sorted(path.name for path in data_dir.iterdir())


def test_nothing_is_removed_without_a_record(data_dir: Path) -> None:
    """A folder that no sandbox filled is never cleared."""
    data_dir.mkdir()
    (data_dir / "work.duckdb").write_bytes(b"")
    with pytest.raises(WrongUse):
        clear(data_dir)
    assert (data_dir / "work.duckdb").exists()


def test_a_damaged_record_is_not_taken_for_none(data_dir: Path) -> None:
    """Without knowing whose leads they are, nothing is done, and the message says what to do."""
    write_record(data_dir, RECORD)
    (data_dir / "sandbox" / "sandbox.json").write_text("{")
    with pytest.raises(Failed, match="MARKETO_DATA_DIR"):
        claim(data_dir, World(), begin=NOW, is_fresh=True)


def test_two_commands_do_not_share_a_folder(data_dir: Path) -> None:
    """While one command works on a folder, another is told so; afterwards it may."""
    with held(data_dir), pytest.raises(WrongUse, match="at work"), held(data_dir):
        pass
    with held(data_dir):
        pass


def test_a_timeout_of_the_work_is_not_taken_for_another_command(data_dir: Path) -> None:
    """What goes wrong while the folder is held keeps its own name."""
    with pytest.raises(TimeoutError), held(data_dir):
        raise TimeoutError
