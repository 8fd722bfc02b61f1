"""A backfill under a real Dagster against the time that Marketo's two export slots need for the same jobs.

`python -m marketo_assets_tests.benchmarks.two_slots [--months 24] [--minutes 5] [--scale 2.5]`

A job is processed for so many of Marketo's *minutes*, of which *scale* pass in one of life. Dagster's own time (daemon
ticks, starting a process for each run) does not shrink with the scale, so the ratio is worse than in life.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from marketo_assets_tests.doors import running_sandbox
from marketo_assets_tests.pipeline.daemon import Daemon, running_dagster

ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")
EXPORTS, SNAPSHOTS = ["landing", "lead_exports"], ["marketo", "raw", "lead_snapshots"]
SLOTS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--leads", type=int, default=500, help="leads a month")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long Marketo processes a job")
    parser.add_argument("--scale", type=float, default=2.5)
    asked = parser.parse_args()
    told = {
        "--leads": asked.leads * asked.months,
        "--months": asked.months,
        "--time-scale": asked.scale,
        "--export-seconds": 60 * asked.minutes,
        "--daily-export-mb": 10_000,
    }
    arguments = [str(part) for pair in told.items() for part in pair]
    with running_sandbox(*arguments) as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = {**sandbox.variables, "MARKETO_DATA_DIR": f"{folder}/data"}
        months = _months(sandbox.variables["MARKETO_START_MONTH"], asked.months)
        with running_dagster(Path(folder) / "home", environment) as daemon:
            launched = datetime.fromisoformat(sandbox.control.get("/state").json()["now"])
            status, seconds = _backfill(daemon, months, patience=10 * 60 * asked.minutes * asked.months / asked.scale)
        jobs = sandbox.control.get("/jobs").json()
    needed = sum(_processed(job) for job in jobs) / SLOTS / asked.scale
    first, last = min(job["createdAt"] for job in jobs), max(job["finishedAt"] for job in jobs)
    under_way = _seconds(first, last) / asked.scale
    before = (datetime.fromisoformat(first) - launched).total_seconds() / asked.scale
    print(f"{status}: {len(jobs)} jobs, {asked.minutes:g} minutes each at scale {asked.scale:g}")
    print(f"two slots need {needed:.1f} s of life; the backfill took {seconds:.1f} s, ratio {seconds / needed:.3f}")
    print(
        f"(bar: 1.10) until the first job is created {before:.1f} s, to the end of the last one {under_way:.1f} s, "
        f"until the backfill is done {seconds - before - under_way:.1f} s"
    )


def _backfill(daemon: Daemon, months: list[str], *, patience: float) -> tuple[str, float]:
    began, status = time.monotonic(), ""
    backfill = daemon.launch_backfill(months, EXPORTS, SNAPSHOTS)
    while status not in ENDED and time.monotonic() - began < patience:
        time.sleep(0.5)
        status = daemon.backfill_status(backfill)
    return status, time.monotonic() - began


def _processed(job: dict[str, Any]) -> float:
    return _seconds(job["startedAt"], job["finishedAt"])


def _seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()


def _months(first: str, count: int) -> list[str]:
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, start + count)]


if __name__ == "__main__":
    main()
