"""When leads were created and changed: months, bounds, bursts and gaps."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from marketo_assets.sandbox.world import World

NOW = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=1, leads=2_000, months=24, now=NOW)


def months(world: World) -> list[tuple[datetime, datetime]]:
    starts = [world.start]
    while starts[-1] < NOW:
        starts.append((starts[-1] + timedelta(days=32)).replace(day=1))
    return [(start, after - SECOND) for start, after in itertools.pairwise(starts)]


def moments(world: World, name: str = "createdAt") -> dict[int, datetime]:
    return {lead["id"]: datetime.fromisoformat(lead[name]) for lead in world.truth([name])}  # type: ignore[arg-type,misc]


def test_months_tile_the_world(world: World) -> None:
    """The months asked for end with the running one and together hold every lead once."""
    assert datetime(2024, 9, 1, tzinfo=UTC) == world.start
    found = [lead_id for start, end in months(world) for lead_id in world.ids_between("createdAt", start, end)]
    assert len(months(world)) == 24
    assert [lead["id"] for lead in world.truth(["id"])] == sorted(found)


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (datetime(2026, 2, 28, 23, 30, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        (datetime.fromisoformat("2026-03-01T01:00:00+02:00"), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
    ids=["first second", "second second", "last hour", "another zone"],
)
def test_running_month_holds_the_second_before_now(now: datetime, first: datetime) -> None:
    """Two months end with the one that the second before now lies in, counted in UTC, and hold no later moment."""
    world = World(seed=1, leads=50, months=2, now=now)
    assert first == world.start
    assert len(world.ids_between("createdAt", world.start, now - SECOND)) == 50
    assert len(world.ids_between("updatedAt", world.start, now - SECOND)) == 50


def test_edges_of_every_month_hold_several_leads(world: World) -> None:
    """The first and the last second of each month, in UTC, were seconds with more than one new lead."""
    for start, end in months(world)[:-1]:
        assert len(world.ids_between("createdAt", start, start)) > 1
        assert len(world.ids_between("createdAt", end, end)) > 1


def test_both_bounds_are_inclusive(world: World) -> None:
    """A window of one second holds what was created in that second, and its neighbours do not."""
    lead_id, created = next(iter(moments(world).items()))
    assert lead_id in world.ids_between("createdAt", created, created)
    assert lead_id not in world.ids_between("createdAt", created + SECOND, created + 9 * SECOND)
    assert lead_id not in world.ids_between("createdAt", created - 9 * SECOND, created - SECOND)


def test_windows_agree_with_the_column(world: World) -> None:
    """A window holds exactly the leads whose createdAt says so."""
    start, end = datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC), datetime(2025, 6, 7, tzinfo=UTC)
    expected = [lead_id for lead_id, created in moments(world).items() if start <= created <= end]
    assert expected == world.ids_between("createdAt", start, end)


def test_leads_come_in_bursts(world: World) -> None:
    """Some second away from any month's edge saw three new leads or more."""
    edges = {edge for month in months(world) for edge in month}
    counts = Counter(created for created in moments(world).values() if created not in edges)
    assert max(counts.values()) >= 3


def test_ids_have_gaps_and_pass_32_bits(world: World) -> None:
    """Ids follow creation with small gaps, wide ones, and one beyond what 32 bits hold."""
    created = moments(world)
    ids = list(created)
    steps = {after - before for before, after in itertools.pairwise(ids)}
    assert sorted(ids) == ids
    assert sorted(created.values()) == list(created.values())
    assert {1, 2, 3} <= steps
    assert any(100 < step < 1_000 for step in steps)
    assert ids[0] < 2**31 < ids[-1]


def test_stamps_stand_in_order(world: World) -> None:
    """No lead was updated before it was created; some were never updated, some only in custom fields."""
    created, updated = moments(world), moments(world, "updatedAt")
    assert all(created[lead_id] <= updated[lead_id] < NOW for lead_id in created)
    untouched = [lead_id for lead_id in created if created[lead_id] == updated[lead_id]]
    assert 200 < len(untouched) < 1_800
    silently = [
        lead_id for lead_id, moment in updated.items() if lead_id not in world.ids_between("updatedAt", moment, moment)
    ]
    assert 200 < len(silently) < 1_800


def test_updates_fall_on_edges_of_months(world: World) -> None:
    """Latest updates, too, fall on the first and on the last second of some month."""
    firsts, lasts = zip(*months(world), strict=True)
    assert any(len(world.ids_between("updatedAt", first, first)) > 0 for first in firsts)
    assert any(len(world.ids_between("updatedAt", last, last)) > 0 for last in lasts)


def test_empty_month() -> None:
    """A world without leads is empty in every month, and its file is a header."""
    world = World(seed=1, leads=0, months=3, now=NOW)
    assert world.ids_between("createdAt", world.start, NOW) == []
    assert world.truth() == []
    assert world.counts.live == 0


def test_month_with_exactly_one_lead() -> None:
    """One add to an empty world makes a month with exactly one lead, at its last second if that is asked."""
    world = World(seed=1, leads=0, months=3, now=NOW)
    last = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)
    lead_id = world.add({"email": "one@example.com"}, last)
    assert [lead_id] == world.ids_between("createdAt", datetime(2026, 6, 1, tzinfo=UTC), last)
    assert world.ids_between("createdAt", last + SECOND, NOW) == []
    assert world.truth(["createdAt"])[0]["createdAt"] == "2026-06-30T23:59:59Z"


@pytest.mark.parametrize("leads", [1, 2, 3, 19, 20, 25])
def test_small_worlds(leads: int) -> None:
    """A world has as many leads as asked for, also when there are fewer of them than months."""
    world = World(seed=3, leads=leads, months=24, now=NOW)
    assert leads == world.counts.live == len(world.ids_between("createdAt", world.start, NOW - SECOND))


def test_moments_without_zone_are_refused(world: World) -> None:
    """A moment that does not say its zone is no moment."""
    with pytest.raises(ValueError, match="time zone"):
        world.ids_between("createdAt", datetime(2025, 1, 1), NOW)  # noqa: DTZ001 (what is being refused)


def test_truth_is_paged_by_id(world: World) -> None:
    """Pages of the truth, each asked for after the last id of the one before, hold every lead once and in order."""
    seen: list[object] = []
    while page := world.truth(["email"], after_id=seen[-1] if seen else 0, limit=300):  # type: ignore[arg-type]
        assert len(page) <= 300
        seen += [lead["id"] for lead in page]
    assert [lead["id"] for lead in world.truth(["id"])] == seen
