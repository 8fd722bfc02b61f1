"""Programs, campaigns, emails and lists come, change and go: their tables are what the instance has."""

from __future__ import annotations

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.reference_road import peek, read, reference_diff


def test_a_first_reading_brings_everything(make_road: MakeRoad) -> None:
    """Every table is what the instance has, every cell of it."""
    road = make_road(leads=5, months=1)
    loads = read(road)
    assert [] == reference_diff(road)
    assert all(load.added == load.records > 0 for load in loads)


def test_a_second_reading_brings_nothing_twice(make_road: MakeRoad) -> None:
    """What is as it was gets no row, and is known to have been read again."""
    road = make_road(leads=5, months=1)
    read(road)
    rows = peek(road, "SELECT count(*) FROM raw.reference_versions")
    road.settings.clock.sleep(60)
    again = read(road)
    assert {(0, 0, 0)} == {(load.added, load.changed, load.removed) for load in again}
    assert rows == peek(road, "SELECT count(*) FROM raw.reference_versions")
    listed = "FROM raw.reference_versions WHERE object NOT IN ('program_details', 'segments')"
    assert [(True,)] == peek(road, f"SELECT DISTINCT read_until - read_from >= INTERVAL 60 SECOND {listed}")
    assert [] == reference_diff(road)
