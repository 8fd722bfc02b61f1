"""The ledger's file is private, shared by processes, and mended when it is harmed."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock, SystemClock
from marketo_assets_tests.benchmarks.hammer_ledger import hammer, most_at_once, most_in_window
from marketo_assets_tests.unit.api.callers import places_taken, spend

SPAWN = multiprocessing.get_context("spawn")


def test_the_file_is_for_its_owner_only(tmp_path: Path, clock: ManualClock) -> None:
    """Files are 0600 and the folder made for them 0700, whatever the umask."""
    ledger = Ledger(tmp_path / "data" / "ledger.sqlite", Limits(), clock)
    spend(ledger)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    ledger.shut()

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert {0o600} == set(modes.values())
    assert {"ledger.sqlite", "ledger.sqlite-wal"} <= set(modes)


@pytest.mark.parametrize("harm", ["noise", "middle"])
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    """A file that is no database, or a broken one, stops nobody; it is kept, and the log says what that means."""
    path = tmp_path / "ledger.sqlite"
    if harm == "noise":
        path.write_bytes(b"not a database at all" * 400)
    else:
        ledger = Ledger(path, Limits(), clock)
        spend(ledger, 30)
        ledger.shut()
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
    ledger = Ledger(path, Limits(), clock)

    with caplog.at_level(logging.WARNING):
        spend(ledger)

    assert ledger.calls_spent() == 1
    assert len(list(tmp_path.glob("ledger.sqlite.damaged-????????T????????????"))) == 1
    assert "set aside" in caplog.text
    ledger.shut()


def test_damage_that_a_statement_meets_is_mended_for_the_next_one(tmp_path: Path, clock: ManualClock) -> None:
    """A file that turns out damaged while in use fails once, is set aside, and never fails again."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    spend(ledger, 3)
    met = sqlite3.DatabaseError("database disk image is malformed")
    met.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    with pytest.raises(LedgerUnusable, match="malformed"), ledger.transaction():
        raise met

    spend(ledger, 2)
    assert ledger.calls_spent() == 2
    assert len(list(tmp_path.glob("ledger.sqlite.damaged-????????T????????????"))) == 1
    ledger.shut()


def test_a_deleted_file_is_begun_again(tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """Two processes never keep two accounts: the file that is there counts."""
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, Limits(), clock)
    spend(ledger, 3)
    for left in tmp_path.glob("ledger.sqlite*"):
        left.unlink()

    with caplog.at_level(logging.WARNING):
        spend(ledger)
    other = Ledger(path, Limits(), clock)

    assert (ledger.calls_spent(), other.calls_spent()) == (1, 1)
    assert "removed while it was in use" in caplog.text
    ledger.shut()
    other.shut()


def test_a_table_that_is_missing_is_made(tmp_path: Path, clock: ManualClock) -> None:
    """A ledger of an older version gains the tables that it lacks."""
    path = tmp_path / "ledger.sqlite"
    old = sqlite3.connect(path)
    old.execute("CREATE TABLE export_job (id TEXT)")
    old.close()
    ledger = Ledger(path, Limits(), clock)

    spend(ledger)

    with ledger.transaction() as db:
        assert db.execute("SELECT * FROM export_job").fetchall() == []
    ledger.shut()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, clock: ManualClock) -> None:
    """Without a ledger no call is made, and the message says what to put right."""
    (tmp_path / "data").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "data" / "ledger.sqlite", Limits(), clock)

    with pytest.raises(LedgerUnusable, match="MARKETO_DATA_DIR"):
        spend(ledger)


def test_a_mistake_in_somebody_elses_statement_stays_theirs(ledger: Ledger) -> None:
    """Only what the disk or the file is to blame for is called LedgerUnusable."""
    with pytest.raises(sqlite3.OperationalError, match="no such table"), ledger.transaction() as db:
        db.execute("SELECT * FROM never_made")


def test_a_call_inside_a_transaction_is_a_clear_error(ledger: Ledger) -> None:
    """A caller that would wait for itself is told."""
    with ledger.transaction(), pytest.raises(RuntimeError, match="finish it before making a call"):
        spend(ledger)


def test_what_others_keep_in_the_file_is_rolled_back_with_their_error(ledger: Ledger) -> None:
    """A transaction that fails leaves nothing."""
    with ledger.transaction() as db:
        db.execute("CREATE TABLE kept (id INTEGER)")
    with pytest.raises(ZeroDivisionError), ledger.transaction() as db:
        db.execute("INSERT INTO kept VALUES (?)", (1 // len(db.execute("INSERT INTO kept VALUES (1)").fetchall()),))

    with ledger.transaction() as db:
        assert db.execute("SELECT * FROM kept").fetchall() == []


def test_a_ledger_file_is_not_opened_before_it_is_used(tmp_path: Path) -> None:
    """Building a client touches no disk."""
    LedgerFile(tmp_path / "later" / "ledger.sqlite")

    assert list(tmp_path.iterdir()) == []


def test_threads_share_one_ledger(tmp_path: Path, clock: ManualClock) -> None:
    """Twenty threads count every call once."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(rate_calls=1000, concurrency=20), clock)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: spend(ledger, 10), range(20)))

    assert ledger.calls_spent() == 200
    ledger.shut()


def spend_on_a_new_connection(ledger: Ledger, inherited: int) -> None:
    spend(ledger, 2)
    with ledger.transaction() as db:
        assert id(db) != inherited


def test_a_forked_child_opens_the_file_for_itself(tmp_path: Path) -> None:
    """A connection does not cross a fork."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), SystemClock())
    with ledger.transaction() as db:
        inherited = id(db)
    spend(ledger)
    forking = multiprocessing.get_context("fork")
    child = forking.Process(target=spend_on_a_new_connection, args=(ledger, inherited))
    child.start()
    child.join(30)
    spend(ledger)

    assert child.exitcode == 0
    assert ledger.calls_spent() == 4
    ledger.shut()


def test_processes_together_keep_the_rate_and_the_places(tmp_path: Path) -> None:
    """Four processes at full speed never make more than the allowed calls in any window, nor at once."""
    limits = Limits(rate_calls=15, rate_seconds=1.0, concurrency=3, daily_calls=10_000)
    seen = hammer(tmp_path / "ledger.sqlite", limits, processes=4, seconds=4.0, seed=11)

    assert seen.most_in_window <= 15
    assert seen.most_at_once <= 3
    assert seen.calls >= 15
    assert seen.fewest_of_one_process >= 1


def test_the_measure_of_the_hammer_sees_an_excess() -> None:
    """The counting that the bar relies on counts both ends, and overlaps only while they last."""
    assert most_in_window([0.0, 1.0, 2.0, 2.5], 2.0) == 3
    assert most_at_once([(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)]) == 2


def hold(path: Path, held: Connection) -> None:
    ledger = Ledger(path, Limits(concurrency=1), SystemClock())
    with ledger.call(route="/held", timeout_seconds=60):
        held.send("held")
        threading.Event().wait(60)


def test_a_killed_process_loses_its_place_when_its_lease_expires(tmp_path: Path) -> None:
    """SIGKILL keeps nobody waiting longer than the call could have lasted."""
    path = tmp_path / "ledger.sqlite"
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=hold, args=(path, there))
    process.start()
    assert here.poll(30)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(30)
    clock = ManualClock(datetime.now(UTC))
    ledger = Ledger(path, Limits(concurrency=1), clock)
    began = clock.now()

    assert places_taken(ledger) == 1
    spend(ledger)
    assert 100.0 < (clock.now() - began).total_seconds() < 106.0
    ledger.shut()
    here.close()
    there.close()
