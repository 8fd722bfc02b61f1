"""Readings of objects while assets come and go between pages, come twice, and are cut: none counts as gone falsely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import StuckPaging, UnreadableAnswer
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.objects import REFERENCE
from marketo_assets.extract.reference import Known, begin_since, read_object
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Instance, accepted

NOW = datetime(2026, 1, 14, 12, tzinfo=UTC)
KINDS = {kind.name: kind for kind in REFERENCE}
LISTS, EMAILS = KINDS["static_lists"], KINDS["emails"]
NOTHING = {"success": True, "warnings": ["No assets found for the given search criteria."]}


@dataclass
class Shelf:
    """Static lists and emails of an instance, in its order, and what happens before each page of a listing."""

    instance: Instance
    ids: list[int]
    before: Callable[[int], None] = lambda _: None
    """Called with the number of each page, from 0 on, through all listings."""
    statuses: dict[int, list[str]] = field(default_factory=dict)
    silent: frozenset[int] | None = frozenset()
    """Pages, counted so too, that come empty with a warning; None for all."""
    pages: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path in (LISTS.path, EMAILS.path):
            self.instance.script(path, self.browse)
        for number in range(700):
            self.instance.script(f"/rest/asset/v1/staticList/{number}.json", self.one)
            self.instance.script(f"/rest/asset/v1/email/{number}.json", self.one)

    def browse(self, request: httpx.Request) -> httpx.Response:
        self.before(self.pages)
        is_silent = self.silent is None or self.pages in self.silent
        self.pages += 1
        told = dict(request.url.params)
        start, most = int(told["offset"]), int(told["maxReturn"])
        found = [item for number in self.ids for item in self.versions(number, told.get("status"))]
        return self.answer([] if is_silent else found[start : start + most])

    def one(self, request: httpx.Request) -> httpx.Response:
        number = int(request.url.path.rpartition("/")[2].partition(".")[0])
        self.asked.append(str(number))
        return self.answer(self.versions(number, request.url.params.get("status")) if number in self.ids else [])

    def versions(self, number: int, wanted: str | None) -> list[dict[str, Any]]:
        statuses = self.statuses.get(number, ["approved"])
        # Without a wanted status this instance tells the draft where there are both.
        shown = statuses[-1:] if wanted is None else [status for status in statuses if status == wanted]
        return [{"id": number, "name": f"List {number}", "status": status} for status in shown]

    def answer(self, found: list[dict[str, Any]]) -> httpx.Response:
        return accepted(found) if found else httpx.Response(200, json=NOTHING)


@pytest.fixture
def instance() -> Instance:
    return Instance(ManualClock(NOW))


@pytest.fixture
def client(instance: Instance, tmp_path: Path) -> Iterator[MarketoClient]:
    clock = instance.clock
    assert isinstance(clock, ManualClock)
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    with client_of(instance, ledger, clock) as client:
        yield client
    ledger.shut()


def keys(numbers: Iterator[int] | range | list[int]) -> set[str]:
    return {str(number) for number in numbers}


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (199, 1), (200, 2), (399, 3), (450, 3)])
def test_a_quiet_instance_costs_one_call_a_page(
    client: MarketoClient, instance: Instance, count: int, calls: int
) -> None:
    """199 records a page beside the one that ties it to the page before; nothing is asked one by one."""
    shelf = Shelf(instance, list(range(count)))
    reading = read_object(client, LISTS, since=None, known=keys(range(count)))

    assert keys(range(count)) == {found.id for found in reading.found}
    assert (calls, calls, ()) == (reading.calls, reading.pages, reading.removed)
    assert [] == shelf.asked


def test_what_goes_between_pages_costs_nobody_else(client: MarketoClient, instance: Instance) -> None:
    """What deletions pushed over the edge of a page is found by reading again; the next reading finds what is gone."""

    def delete(page: int) -> None:
        if page == 1:
            del shelf.ids[7:12]

    shelf = Shelf(instance, list(range(450)), delete)
    reading = read_object(client, LISTS, since=None, known=keys(range(450)))

    assert keys(range(450)) == {found.id for found in reading.found}
    assert () == reading.removed, "they were there when the reading began"
    again = read_object(client, LISTS, since=None, known=keys(range(450)))
    assert keys(range(7, 12)) == set(again.removed) == set(shelf.asked)


def test_what_moves_to_the_front_meanwhile_is_not_gone(client: MarketoClient, instance: Instance) -> None:
    """Where an instance tells first what was changed last, what changes while it is read slips past, and is found."""
    rest, moving = [number for number in range(450) if not 80 <= number < 100], list(range(80, 100))

    def move(page: int) -> None:
        if page == 1:
            shelf.ids[:] = moving + rest

    shelf = Shelf(instance, rest + moving, move)
    reading = read_object(client, LISTS, since=None, known=keys(range(480)))

    assert keys(range(450, 480)) == set(reading.removed)
    assert keys(range(450)) == {found.id for found in reading.found}


def test_one_that_comes_between_pages_makes_others_come_twice(client: MarketoClient, instance: Instance) -> None:
    """What an addition pushed over the edge is read twice, which does no harm."""
    shelf = Shelf(instance, list(range(450)), lambda page: shelf.ids.insert(0, 600) if page == 1 else None)
    reading = read_object(client, LISTS, since=None, known=keys(range(450)))

    assert keys(range(450)) == {found.id for found in reading.found}
    assert ((), 3) == (reading.removed, reading.calls)


@pytest.mark.parametrize("end", [0, 1, 2])
def test_a_browse_that_is_cut_marks_nothing_as_removed(client: MarketoClient, instance: Instance, end: int) -> None:
    """An empty page with a warning, in the middle or at once, is not taken for the end of what there is."""
    Shelf(instance, list(range(450)), silent=frozenset({end}))
    reading = read_object(client, LISTS, since=None, known=keys(range(450)))

    assert () == reading.removed
    assert keys(range(450)) == {found.id for found in reading.found}


@pytest.mark.parametrize("count", [3, 450])
def test_an_instance_that_tells_nothing_any_more_is_not_believed(
    client: MarketoClient, instance: Instance, count: int
) -> None:
    """Where every listing is empty and records are still there one by one, nothing is taken for removed."""
    Shelf(instance, list(range(count)), silent=None)
    reading = read_object(client, LISTS, since=None, known=keys(range(count)))

    assert () == reading.removed


@pytest.mark.parametrize(
    ("count", "hours_ago", "is_believed"),
    [(1, None, True), (3, None, True), (4, None, False), (450, None, False), (450, 1, False), (450, 21, True)],
    ids=["the only one", "a few", "more", "many", "many, again within the hour", "many, again a day later"],
)
def test_everything_that_is_gone_at_once_has_to_be_confirmed(
    client: MarketoClient, instance: Instance, count: int, hours_ago: int | None, is_believed: bool
) -> None:
    """An instance without any record, where there were more than a few, is believed when another day says the same."""
    Shelf(instance, [])
    empty_at = None if hours_ago is None else NOW - timedelta(hours=hours_ago)
    reading = read_object(client, LISTS, since=None, known=keys(range(count)), empty_at=empty_at)

    assert (keys(range(count)) if is_believed else set()) == set(reading.removed)
    assert is_believed != any("nothing was taken for removed" in told for told in reading.warnings)


@pytest.mark.parametrize("name", ["lead_partitions", "segmentations", "tags"])
def test_what_cannot_be_asked_for_one_by_one_has_to_be_confirmed(
    client: MarketoClient, instance: Instance, name: str
) -> None:
    """Even the only record is not taken for removed because one listing comes empty."""
    instance.script(KINDS[name].path, httpx.Response(200, json=NOTHING))

    assert () == read_object(client, KINDS[name], since=None, known={"1"}).removed
    again = read_object(client, KINDS[name], since=None, known={"1"}, empty_at=NOW - timedelta(days=1))
    assert ("1",) == again.removed


def test_many_that_are_gone_cost_a_listing_and_not_a_call_each(client: MarketoClient, instance: Instance) -> None:
    """Two listings that agree prove it, with three of them asked for one by one."""
    shelf = Shelf(instance, list(range(250)))
    reading = read_object(client, LISTS, since=None, known=keys(range(650)))

    assert keys(range(250, 650)) == set(reading.removed)
    assert 2 * 2 + 3 == reading.calls
    assert 3 == len(shelf.asked)


@pytest.mark.parametrize("seed", range(1, 13))
def test_whatever_comes_and_goes_meanwhile(client: MarketoClient, instance: Instance, seed: int) -> None:
    """Nothing that exists is taken for removed, nothing that stayed is missing, and a calm reading tells the rest."""
    rng = Random(seed)
    print(f"seed {seed}")
    known = keys(range(500))
    shelf = Shelf(instance, rng.sample(range(500), 430))
    stayed = set(shelf.ids)

    def happen(page: int) -> None:
        for _ in range(rng.choice([0, 0, 1, 3]) if page < 12 else 0):
            if rng.random() < 0.6:
                gone = shelf.ids.pop(rng.randrange(len(shelf.ids)))
                stayed.discard(gone)
            else:
                shelf.ids.insert(rng.randrange(len(shelf.ids)), 500 + rng.randrange(200))

    shelf.before = happen
    reading = read_object(client, LISTS, since=None, known=known)

    assert set() == set(reading.removed) & keys(shelf.ids)
    assert keys(list(stayed)) <= {found.id for found in reading.found} or reading.warnings
    shelf.before = lambda _: None
    calm = read_object(client, LISTS, since=None, known=known)
    assert known - keys(shelf.ids) == set(calm.removed)


def test_an_order_that_changes_with_every_page_ends(client: MarketoClient, instance: Instance) -> None:
    """Where no listing is steady the reading ends, says so, and takes nothing for removed that exists."""
    rng = Random(5)
    shelf = Shelf(instance, list(range(450)), lambda _: rng.shuffle(shelf.ids))
    reading = read_object(client, LISTS, since=None, known=keys(range(460)))

    assert reading.warnings
    assert set() == set(reading.removed) & keys(shelf.ids)
    assert reading.calls <= 4 * 3 + 4 * 3 + 13


def test_an_endpoint_that_ignores_the_offset_is_noticed(client: MarketoClient, instance: Instance) -> None:
    """The same page for every offset is no instance with endless lists."""
    instance.script(LISTS.path, accepted([{"id": number} for number in range(200)]))

    with pytest.raises(StuckPaging):
        read_object(client, LISTS, since=None)


def test_a_record_without_its_key_is_refused(client: MarketoClient, instance: Instance) -> None:
    """A record that cannot be told from others is no record; the requestId is told."""
    instance.script(LISTS.path, accepted([{"name": "nameless"}]))

    with pytest.raises(UnreadableAnswer, match="requestId"):
        read_object(client, LISTS, since=None)


@pytest.mark.parametrize("drafts", [1, 30])
def test_the_approved_version_is_among_what_is_found(client: MarketoClient, instance: Instance, drafts: int) -> None:
    """Few drafts are asked for one by one, many by one more listing; what was never approved stays a draft."""
    both = {number: ["approved", "draft"] for number in range(drafts)}
    shelf = Shelf(instance, list(range(300)), statuses=both | {299: ["draft"]})
    reading = read_object(client, EMAILS, since=None)
    approved = {
        found.id for found in reading.found if isinstance(found.record, dict) and found.record["status"] == "approved"
    }

    assert keys(range(299)) == approved
    assert (4, drafts < 2) == (reading.calls, bool(shelf.asked))


@pytest.mark.parametrize(
    ("known", "is_whole"),
    [
        (Known(), True),
        (Known("a", NOW - timedelta(hours=1), NOW - timedelta(hours=1), 3), False),
        (Known("a", NOW - timedelta(hours=1), NOW - timedelta(hours=21), 3), True),
        (Known("a", NOW - timedelta(hours=1), NOW - timedelta(hours=1), 1), True),
    ],
    ids=["never read", "read an hour ago", "not whole for a day", "whole costs one call"],
)
def test_what_is_asked_for(known: Known, is_whole: bool) -> None:
    """What was updated, from a little before the last reading on; everything where that is due or costs no more."""
    since = begin_since(LISTS, known, NOW, timedelta(minutes=15))

    assert (None if is_whole else NOW - timedelta(minutes=75)) == since
    assert begin_since(KINDS["forms"], known, NOW, timedelta(minutes=15)) is None
