"""History of a lead's fields, worked out from changes that come in any order, twice, late, and not at all."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_assets.load.lead_versions import PAST, SHOWN
from marketo_assets_tests.unit.models.past import LEAD, Past, at

Told = list[tuple[float, str | None, str | None]]
"""Second, old value, new value of changes of one field."""


def tell(past: Past, changes: Told, name: str = "name") -> None:
    for second, old, new in changes:
        past.change(second, name, old, new)


def test_a_field_from_the_beginning_to_now(past: Past) -> None:
    """Intervals follow one another without gap from where coverage begins; the last is open and holds what is shown."""
    past.read(second=21, name="C", score=1)
    tell(past, [(20, "B", "C"), (10, "A", "B")])

    assert [("A", 0, 10), ("B", 10, 20), ("C", 20, None)] == past.history()


def test_a_lead_that_came_while_it_was_covered(past: Past) -> None:
    """Its first interval begins when it was created; a change in that very second began no interval of its own."""
    past.read(second=21, created=5, name="C")
    tell(past, [(5, None, "B"), (20, "B", "C")])

    assert [("B", 5, 20), ("C", 20, None)] == past.history()


def test_a_lead_that_was_never_read(past: Past) -> None:
    """Its New Lead activity tells when it came."""
    past.change(5, None, kind=12)
    tell(past, [(20, "B", "C")])
    past.gone(30)

    assert [("B", 5, 20), ("C", 20, 30)] == past.history()


@pytest.mark.parametrize("reads", [True, False], ids=["read before it went", "read long before"])
def test_a_lead_that_is_gone(past: Past, reads: bool) -> None:
    """Its last interval ends when it went; what was told in that second or later changes nothing."""
    past.read(second=15 if reads else 1, name="B" if reads else "A")
    tell(past, [(10, "A", "B"), (30, "B", "C"), (31, "C", "D")])
    past.gone(30)

    assert [("A", 0, 10), ("B", 10, 30)] == past.history()


def test_a_lead_that_came_and_went_in_a_second(past: Past) -> None:
    """No interval has the length of nothing."""
    past.read(second=3, created=5, name="B")
    tell(past, [(5, "A", "B")])
    past.gone(5)

    assert [] == past.history()


def test_changes_from_before_coverage(past: Past) -> None:
    """They are no part of history, and a field that changed only then has no row."""
    past.read(name="C", score=2)
    tell(past, [(-20, "A", "B"), (0, "B", "C"), (10, "C", "C2")])
    past.read(second=11, name="C2", score=2)
    past.con.execute(f"DELETE FROM {SHOWN} WHERE name = 'C'")
    tell(past, [(-5, "1", "2")], "score")

    assert [("C", 0, 10), ("C2", 10, None)] == past.history()


@pytest.mark.parametrize(
    ("told", "now", "expected"),
    [
        ([(10, "A", "B"), (10, "B", "C")], "C", [("A", 0, 10), ("C", 10, None)]),
        ([(10, "B", "C"), (10, "A", "B")], "C", [("A", 0, 10), ("C", 10, None)]),
        ([(10, "A", "B"), (10, "B", "A")], "A", []),
        ([(10, "A", "B"), (10, "B", "A"), (10, "A", "B")], "B", [("A", 0, 10), ("B", 10, None)]),
        ([(5, "X", "A"), (10, "A", "B"), (10, "B", "A")], "A", [("X", 0, 5), ("A", 5, None)]),
        ([(10, "A", "B"), (10, "B", "A"), (15, "B", "X")], "X", [("B", 0, 15), ("X", 15, None)]),
        ([(10, None, "B"), (10, "B", None), (15, None, "X")], "X", [(None, 0, 15), ("X", 15, None)]),
        ([(5, "X", "A"), (10, "A", "B"), (10, "C", "D")], "D", [("X", 0, 5), ("A", 5, 10), ("D", 10, None)]),
        ([(10, "A", "B"), (10, "C", "D"), (15, "B", "X")], "X", [("C", 0, 10), ("B", 10, 15), ("X", 15, None)]),
    ],
    ids=[
        "a chain",
        "a chain told backwards",
        "to and fro, now as before",
        "to and fro and to",
        "to and fro, known from before",
        "to and fro, known from after",
        "from nothing and back",
        "a link is missing, known from before",
        "a link is missing, known from after",
    ],
)
def test_several_changes_in_a_second(past: Past, told: Told, now: str, expected: list[tuple[Any, ...]]) -> None:
    """Only what was before and after the second counts, found by chaining old and new values, then by neighbours."""
    past.read(second=20, name=now)
    tell(past, told)

    assert expected == past.history()


def test_a_score_that_is_told_twice(past: Past) -> None:
    """Change Score and Change Data Value of one change are one change, also where it goes to and fro in a second."""
    past.read(second=30, score=1)
    for kind in (22, 13):
        past.change(10, "score", "0", "1", kind=kind)
        for old, new in (("1", "2"), ("2", "1"), ("1", "2")):
            past.change(20, "score", old, new, kind=kind)
        past.change(25, "score", "2", "1", kind=kind)

    assert [("0", 0, 10), ("1", 10, 20), ("2", 20, 25), ("1", 25, None)] == past.history()


def test_no_value_in_three_spellings(past: Past) -> None:
    """An empty text and a missing one are both no value; the word null is a text."""
    past.read(second=30, name="null")
    tell(past, [(10, "A", ""), (20, None, "null")])

    assert [("A", 0, 10), (None, 10, 20), ("null", 20, None)] == past.history()
    assert [False] * 3 == [row[-1] for row in past.history("_is_disputed")]


def test_an_old_value_that_disagrees(past: Past) -> None:
    """The interval keeps what was held, and is marked; the same value in another spelling is no disagreement."""
    past.read(second=40, name="D", balance="2.5", seen=at(0))
    tell(past, [(10, "A", "B"), (20, "C", "D")])
    tell(past, [(10, "1", "1.50"), (20, "1.5", "2.50")], "balance")
    tell(past, [(10, None, "2026-08-01T02:00:00+0200"), (20, "2026-08-01T00:00:00Z", "2026-08-01T00:00:00Z")], "seen")
    past.change(30, "seen", "2026-08-01T00:00:00Z", "2026-08-01T00:00:00+0000")

    assert [("A", 0, 10, False), ("B", 10, 20, True), ("D", 20, None, False)] == past.history(
        "_is_disputed", name="name"
    )
    assert [False] * 3 == [row[-1] for row in past.history("_is_disputed", name="balance")]
    assert [False] * len(past.history(name="seen")) == [row[-1] for row in past.history("_is_disputed", name="seen")]


def test_a_reading_that_disagrees_with_what_was_told(past: Past) -> None:
    """The last interval holds what was read, from when it was read, and says so; equal values have no such interval."""
    past.read(second=20, name="C", balance="2.5", seen=at(0), vip=True)
    tell(past, [(10, "A", "B")])
    tell(past, [(10, "1", "2.50")], "balance")
    tell(past, [(10, None, "2026-08-01T00:00:00+0000")], "seen")
    tell(past, [(10, "false", "1")], "vip")

    assert [("A", 0, 10, "activity"), ("B", 10, 20, "activity"), ("C", 20, None, "reading")] == past.history(
        "_evidence", name="name"
    )
    assert [2, 2, 2] == [len(past.history(name=name)) for name in ("balance", "seen", "vip")]


def test_a_number_that_came_and_went_within_a_second(past: Past) -> None:
    """A lead that is read without it afterwards had none before either."""
    past.read(second=21, name="C")
    tell(past, [(10, None, "5"), (10, "5", None)], name="score")

    assert [] == past.history(name="score")
    assert [(7, None)] == past.leads_as_of(5, "id", "score")


def test_a_reading_just_before_the_change(past: Past) -> None:
    """What was read within the second of a change, and is the value before it, was read before it."""
    past.read(second=10, name="A")
    tell(past, [(10, "A", "B")])

    assert [("A", 0, 10), ("B", 10, None)] == past.history()


def test_a_reading_in_the_second_of_the_change(past: Past) -> None:
    """What was read stands in the place of what was told."""
    past.read(second=10, name="C")
    tell(past, [(10, "A", "B")])

    assert [("A", 0, 10), ("C", 10, None)] == past.history()


def test_what_no_activity_explains(past: Past) -> None:
    """A difference of two readings counts from the later one on, in Marketo's spelling."""
    past.read(second=20, name="B", balance="2.5", seen=at(1))
    past.difference(0, 20, "name", "A", "B")
    past.difference(0, 20, "balance", "1.0000", "2.5000")
    past.difference(0, 20, "seen", "2026-08-01 00:00:00+00", "2026-08-01 00:00:01+00")
    past.difference(0, 20, "updatedAt", "2026-08-01 00:00:00+00", "2026-08-01 00:00:01+00")

    assert [("1", 0, 20, "reading"), ("2.5", 20, None, "reading")] == past.history("_evidence", name="balance")
    assert [("A", 0, 20, "reading"), ("B", 20, None, "reading")] == past.history("_evidence", name="name")
    assert [("2026-08-01T00:00:00Z", 0, 20), ("2026-08-01T00:00:01Z", 20, None)] == past.history(name="seen")
    assert [] == past.history(name="updatedAt")


