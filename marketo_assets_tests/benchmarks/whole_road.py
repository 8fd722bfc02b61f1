"""CPU of the whole road against that of a minimal script, in turn, on the same instance.

`python -m marketo_assets_tests.benchmarks.whole_road [--leads 200000] [--months 24] [--rounds 3]`
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from marketo_assets_tests.doors import running_sandbox

PACKAGE = "marketo_assets_tests.benchmarks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    generous = "--time-scale 600 --daily-export-mb 100000 --token-seconds 9999999 --rate-calls 100000 --concurrency 100"
    size = ["--leads", str(asked.leads), "--months", str(asked.months)]
    with running_sandbox(*size, *generous.split(), "--export-seconds", "30") as sandbox:
        months = _months(sandbox.variables["MARKETO_START_MONTH"], asked.months)
        ratios = []
        for number in range(asked.rounds):
            with tempfile.TemporaryDirectory() as folder:
                environment = {**os.environ, **sandbox.variables, "MARKETO_DATA_DIR": f"{folder}/data"}
                ours = _cpu_seconds([f"{PACKAGE}.full_script", *months], environment)
                bare = _cpu_seconds([f"{PACKAGE}.minimal_script", folder, *months], environment)
                rows = [_rows(f"{folder}/data/marketo.duckdb"), _rows(f"{folder}/minimal.duckdb")]
            ratios.append(ours / bare)
            print(f"round {number + 1}: {ours:.2f} s / {bare:.2f} s of CPU = {ratios[-1]:.2f}, rows {rows}")
    print(f"median ratio {statistics.median(ratios):.2f} (bar: 2)")


def _months(first: str, count: int) -> list[str]:
    start = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, start + count)]


def _cpu_seconds(arguments: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", *arguments], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _rows(path: str) -> int:
    with duckdb.connect(str(Path(path).resolve()), read_only=True) as con:
        return int((con.execute("SELECT count(*) FROM leads").fetchone() or (0,))[0])


if __name__ == "__main__":
    main()
