"""The job `reference`, against an instance in this process: what a run tells, and what it checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.models.reference_tables import TABLES
from marketo_assets_tests.pipeline.reference_road import reference_diff
from marketo_assets_tests.pipeline.road import Road

LANDING, VERSIONS = "landing__reference", "marketo__raw__reference_versions"


class Job:
    """Runs the job, all in one Dagster."""

    def __init__(self, instance: dg.DagsterInstance, resources: dict[str, object]) -> None:
        self.instance, self.resources = instance, resources

    def run(self, *, refresh: bool = False) -> dg.ExecuteInProcessResult:
        """Run it."""
        return defs.resolve_job_def("reference").execute_in_process(
            run_config={"ops": {LANDING: {"config": {"refresh": refresh}}}},
            resources=self.resources,
            instance=self.instance,
            raise_on_error=False,
        )


@pytest.fixture
def job(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> Job:
    return Job(instance, {"marketo": marketo, "warehouse": warehouse})


def told(result: dg.ExecuteInProcessResult, node: str) -> dict[str, Any]:
    """Return the metadata of what a step materialized."""
    (made,) = result.asset_materializations_for_node(node)
    return {name: value.value for name, value in made.metadata.items()}


def test_a_run_brings_every_table(job: Job, road: Road) -> None:
    """One run lands, loads and publishes; rows, calls and disappearances are told, and every check passes."""
    result = job.run()

    assert result.success
    assert [] == reference_diff(road)
    assert all(check.passed for check in result.get_asset_check_evaluations())
    landed, loaded = told(result, LANDING), told(result, VERSIONS)
    assert (0, "none", 0) == (landed["removed"], landed["left_out"], landed["details_left_to_next_run"])
    assert landed["calls"] > len(TABLES)
    assert loaded["added"] == loaded["dagster/row_count"] > 200
    shown = [made.asset_key.path[-1] for made in result.asset_materializations_for_node("published_reference")]
    assert sorted(TABLES) == sorted(shown)


def test_what_is_gone_is_counted(job: Job, road: Road) -> None:
    """A run after a deletion tells of it where it is landed, loaded and shown."""
    assert job.run().success
    road.settings.clock.sleep(4000)
    road.desk("DELETE", "/assets/program/1004")
    result = job.run()

    assert (1, 1) == (told(result, LANDING)["removed"], told(result, VERSIONS)["removed"])
    (programs,) = [
        made
        for made in result.asset_materializations_for_node("published_reference")
        if made.asset_key.path[-1] == "programs"
    ]
    assert 1 == programs.metadata["removed"].value
    assert [(1004,)] == road.query("SELECT id FROM programs WHERE removed_at IS NOT NULL")


def test_what_was_left_out_is_told_and_checked(job: Job, road: Road) -> None:
    """A kind that may not be read leaves the run a success, a message, and a warning where it was asked for by name."""
    road.settings = replace(road.settings, objects=("forms", "emails"))
    road.desk(
        "POST", "/faults", route="GET */forms.json", kind="error", code="603", message="Access denied", count=None
    )
    result = job.run()

    assert result.success
    assert "forms: Access denied" in told(result, LANDING)["left_out"]
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert ("objects_are_read", dg.AssetCheckSeverity.WARN) == (failed.check_name, failed.severity)
    assert "forms" in (failed.description or "")


def test_what_marketo_refuses_fails_the_run_and_keeps_nothing_else_back(job: Job, road: Road) -> None:
    """Everything else is loaded and published by that run, however often it fails so."""
    road.desk("POST", "/faults", route="GET */smartLists.json", kind="error", code="1003", count=None)
    assert not job.run().success
    road.settings.clock.sleep(4000)
    road.desk("DELETE", "/assets/program/1004")
    assert not job.run().success

    assert [] == reference_diff(road, "programs", "emails", "folders")
    assert [(1004,)] == road.query("SELECT id FROM programs WHERE removed_at IS NOT NULL")


def test_values_that_do_not_fit_are_counted(job: Job, road: Road) -> None:
    """Their column is empty, the record keeps them, and a check warns."""
    road.desk(
        "PATCH", "/assets/email/" + str(road.desk("GET", "/assets/email")["assets"][0]["id"]), values={"version": "two"}
    )
    result = job.run()

    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert ("values_fit_their_type", 1) == (failed.check_name, failed.metadata["found"].value)
    assert "emails.version (1)" in (failed.description or "")


def test_what_is_gone_all_at_once_is_told_and_checked(job: Job, road: Road) -> None:
    """The run succeeds, nothing is marked, and a check warns until the next day's run."""
    assert job.run().success
    for asset in road.desk("GET", "/assets/email")["assets"]:
        road.desk("DELETE", f"/assets/email/{asset['id']}")
    road.settings.clock.sleep(4000)
    result = job.run()
    assert result.success
    assert (0, True) == (told(result, LANDING)["removed"], "none any more" in told(result, LANDING)["warnings"])
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert ("not_suddenly_empty", dg.AssetCheckSeverity.WARN) == (failed.check_name, failed.severity)
    road.settings.clock.sleep(86_400)
    assert all(check.passed for check in job.run().get_asset_check_evaluations())
    assert [] == reference_diff(road, "emails")


def test_a_refresh_reads_all_details_again(job: Job, road: Road) -> None:
    """Switched on for one run, it asks for every program once more."""
    calls = told(job.run(), LANDING)["calls"]
    road.settings.clock.sleep(4000)

    assert told(job.run(), LANDING)["calls"] < calls - 20
    assert calls == told(job.run(refresh=True), LANDING)["calls"]


def test_columns_explain_themselves(job: Job, road: Road) -> None:
    """Every column of every table carries a comment, and every table says what its rows are."""
    assert job.run().success

    assert [] == road.query(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL AND schema_name = 'main' "
        f"AND table_name IN {tuple(TABLES)}"
    )
    assert len(TABLES) == len(
        road.query(f"SELECT comment FROM duckdb_views() WHERE view_name IN {tuple(TABLES)} AND comment IS NOT NULL")
    )
