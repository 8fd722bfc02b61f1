"""The jobs `program_members` and `list_members`, against an instance in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.sandbox.options import ALL_PERMISSIONS
from marketo_assets_tests.membership_truth import list_differences
from marketo_assets_tests.pipeline.member_road import (
    begin,
    change_list,
    change_program,
    in_program,
    on_list,
    wrong_lists,
    wrong_members,
)
from marketo_assets_tests.pipeline.road import Road

JOBS = ("program_members", "list_members")
_TABLES = ("program_members", "static_list_members")


class Jobs:
    """Runs jobs, all in one Dagster."""

    def __init__(self, instance: dg.DagsterInstance, resources: dict[str, object]) -> None:
        self.instance, self.resources = instance, resources

    def run(self, name: str, **config: Any) -> dg.ExecuteInProcessResult:
        """Run a job, its one asset with *config*."""
        asset = {"program_members": "marketo__program_members", "list_members": "marketo__static_list_members"}[name]
        return defs.resolve_job_def(name).execute_in_process(
            run_config={"ops": {asset: {"config": config}}} if config else {},
            resources=self.resources,
            instance=self.instance,
            raise_on_error=False,
        )


@pytest.fixture
def jobs(instance: dg.DagsterInstance, marketo: MarketoResource, warehouse: WarehouseResource) -> Jobs:
    return Jobs(instance, {"marketo": marketo, "warehouse": warehouse})


def told(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Return the metadata of the one materialization."""
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    return [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]


def test_both_jobs_go_all_the_way(jobs: Jobs, road: Road) -> None:
    """A run reads, loads, checks and publishes, and tells rows, bytes and calls; the next one sees what changed."""
    begin(road)
    for name in JOBS:
        result = jobs.run(name)
        assert result.success
        assert [] == failed_checks(result)
        found = told(result)
        assert found["calls"] > 0
        assert found["members"] == found["dagster/row_count"] > 0
        assert "file_bytes" in found
    assert ([], []) == (wrong_members(road), wrong_lists(road))
    road.settings.clock.sleep(3600)
    change_program(road, 1005, in_program(road, 1005)[:1], "Not in Program")
    change_list(road, 3001, remove=on_list(road, 3001)[:1])
    assert all(jobs.run(name, refresh=True).success for name in JOBS)
    assert ([], []) == (wrong_members(road), wrong_lists(road))


def test_what_may_not_be_read_is_left_out(jobs: Jobs, road: Road) -> None:
    """Credentials that may not read leads (603) leave memberships as they are, with a message and no error."""
    begin(road)
    assert all(jobs.run(name).success for name in JOBS)
    before = [road.query(f"SELECT count(*) FROM {table} WHERE removed_at IS NULL") for table in _TABLES]
    allowed = sorted(set(ALL_PERMISSIONS) - {"Read-Only Lead", "Read-Write Lead"})
    road.desk("PUT", f"/users/{road.settings.client_id}", permissions=allowed)
    road.settings.clock.sleep(86_400 * 8)
    for name in JOBS:
        result = jobs.run(name)
        assert result.success
        assert "603" in told(result)["left_out"]
    assert before == [road.query(f"SELECT count(*) FROM {table} WHERE removed_at IS NULL") for table in _TABLES]


def test_what_is_not_chosen_is_not_read(jobs: Jobs, road: Road) -> None:
    """MARKETO_OBJECTS chooses: a family that is not named costs no call."""
    begin(road)
    road.settings = replace(road.settings, objects=("programs",))
    for name in JOBS:
        result = jobs.run(name)
        assert result.success
        assert "not among MARKETO_OBJECTS" == told(result)["left_out"]


def test_before_reference_data_the_run_says_what_to_do(jobs: Jobs) -> None:
    """As long as no program and no list is known, a run fails with the job to run first."""
    for name in JOBS:
        result = jobs.run(name)
        assert not result.success
        (failure,) = result.get_step_failure_events()
        told_user = failure.step_failure_data.user_failure_data
        assert told_user
        assert "Run job reference first" in (told_user.description or "")


