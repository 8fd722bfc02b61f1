"""Runs of reference objects and members are killed with SIGKILL, or meet each other: nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.pipeline.conftest import begin_again
from marketo_assets_tests.pipeline.member_child import JOBS
from marketo_assets_tests.pipeline.member_road import begin, wrong_lists, wrong_members
from marketo_assets_tests.pipeline.processes import child, is_locked
from marketo_assets_tests.pipeline.reference_road import peek, reference_diff
from marketo_assets_tests.pipeline.road import Road

CHILD = "member_child"
OBJECTS = "programs,program_tags,static_lists,emails,tags,folders"
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 7))]
KILLS = 4
WRONG = {
    "reference": lambda road: reference_diff(road, *OBJECTS.split(",")),
    "program_members": wrong_members,
    "list_members": wrong_lists,
}
REPEATED = {
    "reference": "SELECT count(*) - count(DISTINCT (object, reading)) FROM meta.reference_readings",
    "program_members": "SELECT count(*) - count(DISTINCT (program_id, lead_id)) FROM raw.program_members",
    "list_members": "SELECT count(*) - count(DISTINCT (list_id, lead_id)) FROM raw.static_list_members",
}


def road_to(process: RunningSandbox, data_dir: Path, job: str) -> tuple[Road, dict[str, str]]:
    """Return a road to a new instance, which knows what has members, and the environment of those who take it too."""
    environment = begin_again(process, data_dir, leads=60, months=1)
    environment |= {"MARKETO_OBJECTS": OBJECTS} if job == "reference" else {}
    road = Road(load_settings(environment), process.control)
    return (road if job == "reference" else begin(road)), environment


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_any_step(process: RunningSandbox, data_dir: Path, job: str, seed: int) -> None:
    """Killed after any call and before any commit, the next run ends what was begun, and pays no export twice."""
    print(f"seed {seed}")
    rng = Random(seed)
    road, environment = road_to(process, data_dir, job)
    for _ in range(KILLS):
        step, number = rng.choice(["--calls", "--commits"]), rng.randint(0, 14)
        with child(environment, job, step, str(number), module=CHILD) as killed:
            said = killed.stdout.readline() if killed.stdout else ""
            print(step, number, said.strip() or "ended")
            killed.kill()
    with child(environment, job, module=CHILD) as last:
        _, told = last.communicate()
    assert (0, "") == (last.returncode, "" if last.returncode == 0 else told)

    assert [] == WRONG[job](road)
    assert [(0,)] == peek(road, REPEATED[job])
    assert road.exports("enqueued") == road.exports("completed")
    assert not is_locked(data_dir / "work.lock")


@pytest.mark.parametrize("job", JOBS)
def test_two_runs_of_one_job_at_once(process: RunningSandbox, data_dir: Path, job: str) -> None:
    """They go one after the other, each ends well, and what is there is there once."""
    road, environment = road_to(process, data_dir, job)
    with child(environment, job, module=CHILD) as one, child(environment, job, module=CHILD) as other:
        told = [run.communicate()[1] for run in (one, other)]
    assert [0, 0] == [one.returncode, other.returncode], told

    assert [] == WRONG[job](road)
    assert [(0,)] == peek(road, REPEATED[job])
    assert road.exports("enqueued") == road.exports("completed")
