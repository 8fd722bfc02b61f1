"""A month that Marketo fails three times in one run: what a person sees then, and that the next run takes it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.definitions import defs
from marketo_assets.defs.export_pool import read_pool
from marketo_assets.defs.pausing import PAUSED_FOR
from marketo_assets.defs.resources import MarketoResource
from marketo_assets.settings import Settings
from marketo_assets_tests.pipeline.road import Road, local_road
from marketo_assets_tests.unit.defs.history import open_history

MONTH, LATER = "2026-07", "2026-08"
EXPORT = "landing__lead_exports"


@pytest.fixture
def road(data_dir: Path) -> Iterator[Road]:
    with local_road(data_dir, leads=300) as made:
        yield made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_history(tmp_path, {"concurrency": {"pools": {"default_limit": 4}}}) as made:
        yield made


def run(road: Road, instance: dg.DagsterInstance, month: str) -> dg.ExecuteInProcessResult:
    """Return what became of the job for *month*."""

    class LocalMarketo(MarketoResource):
        """The instance in this process."""

        def settings(self) -> Settings:
            return road.settings

        def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
            return MarketoClient.open(settings, transport=road.transport, is_backfill=is_backfill)

    return defs.resolve_job_def("lead_snapshots").execute_in_process(
        partition_key=month, resources={"marketo": LocalMarketo()}, instance=instance, raise_on_error=False
    )


@pytest.mark.parametrize("harm", ["job_failed", "job_lost", "job_cancelled"])
def test_a_month_failed_three_times_needs_a_person_once(road: Road, instance: dg.DagsterInstance, harm: str) -> None:
    """The failure names the three jobs and the next step and is no pause; other months go on, and so does this one."""
    road.desk("POST", "/faults", route="POST */enqueue.json", kind=harm, count=3)
    failed = run(road, instance, MONTH)
    told = failed.failure_data_for_node(EXPORT)
    assert told
    assert told.user_failure_data
    text, facts = str(told.user_failure_data.description), told.user_failure_data.metadata
    ids = {job["exportId"] for job in road.desk("GET", "/jobs")}

    assert not failed.success
    assert text.startswith("Marketo failed 3 export jobs for 2026-07, one after the other (")
    assert 3 == text.count(" ended ") == road.exports("created")
    assert [] == [export_id for export_id in ids if export_id not in text]
    assert str(facts["next_step"].value).startswith(
        "Nothing was lost. Run the partition again later: it begins a new job"
    )
    recorded = instance.get_run_by_id(failed.run_id)
    assert recorded
    assert PAUSED_FOR not in recorded.tags
    assert read_pool(instance).limit > 0, "the pool stays open for the others"

    assert run(road, instance, LATER).success
    assert run(road, instance, MONTH).success
    assert 5 == road.exports("created")
