"""Memory of everything at once, and of one process that captures changes for long.

`python -m marketo_assets_tests.benchmarks.memory [--leads 20000] [--captures 500]`

PSS counts a page that processes share in parts, so a sum of it is what the machine has to have; a sum of RSS counts
such pages once for each process.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from marketo_assets.settings import load_settings
from marketo_assets_tests.benchmarks.two_slots import ENDED, EXPORTS, SNAPSHOTS
from marketo_assets_tests.doors import running_sandbox
from marketo_assets_tests.pipeline.daemon import running_dagster
from marketo_assets_tests.pipeline.road import Road

RUNS = 4
MEGABYTE = 1 << 20
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Taken:
    """Memory of a session's processes at a moment."""

    processes: int
    pss: int
    rss: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=20_000, help="leads a month")
    parser.add_argument("--captures", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _four_runs(Path(folder), asked.leads)
    with tempfile.TemporaryDirectory() as folder:
        _captures(Path(folder), asked.captures)


def _four_runs(folder: Path, leads: int) -> None:
    """Print the most that four runs at once, the daemon, the webserver and the code server took together."""
    # A job is processed for twenty seconds, so that four runs wait side by side before they load.
    size = ["--leads", str(RUNS * leads), "--months", str(RUNS), "--export-seconds", "200"]
    with running_sandbox(*size, "--time-scale", "10", "--daily-export-mb", "10000") as sandbox:
        start = sandbox.variables["MARKETO_START_MONTH"]
        first = int(start[:4]) * 12 + int(start[5:]) - 1
        months = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, first + RUNS)]
        environment = {**sandbox.variables, "MARKETO_DATA_DIR": str(folder / "data")}
        with running_dagster(folder / "home", environment) as daemon:
            rest = taken(daemon.process.pid)
            backfill, most, status, together = daemon.launch_backfill(months, EXPORTS, SNAPSHOTS), rest, "", 0
            deadline = time.monotonic() + PATIENCE_SECONDS
            while status not in ENDED and time.monotonic() < deadline:
                time.sleep(0.2)
                now = taken(daemon.process.pid)
                most = max(most, now, key=lambda found: found.pss)
                together = max(together, Counter(run.status for run in daemon.runs())["STARTED"])
                status = daemon.backfill_status(backfill)
    print(f"four months of {leads:,} leads: {status}, {together} runs at once")
    for name, found in {"at rest": rest, "at most": most}.items():
        pss, rss = found.pss / MEGABYTE, found.rss / MEGABYTE
        print(f"  {name}: {found.processes} processes, PSS {pss:,.0f} MB, RSS {rss:,.0f} MB")
    print("  bar: 1,500 MB")


def _captures(folder: Path, count: int) -> None:
    """Print the memory of this process after each hundred captures, every fifth of which has something to read."""
    with running_sandbox("--leads", "300", "--months", "1", "--time-scale", "2000") as sandbox:
        settings = load_settings({**sandbox.variables, "MARKETO_DATA_DIR": str(folder / "data")})
        road = Road(settings, sandbox.control)
        road.travel(sandbox.variables["MARKETO_START_MONTH"])
        lead_id = sandbox.control.get("/leads").json()["leads"][0]["id"]
        held = {}
        for number in range(1, count + 1):
            if number % 5 == 0:
                road.desk("POST", "/changes", changes=[{"edit": lead_id, "values": {"firstName": f"Poll {number}"}}])
            road.capture()
            road.log.clear()
            if number % 100 == 0:
                gc.collect()
                held[number] = _own("VmRSS")
                print(f"  after {number} captures: RSS {held[number] / MEGABYTE:,.1f} MB")
    first, last = held[min(held)], held[max(held)]
    print(f"{count} captures: grown by {(last - first) / MEGABYTE:+.1f} MB since the first hundred (bar: none)")


def taken(session: int) -> Taken:
    """Return what the processes of *session* take together."""
    pss = rss = processes = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) != session:
                continue
            rollup = _kilobytes((folder / "smaps_rollup").read_text())
        except (OSError, ValueError):  # it ended meanwhile
            continue
        processes, pss, rss = processes + 1, pss + rollup.get("Pss", 0), rss + rollup.get("Rss", 0)
    return Taken(processes, pss * 1024, rss * 1024)


def _kilobytes(text: str) -> dict[str, int]:
    lines = [line.split() for line in text.splitlines() if line.endswith(" kB")]
    return {words[0].rstrip(":"): int(words[1]) for words in lines}


def _own(name: str) -> int:
    return _kilobytes(Path("/proc/self/status").read_text())[name] * 1024


if __name__ == "__main__":
    main()
