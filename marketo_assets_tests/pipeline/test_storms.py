"""Whatever happens to leads, in whatever order it is exported, loaded and polled: what is shown is what there is.

`STORMS` says how many storms are tried (100 by default), `FIRST_STORM` the first seed. As many in bad
weather, before the same judge, are in `test_chaos.py`.
"""

from __future__ import annotations

import os
from contextlib import nullcontext

import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.storm import VALUES, Storm

FIRST = int(os.environ.get("FIRST_STORM", "1"))
COUNT = int(os.environ.get("STORMS", "100"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_storm_ends_with_the_truth(make_road: MakeRoad, seed: int) -> None:
    """After a storm and a last poll, leads and deleted leads are the instance's, cell for cell; nothing is twice."""
    months = 1 + seed % 2
    road = make_road(leads=16, months=months, seed=seed, fields=60)
    # Every eighth storm copies all fields; fewer are faster.
    road = road if seed % 8 == 0 else road.with_settings(lead_fields=(*VALUES, "email", "lastName"))
    storm = Storm(road, seed, months)
    # In every tenth storm each step opens the database for itself, as a process of its own would.
    with storm.kept_open() if seed % 10 else nullcontext():
        storm.rage(steps=(4, 7, 10)[seed % 3])
        storm.calm_down()
    print(f"seed {seed}", *storm.told, sep="\n")

    storm.assert_truth()
