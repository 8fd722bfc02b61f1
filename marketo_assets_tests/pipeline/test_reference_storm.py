"""Somebody works in Marketo while reference objects are read, killed and loaded: the tables end as the instance is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any

import pytest

from marketo_assets.sandbox.asset_kinds import BY_NAME
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.reference_road import land, load, peek, read, reference_diff
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Cut, Dying, Killed

TEXTS = ["plain", "", 'a "quoted", one', "漢字", "null", "line\nbreak", "\u2028"]
STATUSES = ["approved", "draft", "approved with draft"]
OWN: dict[str, list[dict[str, Any]]] = {
    "program": [
        {"tags": []},
        {"tags": [{"tagType": "Region", "tagValue": "EMEA"}, {"tagType": "Owner", "tagValue": "Kim"}]},
        {"costs": [{"startDate": "2026-08-01T00:00:00Z+0000", "cost": 5, "note": None}]},
        {"costs": []},
        {"status": "on", "channel": "Content"},
    ],
    "channel": [{"progressionStatuses": [{"name": "A", "step": 1, "success": True, "hidden": False}]}],
    "tag_type": [{"allowableValues": "[A, B]"}, {"required": True}],
    "email": [{"subject": {"type": "DynamicContent", "value": "7"}}, {"operational": True}],
    "landing_page": [{"keywords": "a, b"}],
}
"""What can happen to assets beside another name, description and status."""


@dataclass
class Office:
    """Somebody who works in Marketo, and somebody who reads it; the same for the same *seed*."""

    road: Road
    seed: int
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)

    def work(self, steps: int) -> None:
        actions = [self.happen] * 5 + [self.read] * 2 + [self.land, self.load, self.publish, self.wait]
        actions += [self.die_of_call, self.die_of_commit]
        for _ in range(steps):
            action = self.rng.choice(actions)
            self.told.append(action.__name__)
            action()

    def happen(self) -> None:
        for _ in range(self.rng.randint(1, 8)):
            self.rng.choice([self.edit, self.edit, self.edit, self.add, self.delete, self.folders, self.partitions])()
            self.road.settings.clock.sleep(self.rng.choice([0, 0, 0.4, 3]))

    def pick(self) -> tuple[str, dict[str, Any]]:
        kind = self.rng.choice(list(BY_NAME))
        return kind, self.rng.choice(self.road.desk("GET", f"/assets/{kind}")["assets"])

    def edit(self) -> None:
        kind, asset = self.pick()
        values = dict(self.rng.choice([{"name": f"N{self.rng.random()}"}, *OWN.get(kind, [])]))
        if BY_NAME[kind].has_versions and kind != "segmentation":
            values |= {"status": self.rng.choice(STATUSES), "draft": {"description": "In the making"}}
        if "description" in BY_NAME[kind].common:
            values |= {"description": self.rng.choice(TEXTS)}
        if kind == "segmentation":
            values |= self.segments(asset["segments"])
        self.road.desk("PATCH", f"/assets/{kind}/{asset['id']}", values=values)

    def segments(self, before: Sequence[Any] = ()) -> dict[str, Any]:
        new = {"id": 20_000 + self.rng.randrange(10**6), "name": self.rng.choice(TEXTS[2:])}
        return {"segments": [*before[self.rng.randint(0, 1) :], new]}

    def add(self) -> None:
        kind, _ = self.pick()
        name = f"{self.rng.choice(TEXTS)} {self.rng.random()}"
        values = {"tag_type": {"tagType": name}, "segmentation": self.segments()}.get(kind, {})
        self.road.desk("POST", f"/assets/{kind}", name=name, values=values)

    def delete(self) -> None:
        kind, asset = self.pick()
        if len(self.road.desk("GET", f"/assets/{kind}")["assets"]) > 2:
            self.road.desk("DELETE", f"/assets/{kind}/{asset['id']}")

    def folders(self) -> None:
        below = [item["id"] for item in self.road.desk("GET", "/folders") if not item["isSystem"]]
        one = self.rng.choice(below)
        if self.rng.random() < 0.3:
            self.road.desk("POST", "/folders", name=self.rng.choice(TEXTS), parent_id=one)
        elif self.rng.random() < 0.2:
            self.road.desk("DELETE", f"/folders/{one}")
        else:
            self.road.desk("PATCH", f"/folders/{one}", name=f"{self.rng.choice(TEXTS)}!")

    def partitions(self) -> None:
        self.road.desk("PUT", f"/partitions/{self.rng.randint(2, 4)}", name=self.rng.choice(TEXTS), description="")
        (*_, last) = self.road.desk("GET", "/partitions")
        if self.rng.random() < 0.3 and last["id"] > 1:
            self.road.desk("DELETE", f"/partitions/{last['id']}")

    def read(self) -> None:
        self.told += [str(found) for found in read(self.road, is_refresh=self.rng.random() < 0.1)]

    def land(self) -> None:
        land(self.road)

    def load(self) -> None:
        load(self.road)

    def publish(self) -> None:
        self.road.publish()

    def wait(self) -> None:
        self.road.settings.clock.sleep(self.rng.choice([1, 30, 1200, 20_000, 90_000]))

    def die_of_call(self) -> None:
        assert self.road.transport
        with contextlib.suppress(Killed):
            land(self.road, transport=Cut(self.road.transport, self.rng.randint(0, 40)))

    def die_of_commit(self) -> None:
        land(self.road)
        dying = Dying(self.road.settings.data_dir, left=self.rng.randint(1, 12))
        self.road.kept = dying
        with contextlib.suppress(Killed):
            load(self.road)
        dying.left, self.road.kept = inf, None


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 20))])
def test_whatever_is_done_to_assets_ends_in_the_tables(make_road: MakeRoad, seed: int) -> None:
    """Assets come, change and go, runs are killed between calls and before commits: every cell ends as it is there."""
    print(f"seed {seed}")
    road = make_road(leads=5, months=1, seed=seed)
    moves = Random(seed).random() < 0.7
    road.desk(
        "PATCH", "/switches", tags_move_stamps=moves, asset_version=Random(seed).choice(["approved", "draft", "both"])
    )
    office = Office(road, seed)
    office.work(12)
    road.settings.clock.sleep(3601)
    # Where nothing shows that tags and costs changed, they are read anew only when that is asked for.
    read(road, is_refresh=not moves)

    assert [] == reference_diff(road), office.told
    twice = "SELECT count(*) - count(DISTINCT (object, id, load_id)) FROM raw.reference_versions"
    valid = "SELECT count(*) FROM raw.reference_versions WHERE read_until < read_from OR removed_at < read_until"
    assert [(0,)] == peek(road, twice)
    assert [(0,)] == peek(road, valid)
