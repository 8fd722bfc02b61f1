"""What Marketo had forgotten when it was read is recorded, once, and no more than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketo_assets.load.coverage import note_gaps
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.warehouse import DuckDBConnection

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
GAPS = "SELECT missing, gap_from, gap_to FROM meta.coverage_gaps ORDER BY missing"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (14, []),
        (15, [("deletions", SINCE, SINCE + timedelta(days=1))]),
        (90, [("deletions", SINCE, SINCE + timedelta(days=76))]),
        (
            100,
            [
                ("changes", SINCE, SINCE + timedelta(days=10)),
                ("deletions", SINCE, SINCE + timedelta(days=86)),
            ],
        ),
    ],
    ids=["in time", "too late for deletions", "in time for changes", "too late for both"],
)
def test_a_poll_that_comes_late(
    con: DuckDBConnection, days: int, expected: list[tuple[str, datetime, datetime]]
) -> None:
    """The gap reaches from where the poll began to read to the oldest that Marketo keeps for certain."""
    ensure_tables(con)
    note_gaps(con, SINCE, SINCE + timedelta(days=days))

    assert expected == con.execute(GAPS).fetchall()


def test_a_poll_that_is_made_again(con: DuckDBConnection) -> None:
    """From the same moment a later poll leaves one gap, up to its own oldest."""
    ensure_tables(con)
    for days in (100, 101):
        note_gaps(con, SINCE, SINCE + timedelta(days=days))

    assert [SINCE + timedelta(days=11), SINCE + timedelta(days=87)] == [row[2] for row in con.execute(GAPS).fetchall()]
