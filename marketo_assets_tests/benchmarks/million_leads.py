"""One month of a million leads: the download against curl, and landed-to-published against a bare read_csv.

`python -m marketo_assets_tests.benchmarks.million_leads [--leads 1000000] [--rounds 3]` (needs curl)
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from marketo_assets_tests.doors import running_sandbox

STEPS = "marketo_assets_tests.benchmarks.million_steps"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    generous = "--time-scale 600 --daily-export-mb 100000 --token-seconds 9999999 --export-seconds 30"
    size = ["--leads", str(asked.leads), "--months", "1"]
    with running_sandbox(*size, *generous.split()) as sandbox, tempfile.TemporaryDirectory() as folder:
        month = sandbox.variables["MARKETO_START_MONTH"]
        environment = {**os.environ, **sandbox.variables, "MARKETO_DATA_DIR": f"{folder}/data"}
        _step(environment, "land", month)  # so that the export job is Completed for every download that follows
        downloads, loads = [], []
        for number in range(asked.rounds):
            ours, curl = _step(environment, "download", month, folder), _step(environment, "curl", month, folder)
            downloads.append(ours["seconds"] / curl["seconds"])
            print(
                f"round {number + 1}: download {ours['seconds']:.2f} s / curl {curl['seconds']:.2f} s = "
                f"{downloads[-1]:.2f} for {ours['bytes'] / 1e6:.0f} MB, peak {ours['peak_mb']} MB"
            )
            full = _step(environment, "load", month)
            bare, bare_order = _step(environment, "bare", month), _step(environment, "bare-ordered", month)
            loads.append(full["seconds"] / bare["seconds"])
            print(
                f"round {number + 1}: landed to published {full['seconds']:.2f} s / bare read_csv "
                f"{bare['seconds']:.2f} s = {loads[-1]:.2f} (in DuckDB's default order {bare_order['seconds']:.2f} s: "
                f"{full['seconds'] / bare_order['seconds']:.2f}), peak {full['peak_mb']} MB"
            )
    print(f"median download ratio {statistics.median(downloads):.2f} (bar: 1.5)")
    print(f"median load ratio {statistics.median(loads):.2f} (bar: 1.6)")


def _step(environment: dict[str, str], *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", STEPS, *arguments], env=environment, check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    main()
