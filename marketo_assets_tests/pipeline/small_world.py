"""A small instance with a past, copied all the way: leads, activities, programs, then some days of changes."""

from __future__ import annotations

from random import Random

from marketo_assets_tests.pipeline import member_road
from marketo_assets_tests.pipeline.road import NOW, Road, months_until

OPTIONS = {"leads": 300, "months": 8, "seed": 11, "activities": 20}
"""What the instance is made with: enough of everything that every table has rows."""
_DAYS = 3
_FIELDS = ("leadScore", "fitScore", "firstName", "country")


def copy_world(road: Road) -> None:
    """Leave a release in which no table that people look at is empty."""
    months = months_until(NOW, OPTIONS["months"])
    road.capture()
    for month in reversed(months):
        road.land(month)
        road.load(month)
    for month in months[-4:]:
        road.load_activities(road.land_activities(month))
    rng = Random(OPTIONS["seed"])
    for day in range(_DAYS):
        _change(road, rng, edits=10 + 5 * day)
        road.settings.clock.sleep(86_400)
        road.capture()
        road.capture_activities()
    member_road.capture_members(member_road.begin(road))
    road.publish()


def _change(road: Road, rng: Random, *, edits: int) -> None:
    # The first lead is edited every day, so that somebody has a life to look at.
    first, *ids = sorted(lead["id"] for lead in road.desk("GET", "/leads")["leads"])
    rng.shuffle(ids)
    changes: list[dict[str, object]] = [
        {"edit": lead, "values": {field: rng.randint(0, 99) if "Score" in field else f"new {rng.randint(0, 9)}"}}
        for lead in (first, *ids[4 : 4 + edits])
        for field in rng.sample(_FIELDS, 2)
    ]
    changes += [{"delete": ids[0]}, {"merge": ids[1], "losers": [ids[2]]}, {"add": {"lastName": "Newman"}}]
    road.desk("POST", "/changes", changes=changes)
