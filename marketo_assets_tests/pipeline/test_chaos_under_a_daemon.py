"""Bad weather over a real Dagster: a backfill, captures beside it, and somebody who kills runs.

    python -m pytest -m slow marketo_assets_tests/pipeline/test_chaos_under_a_daemon.py -s

Webserver, daemon, run queue and sensors are the real ones, processes die by SIGKILL, and the client's clock follows a
sandbox in which every fault strikes. Takes about ten minutes; Dagster looks for dead runs every two.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox, running_sandbox
from marketo_assets_tests.pipeline.chaos import limits_broken, paid_twice
from marketo_assets_tests.pipeline.daemon import Daemon, running_dagster
from marketo_assets_tests.pipeline.road import Road, months_until

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("FIRST_CHAOS", "1"))
MONTHS, LEADS, SCALE = 6, 40, 400
WEATHER_SECONDS, PATIENCE_SECONDS = 240.0, 900.0
MOST_KILLED, MOST_BACKFILLS = 5, 6
ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")
EXPORTS, SNAPSHOTS = ["landing", "lead_exports"], ["marketo", "raw", "lead_snapshots"]


@dataclass
class Trouble:
    """Somebody who kills runs and changes leads, once a second."""

    daemon: Daemon
    sandbox: RunningSandbox
    rng: Random
    killed: list[int] = field(default_factory=list)
    thrown: list[dict[str, Any]] = field(default_factory=list)
    """What the weather threw, once it has ended."""

    def end(self) -> None:
        """Let the weather be fine."""
        self.thrown += self.sandbox.control.delete("/chaos").json()["thrown"]

    def stir(self) -> None:
        """Change a lead, or two, and perhaps kill a run."""
        ids = [lead["id"] for lead in self.sandbox.control.get("/leads").json()["leads"]]
        self.rng.shuffle(ids)
        values = {"firstName": f"Chaos {self.rng.random():.6f}", "leadScore": self.rng.randint(-5, 5)}
        change = self.rng.choice(
            [{"edit": ids[0], "values": values}] * 6
            + [{"add": values}, {"delete": ids[1]}, {"merge": ids[2], "losers": [ids[3]]}]
        )
        self.sandbox.control.post("/changes", json={"changes": [change]}).raise_for_status()
        runs = self.daemon.run_pids()
        if runs and len(self.killed) < MOST_KILLED and self.rng.random() < 0.15:
            victim = self.rng.choice(runs)
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                self.killed.append(victim)


def backfill_until_done(daemon: Daemon, months: list[str], trouble: Trouble) -> list[str]:
    """Return how each backfill ended: months that failed are started again, as a person would."""
    ends, began = [], time.monotonic()
    left = set(months)
    while left and len(ends) < MOST_BACKFILLS:
        backfill, status = daemon.launch_backfill(sorted(left), EXPORTS, SNAPSHOTS), ""
        while status not in ENDED:
            assert time.monotonic() - began < PATIENCE_SECONDS, (status, ends, Counter(r.status for r in daemon.runs()))
            if time.monotonic() - began > WEATHER_SECONDS:
                trouble.end()
            else:
                trouble.stir()
            time.sleep(1)
            status = daemon.backfill_status(backfill)
        ends.append(status)
        left -= {run.tags.get("dagster/partition", "") for run in daemon.runs() if run.status == "SUCCESS"}
    assert not left, (left, ends)
    return ends


def test_a_backfill_and_captures_survive_the_night(tmp_path: Path, data_dir: Path) -> None:
    """Runs are killed while every fault strikes: in the end all leads are the instance's, each month paid once."""
    print(f"seed {SEED}")
    begin = (datetime.now(UTC) - timedelta(days=12)).replace(hour=12, minute=0, second=0, microsecond=0)
    size = ["--leads", LEADS * MONTHS, "--months", MONTHS, "--fields", 30, "--seed", SEED, "--chaos", SEED]
    told = [*size, "--now", begin.isoformat(), "--time-scale", SCALE, "--queue-seconds", 0]
    with running_sandbox(*map(str, told)) as sandbox:
        environment = {**sandbox.variables, "MARKETO_DATA_DIR": str(data_dir), "MARKETO_POLL_SECONDS": "10"}
        road = Road(load_settings(environment), sandbox.control)
        with running_dagster(tmp_path / "home", environment) as daemon:
            trouble = Trouble(daemon, sandbox, Random(SEED))
            daemon.start_sensor("lead_changes_sensor")
            ends = backfill_until_done(daemon, months_until(begin, MONTHS), trouble)
            trouble.end()
            print(f"backfills {ends}, {len(trouble.killed)} killed, {Counter(run.status for run in daemon.runs())}")
            print(Counter(f"{order['kind']} {order.get('code', order.get('status', ''))}" for order in trouble.thrown))
            for run in daemon.runs():
                if run.status == "FAILURE":
                    print(run.tags.get("dagster/partition", "a capture"), daemon.failure(run.run_id)[:300])
            _await_truth(road)
        assert len(trouble.killed) >= 2
        assert trouble.thrown
        assert [] == paid_twice(road, trouble.thrown)
        assert [] == limits_broken(road)


def _await_truth(road: Road) -> None:
    """Return when the sensor has seen to it that what is published is what there is."""
    deadline, found = time.monotonic() + PATIENCE_SECONDS, ["nothing published"]
    while found and time.monotonic() < deadline:
        time.sleep(5)
        found = road.differences() if road.warehouse.published_path.exists() else found
    assert [] == found
