"""A plan, made for a few calls, against the backfill that follows it: calls, megabytes and days.

python -m pytest marketo_assets_tests/pipeline/test_plan_against_reality.py -s -n0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marketo_assets.api.activities import activity_types
from marketo_assets.api.client import MarketoClient
from marketo_assets.cli.plan import Wish, run_plan
from marketo_assets.cli.screen import Screen
from marketo_assets.clock import quota_day
from marketo_assets.extract.estimate.activity_plan import make_activity_plan
from marketo_assets.extract.estimate.activity_sample import sample_activities
from marketo_assets.extract.estimate.plan import Plan
from marketo_assets.extract.instance import claim_folder
from marketo_assets.land.manifest import LandedFile
from marketo_assets_tests.pipeline.road import NOW, Road, local_road, months_until
from marketo_assets_tests.pipeline.several_runs import Backfill, SharedClock

CALLS, FEW_CALLS = 200, 30
TEXT = 'He said, "it is long", and went on for quite a while.\n' * 20


@dataclass(frozen=True)
class World:
    """An instance of some shape, and how much of it a day's share takes."""

    name: str
    months: int
    share: float
    options: dict[str, Any]
    shape: Callable[[Road, Random], None] | None = None
    is_over: bool = False
    """Whether the running month is left out: its pieces are planned to grow while they wait, and here nobody comes."""

    def asked(self) -> list[str]:
        """Return the months that are exported."""
        found = months_until(NOW, self.months)
        return found[:-1] if self.is_over else found


@dataclass(frozen=True)
class Reality:
    """What a backfill took."""

    rows: int
    file_bytes: int
    calls: int
    days: int
    most_on_a_day: int
    largest: int
    """Bytes of the largest month or, where it came in pieces, of its largest piece."""


def grow(road: Road, random: Random) -> None:
    """Leave few leads of the early months, and nearly all of the late ones."""
    leads = road.desk("GET", "/leads?limit=10000")["leads"]
    gone = [lead["id"] for place, lead in enumerate(leads) if random.random() > 0.05 + place / len(leads)]
    change(road, [{"delete": lead_id} for lead_id in gone])


def thin_out(road: Road, random: Random) -> None:
    """Delete every third lead, and merge every tenth into another."""
    ids = [lead["id"] for lead in road.desk("GET", "/leads?limit=10000")["leads"]]
    random.shuffle(ids)
    third, tenth = len(ids) // 3, len(ids) // 10
    change(road, [{"delete": lead_id} for lead_id in ids[:third]])
    merged, kept = ids[third : third + tenth], ids[third + tenth :]
    change(road, [{"merge": winner, "losers": [loser]} for loser, winner in zip(merged, kept, strict=False)])


