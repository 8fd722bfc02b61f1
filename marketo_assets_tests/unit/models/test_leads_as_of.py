"""Leads as they were at a moment, as far as that can be known, and no further."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marketo_assets.load.columns import quoted
from marketo_assets.load.compaction import compact
from marketo_assets.models.history import MOST_JOINS
from marketo_assets_tests.unit.models.past import KINDS, LEAD, Past, at

Row = tuple[Any, ...]


def test_values_of_a_moment(past: Past) -> None:
    """The value told last counts, then the one told next, then the one that was read; a second counts as over."""
    past.read(second=30, name="C", score=5)
    past.change(20, "name", "B", "C")
    past.change(10, "name", "A", "B")

    names = [past.leads_as_of(second, "name", "score")[0] for second in (0, 9, 10, 19, 20, 30, 99)]
    assert [("A", 5), ("A", 5), ("B", 5), ("B", 5), ("C", 5), ("C", 5), ("C", 5)] == names


def test_types_are_those_of_leads(past: Past) -> None:
    """What was told is cast as loading casts; no value is NULL; a text that does not fit its type is NULL."""
    seen = datetime(2026, 8, 1, 12, tzinfo=UTC)
    past.read(second=30, name="now", score=1, balance=1, seen=at(0), vip=True, ts="now")
    past.change(10, "name", "", "now")
    past.change(10, "ts", "then", "now")
    past.change(10, "score", " 007 ", "1")
    past.change(10, "balance", "2.50", "1")
    past.change(10, "seen", "2026-08-01T05:00:00-07:00", None)
    past.change(10, "vip", "0", "true")
    past.change(20, "score", "many", "1", lead_id=LEAD + 1)
    past.read(LEAD + 1, 30, score=1)

    assert [(LEAD, None, 7, "then", Decimal("2.5"), seen, False), (LEAD + 1, None, None, None, None, None, None)] == (
        past.leads_as_of(5, "id", *KINDS)
    )
    types = "SELECT column_name, column_type FROM (DESCRIBE FROM {}) WHERE column_name IN (SELECT unnest(?)) ORDER BY 1"
    fields = ["id", "createdAt", "updatedAt", *KINDS]
    kinds = [
        past.con.execute(types.format(table), [fields]).fetchall()
        for table in ("main.leads", "main.leads_as_of(TIMESTAMPTZ '2026-08-01 00:00:05Z')")
    ]
    assert kinds[0] == kinds[1]
    assert len(fields) == len(kinds[0])


def test_who_existed(past: Past) -> None:
    """Leads that had been created and were not gone; in the second of its deletion a lead is no more."""
    past.read(1, 0)
    past.read(2, 30, created=10)
    past.read(3, 0)
    past.gone(20, 3)
    past.change(15, None, lead_id=4, kind=12)
    past.gone(25, 4)

    assert [[1, 3], [1, 2, 3], [1, 2, 3, 4], [1, 2, 4], [1, 2]] == [
        [row[0] for row in past.leads_as_of(second)] for second in (9, 10, 19, 20, 25)
    ]


def test_a_lead_that_changed_and_went_before_it_was_read_again(past: Past) -> None:
    """What was told of it counts, and what was read before where nothing was told."""
    past.read(second=0, name="A", score=1)
    past.change(10, "name", "A", "B")
    past.gone(30)

    assert [("A", 1), ("B", 1)] == [past.leads_as_of(second, "name", "score")[0] for second in (9, 10)]


def test_a_lead_that_was_never_read(past: Past) -> None:
    """It is there with what was told of it, and is not known."""
    past.change(10, None, kind=12)
    past.change(20, "name", "A", "B")
    past.gone(30)

    assert [(LEAD, at(10), "A", None, False)] == past.leads_as_of(15, "id", "createdAt", "name", "score", "_is_known")


def test_before_coverage(past: Past) -> None:
    """Nothing is known of a lead but that it was there, and since when."""
    past.read(second=20, name="B", created=-50)
    past.change(-10, "name", "A", "B")
    past.change(10, "name", "B", "B2")

    assert [(LEAD, at(-50), None, None, False)] == past.leads_as_of(
        -1, "id", "createdAt", "updatedAt", "name", "_is_known"
    )
    assert [("B", True)] == past.leads_as_of(0, "name", "_is_known")
    assert [] == past.leads_as_of(-51)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (5, ("A", None, None, False)),
        (15, ("B", None, None, False)),
        (30, (None, None, None, False)),
        (49, (None, None, None, False)),
        (50, ("C", 1, None, True)),
        (60, ("D", 1, None, True)),
    ],
    ids=["before, told next", "before, told last", "in the gap", "its last second", "its end", "after it"],
)
def test_around_a_gap(past: Past, second: float, expected: Row) -> None:
    """Only what was told or read on the same side counts: across a gap nothing is carried over."""
    past.read(second=70, name="D", score=1)
    past.change(10, "name", "A", "B")
    past.gap(20, 50)
    past.change(60, "name", "C", "D")

    assert [expected] == past.leads_as_of(second, "name", "score", "vip", "_is_known")


def test_a_lead_not_read_since_a_gap(past: Past) -> None:
    """It is known before the gap, and not after it."""
    past.read(second=5, name="A")
    past.gap(20, 50)

    assert [[("A", True)], [(None, False)]] == [past.leads_as_of(second, "name", "_is_known") for second in (10, 60)]


def test_a_difference_across_a_gap(past: Past) -> None:
    """After the gap it was already what was read, since no change was told; before it, what had been held."""
    past.read(second=70, name="B")
    past.difference(5, 70, "name", "A", "B")
    past.gap(20, 50)

    assert [[(None, False)], [("B", True)], [("B", True)]] == [
        past.leads_as_of(second, "name", "_is_known") for second in (10, 60, 80)
    ]


def test_changes_that_are_still_to_be_polled(past: Past) -> None:
    """What was read long after the last poll says nothing of the time before it was read."""
    past.con.execute("UPDATE meta.watermarks SET watermark = covered_from")
    past.read(1, 30, name="soon after")
    past.read(2, 7200, name="much later")

    assert [("soon after", True), (None, False)] == past.leads_as_of(10, "name", "_is_known")
    assert [("soon after", True), ("much later", True)] == past.leads_as_of(7200, "name", "_is_known")


def test_the_stamp_of_the_last_update(past: Past) -> None:
    """It is told where it has not moved since, and NULL where it has."""
    past.read(1, 30, updated=20)
    past.read(2, 5, updated=3)
    past.change(10, None, lead_id=2, kind=23)
    past.gone(40, 2)

    stamps = [past.leads_as_of(second, "updatedAt") for second in (4, 19, 20)]
    assert [[(None,), (at(3),)], [(None,), (None,)], [(at(20),), (None,)]] == stamps


def test_history_and_macro_agree(past: Past) -> None:
    """At every second the macro shows the value whose interval holds it: disputed ones, differences, readings too."""
    past.read(second=45, name="now", score=9)
    for second, old, new in ((10, "A", "B"), (20, "C", "D"), (20, "D", "E"), (30, "E", "A"), (30, "A", "E")):
        past.change(second, "name", old, new)
    past.difference(31, 40, "name", "E", "F")
    past.change(25, "score", "1", "2")
    past.history()
    joined = (
        "SELECT count(*), count(*) FILTER (value IS NOT DISTINCT FROM name) FROM main.lead_history AS past "
        "JOIN main.leads_as_of($1) AS lead ON lead.id = past.lead_id "
        "WHERE field = 'name' AND valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1)"
    )

    assert [(1, 1)] * 60 == [past.con.execute(joined, [at(second)]).fetchone() for second in range(60)]


def test_from_a_file_opened_directly(past: Past, tmp_path: Path) -> None:
    """A copy answers with and without the catalog's name, whatever kind of moment is asked for."""
    past.read(second=30, name="B")
    past.change(10, "name", "A", "B")
    past.history()
    past.con.execute("CHECKPOINT")
    copy = tmp_path / "marketo.duckdb"
    copy.write_bytes((tmp_path / "data" / "work.duckdb").read_bytes())
    with duckdb.connect(str(copy), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        asked = ("marketo.leads_as_of(TIMESTAMPTZ '2026-08-01 00:00:05Z')", "leads_as_of('2026-08-01 00:00:05')")
        found = [con.execute(f"SELECT name FROM {macro}").fetchall() for macro in asked]
        history = con.execute("SELECT value FROM marketo.lead_history ORDER BY valid_from").fetchall()

    assert [[("A",)], [("A",)], [("A",), ("B",)]] == [*found, history]


def test_more_fields_than_joins(past: Past) -> None:
    """Where more fields changed than are joined one by one each lead has its own values, and the last field as well."""
    names = [f"field{number}" for number in range(2 * MOST_JOINS + 5)]
    past.add_fields(names)
    for lead_id in (1, 2):
        past.read(lead_id, second=30, **dict.fromkeys(names, "now"))
    for number, name in enumerate(names):
        past.change(10, name, f"{number}", "now", lead_id=1 + number % 2)
    expected = [
        (lead_id, *(f"{number}" if 1 + number % 2 == lead_id else "now" for number in range(len(names))))
        for lead_id in (1, 2)
    ]

    assert expected == past.leads_as_of(5, "id", *names)
    assert [("now",) * len(names)] * 2 == past.leads_as_of(10, *names)


ODD = ("select", 'a"b', "it's", "$x", "${versions}", "%s", "{x}", "ID", "rowid", "lead", "version", "told_0", "field")
OURS = ("read_load", "held_load", "_is_known", "_read_at", "_late_at", "_as_of", "deleted_at", "place", "is_past")


@pytest.mark.parametrize("name", [*ODD, *OURS])
def test_a_field_of_any_name(past: Past, name: str) -> None:
    """Whatever a field is called, its past is told: by activities, and by readings that differ."""
    column = quoted(past.add_fields([name])[name])
    past.read(second=0)
    past.read(second=40)
    past.con.execute(f"UPDATE main.leads SET {column} = if(_as_of = ?, 'B', 'C')", [at(0)])
    past.con.execute("INSERT INTO meta.superseded_rows SELECT id, _load_id FROM main.leads WHERE _as_of = ?", [at(0)])
    past.change(20, name, "A", "B", lead_id=LEAD + 1)
    compact(past.con)

    assert [("B",), ("C",)] == [past.leads_as_of(second, column)[0] for second in (10, 50)]
    assert [("C", True)] == past.con.execute(
        f"SELECT {column}, _is_known FROM main.leads_as_of(?)", [at(50)]
    ).fetchall()
