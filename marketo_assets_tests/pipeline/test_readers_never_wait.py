"""People read while runs write: nobody waits for anybody, and every look is at one state."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.processes import PATIENCE_SECONDS, child
from marketo_assets_tests.pipeline.road import NOW, Road, months_until

MONTHS = months_until(NOW, 8)
MOST_SECONDS = 1.0
"""For opening the published file, asking it and closing it, while a run writes beside it."""


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    return make_road(leads=400, months=8)


def backfill_while_reading(road: Road, data_dir: Path, how: str) -> dict[str, Any]:
    """Return what a reader in another process saw while all months but the first were run."""
    road.travel(MONTHS[0])
    with child({}, how, str(data_dir / "marketo.duckdb"), module="reader") as reader:
        assert reader.stdout is not None
        assert "reading\n" == reader.stdout.readline()
        began = time.monotonic()
        road.travel(*MONTHS[1:])
        seconds = time.monotonic() - began
        told, errors = reader.communicate(timeout=PATIENCE_SECONDS)
    assert 0 == reader.returncode, errors
    report: dict[str, Any] = json.loads(told)
    slowest = report["slowest_seconds"]
    print(f"{report['reads']} reads, the slowest of {slowest:.3f} s, while 7 months were run in {seconds:.1f} s")
    return report


def test_a_reader_keeps_the_published_file_open_for_the_whole_backfill(road: Road, data_dir: Path) -> None:
    """A connection opened before a backfill answers all the time, always from the same state, within a second."""
    report = backfill_while_reading(road, data_dir, "hold")

    assert [] == report["wrong"]
    assert report["slowest_seconds"] < MOST_SECONDS
    assert 1 == len(report["seen"])
    assert report["reads"] > 20
    assert [] == road.differences()


def test_a_reader_opens_the_published_file_all_the_time(road: Road, data_dir: Path) -> None:
    """Every opening during a backfill works within a second and shows one release, never half of one."""
    report = backfill_while_reading(road, data_dir, "poll")

    assert [] == report["wrong"]
    assert report["slowest_seconds"] < MOST_SECONDS
    assert len(report["seen"]) > 3
    assert report["reads"] > 20
    assert [] == road.differences()


def test_many_readers_in_the_same_process(road: Road) -> None:
    """Threads that read the release beside a run in the same process get their answers."""
    road.travel(MONTHS[0])
    with ThreadPoolExecutor(2) as pool:
        looks = [pool.submit(road.query, "SELECT count(*) = count(DISTINCT id) FROM main.leads") for _ in range(40)]
        road.travel(*MONTHS[1:4])

    assert [[(True,)]] * 40 == [look.result() for look in looks]


def test_a_release_that_is_read_stays_for_two_more(road: Road, data_dir: Path) -> None:
    """The newest three releases are kept, older ones go, and the link always leads to the newest."""
    road.travel(*MONTHS[:5])

    assert {"3", "4", "5"} == {path.name for path in (data_dir / "releases").iterdir()}
    assert data_dir / "releases" / "5" / "marketo.duckdb" == (data_dir / "marketo.duckdb").resolve()
