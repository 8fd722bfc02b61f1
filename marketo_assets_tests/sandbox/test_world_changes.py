"""What happens to leads and fields after the world was made."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from marketo_assets.sandbox.fields import InvalidValueError, Json, UnknownFieldError
from marketo_assets.sandbox.world import UnknownLeadError, World

NOW = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MUCH_LATER = NOW + timedelta(hours=2)


@pytest.fixture
def world() -> World:
    return World(seed=1, leads=300, months=3, now=NOW)


@pytest.fixture
def ids(world: World) -> list[int]:
    return list(world.ids_between("createdAt", world.start, NOW))


def value(world: World, lead_id: int, name: str) -> Json:
    return world.truth([name], after_id=lead_id - 1, limit=1)[0][name]


def cells(world: World, lead_id: int, *names: str) -> str:
    out = io.BytesIO()
    world.write_export([lead_id], names, out)
    return out.getvalue().decode().split("\n", 1)[1].rstrip("\n")


def test_edit_of_a_custom_field_moves_only_the_hidden_stamp(world: World, ids: list[int]) -> None:
    """After a custom field changed, the updatedAt filter finds the lead and the updatedAt column is as before."""
    before = value(world, ids[0], "updatedAt")
    world.edit(ids[0], {"planName": "another plan"}, LATER)
    assert world.ids_between("updatedAt", LATER, LATER) == [ids[0]]
    assert value(world, ids[0], "updatedAt") == before


def test_edit_of_a_standard_field_moves_both_stamps(world: World, ids: list[int]) -> None:
    """After a standard field changed, filter and column agree; the creation stays where it was."""
    created = value(world, ids[0], "createdAt")
    world.edit(ids[0], {"firstName": "Another", "planName": "another plan"}, LATER)
    assert world.ids_between("updatedAt", LATER, LATER) == [ids[0]]
    assert value(world, ids[0], "updatedAt") == "2026-08-15T13:00:00Z"
    assert value(world, ids[0], "createdAt") == created


def test_edit_leaves_its_old_window(world: World, ids: list[int]) -> None:
    """A lead is found by its latest update only: intermediate states are lost."""
    world.edit(ids[0], {"planName": "one"}, LATER)
    world.edit(ids[0], {"planName": "two"}, MUCH_LATER)
    assert world.ids_between("updatedAt", LATER, LATER) == []
    assert world.ids_between("updatedAt", MUCH_LATER, MUCH_LATER) == [ids[0]]


def test_edit_that_changes_nothing_moves_nothing(world: World, ids: list[int]) -> None:
    """Writing a value that a lead already has leaves every stamp where it was."""
    known = {
        name: found for name, found in world.truth(limit=1)[0].items() if name in ("firstName", "order", "balance")
    }
    world.edit(ids[0], known, LATER)
    assert world.ids_between("updatedAt", LATER, LATER) == []


def test_edit_dated_back_does_not_turn_the_stamp_back(world: World, ids: list[int]) -> None:
    """A change that arrives late does not make a lead look older than its latest change."""
    world.edit(ids[0], {"firstName": "First"}, MUCH_LATER)
    world.truth(limit=1)
    world.edit(ids[0], {"firstName": "Second"}, LATER)
    assert value(world, ids[0], "updatedAt") == "2026-08-15T14:00:00Z"
    assert value(world, ids[0], "firstName") == "Second"


@pytest.mark.parametrize("empty", [None, ""], ids=["null", "empty text"])
def test_empty_text_is_stored_as_null(empty: str | None, world: World, ids: list[int]) -> None:
    """Null and the empty text are one and the same: the value is missing everywhere."""
    world.edit(ids[0], {"firstName": empty, "order": empty}, LATER)
    assert value(world, ids[0], "firstName") is None
    assert world.lead(ids[0], ["id", "firstName", "order"]) == {"id": ids[0]}
    assert cells(world, ids[0], "firstName", "order") == "null,null"


def test_deleted_lead_is_gone_for_good(world: World, ids: list[int]) -> None:
    """A deleted lead is in no window, no answer, no search and no truth, and cannot be changed any more."""
    world.delete(ids[5], LATER)
    assert ids[5] not in world.ids_between("createdAt", world.start, NOW)
    assert world.lead(ids[5], ["id"]) is None
    assert world.leads(ids[4:7], ["id"]) == [{"id": ids[4]}, {"id": ids[6]}]
    assert world.find("id", [ids[5]]) == []
    assert ids[5] not in [lead["id"] for lead in world.truth(["id"])]
    assert (world.counts.live, world.counts.deleted, dict(world.deleted)) == (299, 1, {ids[5]: LATER})
    for change in (lambda: world.delete(ids[5], LATER), lambda: world.edit(ids[5], {"firstName": "X"}, LATER)):
        with pytest.raises(UnknownLeadError):
            change()


def test_ids_are_never_given_again(world: World, ids: list[int]) -> None:
    """A lead added after the newest one was deleted gets a higher id."""
    world.delete(ids[-1], LATER)
    first = world.add({"email": "a@example.com"}, LATER)
    world.delete(first, LATER)
    assert ids[-1] < first < world.add({"email": "a@example.com"}, LATER)


def test_added_lead_has_what_it_was_given(world: World) -> None:
    """A new lead holds its values and nothing else, and all its moments are its creation."""
    lead_id = world.add({"email": "new@example.com", "order": 3, "notes": ""}, LATER)
    assert {name: found for name, found in world.truth(after_id=lead_id - 1)[0].items() if found is not None} == {
        "id": lead_id,
        "createdAt": "2026-08-15T13:00:00Z",
        "updatedAt": "2026-08-15T13:00:00Z",
        "email": "new@example.com",
        "order": 3,
    }
    assert world.ids_between("createdAt", LATER, LATER) == [lead_id]
    assert world.ids_between("updatedAt", LATER, LATER) == [lead_id]
    assert world.counts.live == 301


def test_merge_keeps_the_winners_values_and_fills_its_gaps(world: World) -> None:
    """The winner keeps every value it has, takes the losers' in their order where it has none, and they are gone."""
    winner = world.add({"firstName": "Kim", "order": 0, "group": False}, NOW)
    one = world.add({"firstName": "Lee", "lastName": "One", "order": 5, "group": True}, NOW)
    two = world.add({"lastName": "Two", "planName": "gold", "email": "two@example.com"}, NOW)
    world.merge(winner, [one, two], LATER)
    names = ["id", "firstName", "lastName", "order", "group", "planName", "email"]
    assert world.lead(winner, names) == {
        "id": winner,
        "firstName": "Kim",
        "lastName": "One",
        "order": 0,
        "group": False,
        "planName": "gold",
        "email": "two@example.com",
    }
    assert world.leads([one, two], names) == []
    assert dict(world.counts.merged) == {one: winner, two: winner}
    assert world.counts.deleted == 0
    assert world.ids_between("updatedAt", LATER, LATER) == [winner]


