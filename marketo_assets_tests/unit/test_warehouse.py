"""The two database files: one transaction at a time, and releases that readers open."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from marketo_assets.warehouse import (
    DuckDBConnection,
    DuckDBError,
    ReleaseError,
    Warehouse,
    WarehouseError,
    connect_readonly,
)


@pytest.fixture
def warehouse(data_dir: Path) -> Warehouse:
    """A warehouse with one table of one row."""
    warehouse = Warehouse(data_dir, lock_seconds=0.2)
    with warehouse.transaction() as con:
        con.execute("CREATE TABLE main.t AS SELECT 1 AS n")
    return warehouse


def numbers(warehouse: Warehouse) -> list[int]:
    with warehouse.transaction() as con:
        return [n for (n,) in con.execute("SELECT n FROM main.t ORDER BY n").fetchall()]


def published_numbers(warehouse: Warehouse) -> list[int]:
    con = connect_readonly(warehouse.published_path)
    try:
        return [n for (n,) in con.execute("SELECT n FROM main.t ORDER BY n").fetchall()]
    finally:
        con.close()


def agree(_: DuckDBConnection) -> None:
    return None


def add(warehouse: Warehouse, number: int) -> None:
    with warehouse.transaction() as con:
        con.execute("INSERT INTO main.t VALUES (?)", [number])


def interrupted(warehouse: Warehouse, error: BaseException) -> None:
    with warehouse.transaction() as con:
        con.execute("INSERT INTO main.t VALUES (3)")
        con.execute("ALTER TABLE main.t ADD COLUMN more INTEGER")
        con.execute("CREATE TABLE main.other (n INTEGER)")
        raise error


def test_a_transaction_is_committed(warehouse: Warehouse) -> None:
    """What was done inside is there for the next one, and the file is free again."""
    add(warehouse, 2)

    assert [1, 2] == numbers(warehouse)
    assert [1, 2] == numbers(Warehouse(warehouse.data_dir))


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt()], ids=["an error", "an interruption"])
def test_a_transaction_that_fails_changes_nothing(warehouse: Warehouse, error: BaseException) -> None:
    """Whatever ends the block early, nothing of it stays, tables and columns included."""
    with pytest.raises(type(error)):
        interrupted(warehouse, error)

    assert [1] == numbers(warehouse)
    with warehouse.transaction() as con:
        assert [("t",)] == con.execute("SELECT table_name FROM duckdb_tables()").fetchall()


def test_a_statement_that_fails_is_let_through(warehouse: Warehouse) -> None:
    """DuckDB's own error reaches the caller as it was, and nothing changed."""
    with pytest.raises(DuckDBError, match="nobody"), warehouse.transaction() as con:
        con.execute("INSERT INTO main.t VALUES (2); SELECT * FROM nobody")

    assert [1] == numbers(warehouse)


def test_one_writer_at_a_time(warehouse: Warehouse) -> None:
    """While one holds the file another waits for its patience, then is told what to do."""
    with warehouse.held(), pytest.raises(WarehouseError, match=r"held data/work\.lock for 0 s\. Let its run finish"):
        numbers(Warehouse(warehouse.data_dir, lock_seconds=0.2))

    assert [1] == numbers(warehouse)


def test_a_writer_waits_for_its_turn(warehouse: Warehouse) -> None:
    """A second writer goes on as soon as the first is done, and sees what it did."""
    began, found = threading.Event(), []

    def second() -> None:
        began.set()
        found.extend(numbers(Warehouse(warehouse.data_dir, lock_seconds=30)))

    with warehouse.transaction() as con:
        thread = threading.Thread(target=second)
        thread.start()
        assert began.wait(10)
        con.execute("INSERT INTO main.t VALUES (2)")
    thread.join(30)

    assert [1, 2] == found


def test_several_transactions_of_one_opening(warehouse: Warehouse) -> None:
    """Held open, the file takes several transactions, each committed or undone for itself, and a release."""
    with warehouse.held():
        add(warehouse, 2)
        with pytest.raises(ValueError, match="ours"):
            interrupted(warehouse, ValueError("ours"))
        warehouse.publish(agree)
        add(warehouse, 4)

    assert [1, 2] == published_numbers(warehouse)
    assert [1, 2, 4] == numbers(warehouse)


def test_a_release_is_a_copy_that_nobody_changes(warehouse: Warehouse) -> None:
    """A release shows what was committed then, whatever is committed later; the link leads to the newest."""
    first = warehouse.publish(agree)
    add(warehouse, 2)
    assert [1] == published_numbers(warehouse)
    second = warehouse.publish(agree)

    assert [1, 2] == published_numbers(warehouse)
    assert (1, 2) == (first.number, second.number)
    assert second.path.stat().st_size == second.file_bytes
    assert Path("releases/2/marketo.duckdb") == warehouse.published_path.readlink()


def test_what_prepares_a_release_is_in_it(warehouse: Warehouse) -> None:
    """The last transaction before the copy is committed and released."""

    def prepare(con: DuckDBConnection) -> None:
        con.execute("INSERT INTO main.t VALUES (9)")

    warehouse.publish(prepare)

    assert [1, 9] == published_numbers(warehouse) == numbers(warehouse)


def test_a_release_that_is_refused(warehouse: Warehouse) -> None:
    """With a reason not to publish, readers keep the release before, and the reason is the error."""
    warehouse.publish(agree)
    add(warehouse, 2)
    with pytest.raises(ReleaseError, match="because I say so"):
        warehouse.publish(lambda _: "because I say so")

    assert [1] == published_numbers(warehouse)
    assert ["1"] == [path.name for path in (warehouse.data_dir / "releases").iterdir()]


