"""Storms in which companies change without a word, and sweeps and audits come at any time: the end is the truth.

`STORMS` says how many storms are tried (3 by default), `FIRST_STORM` the first seed.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.storm import MONTHS, VALUES, Storm
from marketo_assets_tests.pipeline.test_swept_and_audited import audit, sweep

FIRST = int(os.environ.get("FIRST_STORM", "1"))
COUNT = int(os.environ.get("STORMS", "3"))
COMPANIES = ("C-000001", "C-000002")
FIELDS = (*VALUES, "email", "lastName", "externalCompanyId")


class SweptStorm(Storm):
    """A storm with companies, in which a poll is now and then a sweep or an audit."""

    def change(self) -> dict[str, Any]:
        dice = self.rng.random()
        if dice < 0.3:
            company = self.rng.choice(COMPANIES)
            change: dict[str, Any] = {"company": company, "values": {"company": f"{company} {dice}"}}
        elif dice < 0.5:
            change = {"edit": self.rng.choice(self.ids), "values": {"externalCompanyId": self.rng.choice(COMPANIES)}}
        else:
            return super().change()
        self.told.append(f"{self.now} {change}")
        return change

    def capture(self) -> None:
        self.rng.choice([super().capture, super().capture, self.sweep, self.audit])()

    def sweep(self) -> None:
        if self.loaded & {landed.export_id for landed in self.landed}:
            self.told.append(f"{self.now} {sweep(self.road)}")

    def audit(self) -> None:
        if self.loaded & {landed.export_id for landed in self.landed}:
            self.told.append(f"{self.now} {audit(self.road)}")


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_storm_ends_with_the_truth(make_road: MakeRoad, seed: int) -> None:
    """Whatever is swept, audited, exported and polled, in whatever order, leads end as they are at Marketo."""
    road = make_road(leads=16, months=MONTHS, seed=seed, fields=60).with_settings(lead_fields=FIELDS)
    road.desk("PATCH", "/switches", company_moves_stamps=seed % 2 == 0, updated_at_filter=seed % 4 != 3)
    storm = SweptStorm(road, seed)
    storm.rage(steps=10)
    storm.calm_down()
    found = audit(road)
    road.settings.clock.sleep(90_000)
    road.capture()
    road.publish()
    print(f"seed {seed}", *storm.told, found, sep="\n")

    copied = [name for (name,) in road.query("SELECT name FROM main.lead_fields WHERE is_copied")]
    assert [] == road.differences(fields=copied)
    assert {*storm.gone()} == {lead_id for (lead_id,) in road.query("SELECT id FROM main.deleted_leads")}
    assert 0 == audit(road).found
