"""Activities come by export, by polls and by both, in any order: the table is what the instance logged."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import pytest

from marketo_assets_tests.activity_truth import DELETE_LEAD, activity_differences
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import NOW, Recording, Road, months_until
from marketo_assets_tests.pipeline.storm import Cut, Dying, Killed

MONTHS = 2
_EMAILS = ["Send Email", "Email Delivered", "Open Email", "Click Email", "Visit Webpage"]


def differences(road: Road, **more: Any) -> list[str]:
    """Return what differs between what is published and what the instance logged."""
    road.publish()
    with road.reading() as con:
        return activity_differences(con, road.control, **more)


def test_exports_bring_every_activity(make_road: MakeRoad) -> None:
    """One job a month brings all types but deletions, for four calls and its status calls."""
    road = make_road(leads=30, months=MONTHS, activities=20)
    for month in months_until(NOW, MONTHS):
        landed = road.land_activities(month)
        assert road.load_activities(landed).rows == landed.records
    assert [] == differences(road, leave_out=[DELETE_LEAD])
    assert MONTHS == road.exports("created")
    assert isinstance(road.transport, Recording)
    calls = road.transport.calls()
    assert len(calls) <= MONTHS * 4 + len(road.transport.calls("status.json"))
    assert [] == road.query("SELECT * FROM meta.rejected_values")


def test_a_poll_brings_the_same_rows_as_an_export(make_road: MakeRoad) -> None:
    """What REST tells as a list and a file as an object is one row, equal in all but where it came from."""
    road = make_road(leads=30, months=1, activities=20)
    long_ago = road.with_settings(lookback_seconds=86_400.0 * 40)
    long_ago.capture_activities()
    assert [] == differences(road)
    query = "SELECT * EXCLUDE (action_result, _source, _as_of, _load_id) FROM activities WHERE activity_type_id <> 37"
    polled = sorted(road.query(query), key=str)
    assert [("rest",)] == road.query("SELECT DISTINCT _source FROM activities")

    (month,) = months_until(NOW, 1)
    load = road.load_activities(road.land_activities(month))
    assert [] == differences(road)
    assert polled == sorted(road.query(query), key=str)
    unknown = "SELECT count(*) FROM activities WHERE action_result IS NULL AND activity_type_id <> 37"
    assert [(0,)] == road.query(f"{unknown} AND activity_date >= ?", NOW.replace(day=1, hour=0))
    assert load.duplicates == 0, "rows that tell more than those of REST take their place"


def test_a_poll_killed_inside_its_commit_loses_nothing(make_road: MakeRoad) -> None:
    """All is done but the commit: rows and watermark stay as they were, and the next poll brings everything once."""
    road = make_road(leads=20, months=1, activities=10)
    road.capture_activities()
    before, rng = _rows_and_watermark(road), Random(6)
    for _ in range(3):
        _happen(road, rng)
        road.settings.clock.sleep(301)
        road.kept = Dying(road.settings.data_dir, left=0)
        with pytest.raises(Killed):
            road.capture_activities()
        road.kept = None
        assert before == _rows_and_watermark(road)
    capture = road.capture_activities()

    assert capture.activities >= 3
    assert before != _rows_and_watermark(road)
    road.load_activities(road.land_activities(months_until(NOW, 1)[0]))
    assert [] == differences(road)
    assert 0 == road.capture_activities().activities


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 10))])
def test_a_storm_of_activities_ends_with_the_truth(make_road: MakeRoad, seed: int) -> None:
    """New and merged leads, late activities, kills and void tokens, exports and polls in any order: nothing is lost."""
    rng = Random(seed)
    road = make_road(leads=16, months=MONTHS, seed=seed, activities=10)
    switches = {
        "activity_page": rng.choice([300, 7, 2]),
        "empty_pages": rng.choice([0, 1]),
        "page_overlap": rng.choice([0, 2]),
        "activities_late_seconds": rng.choice([0.0, 300.0]),
        "activity_date": rng.choice(["Z", "+0000", "mixed"]),
        "empty_value": rng.choice(["absent", "empty"]),
        "merged_activities_follow": rng.choice([True, False]),
        "activity_id": rng.choice(["unique", "missing"]),
    }
    road.desk("PATCH", "/switches", **switches)
    print(f"seed {seed}: {switches}")
    landed = [road.land_activities(month) for month in months_until(NOW, MONTHS)]
    for _ in range(10):
        _happen(road, rng)
        action = rng.choice(["capture", "capture", "die", "export", "load", "void"])
        if action == "capture":
            road.capture_activities()
        elif action == "die" and road.transport:
            with contextlib.suppress(Killed):
                road.capture_activities(transport=Cut(road.transport, rng.randint(0, 9)))
        elif action == "export":
            landed.append(road.land_activities(rng.choice(months_until(NOW, MONTHS)), is_refresh=True))
        elif action == "load":
            road.load_activities(rng.choice(landed))
        else:
            road.desk("POST", "/paging_tokens/void")
    for file in landed:
        road.load_activities(file)
    for _ in range(2):
        road.settings.clock.sleep(301)
        road.capture_activities()
    # Moved to the winner after they were read, old activities are found again by an export only.
    for month in months_until(NOW, MONTHS):
        road.load_activities(road.land_activities(month, is_refresh=True))

    assert [] == differences(road)


def _rows_and_watermark(road: Road) -> list[tuple[Any, ...]]:
    with road.warehouse.held() as con:
        query = (
            "SELECT (SELECT count(*) FROM main.activities), watermark FROM meta.watermarks WHERE stream = 'activities'"
        )
        return con.execute(query).fetchall()


def _happen(road: Road, rng: Random) -> None:
    ids = [lead["id"] for lead in road.desk("GET", "/leads")["leads"]]
    rng.shuffle(ids)
    told = [{"lead_id": ids[0], "type": rng.choice(_EMAILS), "result": rng.choice(["succeeded", "skipped"])}]
    road.desk("POST", "/activities", activities=told)
    changes: list[dict[str, Any]] = [
        {"add": {"lastName": "Storm"}},
        {"edit": ids[1], "values": {"firstName": f"n{rng.random()}", "leadScore": rng.randint(0, 99)}},
    ]
    if len(ids) > 6:
        changes += [{"delete": ids[2]}, {"merge": ids[3], "losers": [ids[4]]}]
    road.desk("POST", "/changes", changes=[rng.choice(changes)])
    road.settings.clock.sleep(rng.choice([0, 1, 200, 1500]))
