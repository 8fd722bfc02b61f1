"""The job `lead_snapshots` from Marketo to what people read, against an instance in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.cli.plan import Wish, run_plan
from marketo_assets.cli.screen import Screen
from marketo_assets.definitions import defs
from marketo_assets.defs.planned import UNKNOWN
from marketo_assets.defs.resources import MarketoResource
from marketo_assets.settings import Settings
from marketo_assets.warehouse import connect_readonly
from marketo_assets_tests.pipeline.road import Road, local_road

MONTH = "2026-07"
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def road(data_dir: Path) -> Iterator[Road]:
    """An instance with three months of leads, whose time passes only when somebody waits."""
    with local_road(data_dir) as made:
        yield made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def run(road: Road, instance: dg.DagsterInstance) -> Run:
    """Runs the job for a month; *config* is that of the export."""

    class LocalMarketo(MarketoResource):
        """The instance in this process."""

        def settings(self) -> Settings:
            return road.settings

        def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
            return MarketoClient.open(settings, transport=road.transport, is_backfill=is_backfill)

    job = defs.resolve_job_def("lead_snapshots")

    def run_month(month: str = MONTH, config: Mapping[str, object] | None = None) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            partition_key=month,
            run_config={"ops": {"landing__lead_exports": {"config": dict(config or {})}}},
            resources={"marketo": LocalMarketo()},
            instance=instance,
            raise_on_error=False,
        )

    return run_month


def landed(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = result.asset_materializations_for_node("landing__lead_exports")
    return {name: value.value for name, value in event.metadata.items()}


def test_one_run_takes_a_month_all_the_way(run: Run, road: Road) -> None:
    """One run exports, lands, loads and publishes; its numbers are the instance's, and all checks pass."""
    result = run()
    told = landed(result)

    assert result.success
    with connect_readonly() as con:
        assert (told["dagster/partition_row_count"],) == con.execute("SELECT count(*) FROM marketo.leads").fetchone()
    assert {True} == {evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert road.desk("GET", "/counters")["calls"] == told["calls"]


def test_a_month_tells_what_was_planned_and_what_is_left(run: Run, road: Road) -> None:
    """After a plan, a month shows planned beside real figures; without one, where to get it; and what is to come."""
    assert UNKNOWN == landed(run("2026-08"))["planned"]
    run_plan(Wish(first="2026-06", at_once=1), screen=Screen(), transport=road.transport, settings=road.settings)
    told = landed(run())

    assert told["dagster/partition_row_count"] == told["planned_rows"]
    assert abs(float(str(told["planned_mb"])) * 1e6 / int(str(told["file_bytes"])) - 1) < 0.1
    assert "sampled" == told["planned_from"]
    assert int(str(told["planned_months_left"])) >= 1
    assert float(str(told["planned_mb_left"])) > 0


def test_a_repeated_run_exports_nothing(run: Run, road: Road) -> None:
    """A month that is landed is taken up; with refresh it is exported again."""
    first, again, fresh = landed(run()), landed(run()), landed(run(config={"refresh": True}))

    assert [False, True, False] == [told["was_adopted"] for told in (first, again, fresh)]
    assert (first["export_id"], 2) == (again["export_id"], road.exports("created"))
    assert first["export_id"] != fresh["export_id"]


def test_the_log_tells_the_story_in_about_ten_lines(run: Run, instance: dg.DagsterInstance) -> None:
    """A run's INFO lines say what was asked, landed, loaded, published and spent."""
    entries = instance.all_logs(run().run_id)
    lines = [entry.user_message for entry in entries if entry.level == 20 and not entry.is_dagster_event]

    assert 5 <= len(lines) <= 10
    for word in ("exporting leads created", "created export job", "landed", "loaded", "published release", "may still"):
        assert any(word in line for line in lines), word


def test_no_credential_and_no_person_is_logged(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """The event log of a whole run holds neither the secret nor anybody's address or name."""
    logged = "".join(str(entry) for entry in instance.all_logs(run().run_id))
    with connect_readonly() as con:
        people = con.execute("SELECT email, lastName FROM marketo.leads WHERE length(lastName) > 6").fetchall()

    assert len(people) > 10
    assert [] == [text for person in people for text in person if text and text in logged]
    assert road.settings.client_secret not in logged


def test_the_source_shows_its_host_only(run: Run, instance: dg.DagsterInstance) -> None:
    """Marketo's side of the graph is told host, month and records of each export, and nothing secret."""
    run()
    records = instance.fetch_observations(dg.AssetKey(["marketo_api", "leads"]), limit=1).records
    told = records[0].asset_observation

    assert told is not None
    assert ("localhost", MONTH) == (told.metadata["host"].value, told.metadata["month"].value)


def test_a_refused_request_fails_the_step_and_keeps_the_reason(run: Run, road: Road) -> None:
    """An instance that denies access fails the run with Marketo's code and what to do; nothing is published."""
    road.desk("POST", "/faults", kind="error", route="*describe2*", code="603", message="Access denied")

    failure = run().failure_data_for_node("landing__lead_exports")

    assert failure is not None
    assert failure.user_failure_data is not None
    assert "code 603" in str(failure.user_failure_data.description)
    assert not road.warehouse.published_path.exists()
