"""The published tables follow the loads: once, not once for every month."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import dagster as dg
import pytest

from marketo_assets.definitions import defs

LEADS = dg.AssetKey(["marketo", "leads"])
SNAPSHOTS = dg.AssetKey(["marketo", "raw", "lead_snapshots"])

# Dagster's own tester uses a parameter that it calls beta.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def load(instance: dg.DagsterInstance, months: Sequence[str]) -> None:
    for month in months:
        instance.report_runless_asset_event(dg.AssetMaterialization(SNAPSHOTS, partition=month))


def test_nothing_is_published_before_a_load(instance: dg.DagsterInstance) -> None:
    """A new clone starts no run by itself."""
    assert 0 == dg.evaluate_automation_conditions(defs, instance).total_requested


def test_many_loads_make_one_release(instance: dg.DagsterInstance) -> None:
    """After some of the months were loaded, one run is started, and no second one for the same loads."""
    cursor = dg.evaluate_automation_conditions(defs, instance).cursor
    load(instance, ["2024-03", "2024-04", "2024-05"])

    first = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
    second = dg.evaluate_automation_conditions(defs, instance, cursor=first.cursor)

    assert (1, 0) == (first.get_num_requested(LEADS), second.get_num_requested(LEADS))


def test_the_tables_beside_leads_come_along(instance: dg.DagsterInstance) -> None:
    """Tables of one release are materialized together."""
    cursor = dg.evaluate_automation_conditions(defs, instance).cursor
    load(instance, ["2024-03"])

    result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)

    assert 1 == result.get_num_requested(dg.AssetKey(["marketo", "meta", "loads"]))


def test_the_sensors_run_by_default() -> None:
    """Nobody has to switch on what keeps exports and tables in order; what polls Marketo waits to be switched on."""
    found = {sensor.name: sensor.default_status for sensor in defs.sensors or ()}

    stopped = {name for name, status in found.items() if status == dg.DefaultSensorStatus.STOPPED}
    assert {"lead_changes_sensor", "activities_sensor"} == stopped
    assert {"published_tables_sensor", "export_quota_gate", "failure_alerts"} == set(found) - stopped