def test_merge_fills_gaps_from_generated_leads(world: World, ids: list[int]) -> None:
    """Two leads of the seed merge like any others, field by field, hidden ones included."""
    names = [name for name, field in world.fields.items() if field.rest and field.data_type != "formula"]
    winner, loser = world.truth(names, limit=2)
    world.merge(ids[0], [ids[1]], LATER)
    expected = {name: winner[name] if winner[name] is not None else loser[name] for name in names}
    assert world.truth(names, limit=1)[0] == {**expected, "updatedAt": value(world, ids[0], "updatedAt")}


def test_merge_that_fills_nothing_moves_nothing(world: World) -> None:
    """A winner that takes no value keeps its stamps: no source says that a merge alone moves them."""
    winner, loser = world.add({"firstName": "Kim"}, NOW), world.add({"firstName": "Lee"}, NOW)
    world.merge(winner, [loser], LATER)
    assert world.ids_between("updatedAt", LATER, LATER) == []
    assert world.lead(loser, ["id"]) is None


def test_refused_merge_changes_nothing(world: World, ids: list[int]) -> None:
    """A merge that names a lead twice, itself or an unknown one leaves every lead as it was."""
    before = world.truth()
    with pytest.raises(UnknownLeadError):
        world.merge(ids[0], [ids[1], 999], LATER)
    for losers in ([ids[0]], [ids[1], ids[1]]):
        with pytest.raises(InvalidValueError):
            world.merge(ids[0], losers, LATER)
    assert world.truth() == before


