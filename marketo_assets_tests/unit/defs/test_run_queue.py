"""The order in which waiting months run: the newest first, and nothing before a backfill is complete in the queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from marketo_assets.defs.run_queue import FILLING_SECONDS, NewestMonthsFirst, priority_of
from marketo_assets_tests.unit.defs.history import open_history

ROOT = Path(__file__).parents[3]
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("marketo_assets"), "__repository__"), "job"
)
NOW = datetime(2026, 8, 15, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose queue is configured as the checkout's dagster.yaml says."""
    told = yaml.safe_load((ROOT / "dagster.yaml").read_text("utf-8"))
    overrides = {name: told[name] for name in ("run_coordinator", "concurrency", "telemetry")}
    with open_history(tmp_path, overrides) as made:
        yield made


def coordinator_of(instance: dg.DagsterInstance) -> NewestMonthsFirst:
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, NewestMonthsFirst)
    return coordinator


def submit(
    instance: dg.DagsterInstance, assets: frozenset[dg.AssetKey] | None = None, job: str = "job", **tags: str
) -> None:
    """Put a run into the queue as every door of Dagster does: created, then submitted."""
    named = {f"dagster/{name}": value for name, value in tags.items()}
    run = create_run_for_test(
        instance,
        job_name=job,
        tags=named,
        status=dg.DagsterRunStatus.NOT_STARTED,
        remote_job_origin=ORIGIN,
        asset_selection=assets,
    )
    # The workspace says from which browser a run came; this queue does not ask.
    coordinator_of(instance).submit_run(dg.SubmitRunContext(run, None))  # type: ignore[arg-type]


def leaving(instance: dg.DagsterInstance) -> list[str]:
    """Return the partitions of the runs that the daemon would launch now, in its order."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
    runs = daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), fixed_iteration_time=None)
    return [run.tags.get("dagster/partition", "no month") for run in runs]


@pytest.mark.parametrize(
    ("partition", "place"),
    [("2026-08", 0), ("2026-07", -1), ("2025-12", -8), ("2026-09", 0), ("2026-08-01", None), (None, None)],
    ids=str,
)
def test_a_month_has_its_age_as_its_place(partition: str | None, place: int | None) -> None:
    """The running month is nothing's junior, each month before it one place further back."""
    assert place == priority_of(partition, now=NOW)


def test_months_leave_the_queue_newest_first(instance: dg.DagsterInstance) -> None:
    """Runs that were queued the oldest first, as Dagster does it, leave it the newest first; others go before them."""
    for month in ("2024-01", "2024-02", "2024-11", "2025-01", "2025-02"):
        submit(instance, partition=month)
    submit(instance)

    assert ["no month", "2025-02", "2025-01", "2024-11"] == leaving(instance)


@pytest.mark.parametrize(
    "assets", [None, frozenset({dg.AssetKey(["landing", "activity_exports"])})], ids=["job", "assets"]
)
def test_activities_about_to_be_forgotten_leave_the_queue_first(
    instance: dg.DagsterInstance, assets: frozenset[dg.AssetKey] | None
) -> None:
    """What Marketo keeps for 90 days or 25 months and is as old goes before newer months."""
    coordinator_of(instance).now = NOW.timestamp
    for month in ("2024-07", "2024-08", "2026-05", "2026-06", "2026-07", "2026-08"):
        submit(instance, assets, "activities" if assets is None else "__ASSET_JOB", partition=month)

    assert ["2024-07", "2026-05", "2026-08", "2026-07"] == leaving(instance)


def test_leads_are_not_forgotten() -> None:
    """A month of leads has its age as its place, however old it is."""
    assert [-3, 0] == [priority_of("2026-05", now=NOW, is_of_activities=yes) for yes in (False, True)]


def test_who_was_given_a_priority_keeps_it(instance: dg.DagsterInstance) -> None:
    """A month that waited for a quota, or that somebody put first by hand, goes first."""
    submit(instance, partition="2025-02")
    submit(instance, partition="2024-01", priority="1")

    assert ["2024-01", "2025-02"] == leaving(instance)


def test_a_backfill_waits_until_all_of_it_is_queued(instance: dg.DagsterInstance) -> None:
    """While its months still arrive, none of them leaves; other runs do, and a moment later all may."""
    for month in ("2024-01", "2024-02"):
        submit(instance, partition=month, backfill="abc")
    submit(instance)
    assert ["no month"] == leaving(instance)

    coordinator_of(instance).now = lambda: time.time() + FILLING_SECONDS
    assert ["no month", "2024-02", "2024-01"] == leaving(instance)
