"""A month larger than a day's share of the export quota comes in pieces, over days, and ends as one month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from random import Random
from typing import Any

import pytest
import zstandard

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent
from marketo_assets.clock import ManualClock, quota_day
from marketo_assets.extract.export_jobs import recorded_jobs
from marketo_assets.extract.export_sizes import usual_bytes
from marketo_assets.land.manifest import LandedFile, read_manifest, write_manifest
from marketo_assets.land.store import compress
from marketo_assets_tests.activity_truth import DELETE_LEAD, activity_differences
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Cut, Killed

EARLIER, MONTH, RUNNING = "2026-06", "2026-07", "2026-08"
WORLD = {"leads": 900, "activities": 6}


@dataclass(frozen=True)
class Kind:
    """An object whose months are exported."""

    name: str
    land: Callable[..., LandedFile]
    load: Callable[[Road, LandedFile], Any]
    differences: Callable[[Road], list[str]]


def activities_differing(road: Road) -> list[str]:
    with road.reading() as con:
        return activity_differences(con, road.control, leave_out=[DELETE_LEAD])


KINDS = [
    Kind("leads", Road.land, Road.load_file, lambda road: road.differences()),
    Kind("activities", Road.land_activities, Road.load_activities, activities_differing),
]
of_each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def with_share(road: Road, share_bytes: int) -> Road:
    """Return the road of somebody who may export *share_bytes* a day; the instance allows no more either."""
    road.desk("PATCH", "/limits", daily_export_bytes=2 * share_bytes)
    return road.with_settings(daily_export_mb=2 * share_bytes / 1e6, quota_share=0.5)


def clock_of(road: Road) -> ManualClock:
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    return clock


def land_over_days(road: Road, kind: Kind, month: str, **more: Any) -> LandedFile:
    """Return the landed *month*, each day's quota waited for."""
    for _ in range(20):
        try:
            return kind.land(road, month, **more)
        except ExportQuotaSpent as spent:
            clock_of(road).move_to(spent.resets_at or clock_of(road).now())
    raise AssertionError("twenty days are not enough")


def bytes_by_day(road: Road) -> Counter[str]:
    """Return what the instance exported on each quota day."""
    found: Counter[str] = Counter()
    for job in road.desk("GET", "/jobs"):
        if job["status"] == "Completed":
            found[str(quota_day(datetime.fromisoformat(job["finishedAt"])))] += job["fileSize"]
    return found


def assert_each_window_was_paid_once(road: Road) -> None:
    happened = road.desk("GET", "/counters")["exports"]
    assert {1} == {counted["enqueued"] for counted in happened.values()}
    assert {1} == {counted["completed"] for counted in happened.values()}


@of_each_kind
@pytest.mark.parametrize("part", [0.9, 0.3], ids=["a little too large", "over three days' worth"])
def test_a_month_too_large_for_a_day_ends_as_one(make_road: MakeRoad, kind: Kind, part: float) -> None:
    """Pieces go on until the day's share is nearly spent, and on the days after; nothing is missing."""
    road = make_road(leads=3000, activities=3)
    earlier = kind.land(road, EARLIER)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    share = round(earlier.file_bytes * part)
    road = with_share(road, share)

    before = bytes_by_day(road)
    landed = land_over_days(road, kind, MONTH)
    by_day = bytes_by_day(road) - before
    running = land_over_days(road, kind, RUNNING)

    assert len(landed.pieces) >= 1 / part
    assert (landed.window.start, landed.window.end) == (landed.pieces[0].window.start, landed.pieces[-1].window.end)
    assert landed.file_bytes == sum(piece.file_bytes for piece in landed.pieces) == by_day.total()
    # How many rows lie in a piece is not known beforehand, only how many there should be.
    assert max(by_day.values()) <= 1.05 * share, (share, by_day)
    assert len(by_day) <= 1 + round(landed.file_bytes / share * 1.2), (share, by_day)
    assert_each_window_was_paid_once(road)
    for file in (earlier, landed, running):
        kind.load(road, file)
    road.publish()
    assert [] == kind.differences(road)
    assert [] == list(road.settings.landing_dir.rglob("pieces"))


