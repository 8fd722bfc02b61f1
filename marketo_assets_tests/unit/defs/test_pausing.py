"""A run that meets the end of a quota: it closes the pool, says why and until when, and only that is retried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.clock import ManualClock
from marketo_assets.definitions import defs
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import POOL, PoolState, read_pool
from marketo_assets.defs.pausing import MAX_RETRIES, PAUSED_FOR, RESUMED, RETRY
from marketo_assets.defs.resources import MarketoResource
from marketo_assets.settings import Settings
from marketo_assets_tests.pipeline.road import Road, local_road
from marketo_assets_tests.unit.defs.history import open_history

EARLIER, MONTH, LATER = "2026-06", "2026-07", "2026-08"
SPENT = {"kind": "error", "code": "1029", "message": "Export daily quota exceeded"}
Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def road(data_dir: Path) -> Iterator[Road]:
    """An instance with three months of leads, whose time passes only when somebody waits."""
    with local_road(data_dir, leads=300) as made:
        yield made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_history(
        tmp_path,
        {
            "concurrency": {"pools": {"default_limit": 4}},
            "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
            "telemetry": {"enabled": False},
        },
    ) as made:
        yield made


@pytest.fixture
def run(road: Road, instance: dg.DagsterInstance) -> Run:
    """Runs the job for a month, with tags as a retry brings them along."""

    class LocalMarketo(MarketoResource):
        """The instance in this process."""

        def settings(self) -> Settings:
            return road.settings

        def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
            return MarketoClient.open(settings, transport=road.transport, is_backfill=is_backfill)

    job = defs.resolve_job_def("lead_snapshots")

    def run_month(month: str = MONTH, **tags: str) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(
            partition_key=month,
            tags=tags,
            resources={"marketo": LocalMarketo()},
            instance=instance,
            raise_on_error=False,
        )

    return run_month


def failure_of(result: dg.ExecuteInProcessResult) -> dg.Failure | None:
    told = result.failure_data_for_node("landing__lead_exports")
    data = told.user_failure_data if told else None
    return dg.Failure(data.description, dict(data.metadata)) if data else None


def tags_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> dict[str, str]:
    found = instance.get_run_by_id(result.run_id)
    assert found is not None
    return dict(found.tags)


@pytest.mark.parametrize("route", ["POST */create.json", "POST */enqueue.json"])
def test_marketos_refusal_is_a_pause(run: Run, road: Road, instance: dg.DagsterInstance, route: str) -> None:
    """1029 at create or enqueue closes the pool; the failure says why, until when, and what Marketo said."""
    road.desk("POST", "/faults", route=route, **SPENT)

    result = run()
    failure = failure_of(result)

    assert PoolState(0, 4, is_ours=True) == read_pool(instance)
    assert failure is not None
    text = str(failure.description)
    assert text.startswith("Paused, not failed: 2026-07 run it again after 2026-08-16 06:00 UTC, in 1")
    assert "Export daily quota exceeded" in text
    assert "export_quota_gate opens it again" in text
    told = {name: value.value for name, value in failure.metadata.items()}
    assert ("export_quota", "1029", False) == (told["paused_for"], told["code"], told["resumes_by_itself"])
    assert "export_quota" == tags_of(instance, result)[PAUSED_FOR]
    # A run from the command line has no place in the queue to go back to.
    assert RETRY not in tags_of(instance, result)


def test_the_asset_shows_the_pause(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """Reason and resumption stand on the asset's page too, at the month that waits."""
    road.desk("POST", "/faults", route="POST */create.json", **SPENT)
    run()

    (record,) = instance.fetch_observations(dg.AssetKey(["landing", "lead_exports"]), limit=5).records
    seen = record.asset_observation
    assert seen is not None
    assert (MONTH, "export_quota") == (seen.partition, seen.metadata["paused_for"].value)


