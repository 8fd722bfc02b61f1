"""The line breaks while a large file comes: over a real socket, the download goes on where it stopped."""

from __future__ import annotations

from pathlib import Path

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.pipeline.conftest import begin_again
from marketo_assets_tests.pipeline.road import Road

MONTH = "2026-07"
MEGABYTE = 1 << 20


def test_the_connection_drops_again_and_again(process: RunningSandbox, data_dir: Path) -> None:
    """Three breaks in one file cost three calls more and no byte that had arrived; the file is the instance's."""
    environment = begin_again(process, data_dir, leads=8_000, months=1, now="2026-08-01T00:00:00Z")
    road = Road(load_settings(environment), process.control)
    for skip in range(3):
        road.desk("POST", "/faults", route="GET */file.json", kind="drop", after_bytes=MEGABYTE + 1000, skip=skip)
    (landed,) = road.travel(MONTH)
    counters = road.desk("GET", "/counters")

    assert [] == road.differences()
    assert landed.file_bytes > 4 * MEGABYTE
    assert 4 == counters["calls_by_route"]["GET /bulk/v1/leads/export/{exportId}/file.json"]
    assert 3 == sum("the download stopped at" in line for line in road.log)
    assert landed.file_bytes == counters["bytes_exported"]


def test_the_file_is_cut_short_and_then_damaged(process: RunningSandbox, data_dir: Path) -> None:
    """A file that ends early as if it were whole, and one with a bit turned, are noticed; the third is taken."""
    environment = begin_again(process, data_dir, leads=300, months=1, now="2026-08-01T00:00:00Z")
    road = Road(load_settings(environment), process.control)
    road.desk("POST", "/faults", route="GET */file.json", kind="truncate", bytes=70_000)
    road.desk("POST", "/faults", route="GET */file.json", kind="corrupt", offset=10_000, skip=1)
    road.travel(MONTH)

    assert [] == road.differences()
    assert (1, 1) == (road.exports("created"), road.exports("completed"))
    assert ["the file of" in line and "arrived damaged" in line for line in road.log if "arrived" in line] == [True]
