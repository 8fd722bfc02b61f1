"""The position of the polls: never behind a snapshot that was loaded, whatever comes first."""

from __future__ import annotations

from datetime import UTC, datetime

from marketo_assets.load.ledger import ensure_tables
from marketo_assets.load.position import Position, cover_since, move_watermark, read_position
from marketo_assets.warehouse import DuckDBConnection

EARLY, MIDDLE, LATE = (datetime(2026, 8, day, tzinfo=UTC) for day in (1, 2, 3))


def test_a_snapshot_opens_the_stream(con: DuckDBConnection) -> None:
    """Polls begin where the first snapshot was read, and go on from where they read to."""
    ensure_tables(con)
    assert read_position(con) is None
    cover_since(con, EARLY, LATE)
    move_watermark(con, read_position(con), MIDDLE, LATE)
    assert Position(MIDDLE, EARLY) == read_position(con)


def test_a_later_snapshot_moves_nothing(con: DuckDBConnection) -> None:
    """What is read since before the snapshot stays read."""
    ensure_tables(con)
    cover_since(con, EARLY, LATE)
    cover_since(con, MIDDLE, LATE)
    assert Position(EARLY, EARLY) == read_position(con)


def test_an_older_snapshot_takes_the_position_back(con: DuckDBConnection) -> None:
    """What happened since an export that is loaded late has to be read."""
    ensure_tables(con)
    move_watermark(con, None, LATE, LATE)
    cover_since(con, MIDDLE, LATE)
    assert Position(MIDDLE, MIDDLE) == read_position(con)


def test_a_snapshot_loaded_during_a_poll_has_its_way(con: DuckDBConnection) -> None:
    """A poll that did not read so far back does not say that it had."""
    ensure_tables(con)
    move_watermark(con, None, MIDDLE, LATE)
    began = read_position(con)
    cover_since(con, EARLY, LATE)
    move_watermark(con, began, LATE, LATE)
    assert Position(EARLY, EARLY) == read_position(con)


def test_a_first_poll_beside_a_first_snapshot(con: DuckDBConnection) -> None:
    """Where a snapshot came while the very first poll was under way, the next poll begins at the snapshot."""
    ensure_tables(con)
    cover_since(con, EARLY, LATE)
    move_watermark(con, None, MIDDLE, LATE)
    assert Position(EARLY, EARLY) == read_position(con)


def test_a_clock_set_back(con: DuckDBConnection) -> None:
    """A watermark in the future comes back to Marketo's own time."""
    ensure_tables(con)
    move_watermark(con, None, LATE, LATE)
    move_watermark(con, read_position(con), MIDDLE, LATE)
    assert Position(MIDDLE, MIDDLE) == read_position(con)
