"""What happens in Dagster before its pages are looked at: months, changes, every job once, a pause for the quota."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketo_assets_tests.doors import RunningSandbox, running_sandbox
from marketo_assets_tests.pipeline.daemon import Daemon, running_dagster

MONTHS = 18
ACTIVITY_MONTHS = 2
WAIT_SECONDS = 420.0
SENSORS = ("lead_changes_sensor", "activities_sensor")
SCHEDULES = ("lead_sweep_nightly",)
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_OPTIONS = {
    "--leads": 500 * MONTHS,
    "--activities": 6,
    "--months": MONTHS,
    "--fields": 40,
    "--seed": 7,
    "--queue-seconds": 1,
    "--export-seconds": 3,
    "--status-refresh-seconds": 1,
    # The project takes half: some months of either kind, and then exports have to rest.
    "--daily-export-mb": 14,
}
_WHERE = {"repositoryName": "__repository__", "repositoryLocationName": "marketo_assets"}
MONTH_RUNS = "__ASSET_JOB"
"""The job that Dagster names for runs of backfills of chosen assets."""
_MONTH = "dagster/partition"
_RUNS = """
query Runs { runsOrError(limit: 500) { ... on Runs { results { runId status jobName tags { key } } } } }
"""
_LAUNCH = """
mutation Launch($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
} }
"""
_START_SCHEDULE = """
mutation Start($schedule: ScheduleSelector!) { startSchedule(scheduleSelector: $schedule) { __typename } }
"""


@dataclass(frozen=True)
class Stage:
    """A Dagster with something to look at, and the sandbox behind it."""

    daemon: Daemon
    sandbox: RunningSandbox
    home: Path


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Yield Dagster and its sandbox, with everything below *folder*, before anything has happened."""
    arguments = [str(part) for pair in _OPTIONS.items() for part in pair]
    with running_sandbox(*arguments) as sandbox:
        environment = {
            **sandbox.variables,
            "MARKETO_DATA_DIR": f"{folder}/data",
            "MARKETO_STATUS_POLL_SECONDS": "2",
            "MARKETO_POLL_SECONDS": "30",
        }
        with running_dagster(folder / "home", environment) as daemon:
            yield Stage(daemon, sandbox, folder / "home")


def play(stage: Stage, say: Callable[[str], None]) -> None:
    """Return when months are loaded, changes are captured, every job has run once, and exports pause for the quota."""
    daemon, control = stage.daemon, stage.sandbox.control
    months = _months(stage.sandbox.variables["MARKETO_START_MONTH"])
    leads, rows = ["landing", "lead_exports"], ["marketo", "raw", "lead_snapshots"]
    activities = ["landing", "activity_exports"], ["marketo", "activities"]
    say("three months of leads, and what gives ids a name")
    daemon.launch_backfill(months[-3:], leads, rows)
    _await(lambda: _succeeded(daemon) >= 3, "three months")
    for job in ("reference", "lead_changes", "activity_polls", "lead_audit", "program_members", "list_members"):
        _run(daemon, job)
    say("changes at the control desk, and what captures them")
    known = [lead["id"] for lead in control.get("/leads", params={"limit": 60}).json()["leads"]]
    for round_ in range(3):
        changes = [{"edit": lead, "values": {"leadScore": 100 + round_}} for lead in known[: 20 * (round_ + 1)]]
        control.post("/changes", json={"changes": [*changes, {"delete": known[-1 - round_]}]})
        _run(daemon, "lead_changes")
        _run(daemon, "activity_polls")
    _run(daemon, "lead_sweep")
    say("months of activities")
    done = _succeeded(daemon)
    daemon.launch_backfill(months[-ACTIVITY_MONTHS:], *activities)
    _await(lambda: _succeeded(daemon) >= done + ACTIVITY_MONTHS, "activities")
    for name in SENSORS:
        daemon.start_sensor(name)
    for name in SCHEDULES:
        daemon.ask(_START_SCHEDULE, schedule={**_WHERE, "scheduleName": name})
    say("every month of leads, until the day's export quota is spent")
    every = daemon.launch_backfill(months, leads, rows)

    def rests() -> bool:
        # Where the quota was enough after all, there are pictures without a pause.
        return (daemon.pool_limit() == 0 and _queued(daemon) > 0) or "COMPLETED" in daemon.backfill_status(every)

    _await(rests, "the pause")
    time.sleep(45)  # two ticks of every sensor


def newest_run(daemon: Daemon, job: str | None = None) -> str:
    """Return the id of the newest run that ended well, of *job* if one is named."""
    runs = daemon.ask(_RUNS)["runsOrError"]["results"]
    wanted = (run for run in runs if run["status"] == "SUCCESS" and job in (None, run["jobName"]))
    # Of the runs that Dagster makes of chosen assets, those of months say most.
    return next(run["runId"] for run in wanted if job != MONTH_RUNS or any(tag["key"] == _MONTH for tag in run["tags"]))


def _run(daemon: Daemon, job: str) -> None:
    parameters = {"selector": {**_WHERE, "jobName": job}, "runConfigData": {}, "mode": "default"}
    launched: Any = daemon.ask(_LAUNCH, parameters=parameters)["launchRun"]
    assert "run" in launched, f"{job}: {launched}"
    run_id = launched["run"]["runId"]

    def has_ended() -> bool:
        return any(run.run_id == run_id and run.status in ENDED for run in daemon.runs())

    _await(has_ended, job)


def _succeeded(daemon: Daemon) -> int:
    return sum(run.status == "SUCCESS" for run in daemon.runs())


def _queued(daemon: Daemon) -> int:
    return sum(run.status == "QUEUED" for run in daemon.runs())


def _await(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no sign of {what} after {WAIT_SECONDS:g} s")
        time.sleep(1.0)


def _months(first: str) -> list[str]:
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, start + MONTHS)]
