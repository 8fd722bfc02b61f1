"""What a backfill of activities costs, as the instance counts it."""

from __future__ import annotations

from marketo_assets_tests.activity_truth import DELETE_LEAD, activity_differences
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import NOW, Recording, months_until

MONTHS = 24


def test_two_years_of_all_types_cost_an_export_a_month(make_road: MakeRoad) -> None:
    """24 months are 24 export jobs, whatever the number of types, and at most 24 x (4 + polls) + 20 calls."""
    road = make_road(leads=60, months=MONTHS, activities=8)
    landed = [road.land_activities(month) for month in months_until(NOW, MONTHS)]
    for file in landed:
        road.load_activities(file)
    road.publish()

    counters = road.desk("GET", "/counters")
    assert isinstance(road.transport, Recording)
    polls = len(road.transport.calls("status.json"))
    assert [MONTHS] * 4 == [road.exports(done) for done in ("created", "enqueued", "completed", "downloads")]
    assert counters["calls"] <= MONTHS * 4 + polls + 20
    with road.reading() as con:
        assert [] == activity_differences(con, road.control, leave_out=[DELETE_LEAD])
