"""The disk is full at one step or another: the error says so, nothing is lost, and with space the run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.pipeline.conftest import begin_again
from marketo_assets_tests.pipeline.processes import run
from marketo_assets_tests.pipeline.road import Road

BEFORE, MONTH = "2026-06", "2026-07"
STEPS = ("land", "load", "publish")
# The month's file has 1.8 MB, so has the warehouse; the limit is on each file that the child writes.
LIMIT = "600000"


@pytest.mark.parametrize("step", STEPS, ids=["while downloading", "while loading", "while publishing"])
def test_the_disk_fills(process: RunningSandbox, data_dir: Path, step: str) -> None:
    """A run that cannot write ends with what to do, readers keep what they had, and the next run pays for nothing."""
    environment = begin_again(process, data_dir, leads=6_000, months=2, now="2026-08-01T00:00:00Z")
    road = Road(load_settings(environment), process.control)
    road.travel(BEFORE)
    if step != "land":
        road.land(MONTH)
    if step == "publish":
        road.load(MONTH)
    before = road.query("SELECT * FROM main.leads ORDER BY id")
    code, told = run(environment, MONTH, "--steps", *STEPS[STEPS.index(step) :], "--file-limit", LIMIT)

    assert 1 == code
    assert "Traceback" not in told
    assert "free some space" in told.lower()
    assert before == road.query("SELECT * FROM main.leads ORDER BY id")

    road.travel(MONTH)
    assert [] == road.differences()
    assert (2, 2) == (road.exports("created"), road.exports("completed"))


def test_no_room_for_the_ledger(environment: dict[str, str], far_road: Road) -> None:
    """Where calls cannot be counted, none is made, and the error says which folder needs space."""
    code, told = run(environment, MONTH, "--file-limit", "1000")

    assert 1 == code
    assert "LedgerUnusable" in told
    assert "free space" in told
    assert 0 == far_road.desk("GET", "/counters")["calls"]
