"""Marketo that tells of no member, or record, anywhere any more is doubted, until a later reading says the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from marketo_assets.load.list_capture import ListCapture
from marketo_assets.load.member_capture import MemberCapture
from marketo_assets.load.member_doubts import MOST_AT_ONCE
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.member_road import (
    ALL_NOW,
    begin,
    capture_lists,
    capture_members,
    change_list,
    change_program,
    in_program,
    on_list,
    wrong_lists,
    wrong_members,
)
from marketo_assets_tests.pipeline.reference_road import land, peek, read, reference_diff
from marketo_assets_tests.pipeline.road import Road

Members = dict[int, dict[str, list[int]]]
"""By program or list, and status where there are any, the leads."""


@dataclass(frozen=True)
class Kind:
    """Something that has members."""

    name: str
    asset: str
    members: Callable[[Road, int], dict[str, list[int]]]
    change: Callable[[Road, int, str, list[int], bool], None]
    """Let leads join with a status, or leave."""
    capture: Callable[[Road], MemberCapture | ListCapture]
    wrong: Callable[[Road], list[str]]


def _by_status(road: Road, program_id: int) -> dict[str, list[int]]:
    found = defaultdict(list)
    for member in road.desk("GET", f"/programs/{program_id}/members"):
        found[member["statusName"]].append(member["leadId"])
    return found


def _change_program(road: Road, program_id: int, status: str, leads: list[int], joins: bool) -> None:
    change_program(road, program_id, leads, status if joins else "Not in Program")


def _change_list(road: Road, list_id: int, _: str, leads: list[int], joins: bool) -> None:
    change_list(road, list_id, **{"add" if joins else "remove": leads})


KINDS = [
    Kind(
        "programs",
        "program",
        _by_status,
        _change_program,
        lambda road: capture_members(road, ALL_NOW),
        wrong_members,
    ),
    Kind(
        "lists",
        "static_list",
        lambda road, list_id: {"": leads} if (leads := on_list(road, list_id)) else {},
        _change_list,
        lambda road: capture_lists(road, ALL_NOW),
        wrong_lists,
    ),
]
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    """A road that knows programs and lists, and captures no activities that would tell of lists."""
    return begin(make_road(leads=60))


def everybody(road: Road, kind: Kind) -> Members:
    """Return who is in what."""
    ids = [asset["id"] for asset in road.desk("GET", f"/assets/{kind.asset}")["assets"]]
    return {number: members for number in ids if (members := kind.members(road, number))}


def let(road: Road, kind: Kind, members: Members, *, join: bool) -> None:
    """Let them all join, or leave."""
    for number, found in members.items():
        for status, leads in found.items():
            kind.change(road, number, status, leads, join)


def marked(road: Road, kind: Kind) -> int:
    """Return how many memberships are shown as ended."""
    table = "program_members" if kind.name == "programs" else "static_list_members"
    ((count,),) = road.query(f"SELECT count(removed_at) FROM {table}")
    return int(count)


def doubts(road: Road) -> int:
    ((count,),) = road.query("SELECT count(empty_since) FROM meta.member_readings")
    return int(count)


@of_each_kind
def test_nobody_anywhere_is_not_believed_at_once(road: Road, kind: Kind) -> None:
    """Nothing is marked, the run says so, and when everybody is there again nothing has happened."""
    kind.capture(road)
    members = everybody(road, kind)
    let(road, kind, members, join=False)
    for seconds in (3600, 3600):
        road.settings.clock.sleep(seconds)
        assert len(members) == kind.capture(road).doubted > MOST_AT_ONCE
    road.publish()
    assert (0, len(members)) == (marked(road, kind), doubts(road))
    assert any("nothing was marked" in line for line in road.log)
    let(road, kind, members, join=True)
    road.settings.clock.sleep(3600)

    assert 0 == kind.capture(road).doubted
    assert [] == kind.wrong(road)
    assert (0, 0) == (marked(road, kind), doubts(road))


@of_each_kind
def test_a_reading_of_another_day_confirms_it(road: Road, kind: Kind) -> None:
    """Who is gone for a day is gone: the next night's reading marks all, whatever refreshes came between."""
    kind.capture(road)
    let(road, kind, everybody(road, kind), join=False)
    kind.capture(road)
    road.settings.clock.sleep(86_400)

    assert 0 == kind.capture(road).doubted
    assert [] == kind.wrong(road)
    assert marked(road, kind) > 0 == doubts(road)


@of_each_kind
def test_a_few_that_are_empty_are_nothing_unusual(road: Road, kind: Kind) -> None:
    """Where others have members, or few had any, an empty one is believed at once."""
    kind.capture(road)
    members = everybody(road, kind)
    first = {number: members.pop(number) for number in sorted(members)[: MOST_AT_ONCE + 1]}
    let(road, kind, first, join=False)
    assert 0 == kind.capture(road).doubted
    assert [] == kind.wrong(road)
    last = {number: members.pop(number) for number in sorted(members)[:MOST_AT_ONCE]}
    let(road, kind, members, join=False)
    kind.capture(road)
    road.settings.clock.sleep(86_400)
    kind.capture(road)
    let(road, kind, last, join=False)

    assert 0 == kind.capture(road).doubted
    assert [] == kind.wrong(road)


def test_a_day_later_programs_are_read_whole_without_being_told_to(road: Road) -> None:
    """What is doubted is due at the next run, though programs are else asked for what changed."""
    capture_members(road)
    members = everybody(road, KINDS[0])
    let(road, KINDS[0], members, join=False)
    assert len(members) == capture_members(road, ALL_NOW).doubted
    road.settings.clock.sleep(86_400)
    found = capture_members(road)

    assert (len(members), 0) == (found.read_whole, found.doubted)
    assert [] == wrong_members(road)
    assert [] == [lead for number in members for lead in in_program(road, number)]


def test_everything_gone_at_once_is_shown_until_the_next_day_confirms_it(make_road: MakeRoad) -> None:
    """However often it is read or landed meanwhile; and what comes back before that was never away."""
    road = make_road(leads=5, months=1)
    read(road)
    removed = "SELECT count(*) FROM raw.reference_versions WHERE removed_at IS NOT NULL AND object = '{}'"
    for kind in ("email", "static_list"):
        for asset in road.desk("GET", f"/assets/{kind}")["assets"]:
            road.desk("DELETE", f"/assets/{kind}/{asset['id']}")
    for _ in range(3):
        road.settings.clock.sleep(4000)
        read(road, is_refresh=True)
    land(road, is_refresh=True)
    assert [(0,)] == peek(road, removed.format("emails")) == peek(road, removed.format("static_lists"))
    assert any("emails: Marketo tells of none any more" in line for line in road.log)
    road.desk("POST", "/assets/static_list", name="One that is new")
    read(road, is_refresh=True)
    assert [] == reference_diff(road, "static_lists"), "where there is one, the others are gone"
    road.settings.clock.sleep(75_000)
    read(road)

    assert [] == reference_diff(road)
