"""Readings of reference objects come each day, for years: the landing folder keeps what tells something."""

from __future__ import annotations

from random import Random

import pytest

from marketo_assets.land.store import alone
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.reference_road import land, load, peek, read
from marketo_assets_tests.pipeline.road import Asked, Recording, Road


def asked(road: Road) -> list[Asked]:
    """Return the calls that were made."""
    assert isinstance(road.transport, Recording)
    return road.transport.calls()


def landed(road: Road, ending: str) -> int:
    """Return how many landed files have that *ending*."""
    return len([*road.settings.landing_dir.glob(f"reference/*/*.{ending}")])


@pytest.mark.parametrize("seed", [1, 2])
def test_readings_that_tell_nothing_new_do_not_pile_up(make_road: MakeRoad, seed: int) -> None:
    """Of a fortnight of readings a few stay on disk, and every version comes back from them with its moments."""
    print(f"seed {seed}")
    rng, road = Random(seed), make_road(leads=5, months=1)
    few = road.with_settings(objects=("emails", "static_lists", "tags", "program_tags"))
    for number in range(250):
        road.desk("POST", "/assets/static_list", name=f"List {number}")
    ids = [item["id"] for item in road.desk("GET", "/assets/static_list")["assets"]]
    mail = road.desk("GET", "/assets/email")["assets"][0]["id"]
    for _ in range(14):
        read(few)
        road.settings.clock.sleep(rng.choice([4000, 30_000, 86_400]))
        if rng.random() < 0.3:
            road.desk("PATCH", f"/assets/static_list/{rng.choice(ids[9:])}", values={"name": f"Now {rng.random()}"})
            road.desk("PATCH", f"/assets/email/{mail}", values={"description": f"{rng.random()}"})
        if rng.random() < 0.1:
            road.desk("DELETE", f"/assets/static_list/{ids.pop(0)}")
    query = (
        "SELECT object, id, record::VARCHAR, read_from, read_until, removed_at FROM raw.reference_versions ORDER BY ALL"
    )
    before, made = peek(few, query), len(asked(road))
    ((readings,),) = peek(few, "SELECT count(*) FROM meta.reference_readings")
    assert landed(road, "json") == landed(road, "zst") < readings * 0.6
    road.warehouse.work_path.unlink()
    load(few)

    assert before == peek(few, query)
    assert made == len(asked(road))


def test_what_goes_while_nobody_lands(make_road: MakeRoad) -> None:
    """A load beside a landing removes nothing; the next one does."""
    few = make_road(leads=5, months=1).with_settings(objects=("channels",))
    for _ in range(3):
        read(few)
        few.settings.clock.sleep(86_400)
    assert 2 == landed(few, "json"), "the first told something, the newest repeats the second"
    land(few)
    with alone(few.settings.landing_dir / "reference", 1, lambda: None):
        load(few)
    assert 3 == landed(few, "json")
    few.settings.clock.sleep(86_400)
    read(few)
    assert 2 == landed(few, "json") == landed(few, "zst")