@pytest.mark.parametrize(
    "second", [-1, 15, 20], ids=["in the second before", "between", "in the second of the reading"]
)
def test_a_difference_that_is_explained_later(past: Past, second: int) -> None:
    """The activity counts from its own moment on, and the difference no longer."""
    past.read(second=20, name="B")
    past.difference(0, 20, "name", "A", "B")
    past.change(second, "name", "A", "B")

    expected = [("A", 0, second, "activity"), ("B", second, None, "activity")] if second > 0 else []
    assert expected == past.history("_evidence")


def test_a_change_while_it_was_read(past: Past) -> None:
    """A reading is dated when it began; the change that it shows counts from its own moment on, and once."""
    past.read(second=50, name="B", balance="2.5")
    past.difference(0, 20, "name", "A", "B")
    past.change(26, "name", "A", "B")
    past.difference(0, 20, "balance", "1.0000", "2.5000")
    past.change(26, "balance", "1", "2.50")

    assert [("A", 0, 26, "activity"), ("B", 26, None, "activity")] == past.history("_evidence", name="name")
    assert [("1", 0, 26, "activity"), ("2.50", 26, None, "activity")] == past.history("_evidence", name="balance")


def test_a_later_change_of_another_value_explains_nothing(past: Past) -> None:
    """What was read without an activity stays told, whatever was changed afterwards."""
    past.read(second=50, name="C")
    past.difference(0, 20, "name", "A", "B")
    past.change(26, "name", "B", "C")

    assert [("A", 0, 20), ("B", 20, 26), ("C", 26, None)] == past.history(name="name")


