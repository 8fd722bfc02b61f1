"""The job `lead_changes` and the sensor that starts it, against an instance in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.change_sensor import lead_changes_sensor
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
Look = Callable[..., dg.SensorResult | dg.SkipReason]


@pytest.fixture
def run(
    instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource
) -> Callable[[], dg.ExecuteInProcessResult]:
    job = defs.resolve_job_def("lead_changes")
    return lambda: job.execute_in_process(
        resources={"marketo": marketo, "warehouse": warehouse}, instance=instance, raise_on_error=False
    )


@pytest.fixture
def look(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> Look:
    def look_now(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"marketo": marketo, "warehouse": warehouse}
        )
        found = lead_changes_sensor(context)
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        return found

    return look_now


def edit(road: Road) -> None:
    (lead_id,) = road.query("SELECT min(id) FROM main.leads")[0]
    road.desk("PATCH", f"/leads/{lead_id}", values={"firstName": "Edited"})
    road.settings.clock.sleep(10)


def test_one_run_takes_changes_all_the_way(
    run: Callable[[], dg.ExecuteInProcessResult], road: Road, instance: dg.DagsterInstance
) -> None:
    """One run captures and publishes: readers see what changed, all checks pass, and the cost is told."""
    road.travel(*MONTHS)
    edit(road)
    ids = [row[0] for row in road.query("SELECT id FROM main.leads ORDER BY id")]
    road.desk("DELETE", f"/leads/{ids[3]}")
    road.desk("POST", f"/leads/{ids[4]}/merge", losers=[ids[5]])
    result = run()

    assert result.success
    assert [] == road.differences()
    assert [] == [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    event = instance.get_latest_materialization_event(dg.AssetKey(["marketo", "raw", "lead_changes"]))
    assert event
    assert event.asset_materialization
    told = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert (1, 1) == (told["deletions"], told["merged_leads"])
    assert 8 >= told["calls"]


def test_the_sensor_starts_a_run_only_for_news(
    run: Callable[[], dg.ExecuteInProcessResult], look: Look, road: Road
) -> None:
    """The first capture, then silence that is explained, then one run for one change; three calls a look at most."""
    first = look()
    assert isinstance(first, dg.SensorResult)
    assert first.run_requests
    road.travel(*MONTHS)
    run()
    quiet = look()
    assert isinstance(quiet, dg.SensorResult)
    assert quiet.skip_reason
    assert "nothing new since 2026-08-15" in str(quiet.skip_reason.skip_message)
    assert "calls left" in str(quiet.skip_reason.skip_message)
    edit(road)
    before = road.desk("GET", "/counters")["calls"]
    busy = look(quiet.cursor)
    assert isinstance(busy, dg.SensorResult)
    assert busy.run_requests
    assert 3 >= road.desk("GET", "/counters")["calls"] - before
    run()
    again = look(busy.cursor)
    assert isinstance(again, dg.SensorResult)
    assert not again.run_requests


def test_a_crowded_hour_starts_one_run(run: Callable[[], dg.ExecuteInProcessResult], look: Look, road: Road) -> None:
    """More changes than a page holds start one capture and not one a look; what is new then, or shows late, is seen."""
    road.travel(*MONTHS)
    run()
    road.desk("PATCH", "/switches", activity_page=7)
    ids = [row[0] for row in road.query("SELECT id FROM main.leads ORDER BY id")]

    def edit_many(name: str) -> None:
        edits = [{"edit": lead_id, "values": {"firstName": name}} for lead_id in ids[:40]]
        road.desk("POST", "/changes", changes=edits)
        road.settings.clock.sleep(10)

    def starts(looks: int) -> list[bool]:
        nonlocal cursor
        found = []
        for _ in range(looks):
            before = road.desk("GET", "/counters")["calls"]
            told = look(cursor)
            assert isinstance(told, dg.SensorResult)
            assert 3 >= road.desk("GET", "/counters")["calls"] - before
            found.append(bool(told.run_requests))
            cursor = told.cursor
            road.settings.clock.sleep(1)
        return found

    cursor: str | None = None
    edit_many("crowd")
    assert [True] == starts(1)
    run()
    assert [False] * 12 == starts(12)
    road.desk("POST", "/paging_tokens/void")
    edit(road)
    assert any(starts(2))
    run()
    road.desk("PATCH", "/switches", activities_late_seconds=200.0)
    edit_many("late")
    assert any(starts(2))
    run()
    road.settings.clock.sleep(200)
    assert any(starts(12))


def test_a_failed_run_is_tried_again(run: Callable[[], dg.ExecuteInProcessResult], look: Look, road: Road) -> None:
    """After a capture that failed the next look starts one, although it has seen the news already."""
    road.travel(*MONTHS)
    edit(road)
    seen = look()
    assert isinstance(seen, dg.SensorResult)
    road.desk("POST", "/faults", route="GET */activities/types.json", kind="error", code="603", message="Access denied")
    assert not run().success
    again = look(seen.cursor)
    assert isinstance(again, dg.SensorResult)
    assert again.run_requests


def test_news_outlive_a_cancelled_run(
    run: Callable[[], dg.ExecuteInProcessResult], look: Look, road: Road, instance: dg.DagsterInstance
) -> None:
    """After a capture that somebody cancelled the next look starts one while there are news, and none without."""
    road.travel(*MONTHS)
    run()
    edit(road)
    seen = look()
    assert isinstance(seen, dg.SensorResult)
    instance.create_run_for_job(defs.resolve_job_def("lead_changes"), status=dg.DagsterRunStatus.CANCELED)
    again = look(seen.cursor)
    assert isinstance(again, dg.SensorResult)
    assert again.run_requests
    run()
    instance.create_run_for_job(defs.resolve_job_def("lead_changes"), status=dg.DagsterRunStatus.CANCELED)
    quiet = look(again.cursor)
    assert isinstance(quiet, dg.SensorResult)
    assert not quiet.run_requests


@pytest.mark.parametrize("looks_between", [0, 1])
def test_news_outlive_a_warehouse_put_back(
    run: Callable[[], dg.ExecuteInProcessResult], look: Look, road: Road, tmp_path: Path, looks_between: int
) -> None:
    """What was captured and is lost with a restored, older warehouse is captured again, although it was seen once."""
    road.travel(*MONTHS)
    run()
    backup = shutil.copy(road.warehouse.work_path, tmp_path / "backup.duckdb")
    road.settings.clock.sleep(3600)
    edit(road)
    seen = look()
    assert isinstance(seen, dg.SensorResult)
    assert seen.run_requests
    run()
    cursor = seen.cursor
    for _ in range(looks_between):
        quiet = look(cursor)
        assert isinstance(quiet, dg.SensorResult)
        assert not quiet.run_requests
        cursor = quiet.cursor
    shutil.copy(backup, road.warehouse.work_path)
    again = look(cursor)
    assert isinstance(again, dg.SensorResult)
    assert again.run_requests


def test_two_captures_never_run_at_once(look: Look, instance: dg.DagsterInstance) -> None:
    """While a capture waits or runs, no other is started."""
    instance.create_run_for_job(defs.resolve_job_def("lead_changes"), status=dg.DagsterRunStatus.STARTED)
    found = look()
    assert isinstance(found, dg.SkipReason)
    assert "under way" in str(found.skip_message)


def test_it_rests_while_few_calls_are_left(road: Road, look: Look) -> None:
    """Below the reserve nothing is asked, and the tick says until when."""
    road.settings = replace(road.settings, daily_calls=40)
    road.travel("2026-07")
    road.settings = replace(road.settings, daily_calls=8)
    found = look()
    assert isinstance(found, dg.SkipReason)
    assert "looking again after 2026-08-16 06:00 UTC" in str(found.skip_message)
