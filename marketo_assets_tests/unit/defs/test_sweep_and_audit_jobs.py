"""The jobs `lead_sweep` and `lead_audit`, their schedules, and months that are exported again after a pause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.change_sensor import lead_changes_sensor
from marketo_assets.defs.jobs import lead_snapshots_job
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.defs.schedules import lead_audit_weekly, lead_sweep_nightly, reference_daily
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.unit.defs.history import open_history

MONTHS = ("2026-06", "2026-07", "2026-08")
COMPANY = "C-000001"
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def run(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> Run:
    def run_job(name: str, **more: Any) -> dg.ExecuteInProcessResult:
        return defs.resolve_job_def(name).execute_in_process(
            resources={"marketo": marketo, "warehouse": warehouse}, instance=instance, raise_on_error=False, **more
        )

    return run_job


def told(instance: dg.DagsterInstance, *key: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(dg.AssetKey(key))
    assert event
    assert event.asset_materialization
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def rename_company(road: Road) -> None:
    """Give three leads new values that no activity tells of."""
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    link = [{"edit": lead_id, "values": {"externalCompanyId": COMPANY}} for lead_id in ids[:3]]
    road.desk("POST", "/changes", changes=[*link, {"company": COMPANY, "values": {"company": "Renamed"}}])
    road.capture()
    road.settings.clock.sleep(3600)
    road.desk("POST", "/changes", changes=[{"company": COMPANY, "values": {"company": "Renamed again"}}])
    road.settings.clock.sleep(60)


def test_a_sweep_goes_all_the_way(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """One run exports, captures, loads what nobody told of and publishes; the materialization says what it found."""
    road.travel(*MONTHS)
    rename_company(road)
    assert run("lead_sweep").success
    found = told(instance, "landing", "lead_updates")

    assert [] == road.differences()
    assert ("updatedAt export", 3, 0) == (found["swept_by"], found["leads_differing"], found["leads_unknown"])
    assert 3 == found["fields_differing"]["company"]
    assert "3 leads differed although no activity told of it: company (3)" in found["finding"]
    assert 16 >= found["calls"]


def test_where_there_is_no_filter_a_sweep_is_an_audit(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """A subscription without the filter has its sample read every night instead, with the same end."""
    road.desk("PATCH", "/switches", updated_at_filter=False)
    road.travel(*MONTHS)
    rename_company(road)
    assert run("lead_sweep").success
    found = told(instance, "landing", "lead_updates")

    assert [] == road.differences()
    assert ("audit", 3) == (found["swept_by"], found["leads_differing"])


def test_an_audit_warns_with_the_partitions(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """The check of an audit that found other values warns, names the partitions, and passes once they are shown."""
    road.travel(*MONTHS)
    rename_company(road)
    result = run("lead_audit")
    (check,) = (c for c in result.get_asset_check_evaluations() if c.check_name == "agrees_with_marketo")
    found = told(instance, "landing", "lead_ids")

    assert result.success
    assert (False, dg.AssetCheckSeverity.WARN) == (check.passed, check.severity)
    assert found["partitions_to_start"] == check.metadata["partitions"].value
    assert f"run job lead_snapshots with refresh on for {found['partitions_to_start']}" in str(check.description)
    assert [] == road.differences()
    again = run("lead_audit").get_asset_check_evaluations()
    assert [True] == [c.passed for c in again if c.check_name == "agrees_with_marketo"]


def test_before_the_first_load_a_sweep_says_what_to_do(run: Run) -> None:
    """Without any month a sweep and an audit fail with the job to run first."""
    for job in ("lead_sweep", "lead_audit"):
        (event,) = run(job).get_step_failure_events()
        assert "Run job lead_snapshots" in str(event.step_failure_data.user_failure_data)


@pytest.mark.parametrize(
    "schedule", [lead_sweep_nightly, lead_audit_weekly, reference_daily], ids=lambda schedule: schedule.name
)
def test_schedules_start_one_run_at_a_time(schedule: dg.ScheduleDefinition, tmp_path: Path) -> None:
    """A schedule is off until it is switched on, and starts nothing while its last run waits."""
    assert dg.DefaultScheduleStatus.STOPPED == schedule.default_status
    with open_history(tmp_path) as instance:
        context = dg.build_schedule_context(instance=instance)
        assert isinstance(schedule(context), dg.RunRequest)
        instance.create_run_for_job(defs.resolve_job_def(schedule.job_name), status=dg.DagsterRunStatus.STARTED)
        found = schedule(context)

    assert isinstance(found, dg.SkipReason)
    assert f"the last run of {schedule.job_name} waits" in str(found.skip_message)


def look(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, resources={"marketo": marketo, "warehouse": warehouse})
    found = lead_changes_sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_after_a_pause_the_sensor_has_months_exported_again(
    run: Run,
    road: Road,
    instance: dg.DagsterInstance,
    marketo: MarketoResource,
    warehouse: WarehouseResource,
) -> None:
    """Each stale month is asked for once, with refresh on; ticks and a check say how many are to come."""
    road.travel(*MONTHS)
    (gone,) = road.query("SELECT min(id) FROM main.leads")[0]
    road.desk("DELETE", f"/leads/{gone}")
    road.settings.clock.sleep(timedelta(days=120).total_seconds())
    late = run("lead_changes")
    checks = {c.check_name: c for c in late.get_asset_check_evaluations()}
    assert not checks["months_repaired"].passed
    assert "3 months are still to be exported again" in str(checks["months_repaired"].description)
    assert "2026-08, 2026-07, 2026-06" == checks["months_repaired"].metadata["partitions"].value

    asked = look(instance, marketo, warehouse).run_requests or []
    repairs = {request.partition_key: request for request in asked if request.job_name == lead_snapshots_job.name}
    assert {*MONTHS} == {*repairs}
    for month, request in repairs.items():
        done = run("lead_snapshots", partition_key=month, run_config=request.run_config, tags=request.tags)
        assert done.success
        if month == "2026-08":
            quiet = look(instance, marketo, warehouse)
            others = [r.partition_key for r in quiet.run_requests or [] if r.partition_key]
            assert {"2026-07", "2026-06"} == {*others}
    # The lead whose deletion Marketo forgot is asked for by id once more.
    assert ["lead_changes"] == [r.job_name for r in look(instance, marketo, warehouse).run_requests or []]
    done = run("lead_changes")
    assert done.success
    last = {c.check_name: c.passed for c in done.get_asset_check_evaluations()}
    quiet = look(instance, marketo, warehouse)

    assert last["months_repaired"]
    assert not quiet.run_requests
    assert "exported again" not in str(quiet.skip_reason.skip_message if quiet.skip_reason else "")
    assert [] == road.differences()


def test_a_month_whose_repair_failed_is_not_asked_for_again(
    road: Road, instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource, run: Run
) -> None:
    """A repair that failed stays in the message of every tick, with what to do, and starts no run each time."""
    road.travel("2026-08")
    road.settings.clock.sleep(timedelta(days=20).total_seconds())
    run("lead_changes")
    (request,) = look(instance, marketo, warehouse).run_requests or []
    instance.create_run_for_job(
        defs.resolve_job_def("lead_snapshots"),
        status=dg.DagsterRunStatus.FAILURE,
        tags={**request.tags, "dagster/partition": "2026-08"},
    )
    found = look(instance, marketo, warehouse)

    assert not found.run_requests
    assert found.skip_reason
    assert "2026-08; their runs were asked for: a run that failed is to be started" in str(
        found.skip_reason.skip_message
    )
