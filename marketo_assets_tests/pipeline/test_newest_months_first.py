"""A backfill started from the UI exports the newest months first, in a real Dagster.

python -m pytest -m slow marketo_assets_tests/pipeline/test_newest_months_first.py -s
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets_tests.doors import running_sandbox
from marketo_assets_tests.pipeline.daemon import running_dagster
from marketo_assets_tests.pipeline.road import months_until

pytestmark = pytest.mark.slow

EXPORTS, SNAPSHOTS = ["landing", "lead_exports"], ["marketo", "raw", "lead_snapshots"]
AT_ONCE = 4
PATIENCE_SECONDS = 240


def test_a_backfill_from_the_ui_begins_with_the_newest_months(tmp_path: Path, data_dir: Path) -> None:
    """Of twelve months, four run at once, and Marketo is asked for them four by four, the newest first."""
    begin = datetime.now(UTC) - timedelta(days=2)
    months = months_until(begin, 12)
    options = {"--leads": 600, "--months": 12, "--fields": 20, "--now": begin.isoformat(), "--time-scale": 600}
    with running_sandbox(*[str(part) for pair in options.items() for part in pair]) as sandbox:
        environment = {**sandbox.variables, "MARKETO_DATA_DIR": str(data_dir)}
        with running_dagster(tmp_path / "home", environment) as daemon:
            backfill = daemon.launch_backfill(months, EXPORTS, SNAPSHOTS)
            began = time.monotonic()
            while time.monotonic() - began < PATIENCE_SECONDS and len(daemon.runs()) < len(months):
                time.sleep(1)
            while time.monotonic() - began < PATIENCE_SECONDS and daemon.backfill_status(backfill) == "REQUESTED":
                time.sleep(1)
            status = daemon.backfill_status(backfill)
            print(f"\n{status} after {time.monotonic() - began:.0f} s")
            runs = sorted(daemon.runs(), key=lambda run: run.end_time or 0)
            ended = [run.tags["dagster/partition"] for run in runs if "dagster/partition" in run.tags]
        jobs = sorted(sandbox.control.get("/jobs").json(), key=lambda job: str(job["createdAt"]))
    print(f"ended in this order: {ended}; created at Marketo: {[job['createdAt'] for job in jobs]}")
    assert "COMPLETED_SUCCESS" == status
    newest_first = sorted(months, reverse=True)
    for place in range(0, len(months), AT_ONCE):
        # A run may overtake the one that was launched with it, hardly ever the group before.
        late = [ended.index(month) - place for month in newest_first[place : place + AT_ONCE]]
        assert max(map(abs, late)) < 2 * AT_ONCE, ended
    assert set(newest_first[:AT_ONCE]) == set(ended[:AT_ONCE])
