"""The worst weeks of Marketo's, a hundred of them: nothing is lost, nothing is twice, nothing is paid twice.

`CHAOS` says how many are tried, `FIRST_CHAOS` the first seed.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from marketo_assets_tests.pipeline.chaos import Backfill, BusyClock, limits_broken, opened, paid_twice
from marketo_assets_tests.pipeline.road import NOW, local_road
from marketo_assets_tests.pipeline.storm import VALUES, Storm

FIRST = int(os.environ.get("FIRST_CHAOS", "1"))
COUNT = int(os.environ.get("CHAOS", "100"))
MONTHS = 3


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_backfill_in_bad_weather_ends_with_the_truth(data_dir: Path, seed: int) -> None:
    """Every fault strikes, runs die, changes are captured beside: all is there once, and was paid once."""
    options = {"leads": 24, "months": MONTHS, "seed": seed, "fields": 60}
    with local_road(data_dir, BusyClock(NOW), chaos=seed, **options) as road:
        road = road.with_settings(lead_fields=(*VALUES, "email", "lastName"))
        storm = Storm(road, seed, MONTHS)
        backfill = Backfill(road, seed, storm)
        # In every tenth one each step opens the database for itself, as a process of its own would.
        with storm.kept_open() if seed % 10 else nullcontext():
            try:
                backfill.go()
            finally:
                thrown = road.desk("DELETE", "/chaos")["thrown"]
                print(f"seed {seed}", *storm.told, *road.log, *thrown, backfill.runs, sep="\n")
            backfill.end()

        storm.assert_truth()
        assert [] == paid_twice(road, thrown)
        assert [] == limits_broken(road)
        with opened(road) as ledger:
            assert 0 == ledger.exports.reserved()
