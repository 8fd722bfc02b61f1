"""A real Dagster in a folder of its own: webserver, daemon and code server, asked by GraphQL as the UI asks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120.0
"""How long Dagster may take to answer."""
STOP_SECONDS = 30.0

_LAUNCH = """
mutation Launch($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}
"""
_BACKFILL = """
query Backfill($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }
"""
_RUNS = """
query Runs { runsOrError(limit: 500) { ... on Runs { results {
  runId status startTime endTime assetSelection { path } tags { key value }
} } } }
"""
_POOL = """
query Pool { instance { concurrencyLimit(concurrencyKey: "marketo_export") { slotCount } } }
"""
_WHERE = {"repositoryName": "__repository__", "repositoryLocationName": "marketo_assets"}
_START_SENSOR = """
mutation Start($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) {
  __typename ... on PythonError { message }
} }
"""
_TICKS = """
query Ticks($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
  sensorState { status ticks(limit: 500) { status skipReason timestamp } }
} } }
"""
_EVENTS = """
query Events($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  __typename ... on ExecutionStepFailureEvent { error { message } failureMetadata { description } }
} } } }
"""


@dataclass(frozen=True)
class Run:
    """A run as the UI lists it."""

    run_id: str
    status: str
    end_time: float | None
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Daemon:
    """A Dagster that runs."""

    url: str
    process: subprocess.Popen[bytes]

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a GraphQL query."""
        with httpx.Client(trust_env=False, timeout=60.0) as http:
            answer = http.post(f"{self.url}/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def launch_backfill(self, months: Sequence[str], *assets: Sequence[str]) -> str:
        """Return the id of a backfill of *assets*, as the button in the UI starts it."""
        parameters = {
            "assetSelection": [{"path": list(path)} for path in assets],
            "partitionNames": list(months),
            "title": "months",
        }
        launched = self.ask(_LAUNCH, parameters=parameters)["launchPartitionBackfill"]
        assert "backfillId" in launched, launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        """Return how a backfill stands."""
        return str(self.ask(_BACKFILL, id=backfill_id)["partitionBackfillOrError"]["status"])

    def runs(self) -> list[Run]:
        """Return every run, newest first."""
        return [
            Run(run["runId"], run["status"], run["endTime"], {tag["key"]: tag["value"] for tag in run["tags"]})
            for run in self.ask(_RUNS)["runsOrError"]["results"]
        ]

    def pool_limit(self) -> int:
        """Return the limit of the export pool."""
        return int(self.ask(_POOL)["instance"]["concurrencyLimit"]["slotCount"])

    def gate_ticks(self) -> list[str]:
        """Return what the gate said at its ticks, newest first."""
        sensor = {**_WHERE, "sensorName": "export_quota_gate"}
        state = self.ask(_TICKS, sensor=sensor)["sensorOrError"]["sensorState"]
        return [str(tick["skipReason"]) for tick in state["ticks"]]

    def failure(self, run_id: str) -> str:
        """Return what the failed step of a run says, or that none failed: then its process died."""
        events = self.ask(_EVENTS, run=run_id)["logsForRun"]["events"]
        found = [event for event in events if event["__typename"] == "ExecutionStepFailureEvent"]
        if not found:
            return "its process died"
        return str((found[0]["failureMetadata"] or {}).get("description") or found[0]["error"]["message"])

    def processes(self) -> int:
        """Return how many processes belong to this Dagster, runs included."""
        return len(self._own())

    def run_pids(self) -> list[int]:
        """Return the processes in which runs are executed; what follows their output is not among them."""
        return sorted(pid for pid, command in self._own().items() if "multiprocessing.spawn" in command)

    def _own(self) -> dict[int, str]:
        listed = subprocess.run(["ps", "-eo", "sess=,pid=,args="], capture_output=True, text=True, check=True)  # noqa: S607
        own = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        # Python's own keeper of shared memory comes with the first run and stays with the code server.
        return {
            int(pid): command
            for session, pid, command in own
            if session == str(self.process.pid) and "resource_tracker" not in command
        }

    def start_sensor(self, name: str) -> None:
        """Switch a sensor on, as the UI does."""
        sensor = {**_WHERE, "sensorName": name}
        started = self.ask(_START_SENSOR, sensor=sensor)["startSensor"]
        assert started["__typename"] == "Sensor", started


@contextmanager
def running_dagster(folder: Path, environment: Mapping[str, str]) -> Iterator[Daemon]:
    """Yield Dagster with its history in *folder*; all of its processes have ended when this returns."""
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text("utf-8"), "utf-8")
    workspace = (ROOT / "workspace.yaml").read_text("utf-8")
    (folder / "workspace.yaml").write_text(
        workspace.replace("working_directory: .", f"working_directory: {ROOT}"), "utf-8"
    )
    port = _free_port()
    quiet = {name: text for name, text in os.environ.items() if not name.startswith(("MARKETO_", "DAGSTER_"))}
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev", "-w", "workspace.yaml", "-p", str(port)]
    with (
        (folder / "dagster.log").open("wb") as log,
        subprocess.Popen(
            [*command, "--log-level", "warning"],
            cwd=folder,
            env={**quiet, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", "DAGSTER_HOME": str(folder), **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            daemon = Daemon(f"http://127.0.0.1:{port}", process)
            _await_ready(daemon)
            yield daemon
        finally:
            _stop(process)


def _await_ready(daemon: Daemon) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert daemon.process.poll() is None, "Dagster ended before it was ready"
        with suppress(httpx.HTTPError, AssertionError):
            daemon.gate_ticks()
            return
        time.sleep(0.5)
    raise AssertionError(f"Dagster was not ready after {READY_SECONDS:g} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    # Runs live on for a while after Dagster has ended; they are of the same group, which only this test started.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