def test_a_release_that_fails_while_it_is_prepared(warehouse: Warehouse) -> None:
    """An error in the last transaction undoes it and leaves readers what they had."""
    warehouse.publish(agree)

    def prepare(con: DuckDBConnection) -> None:
        con.execute("INSERT INTO main.t VALUES (2)")
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        warehouse.publish(prepare)
    assert [1] == published_numbers(warehouse) == numbers(warehouse)


def test_what_a_killed_release_left(warehouse: Warehouse) -> None:
    """Half a copy, and a copy that no link leads to, are neither read nor in the way of the next release."""
    warehouse.publish(agree)
    half = warehouse.data_dir / "releases" / "2.part"
    half.mkdir()
    (half / "marketo.duckdb").write_bytes(b"half")
    unlinked = warehouse.data_dir / "releases" / "2"
    unlinked.mkdir()
    (unlinked / "marketo.duckdb").write_bytes(b"not to be read")
    (warehouse.data_dir / "marketo.link").symlink_to("nowhere")
    assert [1] == published_numbers(warehouse)
    add(warehouse, 2)

    assert 3 == warehouse.publish(agree).number
    assert [1, 2] == published_numbers(warehouse)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"of another program" * 1000,
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:12288] + bytes(len(whole) - 12288),
    ],
    ids=["empty", "overwritten", "cut in half", "zeroed"],
)
def test_a_damaged_file_is_told_with_the_way_back(warehouse: Warehouse, damage: Callable[[bytes], bytes]) -> None:
    """Whoever finds it says so and what to copy in its place, and doing that brings back what was released."""
    with warehouse.transaction() as con:
        con.execute("INSERT INTO main.t SELECT hash(range) % 1000000 + 2 FROM range(300000)")
    warehouse.publish(agree)
    released = published_numbers(warehouse)
    warehouse.work_path.write_bytes(damage(warehouse.work_path.read_bytes()))

    with pytest.raises(WarehouseError, match=r"is damaged: .*copy marketo\.duckdb, the newest release, to work"):
        numbers(warehouse)
    shutil.copyfile(warehouse.published_path, warehouse.work_path)
    assert released == numbers(warehouse)


def test_three_releases_stay(warehouse: Warehouse) -> None:
    """The newest three are kept, for readers that are just opening one."""
    for _ in range(6):
        warehouse.publish(agree)

    assert {"4", "5", "6"} == {path.name for path in (warehouse.data_dir / "releases").iterdir()}


def test_a_reader_of_a_release_that_was_removed(warehouse: Warehouse) -> None:
    """A connection that was open when its release was removed goes on answering."""
    warehouse.publish(agree)
    con = connect_readonly(warehouse.published_path)
    for number in range(2, 8):
        add(warehouse, number)
        warehouse.publish(agree)

    assert not (warehouse.data_dir / "releases" / "1").exists()
    assert [(1,)] == con.execute("SELECT n FROM main.t").fetchall()
    con.close()


def test_readers_cannot_write(warehouse: Warehouse) -> None:
    """A release is opened read-only."""
    warehouse.publish(agree)
    con = connect_readonly(warehouse.published_path)
    with pytest.raises(DuckDBError, match="read-only"):
        con.execute("INSERT INTO main.t VALUES (2)")
    con.close()


def test_nothing_published_yet(data_dir: Path) -> None:
    """Before the first release a reader is told what to materialize, wherever it looks."""
    with pytest.raises(WarehouseError, match=r"marketo\.duckdb does not exist yet.*Materialize a month"):
        connect_readonly()
    with pytest.raises(WarehouseError, match=r"other\.duckdb does not exist yet"):
        connect_readonly(data_dir / "other.duckdb")


def test_the_settings_folder_is_read(warehouse: Warehouse) -> None:
    """Without a path, the release of the data folder in the environment is opened, and moments are in UTC."""
    warehouse.publish(agree)
    con = connect_readonly()

    assert [("UTC", 1)] == con.execute("SELECT current_setting('TimeZone'), n FROM main.t").fetchall()
    con.close()


def test_files_are_private(warehouse: Warehouse) -> None:
    """The files of the warehouse are for their owner alone."""
    warehouse.publish(agree)
    files = [warehouse.work_path, warehouse.published_path.resolve(), warehouse.data_dir / "work.lock"]

    assert [0o600] * 3 == [path.stat().st_mode & 0o777 for path in files]
    assert 0o700 == (warehouse.data_dir / "releases" / "1").stat().st_mode & 0o777


@pytest.mark.parametrize("in_the_way", [".", "work.lock"])
def test_a_folder_that_may_not_be_written(data_dir: Path, in_the_way: str) -> None:
    """Where nothing can be written, the error names the folder and says what to do."""
    if in_the_way == ".":
        data_dir.parent.mkdir(exist_ok=True)
        data_dir.write_text("in the way")
    else:
        (data_dir / in_the_way).mkdir(parents=True)
    expected = f"{data_dir} .*MARKETO_DATA_DIR"
    with pytest.raises(WarehouseError, match=expected), Warehouse(data_dir).transaction():
        pass


def test_an_older_client_can_read(warehouse: Warehouse) -> None:
    """The file is written in the format of DuckDB 1.5, which notebooks still use."""
    release = warehouse.publish(agree)
    con = connect_readonly(release.path)
    row = con.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal").fetchone()
    con.close()

    assert row is not None
    assert "v1.5" in row[0]
