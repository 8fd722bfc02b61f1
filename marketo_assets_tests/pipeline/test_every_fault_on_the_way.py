"""Two years of months while everything that can go wrong does: the end is the same, and no export is paid twice."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from marketo_assets.api.errors import MarketoError, WaitForReset
from marketo_assets.clock import ManualClock
from marketo_assets.extract.bulk import ExportError
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import NOW, Road, months_until

MONTHS = months_until(NOW, 24)
ATTEMPTS = 3
"""How often a month may have to be run: a retry, and one run after a quota's reset."""
DESCRIBE, CREATE, ENQUEUE = "GET */describe2.json", "POST */create.json", "POST */enqueue.json"
STATUS, FILE = "GET */status.json", "GET */file.json"
STEPS = {"describe": DESCRIBE, "create": CREATE, "enqueue": ENQUEUE, "status": STATUS, "file": FILE}
ANYWHERE: tuple[Mapping[str, Any], ...] = (
    *({"kind": "error", "code": code} for code in ("606", "608", "611", "614", "615", "604", "713")),
    {"kind": "token_revoked", "code": "601"},
    {"kind": "token_revoked", "code": "602"},
    {"kind": "http"},
    {"kind": "not_json"},
    {"kind": "drop", "after_bytes": 0},
    {"kind": "drop", "after_bytes": 40},
    {"kind": "slow", "seconds": 0.05},
)
"""Trouble that any call may meet."""
SOMEWHERE: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (DESCRIBE, {"kind": "error", "code": "607"}),
    (STATUS, {"kind": "error", "code": "607"}),
    (CREATE, {"kind": "error", "code": "1029", "message": "Export daily quota exceeded"}),
    (ENQUEUE, {"kind": "error", "code": "1029", "message": "Too many jobs in queue", "count": 3}),
    (ENQUEUE, {"kind": "error", "code": "1029", "message": "Export daily quota exceeded"}),
    (ENQUEUE, {"kind": "job_failed"}),
    (STATUS, {"kind": "job_lost"}),
    (STATUS, {"kind": "job_lost", "skip": 1}),
    (FILE, {"kind": "file_lost"}),
    (FILE, {"kind": "truncate", "bytes": 0}),
    (FILE, {"kind": "truncate", "bytes": 3_000, "count": 2}),
    (FILE, {"kind": "drop", "after_bytes": 5_000}),
    (FILE, {"kind": "drop", "after_bytes": 100, "count": 3}),
    (FILE, {"kind": "corrupt", "offset": 0}),
    (FILE, {"kind": "corrupt", "offset": 4_000}),
    (FILE, {"kind": "error", "code": "606", "count": 2}),
)
"""Trouble that has its place."""
COSTLY = ("job_failed", "job_lost", "file_lost")
"""After these, and only these, a month may be exported once more."""
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))]


def orders_by_month(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Return every fault, dealt to the months at random; the trouble that any call may meet, at each call in turn."""
    rng = random.Random(seed)
    everywhere = [(route, fault) for fault in ANYWHERE for route in STEPS.values()]
    orders = [{"route": route, **fault} for route, fault in (*everywhere, *SOMEWHERE)]
    rng.shuffle(orders)
    return {month: orders[place :: len(MONTHS)] for place, month in enumerate(MONTHS)}


def run_until_done(road: Road, month: str) -> None:
    """Run the month again after each failure, as a retry policy and the reopened quota would."""
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    for attempt in range(ATTEMPTS):
        try:
            road.travel(month)
        except WaitForReset as error:
            clock.move_to(error.resets_at or NOW)
        except (MarketoError, ExportError) as error:
            print(f"{month}, attempt {attempt + 1}: {error}")
        else:
            return
    raise AssertionError(f"{month} was not done after {ATTEMPTS} attempts")


@pytest.mark.parametrize("seed", SEEDS)
def test_24_months_arrive_through_every_fault(make_road: MakeRoad, seed: int) -> None:
    """With every fault met, at every call, every cell is the instance's; only a job that Marketo lost is paid again."""
    print(f"seed {seed}")
    road = make_road(leads=600, months=24, seed=seed)
    lost: dict[str, int] = {}
    for month, orders in orders_by_month(seed).items():
        for order in orders:
            road.desk("POST", "/faults", **order)
        run_until_done(road, month)
        faults = road.desk("GET", "/faults")
        assert [] == [fault for fault in faults if not fault["struck"]], month
        lost[month] = sum(fault["struck"] for fault in faults if fault["kind"] in COSTLY)
        road.desk("DELETE", "/faults")

    assert [] == road.differences()
    exports = road.desk("GET", "/counters")["exports"]
    assert 24 == len(exports)
    for key, counted in exports.items():
        (month,) = (month for month in MONTHS if f'"{month}-' in key)
        # Where two faults struck one call only one had its effect, so a month may have cost less than it might have.
        assert 1 <= counted["enqueued"] <= 1 + lost[month], month