def test_a_run_after_the_reset_goes_on_with_the_job_it_had(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """The job that was created before the pause is queued after it: one job, one export."""
    road.desk("POST", "/faults", route="POST */enqueue.json", **SPENT)
    run()
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    clock.sleep(20 * 3600)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        look(instance, client.ledger)

    assert run().success
    assert (1, 1) == (road.exports("created"), road.exports("enqueued"))
    # Nothing is in Marketo's queue any more, so two may ask for room in it.
    assert PoolState(2, 4, is_ours=True) == read_pool(instance)


def test_the_own_share_closes_the_pool_ahead_of_time(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """The run that spends the last of the share succeeds and closes the pool, so that no other run has to fail."""
    road.settings = replace(road.settings, daily_export_mb=1, quota_share=0.07)
    result = run()

    assert result.success
    assert PoolState(0, 4, is_ours=True) == read_pool(instance)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert look(instance, client.ledger).startswith(
            "paused: export quota spent, 0.00 of 0.07 MB left, resumes 06:00 UTC"
        )


def test_spent_calls_have_their_own_reason(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """607 pauses exports as well, and says that it is the calls."""
    road.desk("POST", "/faults", route="GET */describe2.json", kind="error", code="607", message="Daily quota reached")
    result = run()

    assert "daily_calls" == tags_of(instance, result)[PAUSED_FOR]
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert look(instance, client.ledger).startswith("paused: daily calls spent by Marketo's count, resumes")


NIGHT = {
    "a gateway's 502": {"kind": "http", "status": 502},
    "611": {"kind": "error", "code": "611"},
    "614": {"kind": "error", "code": "614"},
}


@pytest.mark.parametrize("fault", NIGHT.values(), ids=NIGHT.keys())
def test_a_night_of_outage_is_a_pause_of_half_an_hour(
    run: Run, road: Road, instance: dg.DagsterInstance, fault: dict[str, object]
) -> None:
    """An instance that handles nothing for an hour is waited for, then exports rest, and the same run succeeds."""
    assert run(EARLIER).success
    began = road.settings.clock.now()
    road.desk("POST", "/faults", route="*.json", count=None, **fault)
    result = run()
    failure = failure_of(result)

    assert failure is not None
    assert "Marketo has handled no call for 3" in str(failure.description)
    assert "instance" == tags_of(instance, result)[PAUSED_FOR]
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert "Marketo does not answer, resumes" in look(instance, client.ledger)
        road.settings.clock.sleep(1800)
        assert look(instance, client.ledger).startswith("open: ")
    assert timedelta(hours=1) <= road.settings.clock.now() - began <= timedelta(hours=1, minutes=15)
    road.desk("DELETE", "/faults")
    assert run().success
    assert (2, 2) == (road.exports("created"), road.exports("enqueued"))


def test_a_wait_that_was_too_long_is_a_check_that_warns(run: Run, road: Road) -> None:
    """A run that was held up for long succeeds, and its check says for how long and what for."""
    full = {"kind": "error", "code": "1029", "message": "Too many jobs in queue", "count": 30}
    road.desk("POST", "/faults", route="POST */enqueue.json", **full)
    result = run()

    assert result.success
    (found,) = [check for check in result.get_asset_check_evaluations() if check.check_name == "no_long_waits"]
    assert (False, dg.AssetCheckSeverity.WARN) == (found.passed, found.severity)
    assert "for room in Marketo's export queue" in str(found.description)


def test_an_ordinary_failure_after_a_pause_is_not_retried(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """A retry brings the permission to be retried along; the run gives it back before it does anything."""
    road.desk("POST", "/faults", route="*describe2*", kind="error", code="603", message="Access denied")
    result = run(**{PAUSED_FOR: "export_quota", RETRY: "true", MAX_RETRIES: "3"})

    tags = tags_of(instance, result)
    assert not result.success
    assert ("false", RESUMED) == (tags[RETRY], tags[PAUSED_FOR])


def test_a_pool_opened_by_hand_lets_a_run_exceed_the_share(run: Run, road: Road, instance: dg.DagsterInstance) -> None:
    """Who opens the pool wants to go on: the share is overruled, the instance's own quota is not."""
    road.settings = replace(road.settings, daily_export_mb=1, quota_share=0.07)
    assert run(EARLIER).success
    assert 0 == read_pool(instance).limit
    instance.event_log_storage.set_concurrency_slots(POOL, 4)

    assert run(MONTH).success
    assert run(LATER).success
    assert PoolState(4, 4) == read_pool(instance)
