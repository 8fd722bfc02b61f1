"""The machine's clock steps while reference objects and members are read: what is shown is Marketo's all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from marketo_assets.clock import Clock
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.member_road import (
    capture_lists,
    capture_members,
    change_list,
    change_program,
    in_program,
    lead_ids,
    on_list,
    wrong_lists,
    wrong_members,
)
from marketo_assets_tests.pipeline.reference_road import peek, read, reference_diff
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import WrongClock

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
STEPS = {"ahead, then behind": [DAY, -HOUR], "behind, then ahead": [-HOUR, DAY]}
SINGLE_STEPS = {"a day ahead": [DAY], "an hour behind": [-HOUR], "a day behind": [-DAY]}
of_each_step = pytest.mark.parametrize(
    "steps",
    [
        *(pytest.param(steps, id=name) for name, steps in STEPS.items()),
        *(pytest.param(steps, id=name, marks=pytest.mark.slow) for name, steps in SINGLE_STEPS.items()),
    ],
)
OBJECTS = ("programs", "program_tags", "static_lists", "emails")


def set_clock(road: Road, true: Clock, off: timedelta) -> None:
    road.settings = replace(road.settings, clock=WrongClock(true, off))


def happen(road: Road, rng: Random) -> None:
    """Let something happen to members, lists and assets."""
    ids = lead_ids(road)
    rng.shuffle(ids)
    change_program(road, 1001, ids[:3], "Registered")
    change_program(road, 1001, in_program(road, 1001)[:1], "Not in Program")
    change_list(road, 3001, add=ids[3:6], remove=on_list(road, 3001)[:2])
    email = road.desk("GET", "/assets/email")["assets"][0]["id"]
    road.desk("PATCH", f"/assets/email/{email}", values={"description": f"{rng.random()}"})
    road.desk("POST", "/assets/static_list", name=f"List {rng.random()}")


@of_each_step
def test_a_clock_that_steps_between_readings(make_road: MakeRoad, steps: list[timedelta]) -> None:
    """Whatever the clock said meanwhile, once it is right the next runs show everything, and moments are in order."""
    rng, road = Random(1), make_road(leads=60)
    road.settings = replace(road.settings, objects=OBJECTS)
    true = road.settings.clock
    read(road)
    road.capture_activities()
    true.sleep(3600)
    capture_members(road)
    capture_lists(road)
    for off in steps:
        set_clock(road, true, off)
        happen(road, rng)
        true.sleep(600)
        read(road)
        capture_members(road)
        capture_lists(road)
        true.sleep(3600)
        happen(road, rng)
        road.desk("DELETE", f"/assets/static_list/{road.desk('GET', '/assets/static_list')['assets'][9]['id']}")
    set_clock(road, true, timedelta())
    true.sleep(DAY.total_seconds())
    read(road)
    for _ in range(2):
        true.sleep(600)
        capture_members(road)
        capture_lists(road)

    assert [] == reference_diff(road, *OBJECTS)
    whole = [line for line in wrong_members(road) if "is no member" not in line]
    assert [] == whole, "who left shows at the next whole reading"
    assert [] == wrong_lists(road)
    assert [] == peek(
        road, "SELECT * FROM raw.reference_versions WHERE read_until < read_from OR removed_at < read_until"
    )
    assert [] == peek(road, "FROM raw.program_members WHERE last_seen_at < first_seen_at OR removed_at < last_seen_at")
    true.sleep(8 * DAY.total_seconds())
    capture_members(road)
    assert [] == wrong_members(road)
