"""The jobs `activities` and `activity_polls` and the sensor between, against an instance in this process."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.activity_sensor import activities_sensor
from marketo_assets.defs.change_sensor import lead_changes_sensor
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets_tests.activity_truth import DELETE_LEAD, activity_differences
from marketo_assets_tests.pipeline.road import Recording, Road

MONTHS = ("2026-06", "2026-07", "2026-08")


class Jobs:
    """Runs jobs and looks, all in one Dagster."""

    def __init__(self, instance: dg.DagsterInstance, resources: dict[str, object]) -> None:
        self.instance, self.resources = instance, resources

    def run(self, name: str, month: str | None = None) -> dg.ExecuteInProcessResult:
        """Run a job, for a *month* if it has any."""
        return defs.resolve_job_def(name).execute_in_process(
            partition_key=month, resources=self.resources, instance=self.instance, raise_on_error=False
        )

    def look(self, sensor: dg.SensorDefinition, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """Let a sensor look."""
        found = sensor(dg.build_sensor_context(instance=self.instance, cursor=cursor, resources=self.resources))
        assert isinstance(found, dg.SensorResult | dg.SkipReason)
        return found


@pytest.fixture
def jobs(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> Jobs:
    return Jobs(instance, {"marketo": marketo, "warehouse": warehouse})


def test_a_month_goes_all_the_way(jobs: Jobs, road: Road) -> None:
    """One run exports, loads and publishes; what was found is told, and activities without leads are counted."""
    results = [jobs.run("activities", month) for month in MONTHS]

    assert all(result.success for result in results)
    with road.reading() as con:
        assert [] == activity_differences(con, road.control, leave_out=[DELETE_LEAD])
    failed = {
        check.check_name for result in results for check in result.get_asset_check_evaluations() if not check.passed
    }
    assert failed <= {"nothing_falls_off"}
    told = results[0].asset_materializations_for_node("landing__activity_exports")[0].metadata
    header, _, first, *_ = str(told["preview"].value).splitlines()
    names, cells = (line.strip("| ").split(" | ") for line in (header, first))
    shown = dict(zip(names, cells, strict=True))
    assert shown["leadId"].isdecimal()
    assert {"•••"} >= {shown["primaryAttributeValue"], shown["attributes"]}
    assert str(told["planned"].value).startswith("unknown: `marketo-assets plan`")
    later = results[2].asset_materializations_for_node("landing__activity_exports")[0].metadata
    assert "assumed" == later["planned_from"].value, "as the months before it"
    assert float(str(later["planned_mb_left"].value)) > 0
    assert str(told["file"].value).startswith("landing/activity_exports/2026-06/")
    assert {"landing/activity_exports", "marketo/activities"} == _materialized(results[-1])


def test_a_poll_shows_the_tables_beside_the_activities(jobs: Jobs) -> None:
    """Its run materializes what describes the types as well; a month leaves that to automation, once for a backfill."""
    assert jobs.run("activities", MONTHS[-1]).success
    polled = jobs.run("activity_polls")
    assert polled.success
    assert {"landing/activity_polls", "marketo/activity_types", "marketo/activity_attributes"} == _materialized(polled)


def test_a_quiet_tick_of_both_sensors_costs_four_calls(jobs: Jobs, road: Road) -> None:
    """Nothing new costs two calls for changes and two for activities, and starts nothing."""
    road.travel(*MONTHS)
    assert all(jobs.run("activities", month).success for month in MONTHS)
    assert jobs.run("lead_changes").success
    assert jobs.run("activity_polls").success
    joined = "SELECT count(*), count(lead_createdAt) FROM activities_with_leads"
    kept = "SELECT count(*), count(*) FROM activities SEMI JOIN leads ON leads.id = lead_id"
    assert road.query(kept) == road.query(joined)
    assert isinstance(road.transport, Recording)
    before, cursor = len(road.transport.calls()), None
    for _ in range(8):
        road.settings.clock.sleep(300)
        changes, found = jobs.look(lead_changes_sensor), jobs.look(activities_sensor, cursor)
        assert isinstance(found, dg.SensorResult)
        assert found.skip_reason, found
        assert isinstance(changes, dg.SensorResult)
        assert changes.skip_reason
        cursor = found.cursor
    assert 8 * 4 >= len(road.transport.calls()) - before


def test_whatever_happens_is_seen_within_a_round(jobs: Jobs, road: Road) -> None:
    """Each look takes the next ten types, so a new activity of any type starts a poll, which brings it."""
    assert jobs.run("activities", MONTHS[-1]).success
    (lead_id, *_) = [lead["id"] for lead in road.desk("GET", "/leads")["leads"]]
    road.settings.clock.sleep(10)
    road.desk("POST", "/activities", activities=[{"lead_id": lead_id, "type": "Click Email"}])
    cursor, is_started = None, False
    for _ in range(8):
        found = jobs.look(activities_sensor, cursor)
        assert isinstance(found, dg.SensorResult)
        cursor, is_started = found.cursor, is_started or bool(found.run_requests)
    assert is_started
    assert jobs.run("activity_polls").success
    assert [] == _differences(road)
    assert [(lead_id,)] == road.query("SELECT lead_id FROM activity_click_email ORDER BY activity_date DESC LIMIT 1")
    road.settings.clock.sleep(timedelta(days=2).total_seconds())
    aged = jobs.look(activities_sensor, cursor)
    assert isinstance(aged, dg.SensorResult)
    assert aged.run_requests, "a list of types that is two days old is read again"


def _materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {event.asset_key.to_user_string() for event in events if event.asset_key}


def _differences(road: Road) -> list[str]:
    """Return what differs, but for what lies in months that were not exported."""
    with road.reading() as con:
        return [line for line in activity_differences(con, road.control, most=10**6) if "is missing" not in line]