def test_chain_of_merges_is_remembered(world: World, ids: list[int]) -> None:
    """When a winner loses later, both steps stand in the merge map."""
    world.merge(ids[1], [ids[0]], LATER)
    world.merge(ids[2], [ids[1]], MUCH_LATER)
    assert dict(world.counts.merged) == {ids[0]: ids[1], ids[1]: ids[2]}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("order", "5"), ("order", 5.5), ("order", True), ("order", 2**63), ("leadScore", "high"),
        ("balance", "1.5"), ("balance", float("nan")), ("latitude", False), ("group", 1), ("group", "true"),
        ("renewalOn", "2026-02-30"), ("renewalOn", "30.2.2026"), ("renewalOn", 20260101),
        ("lastVisitAt", "yesterday"), ("lastVisitAt", "2026-01-01"), ("lastVisitAt", "0001-01-01T00:00:00+09:00"),
        ("firstName", 5), ("firstName", "x" * 256), ("notes", "é" * 15_001), ("notes", "\ud800"),
        ("email", "é@example.com"),
        ("id", 5), ("createdAt", "2026-01-01T00:00:00Z"), ("updatedAt", None), ("fullAddressFormula", "x"),
    ],
    ids=lambda part: ascii(part)[:24],
)  # fmt: skip
def test_wrong_values_are_refused(field: str, wrong: object, world: World, ids: list[int]) -> None:
    """A value of the wrong type, too long, or in a field that nobody sets is refused, and nothing is changed."""
    before = world.truth(limit=1)
    with pytest.raises(InvalidValueError, match=field):
        world.edit(ids[0], {"firstName": "Changed", field: wrong}, LATER)
    with pytest.raises(InvalidValueError, match=field):
        world.add({field: wrong}, LATER)
    assert world.truth(limit=1) == before
    assert world.counts.live == 300


