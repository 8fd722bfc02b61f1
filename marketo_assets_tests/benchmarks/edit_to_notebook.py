"""How long an edit at Marketo takes until a notebook sees it, from the tick of the sensor that noticed it.

`python -m marketo_assets_tests.benchmarks.edit_to_notebook [--rounds 5] [--leads 20000] [--fields 60]`

Webserver, daemon, sensor, run process and sandbox are real ones; the instance's time flies, so that months are there
soon, and nothing that is measured waits for it. Our own time is what passes between the beginning of the tick and the
first connection that shows the edit: the look, the start of the run (Dagster's queue and a new process), the capture
and the release. The bar is ten seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from marketo_assets.settings import load_settings
from marketo_assets.warehouse import connect_readonly
from marketo_assets_tests.doors import running_sandbox
from marketo_assets_tests.pipeline.daemon import Daemon, running_dagster
from marketo_assets_tests.pipeline.road import Road, months_until

MONTHS = 3
BAR_SECONDS = 10.0
POLL_SECONDS, TIME_SCALE = 5, 30
SENSOR = "lead_changes_sensor"
PATIENCE_SECONDS = 180.0
_TICKS = """
query Ticks($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
  sensorState { ticks(limit: 50) { status timestamp } }
} } }
"""
_WHERE = {"repositoryName": "__repository__", "repositoryLocationName": "marketo_assets", "sensorName": SENSOR}


def started_at(daemon: Daemon, until: float) -> float:
    """Return when the last tick before *until* began that started a run."""
    ticks = daemon.ask(_TICKS, sensor=_WHERE)["sensorOrError"]["sensorState"]["ticks"]
    return max(float(t["timestamp"]) for t in ticks if t["status"] == "SUCCESS" and float(t["timestamp"]) <= until)


def seen_at(path: Path, lead_id: int, name: str) -> float:
    """Return when a new connection first shows the name."""
    deadline = time.time() + PATIENCE_SECONDS
    while time.time() < deadline:
        with connect_readonly(path) as con:
            if con.execute("SELECT 1 FROM leads WHERE id = ? AND firstName = ?", [lead_id, name]).fetchone():
                return time.time()
        time.sleep(0.05)
    raise AssertionError(f"{name} was not seen for {PATIENCE_SECONDS:g} s")


def wait_for_quiet(daemon: Daemon) -> None:
    """Return when no run is under way."""
    while any(run.status in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED") for run in daemon.runs()):
        time.sleep(0.2)


def measure(rounds: int, leads: int, fields: int, folder: Path) -> list[tuple[float, float]]:
    """Return for each edit how long it took in all, and from the tick on."""
    told = ["--leads", leads, "--months", MONTHS, "--fields", fields, "--queue-seconds", 0, "--time-scale", TIME_SCALE]
    with running_sandbox(*map(str, told)) as sandbox:
        environment = {
            **sandbox.variables,
            "MARKETO_DATA_DIR": str(folder / "data"),
            "MARKETO_POLL_SECONDS": str(POLL_SECONDS),
        }
        road = Road(load_settings(environment), sandbox.control)
        road.travel(*months_until(datetime.now(UTC), MONTHS))
        road.capture()
        road.publish()
        lead_id, found = road.query("SELECT min(id) FROM leads")[0][0], []
        with running_dagster(folder / "home", environment) as daemon:
            daemon.start_sensor(SENSOR)
            for number in range(rounds + 1):
                wait_for_quiet(daemon)
                name, began = f"Round {number}", time.time()
                road.desk("PATCH", f"/leads/{lead_id}", values={"firstName": name})
                seen = seen_at(road.warehouse.published_path, lead_id, name)
                found.append((seen - began, seen - max(began, started_at(daemon, seen))))
        return found[1:]  # the first run pays for imports that the code server keeps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--fields", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(asked.rounds, asked.leads, asked.fields, Path(folder))
    for whole, own in found:
        print(f"seen after {whole:5.1f} s, of which {own:5.1f} s from the tick on")
    median = statistics.median(own for _, own in found)
    print(
        f"{asked.leads:,} leads of {asked.fields} fields, load {os.getloadavg()[0]:.1f}: {median / 10:.2f} of the bar"
    )


if __name__ == "__main__":
    main()
