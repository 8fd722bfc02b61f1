"""A run is killed with SIGKILL; the next one takes up what it left, and nothing is lost or paid twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.pipeline.conftest import begin_again
from marketo_assets_tests.pipeline.processes import child, is_locked, stopped, wait_until
from marketo_assets_tests.pipeline.road import Road

BEFORE, MONTH = "2026-06", "2026-07"
MEGABYTE = 1 << 20
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
KILLED_AT = {
    "before the export is enqueued": "log created export job",
    "between land and load": "before load",
    "inside the transaction": "inside the transaction",
    "between commit and publish": "before publish",
}
HELD_AT = {
    "while the create call is under way": ("POST */create.json", {}),
    "while the enqueue call is under way": ("POST */enqueue.json", {}),
    "while a status call is under way": ("GET */status.json", {"skip": 1}),
    "while the file is asked for": ("GET */file.json", {}),
    "in the middle of a small file": ("GET */file.json", {"after_bytes": 20_000}),
}


def is_held(road: Road) -> bool:
    return any(fault["holding"] for fault in road.desk("GET", "/faults"))


def assert_readers_see_the_release_before(road: Road) -> None:
    assert [(BEFORE, 1)] == road.query("SELECT partition, load_id FROM meta.loads")
    assert [(BEFORE,)] == road.query("SELECT DISTINCT strftime(createdAt, '%Y-%m') FROM main.leads")


def assert_finished_without_paying_twice(road: Road) -> None:
    """A new run ends it, every cell is right, and the instance counted one export for each month."""
    road.travel(MONTH)
    road.travel("2026-08")
    assert [] == road.differences()
    exports = road.desk("GET", "/counters")["exports"]
    assert [1, 1, 1] == [counted["enqueued"] for counted in exports.values()]
    assert [1, 1, 1] == [counted["completed"] for counted in exports.values()]
    counters = road.desk("GET", "/counters")
    ((calls, size),) = road.query("SELECT sum(calls), sum(export_bytes) FROM meta.api_usage")
    assert counters["bytes_exported"] == size
    # A call is entered in the books before it is made, so a kill may leave one too many there, never one too few.
    assert calls >= counters["calls"]


@pytest.mark.parametrize("stop", KILLED_AT.values(), ids=KILLED_AT.keys())
def test_killed_between_steps(far_road: Road, environment: dict[str, str], stop: str) -> None:
    """Whatever step a run was killed at, readers keep the release before, and the next run ends what it began."""
    far_road.travel(BEFORE)
    with stopped(environment, MONTH, "--stop", stop) as killed:
        assert (stop == "inside the transaction") == is_locked(far_road.settings.data_dir / "work.lock")
        killed.kill()

    assert_readers_see_the_release_before(far_road)
    assert_finished_without_paying_twice(far_road)


@pytest.mark.parametrize(("route", "more"), HELD_AT.values(), ids=HELD_AT.keys())
def test_killed_during_a_call(far_road: Road, environment: dict[str, str], route: str, more: dict[str, int]) -> None:
    """A run killed while Marketo was answering leaves a job that the next run takes up, wherever it got to."""
    far_road.travel(BEFORE)
    far_road.desk("POST", "/faults", route=route, kind="hold", **more)
    with child(environment, MONTH) as process:
        wait_until(lambda: is_held(far_road) or process.poll() is not None)
        assert is_held(far_road)
        process.kill()
    far_road.desk("DELETE", "/faults")

    assert_readers_see_the_release_before(far_road)
    assert_finished_without_paying_twice(far_road)


def test_killed_while_processing(far_road: Road, environment: dict[str, str]) -> None:
    """A run killed while Marketo works on its job leaves the job running, and the next run waits for the same one."""
    far_road.travel(BEFORE)
    far_road.desk("PATCH", "/switches", export_seconds=10_000.0)
    with child(environment, MONTH) as process:
        wait_until(lambda: "Processing" in [job["status"] for job in far_road.desk("GET", "/jobs")])
        process.kill()
    assert_readers_see_the_release_before(far_road)
    far_road.desk("PATCH", "/switches", export_seconds=90.0)

    assert_finished_without_paying_twice(far_road)


def test_killed_mid_download(process: RunningSandbox, data_dir: Path) -> None:
    """Bytes that were on disk when a run was killed are not asked for again: the download goes on behind them."""
    environment = begin_again(process, data_dir, leads=5_000, months=1, now="2026-08-01T00:00:00Z")
    road = Road(load_settings(environment), process.control)
    road.desk("POST", "/faults", route="GET */file.json", kind="hold", after_bytes=MEGABYTE * 3 // 2)
    with child(environment, MONTH) as killed:
        wait_until(lambda: any(path.stat().st_size for path in data_dir.rglob("*.csv.part")))
        killed.kill()
    (part,) = data_dir.rglob("*.csv.part")
    kept = part.stat().st_size
    road.desk("DELETE", "/faults")
    wait_until(lambda: road.desk("GET", "/state")["calls_at_once"] == 0)
    sent = road.desk("GET", "/counters")["bytes_sent"]
    (landed,) = road.travel(MONTH)

    assert MEGABYTE <= kept < landed.file_bytes
    assert landed.file_bytes - kept == road.desk("GET", "/counters")["bytes_sent"] - sent
    assert (1, 1) == (road.exports("enqueued"), road.exports("completed"))
    assert [] == road.differences()


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_again_and_again(far_road: Road, environment: dict[str, str], seed: int) -> None:
    """However often and whenever runs are killed, what is published is whole, and the end is right and paid once."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    far_road.travel(BEFORE)
    for _ in range(4):
        with child(environment, MONTH) as killed:
            # Not before there is something to kill: a process needs half a second to begin.
            time.sleep(rng.uniform(0.4, 1.4))
            killed.kill()
        months = {month for (month,) in far_road.query("SELECT DISTINCT strftime(createdAt, '%Y-%m') FROM main.leads")}
        loads = {month for (month,) in far_road.query("SELECT partition FROM meta.loads")}
        assert months == loads
        assert {BEFORE} <= months <= {BEFORE, MONTH}

    assert_finished_without_paying_twice(far_road)
