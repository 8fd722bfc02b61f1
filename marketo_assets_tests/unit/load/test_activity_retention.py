"""A warning comes before Marketo forgets what was never read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from marketo_assets.load.activities import STREAM
from marketo_assets.load.activity_retention import falling_off
from marketo_assets.load.activity_rows import TABLE
from marketo_assets.load.ledger import ensure_tables, insert_row
from marketo_assets.load.position import Position, write_position
from marketo_assets.warehouse import DuckDBConnection

NOW = datetime(2026, 8, 15, tzinfo=UTC)


@pytest.fixture
def con() -> Iterator[DuckDBConnection]:
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'")
        ensure_tables(made)
        yield made


def read_month(con: DuckDBConnection, month: str, as_of: datetime) -> None:
    insert_row(con, "meta.loads", {"load_id": 1, "table_name": TABLE, "partition": month, "as_of": as_of})


@pytest.mark.parametrize(
    ("month", "is_warned"),
    [
        ("2026-08", False),
        ("2026-07", False),
        ("2026-06", True),
        ("2026-05", True),
        ("2026-03", False),
        ("2024-07", True),
    ],
)
def test_a_month_that_was_never_read_is_named_in_time(con: DuckDBConnection, month: str, is_warned: bool) -> None:
    """From 30 days before its activities are forgotten, until they all are."""
    assert is_warned == bool(falling_off(con, [month], NOW))


def test_a_month_that_was_read_to_its_end_is_not_named(con: DuckDBConnection) -> None:
    """Nor one whose rest was polled; one that was read half way is."""
    read_month(con, "2026-06", datetime(2026, 7, 1, tzinfo=UTC))
    assert [] == falling_off(con, ["2026-06"], NOW)
    con.execute("DELETE FROM meta.loads")
    read_month(con, "2026-06", datetime(2026, 6, 10, tzinfo=UTC))
    assert falling_off(con, ["2026-06"], NOW)
    write_position(con, Position(NOW, datetime(2026, 6, 10, tzinfo=UTC)), NOW, STREAM)
    assert [] == falling_off(con, ["2026-06"], NOW)


def test_a_watermark_that_stands_still_is_named(con: DuckDBConnection) -> None:
    """Polls that ended two months ago will soon have missed something for ever."""
    old = NOW - timedelta(days=61)
    write_position(con, Position(old, old), NOW, STREAM)
    (told,) = falling_off(con, [], NOW)
    assert "start activities_sensor" in told