def test_a_change_of_another_field_explains_nothing(past: Past) -> None:
    """Nor does one of another lead, or of another time."""
    past.read(second=20, name="B")
    past.difference(10, 20, "name", "A", "B")
    past.change(15, "score", "1", "2")
    past.change(15, "name", "A", "B", lead_id=LEAD + 1)
    past.change(8, "name", "?", "A")

    assert ("B", 20, None, "reading") == past.history("_evidence", name="name")[-1]


def test_fields_that_are_not_copied_or_hidden(past: Past) -> None:
    """What was told of them is history, though nothing is read any more that would agree."""
    past.read(second=20, name="old")
    tell(past, [(10, "A", "B")], "secret")
    tell(past, [(10, "A", "B")], "Nobody Knows")
    tell(past, [(10, "old", "B")], "name")
    past.con.execute("UPDATE main.lead_fields SET is_hidden = true WHERE name = 'name'")

    assert [("B", 10, None)] * 3 == [past.history(name=name)[-1] for name in ("secret", "Nobody Knows", "name")]


def test_a_time_that_marketo_forgot(past: Past) -> None:
    """Intervals that overlap it are marked, and no others."""
    past.read(second=60, name="D")
    tell(past, [(10, "A", "B"), (20, "B", "C"), (50, "C", "D")])
    past.gap(20, 40)

    assert [False, False, True, False] == [row[-1] for row in past.history("_has_gap")]


def test_views_and_macro_explain_themselves(past: Past) -> None:
    """All of them and every column have a comment."""
    past.history()
    asked = "SELECT comment FROM {} WHERE {} IN ('lead_history', 'lead_field_changes', 'leads_as_of')"
    found = [
        past.con.execute(asked.format(*told)).fetchall()
        for told in (
            ("duckdb_views()", "view_name"),
            ("duckdb_columns()", "table_name"),
            ("duckdb_functions()", "function_name"),
        )
    ]

    assert [2, 15, 1] == [len(rows) for rows in found]
    assert all(comment for rows in found for (comment,) in rows)


def made(past: Past) -> dict[str, int]:
    """Return which view each name stands for; making it anew gives it another number."""
    past.history()
    found = past.con.execute("SELECT view_name, view_oid FROM duckdb_views() WHERE NOT internal").fetchall()
    return {name: oid for name, oid in found if name in ("lead_history", "lead_field_changes")}


def test_nothing_is_made_anew_where_fields_are_as_before(past: Past) -> None:
    """More changes of the same fields leave the views as they are; another field or type does not."""
    past.read(second=21, name="C", score=1)
    tell(past, [(10, "A", "B")])
    first = made(past)
    tell(past, [(20, "B", "C")])
    assert first == made(past)

    tell(past, [(20, "0", "1")], "score")
    second = made(past)
    assert set() == {*first.values()} & {*second.values()}
    assert [("0", 0, 20), ("1", 20, None)] == past.history(name="score")

    past.con.execute(f"ALTER TABLE {SHOWN} ALTER vip TYPE VARCHAR")
    past.con.execute(f"ALTER TABLE {PAST} ALTER vip TYPE VARCHAR")
    assert set() == {*second.values()} & {*made(past).values()}
    assert [(LEAD, None)] == past.leads_as_of(15, "id", "vip")
