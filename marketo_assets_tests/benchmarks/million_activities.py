"""A month of millions of activities: landed to published, against a bare read_csv; and a question to a typed view.

`python -m marketo_assets_tests.benchmarks.million_activities [--rows 5000000] [--rounds 3]`
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import SystemClock
from marketo_assets.land.landing import read_newest
from marketo_assets.load.activities import load_activities
from marketo_assets.load.activity_rows import FILE_COLUMNS
from marketo_assets.publish import publish
from marketo_assets.warehouse import Warehouse, connect_readonly
from marketo_assets_tests.benchmarks.activity_file import MONTH, write_month

ASKED_TYPE = "activity_click_email"
GROUPED = f"SELECT device, is_mobile_device, count(*) FROM main.{ASKED_TYPE} GROUP BY ALL"


def full(data_dir: Path) -> None:
    """Load and publish the landed month into a new warehouse."""
    warehouse, ledger = Warehouse(data_dir), Ledger(data_dir / "ledger.sqlite", Limits(), SystemClock())
    warehouse.work_path.unlink(missing_ok=True)
    landed = read_newest(data_dir / "landing" / "activity_exports" / MONTH)
    with warehouse.held():
        load_activities(warehouse, landed, run_id="benchmark", now=landed.landed_at)
        publish(warehouse, ledger, now=landed.landed_at, force=True)
    ledger.shut()


def bare(data_dir: Path) -> None:
    """Read the same file into a table, attributes as JSON, with nothing but DuckDB."""
    path = data_dir / "bare.duckdb"
    path.unlink(missing_ok=True)
    landed = read_newest(data_dir / "landing" / "activity_exports" / MONTH)
    types = {column.name: "JSON" if column.name == "attributes" else column.type for column in FILE_COLUMNS}
    with duckdb.connect(str(path), config={"preserve_insertion_order": "false"}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            f"CREATE TABLE activities AS SELECT * FROM read_csv('{landed.path}', header = true, auto_detect = false, "
            f"delim = ',', quote = '\"', escape = '\"', nullstr = 'null', allow_quoted_nulls = false, "
            f"columns = {types})"
        )


def ask(data_dir: Path) -> None:
    """Count the activities of one type by two of its typed attributes."""
    con = connect_readonly(data_dir / "marketo.duckdb")
    began = time.monotonic()
    groups = con.execute(GROUPED).fetchall()
    seconds = time.monotonic() - began
    print(f"{sum(group[-1] for group in groups):,} rows of {ASKED_TYPE} in {len(groups)} groups: {seconds:.2f} s")
    con.close()


STEPS: dict[str, Callable[[Path], None]] = {"full": full, "bare": bare, "ask": ask}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        landed = write_month(data_dir, asked.rows)
        print(f"{landed.records:,} activities, {landed.file_bytes / 1e6:,.0f} MB as Marketo delivers them")
        ratios = []
        for number in range(1, asked.rounds + 1):
            ours, plain = _step("full", data_dir), _step("bare", data_dir)
            ratios.append(ours["seconds"] / plain["seconds"])
            print(
                f"round {number}: landed to published {ours['seconds']:.2f} s / bare read_csv {plain['seconds']:.2f} s "
                f"= {ratios[-1]:.2f} (of processor time {ours['cpu'] / plain['cpu']:.2f}), peak {ours['peak_mb']} MB",
                flush=True,
            )
        print(f"median ratio {statistics.median(ratios):.2f} (bar: 2.0)")
        ask(data_dir)


def _step(name: str, data_dir: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "marketo_assets_tests.benchmarks.million_activities", "step", name, str(data_dir)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, data_dir: str) -> None:
    """Run one step in this process, and print what it took."""
    began, spent = time.monotonic(), time.process_time()
    STEPS[name](Path(data_dir))
    seconds, cpu = time.monotonic() - began, time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak}))


if __name__ == "__main__":
    measure(*sys.argv[2:]) if sys.argv[1:2] == ["step"] else main()
