"""Who is on static lists: read once, told by activities from then on, and read again where they cannot tell."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from math import inf
from random import Random
from typing import Any

import httpx
import pytest

from marketo_assets.load.member_capture import ReadingTerms
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.member_road import (
    ALL_NOW,
    begin,
    calls,
    capture_lists,
    change_list,
    kept_open,
    lead_ids,
    on_list,
    wrong_lists,
)
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Cut, Dying, Killed

LISTS = 26
EMPTY, READERS, PARTNERS = 3026, 3001, 3002
DAY = 86_400.0


@pytest.fixture
def road(make_road: MakeRoad) -> Iterator[Road]:
    with kept_open(make_road(leads=400)) as road:
        yield begin(road)


@pytest.fixture
def told(road: Road) -> Road:
    """A road on which every list was read, and activities are captured."""
    road.capture_activities()
    pass_time(road)
    capture_lists(road)
    pass_time(road)
    return road


def pass_time(road: Road, seconds: float = 60.0) -> None:
    road.settings.clock.sleep(seconds)


def list_calls(road: Road) -> int:
    return calls(road, "/rest/v1/lists/") + calls(road, "/leads/export")


def row(road: Road, list_id: int, lead_id: int) -> tuple[datetime, datetime, datetime | None]:
    """Return first_seen_at, last_seen_at and removed_at of a membership."""
    ((first, last, removed),) = road.query(
        "SELECT first_seen_at, last_seen_at, removed_at FROM static_list_members WHERE list_id = ? AND lead_id = ?",
        list_id,
        lead_id,
    )
    return first, last, removed


def test_small_lists_are_read_and_large_ones_exported(make_road: MakeRoad) -> None:
    """Up to five pages cost a call each, an empty list one; a larger list is one export of ids."""
    road = begin(make_road(leads=9_000, months=1))
    capture = capture_lists(road)
    assert [] == wrong_lists(road)
    assert len(on_list(road, READERS)) > 1_500
    assert 600 < len(on_list(road, 3003)) <= 1_500
    assert (LISTS, LISTS, 1) == (capture.lists, capture.read, capture.exported)
    assert 25 + 1 + 2 + 5 >= calls(road, "/rest/v1/lists/")
    assert [] == on_list(road, EMPTY)
    assert capture.file_bytes < 12 * len(on_list(road, READERS))
    before = calls(road, "/rest/v1/lists/3001/")
    capture_lists(road, ALL_NOW)
    assert before == calls(road, "/rest/v1/lists/3001/"), "its size is known by now"


def test_a_list_of_a_thousand_is_read_by_pages(make_road: MakeRoad) -> None:
    """A list of four pages costs four calls and no export, and everybody is there once."""
    road = begin(make_road(leads=6_400, months=1))
    assert 1_000 < len(on_list(road, READERS)) < 1_200
    assert 0 == capture_lists(road).exported
    assert 4 == calls(road, "/rest/v1/lists/3001/")
    assert [] == wrong_lists(road)


def test_activities_tell_who_joined_and_who_left(told: Road) -> None:
    """From the second capture on no list is asked for: joining, leaving and coming back cost no call of their own."""
    strangers = sorted(set(lead_ids(told)) - set(on_list(told, PARTNERS)))
    leaver, before = on_list(told, PARTNERS)[0], list_calls(told)
    change_list(told, PARTNERS, add=strangers[:2], remove=[leaver])
    change_list(told, EMPTY, add=strangers[:3])
    joined_at = told.settings.clock.now()
    pass_time(told)
    capture = capture_lists(told)
    assert [] == wrong_lists(told)
    assert (LISTS, 0) == (capture.told, capture.read)
    first, last, removed = row(told, PARTNERS, strangers[0])
    assert (joined_at, None) == (first, removed)
    assert last > joined_at
    assert (joined_at, joined_at) == row(told, PARTNERS, leaver)[1:]
    pass_time(told)
    change_list(told, PARTNERS, add=[leaver])
    pass_time(told)
    capture_lists(told)
    assert [] == wrong_lists(told)
    assert row(told, PARTNERS, leaver)[2] is None
    assert before == list_calls(told)


def test_joined_and_left_between_two_captures(told: Road) -> None:
    """Whoever joined and left between two captures is no member, and it is known from when until when it was one."""
    (lead_id, *_) = lead_ids(told)
    change_list(told, EMPTY, add=[lead_id])
    joined_at = told.settings.clock.now()
    pass_time(told)
    change_list(told, EMPTY, remove=[lead_id])
    left_at = told.settings.clock.now()
    pass_time(told)
    capture_lists(told)
    assert [] == wrong_lists(told)
    assert (joined_at, left_at, left_at) == row(told, EMPTY, lead_id)


def test_what_contradicts_itself_is_read(told: Road) -> None:
    """Joining and leaving in one second cannot be put in order: that list, and no other, is read again."""
    (one, other, *_) = lead_ids(told)
    change_list(told, EMPTY, add=[one])
    change_list(told, EMPTY, remove=[one])
    change_list(told, EMPTY, add=[one, other])
    pass_time(told)
    capture = capture_lists(told)
    assert (1, LISTS - 1) == (capture.read, capture.told)
    assert [] == wrong_lists(told)
    pass_time(told)
    assert 0 == capture_lists(told).read


def test_a_skipped_step_is_no_membership(told: Road) -> None:
    """A flow step that an export says was skipped added nobody; where only REST has told of it, a reading does."""
    (lead_id, *_) = lead_ids(told)
    kind = {"lead_id": lead_id, "type": "Add to List", "primary_id": EMPTY, "primary": "Empty", "result": "skipped"}
    told.desk("POST", "/activities", activities=[kind])
    pass_time(told)
    capture_lists(told)
    assert 1 == len(wrong_lists(told))
    told.load_activities(told.land_activities("2026-08"))
    capture_lists(told)
    assert [] == wrong_lists(told)


def test_a_merged_lead_takes_its_lists_along(told: Road) -> None:
    """The winner is on the lists of its loser, of which no activity tells; the loser is on none any more."""
    told.travel("2026-08")
    pass_time(told)
    readers, partners = set(on_list(told, READERS)), set(on_list(told, PARTNERS))
    loser, winner = min(partners - readers), min(readers - partners)
    told.desk("POST", "/changes", changes=[{"merge": winner, "losers": [loser]}])
    pass_time(told)
    capture = capture_lists(told)
    assert [] == wrong_lists(told)
    assert 0 == capture.read
    assert row(told, PARTNERS, winner)[2] is None
    assert row(told, PARTNERS, loser)[2] is not None
    change_list(told, PARTNERS, add=[lead_ids(told)[0]])
    pass_time(told)
    change_list(told, PARTNERS, remove=on_list(told, PARTNERS)[:1])
    pass_time(told)
    capture_lists(told)
    assert [] == wrong_lists(told)


def test_a_deleted_lead_is_on_no_list(told: Road) -> None:
    """As soon as a deletion is captured, no membership of the lead is left without an end."""
    told.travel("2026-08")
    gone = on_list(told, READERS)[0]
    told.desk("POST", "/changes", changes=[{"delete": gone}])
    told.capture()
    assert [] == wrong_lists(told)
    assert row(told, READERS, gone)[2] is not None


def test_without_activities_every_list_is_read_each_time(road: Road) -> None:
    """Where Add to List is not captured, nothing tells of changes, so each capture reads each list."""
    capture_lists(road)
    for left in on_list(road, READERS)[:3]:
        pass_time(road)
        change_list(road, READERS, remove=[left])
        assert LISTS == capture_lists(road).read
        assert [] == wrong_lists(road)
    some = road.with_settings(activity_types=("Click Email",))
    some.kept = road.kept
    some.capture_activities()
    pass_time(road)
    assert LISTS == capture_lists(some).read


def test_activities_of_long_ago_are_not_caught_up_with(told: Road) -> None:
    """Where nobody polled activities for days, lists are read, which costs less than the activities of that time."""
    pass_time(told, 4 * DAY)
    change_list(told, READERS, remove=on_list(told, READERS)[:1])
    before = calls(told, "/rest/v1/activities")
    assert LISTS == capture_lists(told).read
    assert before == calls(told, "/rest/v1/activities")
    assert [] == wrong_lists(told)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http"},
        {"kind": "not_json"},
        {"kind": "error", "code": "606"},
        {"kind": "error", "code": "702"},
        {"kind": "error", "code": "611", "count": 2},
        {"kind": "drop", "after_bytes": 40},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('code', '')}".strip(),
)
def test_lists_are_read_through_faults(road: Road, fault: dict[str, Any]) -> None:
    """Whatever a page meets, nobody is lost; an answer that may hide a failed search is checked by an export."""
    capture_lists(road)
    pass_time(road, 3600)
    road.desk("POST", "/faults", route="GET /rest/v1/lists/3001/*", **fault)
    capture_lists(road)
    assert [] == [order for order in road.desk("GET", "/faults") if not order["struck"]]
    assert [] == wrong_lists(road)


def test_everything_is_read_again_after_a_week(told: Road) -> None:
    """What nothing told of is found within a week, and no list is left out when calls are few."""
    capture = ReadingTerms(most_calls=10)
    pass_time(told, 7 * DAY)
    told.capture_activities()
    told.desk("POST", "/changes", changes=[{"delete": on_list(told, READERS)[0]}])
    first = capture_lists(told, capture)
    assert (10, LISTS - 10) == (first.read, first.postponed)
    assert (10, LISTS - 20) == ((second := capture_lists(told, capture)).read, second.postponed)
    assert 6 == capture_lists(told, capture).read
    assert [] == wrong_lists(told)
    assert 0 == capture_lists(told, capture).read


class Leaving(httpx.BaseTransport):
    """Has somebody leave the list as soon as its first page was read."""

    def __init__(self, road: Road, list_id: int, lead_id: int) -> None:
        assert road.transport
        self._inner, self._road, self._list, self._lead = road.transport, road, list_id, lead_id
        self._has_left = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if request.url.path == f"/rest/v1/lists/{self._list}/leads.json" and not self._has_left:
            self._has_left = True
            answer.read()
            change_list(self._road, self._list, remove=[self._lead])
        return answer


def test_nobody_slips_between_pages(make_road: MakeRoad) -> None:
    """Who moved to a page that was read already, because somebody left meanwhile, is not taken for gone."""
    road = begin(make_road(leads=4_000, months=1))
    road.capture_activities()
    pass_time(road)
    members = on_list(road, READERS)
    assert len(members) > 600
    capture_lists(road, transport=Leaving(road, READERS, members[3]))
    pass_time(road)
    capture_lists(road)
    assert [] == wrong_lists(road), "at the first reading nobody knew whom to miss; activities told that one left"
    pass_time(road, 7 * DAY)
    capture_lists(road, transport=Leaving(road, READERS, members[5]))
    missed = [line for line in wrong_lists(road) if "missing" in line]
    assert [] == missed, "whoever was known is looked for a second time"


def test_a_list_that_is_gone_marks_nothing_by_itself(told: Road) -> None:
    """A list that Marketo no longer knows (1013) is passed over; its members end once reference data says so."""
    members = len(on_list(told, PARTNERS))
    told.desk("DELETE", f"/assets/static_list/{PARTNERS}")
    assert [PARTNERS] == capture_lists(told, ALL_NOW).vanished
    still = "SELECT count(*) FROM static_list_members WHERE list_id = 3002 AND removed_at IS NULL"
    told.publish()
    assert [(members,)] == told.query(still)
    pass_time(told)
    assert [] == capture_lists(begin(told)).vanished
    assert [] == wrong_lists(told)
    assert [(0,)] == told.query(still)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_a_storm_of_memberships_ends_with_the_truth(make_road: MakeRoad, seed: int) -> None:
    """Joining, leaving, merging and deleting, kills between calls and before commits, late activities: nothing lost."""
    rng = Random(seed)
    print(f"seed {seed}")
    with kept_open(make_road(leads=120, seed=seed)) as road:
        begin(road)
        road.desk("PATCH", "/switches", activities_late_seconds=rng.choice([0.0, 200.0]))
        road.travel("2026-08")
        road.capture_activities()
        for _ in range(12):
            _happen(road, rng)
            _do(road, rng)
        for _ in range(2):
            pass_time(road, 301)
            road.capture()
            capture_lists(road)
        assert [] == wrong_lists(road)


def _do(road: Road, rng: Random) -> None:
    assert road.transport
    assert isinstance(road.kept, Dying)
    action = rng.choice(["capture", "die", "die inside", "wait"])
    with contextlib.suppress(Killed):
        if action == "capture":
            capture_lists(road)
        elif action == "die":
            capture_lists(road, transport=Cut(road.transport, rng.randint(0, 20)))
        elif action == "die inside":
            road.kept.left = rng.randint(0, 6)
            capture_lists(road)
        else:
            pass_time(road, rng.choice([1, 400, DAY]))
    road.kept.left = inf


def _happen(road: Road, rng: Random) -> None:
    ids = lead_ids(road)
    rng.shuffle(ids)
    list_id = rng.choice([EMPTY, READERS, PARTNERS, 3003])
    change_list(road, list_id, add=ids[:3], remove=on_list(road, list_id)[: rng.randint(0, 2)])
    changes: list[dict[str, Any]] = [{"merge": ids[5], "losers": [ids[6]]}, {"delete": ids[7]}]
    if rng.random() < 0.4:
        road.desk("POST", "/changes", changes=[rng.choice(changes)])
    pass_time(road, rng.choice([0, 1, 30]))