@pytest.mark.parametrize(
    ("field", "given", "kept", "cell"),
    [
        ("bigCounter", -(2**63), -(2**63), "-9223372036854775808"),
        ("balance", -0.1234, -0.1234, "-0.1234"),
        ("balance", Decimal("12.5000"), 12.5, "12.5"),
        ("latitude", 1e-7, 1e-7, "0.0000001"),
        ("latitude", 1e16, 10**16, "10000000000000000"),
        ("winPercent", 50, 50, "50"),
        ("isPartner", True, True, "1"),
        ("group", False, False, "false"),
        ("foundedOn", "0987-06-05", "0987-06-05", "0987-06-05"),
        ("foundedOn", date(2024, 2, 29), "2024-02-29", "2024-02-29"),
        ("lastVisitAt", "2026-01-01T01:00:00+02:00", "2025-12-31T23:00:00Z", "2025-12-31T23:00:00Z"),
        ("lastVisitAt", "0999-01-01T00:00:00", "0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
        ("syncedAt", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+0000"),
        ("firstName", "null", "null", '"null"'),
        ("notes", 'a "b", c\r\n', 'a "b", c\r\n', '"a ""b"", c\r\n"'),
    ],
    ids=lambda part: ascii(part)[:24],
)  # fmt: skip
def test_right_values_are_kept(field: str, given: object, kept: Json, cell: str, world: World, ids: list[int]) -> None:
    """A value of the right type is held as such and written as a cell of its type."""
    world.edit(ids[0], {field: given}, LATER)
    assert value(world, ids[0], field) == kept
    assert cells(world, ids[0], field) == cell
    world.edit(ids[0], {field: given}, MUCH_LATER)
    assert world.ids_between("updatedAt", MUCH_LATER, MUCH_LATER) == []


@pytest.mark.parametrize("name", ["nonsense", "firstname", "retiredCode", "soapOnlyFlag"])
def test_unknown_fields_are_refused(name: str, world: World, ids: list[int]) -> None:
    """A name that no visible field has, to the letter, is refused by every way in."""
    ways = [
        lambda: world.edit(ids[0], {name: "x"}, LATER),
        lambda: world.add({name: "x"}, LATER),
        lambda: world.lead(ids[0], [name]),
        lambda: world.leads(ids, [name]),
        lambda: world.find(name, ["x"]),
        lambda: world.write_export(ids, [name], io.BytesIO()),
    ]
    for way in ways:
        with pytest.raises(UnknownFieldError, match=name):
            way()


def test_new_field_is_empty_until_written(world: World, ids: list[int]) -> None:
    """A field added later is described, empty in every lead, and takes values like any other."""
    field = world.add_field("tShirtSize", "integer", display_name="T-Shirt Size")
    assert world.fields["tShirtSize"] == field
    assert field.id == max(known.id for known in world.fields.values())
    assert {lead["tShirtSize"] for lead in world.truth()} == {None}
    world.edit(ids[0], {"tShirtSize": 44}, LATER)
    assert value(world, ids[0], "tShirtSize") == 44


@pytest.mark.parametrize("name", ["email", "retiredCode", "9lives", "with space", ""])
def test_impossible_new_fields_are_refused(name: str, world: World) -> None:
    """A name that is taken, even by a hidden field, or is no REST name makes no field."""
    with pytest.raises(InvalidValueError):
        world.add_field(name, "string")


def test_hidden_field_keeps_its_values(world: World, ids: list[int]) -> None:
    """A hidden field is refused and no longer in the truth by default; asked by name its values are there still."""
    before = [lead["planName"] for lead in world.truth()]
    assert world.hide_field("planName").hidden
    assert "planName" not in world.truth(limit=1)[0]
    assert [lead["planName"] for lead in world.truth(["planName"])] == before
    with pytest.raises(UnknownFieldError):
        world.lead(ids[0], ["planName"])
    world.hide_field("planName", hidden=False)
    assert [lead["planName"] for lead in world.truth()] == before


def test_retyped_field_speaks_another_type(world: World, ids: list[int]) -> None:
    """Values that fit the new type are spoken in it; those that do not stay the texts they were."""
    numbers = [lead["order"] for lead in world.truth()]
    world.retype_field("order", "string")
    assert [lead["order"] for lead in world.truth()] == [None if number is None else str(number) for number in numbers]
    world.edit(ids[0], {"order": "seven"}, LATER)
    assert world.retype_field("order", "integer").length is None
    assert [lead["order"] for lead in world.truth()] == ["seven", *numbers[1:]]


def test_retyped_field_drops_its_spelling(world: World) -> None:
    """A moment with an unusual zone, retyped to text, is one and the same text in file and answer."""
    world.retype_field("syncedAt", "string")
    for lead in world.truth(["syncedAt"], limit=20):
        if lead["syncedAt"] is not None:
            lead_id = int(str(lead["id"]))
            assert cells(world, lead_id, "syncedAt") == lead["syncedAt"]
            assert world.lead(lead_id, ["syncedAt"]) == {"syncedAt": lead["syncedAt"]}


@pytest.mark.parametrize("name", ["id", "createdAt", "updatedAt", "nonsense"])
def test_fields_that_cannot_change(name: str, world: World) -> None:
    """Id and stamps can be neither hidden nor retyped, nor can a field that is not there."""
    with pytest.raises(UnknownFieldError):
        world.hide_field(name)
    with pytest.raises(UnknownFieldError):
        world.retype_field(name, "string")


def test_find_searches_what_is_there_now(world: World, ids: list[int]) -> None:
    """A search finds present values, of the seed and written since, in live leads, and compares to the letter."""
    shared = world.find("email", ["info@example.org"])
    assert shared == [lead["id"] for lead in world.truth(["email"]) if lead["email"] == "info@example.org"]
    world.edit(shared[0], {"email": "moved@example.com"}, LATER)
    world.delete(shared[1], LATER)
    added = world.add({"email": "info@example.org"}, LATER)
    assert world.find("email", ["info@example.org", "moved@example.com"]) == [shared[0], *shared[2:], added]
    assert world.find("email", ["INFO@example.org"]) == []
    assert world.find("id", [str(ids[2]), ids[0], "no id", "9" * 30]) == [ids[0], ids[2]]
