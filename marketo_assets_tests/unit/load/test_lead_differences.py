"""A month that is exported again shows what changed without an activity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from marketo_assets.warehouse import Warehouse
from marketo_assets_tests.pipeline.handmade import AS_OF, csv_text, land, lead_rows, load, published

KINDS = {"company": "string", "score": "integer"}
DIFFERENCES = (
    "SELECT lead_id, field, held_value, read_value, held_as_of, read_as_of FROM raw.lead_differences ORDER BY ALL"
)


def load_month(data_dir: Path, hours: int, rows: Sequence[Sequence[str | None]]) -> None:
    """Load the month as it was read some *hours* after its first export."""
    content = csv_text(["id", "createdAt", "updatedAt", *KINDS], lead_rows(rows))
    load(data_dir, land(data_dir, content, KINDS, as_of=AS_OF + timedelta(hours=hours)))


def test_two_exports_of_a_month(data_dir: Path) -> None:
    """Values that differ in the later export are told, with when both were read; the same file again tells nothing."""
    load_month(data_dir, 0, [["Acme", "1"], ["Acme", "2"], ["", "3"]])
    load_month(data_dir, 5, [["Apex", "1"], ["Acme", "2"], [None, "4"]])
    load_month(data_dir, 5, [["Apex", "1"], ["Acme", "2"], [None, "4"]])
    later = AS_OF + timedelta(hours=5)

    assert [
        (1, "company", "Acme", "Apex", AS_OF, later),
        (3, "score", "3", "4", AS_OF, later),
    ] == published(data_dir, DIFFERENCES)


def test_an_older_export_tells_nothing(data_dir: Path) -> None:
    """An export that was read before the one that is there tells of no change."""
    load_month(data_dir, 5, [["Apex", "1"]])
    load_month(data_dir, 0, [["Acme", "1"]])

    assert [] == published(data_dir, DIFFERENCES)


def test_a_lead_that_was_gone(data_dir: Path) -> None:
    """A row that was not shown any more is compared with nothing."""
    load_month(data_dir, 0, [["Acme", "1"], ["Acme", "2"]])
    with Warehouse(data_dir).transaction() as con:
        con.execute("INSERT INTO raw.lead_deletions (activity_guid, lead_id) VALUES ('d', 1)")
        con.execute("INSERT INTO meta.superseded_rows VALUES (1, 1)")
    load_month(data_dir, 5, [["Apex", "1"], ["Apex", "2"]])

    assert [2] == [row[0] for row in published(data_dir, DIFFERENCES)]