def fill_unevenly(road: Road, random: Random) -> None:
    """Import many leads with next to nothing in them today, and give others a long text in a new field."""
    leads = road.desk("GET", "/leads?limit=10000")["leads"]
    road.desk("POST", "/fields", name="remarks", data_type="text")
    written = random.sample(leads, len(leads) // 3)
    change(road, [{"edit": lead["id"], "values": {"remarks": TEXT[: random.randint(10, 1000)]}} for lead in written])
    change(road, [{"add": {"email": f"new{number}@example.com"}} for number in range(1200)])


def fill_late(road: Road, random: Random) -> None:
    """Leave hardly a lead of the first three weeks of any month."""
    leads = road.desk("GET", "/leads?limit=10000")["leads"]
    early = [lead["id"] for lead in leads if datetime.fromisoformat(lead["createdAt"]).day <= 21]
    change(road, [{"delete": lead_id} for lead_id in early if random.random() < 0.9])


def change(road: Road, changes: list[dict[str, Any]]) -> None:
    for place in range(0, len(changes), 500):
        road.desk("POST", "/changes", changes=changes[place : place + 500])


WORLDS = [
    World("many leads, few fields", 12, 0.4, {"leads": 8000, "fields": 20, "seed": 1}),
    World("wide rows", 8, 0.5, {"leads": 1200, "fields": 200, "seed": 2}),
    World("growth", 18, 0.25, {"leads": 3500, "fields": 40, "seed": 3}, grow),
    World("many deleted and merged", 12, 0.35, {"leads": 4000, "fields": 60, "seed": 4}, thin_out),
    World("long texts and null-heavy months", 10, 0.3, {"leads": 2000, "fields": 60, "seed": 5}, fill_unevenly),
    World("an import that a day has room for", 10, 0.6, {"leads": 2000, "fields": 60, "seed": 5}, fill_unevenly),
    World("months larger than a day", 4, 0.15, {"leads": 3500, "fields": 30, "seed": 6}, is_over=True),
    World("months that fill at their end", 4, 0.1, {"leads": 6000, "fields": 30, "seed": 7}, fill_late, is_over=True),
]


ACTIVE = [
    World("many activities of few leads", 10, 0.5, {"leads": 400, "activities": 40, "seed": 11}),
    World("few activities of many leads", 24, 0.12, {"leads": 2000, "activities": 2, "seed": 12}),
    World("months of activities larger than a day", 3, 0.12, {"leads": 500, "activities": 20, "seed": 13}),
]


def backfill(
    road: Road, months: list[str], land: Callable[[Road, str], LandedFile] = Road.land, *, at_once: int = 1
) -> Reality:
    """Export *months* as Dagster does, waiting for each day's quota, and return what that took by Marketo's count."""
    began = road.desk("GET", "/counters")["calls"]
    largest, by_day = 0, dict[Any, int]()
    runs = Backfill(road, months, at_once, land)
    runs.run()
    for job in road.desk("GET", "/jobs"):
        day = quota_day(datetime.fromisoformat(job["finishedAt"]))
        by_day[day] = by_day.get(day, 0) + job["fileSize"]
        largest = max(largest, job["fileSize"])
    calls = road.desk("GET", "/counters")["calls"] - began
    print(f"{runs.most_under_way} at once; {len(runs.refusals)} runs met the end of a quota")
    rows = sum(landed.records or 0 for landed in runs.landed)
    return Reality(rows, sum(by_day.values()), calls, len(by_day), max(by_day.values()), largest)


def tell(world: World, plan: Plan, real: Reality) -> None:
    """Print plan and reality side by side."""
    taken = plan.calibration
    print(f"\n{world.name}: sampled {taken.leads if taken else 0:,} leads for {taken.calls if taken else 0} calls")
    for name, planned, measured, unit in (
        ("leads", plan.rows, real.rows, 1.0),
        ("megabytes", plan.file_bytes, real.file_bytes, 1e6),
        ("calls", plan.calls, real.calls, 1.0),
        ("days", plan.days, real.days, 1.0),
    ):
        print(
            f"  {name:<9}  planned {planned.likely / unit:>10,.2f} ({planned.low / unit:,.2f} to "
            f"{planned.high / unit:,.2f}), real {measured / unit:>10,.2f}, off by {planned.likely / measured - 1:+.1%}"
        )


AT_ONCE = [(world, 4) for world in WORLDS] + [(world, 1) for world in WORLDS[2:8:2]]
"""Dagster's pool takes four; fewer when somebody narrows it."""


@pytest.mark.parametrize(
    ("world", "at_once"), AT_ONCE, ids=[f"{world.name}, {at_once} at once" for world, at_once in AT_ONCE]
)
def test_a_plan_comes_true(data_dir: Path, world: World, at_once: int) -> None:
    """Calls within 5 %, megabytes within 10 %, days exact; no day's share is exceeded; nothing was exported to know."""
    with local_road(data_dir, SharedClock(NOW), months=world.months, **world.options) as made:
        if world.shape:
            world.shape(made, Random(world.options["seed"]))
        road = made.with_settings(daily_export_mb=1, quota_share=world.share)
        months = world.asked()
        before = road.desk("GET", "/counters")["calls"]
        plan = run_plan(
            Wish(first=months[0], last=months[-1], calls=CALLS, at_once=at_once),
            screen=Screen(is_terminal=False),
            transport=road.transport,
            settings=road.settings,
        )
        assert road.desk("GET", "/counters")["calls"] - before <= CALLS
        assert 0 == road.exports("created")
        real = backfill(road, months, at_once=at_once)
    tell(world, plan, real)

    assert real.days >= 3
    assert abs(plan.schedule.calls / real.calls - 1) <= 0.05
    assert abs(plan.file_bytes.likely / real.file_bytes - 1) <= 0.10
    assert real.days == plan.schedule.days
    # How many rows lie in a piece of a month is not known beforehand, only how many there should be.
    assert real.most_on_a_day <= max(1_050_000 * world.share, real.largest)


@pytest.mark.parametrize("world", ACTIVE, ids=lambda world: world.name)
def test_a_plan_of_activities_comes_true(data_dir: Path, world: World) -> None:
    """The same bars for activities, known from pages of the log; thirty calls tell the megabytes to a tenth."""
    with local_road(data_dir, SharedClock(NOW), months=world.months, **world.options) as made:
        road = made.with_settings(daily_export_mb=2, quota_share=world.share)
        months = months_until(NOW, world.months)
        settings = road.settings
        with MarketoClient.open(settings, transport=road.transport) as client:
            claim_folder(client.ledger, settings)
            types, before = activity_types(client), client.calls
            glance = sample_activities(client, types, months, calls=FEW_CALLS)
            assert client.calls - before <= FEW_CALLS
            sample = sample_activities(client, types, months, calls=CALLS // 2)
            assert client.calls - before <= FEW_CALLS + CALLS // 2
            plan = make_activity_plan(client.ledger, settings, months, known={}, sample=sample, at_once=1)
        assert 0 == road.exports("created")
        real = backfill(road, months, Road.land_activities)
    print(f"{world.name}: {sample.activities:,} seen for {sample.calls} calls")
    tell(world, plan, real)

    assert real.days >= 3
    assert abs(plan.schedule.calls / real.calls - 1) <= 0.05
    assert abs(plan.file_bytes.likely / real.file_bytes - 1) <= 0.10
    # While the days pass, Marketo forgets activities of some types.
    assert abs(plan.rows.likely / real.rows - 1) <= 0.01
    assert real.days == plan.schedule.days
    seen_at_a_glance = sum(month.file_bytes for month in glance.months.values())
    assert glance.activities < 0.7 * real.rows
    assert abs(seen_at_a_glance / real.file_bytes - 1) <= 0.10