def test_a_spent_export_quota_is_a_pause(jobs: Jobs, road: Road) -> None:
    """1029 closes the pool and ends the run as paused, not failed; after the reset it goes on where it was."""
    begin(road)
    message = "Export daily quota exceeded"
    road.desk("POST", "/faults", route="POST */create.json", kind="error", code="1029", message=message, skip=1)
    result = jobs.run("program_members")
    assert not result.success
    (failure,) = result.get_step_failure_events()
    user_failure = failure.step_failure_data.user_failure_data
    assert user_failure
    assert "Paused, not failed: program_members" in (user_failure.description or "")
    road.settings.clock.sleep(86_400)
    result = jobs.run("program_members")
    assert result.success
    assert 14 == told(result)["programs_read_whole"]
    assert [] == wrong_members(road)


def test_members_that_are_gone_all_at_once_are_told(jobs: Jobs, road: Road) -> None:
    """A run that finds nobody anywhere succeeds, marks nothing, and a check warns."""
    begin(road)
    assert jobs.run("program_members").success
    programs = [asset["id"] for asset in road.desk("GET", "/assets/program")["assets"]]
    for program in programs:
        if members := in_program(road, program):
            change_program(road, program, members, "Not in Program")
    result = jobs.run("program_members", refresh=True)

    assert result.success
    assert ["not_suddenly_empty"] == failed_checks(result)
    found = told(result)
    assert found["members"] == found["dagster/row_count"] > 0 < found["programs_doubted"]


def test_lists_wait_for_no_export_that_they_do_not_need(jobs: Jobs, road: Road) -> None:
    """With a spent export quota (1029) a run reads all lists that fit pages; the large ones wait for the next run."""
    begin(road)
    for list_id in (3001, 3002):
        road.desk("POST", "/faults", route=f"GET */lists/{list_id}/leads.json", kind="not_json", count=None)
    message = "Export daily quota exceeded"
    road.desk("POST", "/faults", route="POST */create.json", kind="error", code="1029", message=message, count=1)
    found = told(result := jobs.run("list_members"))
    assert result.success
    assert (24, 2) == (found["lists_read"], found["lists_waiting_for_export_quota"])
    with road.reading() as con:
        assert [] == [line for line in list_differences(con, road.control) if not {"3001", "3002"} & {*line.split()}]
    road.settings.clock.sleep(86_400)
    found = told(jobs.run("list_members"))
    assert (2, 0) == (found["lists_exported"], found["lists_waiting_for_export_quota"])
    assert [] == wrong_lists(road)


def test_lists_are_left_to_the_next_run_when_calls_are_spent(jobs: Jobs, road: Road) -> None:
    """A spent quota of calls (607) among lists is no failure: what was read is published, the rest comes next."""
    begin(road)
    road.desk("POST", "/faults", route="GET */lists/*/leads.json", kind="error", code="607", skip=5, count=None)
    found = told(result := jobs.run("list_members"))
    assert result.success
    assert (5, 21) == (found["lists_read"], found["lists_postponed"])
    road.desk("DELETE", "/faults")
    road.settings.clock.sleep(86_400)
    assert 0 == told(jobs.run("list_members"))["lists_postponed"]
    assert [] == wrong_lists(road)


def test_a_list_that_marketo_refuses_keeps_no_other_back(jobs: Jobs, road: Road) -> None:
    """The run fails with what Marketo said, and has published the members of the other lists."""
    begin(road)
    road.desk("POST", "/faults", route="GET */lists/3004/leads.json", kind="error", code="1003", count=None)

    assert not jobs.run("list_members").success
    with road.reading() as con:
        assert [] == [line for line in list_differences(con, road.control) if "3004" not in line]
