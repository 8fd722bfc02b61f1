"""Of all versions of a lead the one read last is shown, and none of a lead that is no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_assets.load.columns import Column
from marketo_assets.load.compaction import compact
from marketo_assets.load.current_leads import mark_missing, settle, touch
from marketo_assets.load.lead_fields import ensure_registry
from marketo_assets.load.lead_versions import fit_lead_tables
from marketo_assets.load.ledger import ensure_tables, insert_row
from marketo_assets.warehouse import DuckDBConnection

Version = tuple[str | None, int, int]
"""Month of an export, or None for a reading by REST; second of the reading; load."""


def at(second: int) -> datetime:
    return datetime(2026, 8, 15, 12, 0, second, tzinfo=UTC)


def shown(con: DuckDBConnection) -> list[int]:
    compact(con)
    return [row[0] for row in con.execute("SELECT _load_id FROM main.leads").fetchall()]


@pytest.fixture
def versions(con: DuckDBConnection, request: pytest.FixtureRequest) -> DuckDBConnection:
    """Versions of lead 1."""
    ensure_tables(con)
    ensure_registry(con)
    fit_lead_tables(con, [Column("id", "id", "BIGINT")])
    for partition, second, load_id in request.param:
        source = "bulk export" if partition else "rest"
        row = {"id": 1, "_partition": partition, "_as_of": at(second), "_source": source, "_load_id": load_id}
        insert_row(con, "main.leads", row)
    return con


SNAPSHOT: Version = ("2026-08", 10, 1)
EARLIER: Version = (None, 5, 2)
SAME: Version = (None, 10, 3)
SAME_LATER: Version = (None, 10, 4)
AFTER: Version = (None, 20, 5)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([SNAPSHOT, EARLIER], [1]),
        ([SNAPSHOT, EARLIER, SAME], [3]),
        ([SNAPSHOT, SAME_LATER, SAME], [4]),
        ([AFTER, SNAPSHOT, SAME], [5]),
    ],
    ids=["the export is later", "a reading of its second", "two readings of one second", "a reading after it"],
    indirect=["versions"],
)
def test_the_latest_is_shown(versions: DuckDBConnection, expected: list[int]) -> None:
    """The later reading of Marketo counts; in one second a reading by REST, and of these the one loaded later."""
    touch(versions, [1])
    settle(versions)
    assert expected == shown(versions)


@pytest.mark.parametrize("versions", [[SNAPSHOT, AFTER]], ids=["two versions"], indirect=True)
@pytest.mark.parametrize("is_merge", [False, True], ids=["deleted", "merged away"])
def test_gone_is_gone(versions: DuckDBConnection, is_merge: bool) -> None:
    """No version of a lead that was deleted or merged away is shown, however late it was read."""
    if is_merge:
        insert_row(versions, "raw.lead_merges", {"activity_guid": "m", "loser_id": 1, "winner_id": 2})
    else:
        insert_row(versions, "raw.lead_deletions", {"activity_guid": "d", "lead_id": 1})
    mark_missing(versions, [1], at(30), 6)
    touch(versions, [1])
    settle(versions)
    assert [] == shown(versions)
    assert [] == versions.execute("SELECT * FROM meta.missing_leads").fetchall()


@pytest.mark.parametrize("versions", [[SNAPSHOT, AFTER]], ids=["two versions"], indirect=True)
@pytest.mark.parametrize(
    ("second", "load_id", "expected"),
    [(15, 4, [5]), (20, 4, [5]), (20, 6, []), (30, 6, [])],
    ids=["before it was read", "just before", "just after", "after"],
)
def test_missing_until_read_again(versions: DuckDBConnection, second: int, load_id: int, expected: list[int]) -> None:
    """A lead that was not found is not shown, unless it was read later; then nothing is missing any more."""
    mark_missing(versions, [1], at(second), load_id)
    touch(versions, [1])
    settle(versions)
    assert expected == shown(versions)
    assert (0 if expected else 1,) == versions.execute("SELECT count(*) FROM meta.missing_leads").fetchone()


@pytest.mark.parametrize("versions", [[SNAPSHOT]], ids=["one version"], indirect=True)
def test_first_missed_stays_known(versions: DuckDBConnection) -> None:
    """A lead that is missed again is known to be missing since the first time."""
    mark_missing(versions, [1], at(20), 6)
    mark_missing(versions, [1], at(40), 7)
    row = versions.execute("SELECT first_missed_at, missed_at FROM meta.missing_leads").fetchone()
    assert (at(20), at(40)) == row


@pytest.mark.parametrize("versions", [[SNAPSHOT]], ids=["one version"], indirect=True)
def test_last_missed_stays_known(versions: DuckDBConnection) -> None:
    """A file that was read before a lead was last missed, and is loaded after it, takes nothing of that back."""
    mark_missing(versions, [1], at(20), 6)
    mark_missing(versions, [1], at(40), 7)
    mark_missing(versions, [1], at(30), 8)
    row = versions.execute("SELECT first_missed_at, missed_at, load_id FROM meta.missing_leads").fetchone()
    assert (at(20), at(40), 7) == row