@of_each_kind
@pytest.mark.parametrize("seed", range(1, 5))
def test_killed_between_and_inside_pieces(make_road: MakeRoad, kind: Kind, seed: int) -> None:
    """Whenever a run is killed, the next goes on where it was: each piece is exported once, and the month is whole."""
    print(f"seed {seed}")
    rng = Random(seed)
    road = make_road(**{**WORLD, "seed": seed})
    kind.load(road, kind.land(road, EARLIER))
    earlier = kind.land(road, EARLIER)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(earlier.file_bytes * 0.5))
    inner, landed, killed = road.transport, None, 0
    assert inner is not None
    while landed is None:
        road.transport = Cut(inner, rng.randint(0, 12)) if killed < 12 else inner
        try:
            landed = kind.land(road, MONTH)
        except Killed:
            killed += 1
        except ExportQuotaSpent as spent:
            clock_of(road).move_to(spent.resets_at or clock_of(road).now())
    road.transport = inner

    assert killed
    assert len(landed.pieces) > 2
    assert_each_window_was_paid_once(road)
    assert landed.pieces == kind.land(road, MONTH).pieces, "what is here is taken up"
    kind.load(road, landed)
    assert [(landed.records,)] == _loaded(road, kind)


@of_each_kind
def test_rows_tell_when_their_piece_was_read(make_road: MakeRoad, kind: Kind) -> None:
    """Days lie between pieces, so of a lead that changed meanwhile it is known which reading is the later one."""
    road = make_road(**WORLD)
    earlier = kind.land(road, EARLIER)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(earlier.file_bytes * 0.5))
    landed = land_over_days(road, kind, MONTH)
    kind.load(road, landed)
    road.publish()

    table, at = ("raw.lead_snapshots", "createdAt") if kind.name == "leads" else ("activities", "activity_date")
    found = road.query(f"SELECT _as_of, count(*) FROM {table} GROUP BY ALL ORDER BY 1")
    assert [(piece.as_of, piece.records) for piece in landed.pieces] == found
    for piece in landed.pieces:
        inside = f"SELECT bool_and(_as_of = ?) FROM {table} WHERE {at} >= ? AND {at} < ?"
        assert [(True,)] == road.query(inside, piece.as_of, piece.window.start, piece.window.end)
    assert len({piece.as_of.date() for piece in landed.pieces}) > 1


def test_a_refresh_goes_on_with_what_it_began(make_road: MakeRoad) -> None:
    """A month exported anew in pieces takes up those of its own days, and none of the export before."""
    kind = KINDS[0]
    road = make_road(**WORLD)
    first = kind.land(road, MONTH)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(first.file_bytes * 0.5))
    before = road.exports("enqueued")
    again = land_over_days(road, kind, MONTH, is_refresh=True)

    assert len(again.pieces) == road.exports("enqueued") - before
    assert again.as_of > first.as_of
    once_more = land_over_days(road, kind, MONTH, is_refresh=True)
    assert once_more.as_of > again.as_of
    assert not {piece.export_id for piece in again.pieces} & {piece.export_id for piece in once_more.pieces}


@pytest.mark.parametrize(("days", "is_taken_up"), [(5, True), (20, False)], ids=["some days ago", "long ago"])
def test_a_refresh_that_was_given_up_is_not_mixed_in(make_road: MakeRoad, days: int, is_taken_up: bool) -> None:
    """What a refresh has paid is taken up after days of rest; what one of long ago has is exported anew."""
    road = make_road(**WORLD)
    first = road.land(MONTH)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(first.file_bytes * 0.5))
    with pytest.raises(ExportQuotaSpent):
        road.land(MONTH, is_refresh=True)
    begun = {landed.export_id for landed in landed_pieces(road)}
    clock_of(road).sleep(days * 86_400)
    again = land_over_days(road, KINDS[0], MONTH, is_refresh=True)

    assert begun
    assert is_taken_up == bool(begun & {piece.export_id for piece in again.pieces})
    assert again.records == sum(piece.records or 0 for piece in again.pieces)


