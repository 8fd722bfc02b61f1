"""A lead comes in the files of two months, as was seen around changes of daylight time: the later reading counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from marketo_assets.land.manifest import LandedFile
from marketo_assets_tests.pipeline.handmade import AS_OF, csv_text, land, load, published

MONTHS = ("2026-01", "2026-02", "2026-03")
STAMPS = ("2026-01-31T23:30:00Z", "2026-03-01T00:00:00Z")
SEEN = "SELECT id, note FROM main.leads ORDER BY id"


def month_file(data_dir: Path, month: str, notes: dict[int, str], *, minutes: int) -> LandedFile:
    """Return a landed file of *month* with these leads, read so many minutes after the first."""
    rows = [[str(lead_id), *STAMPS, note] for lead_id, note in notes.items()]
    content = csv_text(["id", "createdAt", "updatedAt", "note"], rows)
    return land(data_dir, content, {"note": "string"}, month=month, as_of=AS_OF + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "order", list(permutations(range(3))), ids=lambda order: " then ".join(MONTHS[n] for n in order)
)
def test_the_later_reading_counts(data_dir: Path, order: tuple[int, ...]) -> None:
    """In whatever order three months are loaded, a lead that all hold is there once, as Marketo was read last."""
    files = [
        month_file(data_dir, MONTHS[0], {1: "first", 2: "alone in January"}, minutes=10),
        month_file(data_dir, MONTHS[1], {1: "last", 3: "last"}, minutes=30),
        month_file(data_dir, MONTHS[2], {1: "second", 3: "first"}, minutes=20),
    ]
    for place in order:
        load(data_dir, files[place])

    assert [(1, "last"), (2, "alone in January"), (3, "last")] == published(data_dir, SEEN)
    assert [(6,)] == published(data_dir, "SELECT count(*) FROM raw.lead_snapshots")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["earlier month first", "later month first"])
def test_two_readings_of_the_same_second(data_dir: Path, order: tuple[int, ...]) -> None:
    """Of two exports that Marketo began in the same second one is taken, the same one in whatever order they come."""
    files = [month_file(data_dir, month, {1: month}, minutes=0) for month in MONTHS[:2]]
    for place in order:
        load(data_dir, files[place])

    assert [(1, MONTHS[1])] == published(data_dir, SEEN)


def test_the_lead_leaves_the_later_file(data_dir: Path) -> None:
    """When the month whose reading counted no longer holds the lead, the other month's row is shown again."""
    load(data_dir, month_file(data_dir, MONTHS[0], {1: "January"}, minutes=0))
    load(data_dir, month_file(data_dir, MONTHS[1], {1: "February", 2: "x"}, minutes=10))
    load(data_dir, month_file(data_dir, MONTHS[1], {2: "x"}, minutes=20))

    assert [(1, "January"), (2, "x")] == published(data_dir, SEEN)


def test_a_row_outside_its_month_is_counted(data_dir: Path) -> None:
    """A row whose createdAt lies in another month is loaded all the same, and the load says so."""
    loaded = load(data_dir, month_file(data_dir, MONTHS[1], {1: "created in January"}, minutes=0))

    assert (1, 1) == (loaded.rows, loaded.outside_window)
    assert [(1,)] == published(data_dir, "SELECT outside_window FROM meta.loads")