@pytest.mark.parametrize("text", [b"", b"{header}", b"{header}\n"], ids=["nothing", "no end of line", "a line"])
@pytest.mark.parametrize("place", [0, 1], ids=["first", "later"])
def test_a_piece_without_rows_costs_no_other(make_road: MakeRoad, text: bytes, place: int) -> None:
    """A file that is a header alone, or not even that, is a part of the month without records."""
    road = make_road(**WORLD)
    earlier = road.land(EARLIER)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(earlier.file_bytes * 0.3))
    while len(found := landed_pieces(road)) < 2:
        with pytest.raises(ExportQuotaSpent) as spent:
            road.land(MONTH)
        clock_of(road).move_to(spent.value.resets_at or clock_of(road).now())
    empty_file(found[place], text)
    landed = land_over_days(road, KINDS[0], MONTH)

    assert {piece.export_id for piece in found} <= {piece.export_id for piece in landed.pieces}
    assert_each_window_was_paid_once(road)
    assert landed.records == road.load_file(landed).rows == sum(piece.records or 0 for piece in landed.pieces)


def landed_pieces(road: Road) -> list[LandedFile]:
    """Return the pieces that lie there of months that are not whole yet, the earliest window first."""
    found = [read_manifest(path) for path in road.settings.landing_dir.glob("*/*/pieces/*/*.json")]
    return sorted(found, key=lambda landed: landed.window.start)


def empty_file(landed: LandedFile, text: bytes) -> None:
    """Leave *landed* as if Marketo had delivered *text*, in which its header may be named, and no record."""
    assert landed.path
    with zstandard.open(landed.path, "rt", encoding="utf-8", newline="") as file:
        header = file.readline().rstrip("\r\n").encode()
    plain, stored = compress(BytesIO(text.replace(b"{header}", header)), landed.path)
    manifest = landed.path.parent / f"{landed.export_id}.json"
    write_manifest(manifest, replace(landed, records=0, sha256=plain, stored_sha256=stored))


@of_each_kind
def test_a_damaged_month_of_pieces_is_fetched_again(make_road: MakeRoad, kind: Kind) -> None:
    """The pieces' jobs are remembered, even by a new ledger, so their files are fetched and nothing is paid again."""
    road = make_road(**WORLD)
    earlier = kind.land(road, EARLIER)
    clock_of(road).move_to(datetime.fromisoformat("2026-08-16T12:00Z"))
    road = with_share(road, round(earlier.file_bytes * 0.5))
    landed = land_over_days(road, kind, MONTH)
    assert landed.path is not None
    landed.path.write_bytes(b"damaged")
    for path in (*road.settings.data_dir.glob("ledger.sqlite*"), *road.settings.data_dir.glob("*.jsonl")):
        path.unlink()
    again = kind.land(road, MONTH)

    assert landed.pieces == tuple(
        replace(piece, landed_at=before.landed_at) for piece, before in zip(again.pieces, landed.pieces, strict=True)
    )
    assert landed.sha256 == again.sha256
    assert_each_window_was_paid_once(road)


def test_a_month_that_is_under_way_whole_is_not_cut(make_road: MakeRoad) -> None:
    """What Marketo has queued ends, however large it is: it is waited for and not asked for again in pieces."""
    road = make_road(**WORLD)
    first = road.land(EARLIER)
    road.desk("PATCH", "/switches", export_seconds=7200.0)
    with pytest.raises(RuntimeError, match="is still Processing"):
        road.with_settings(export_deadline_hours=0.05).land(MONTH)
    road = with_share(road, round(first.file_bytes * 0.5))
    landed = road.land(MONTH)

    assert ((), 2) == (landed.pieces, road.exports("enqueued"))


def test_activities_are_not_measured_by_leads(make_road: MakeRoad) -> None:
    """What is set aside for an export, and what the gate waits for, comes from exports of the same object."""
    road = make_road(leads=300, activities=10)
    leads = [road.land(month).file_bytes for month in (EARLIER, MONTH)]
    activities = road.land_activities(EARLIER).file_bytes
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert round(activities * 1.2) == usual_bytes(client.ledger)
        assert "activities" == recorded_jobs(client.ledger)[0].object
    road.land(RUNNING)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert usual_bytes(client.ledger) >= max(leads)


def _loaded(road: Road, kind: Kind) -> list[tuple[Any, ...]]:
    road.publish()
    table, at = ("raw.lead_snapshots", "createdAt") if kind.name == "leads" else ("activities", "activity_date")
    return road.query(f"SELECT count(*) FROM {table} WHERE strftime({at} AT TIME ZONE 'UTC', '%Y-%m') = '{MONTH}'")
