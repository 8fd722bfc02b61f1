"""One poll after a flood: fifty thousand deletions, or one lead that changed ten thousand times."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road

MONTH = "2026-08"
FIELDS = ("firstName", "email", "leadScore")
DELETIONS, EDITS = 50_000, 10_000
PAGE = 300

pytestmark = pytest.mark.slow


def flooded(road: Road, changes: Sequence[dict[str, Any]], *, at_once: int) -> None:
    for first in range(0, len(changes), at_once):
        road.desk("POST", "/changes", changes=list(changes[first : first + at_once]))
        road.settings.clock.sleep(1)
    road.settings.clock.sleep(60)


def test_fifty_thousand_deletions(make_road: MakeRoad) -> None:
    """Every one of them is taken by one capture, at one call a page, and the next capture finds nothing new."""
    road = make_road(leads=DELETIONS + 1_000, months=1).with_settings(lead_fields=FIELDS)
    road.travel(MONTH)
    road.capture()
    ids = [lead_id for (lead_id,) in road.query("SELECT id FROM main.leads ORDER BY id")]
    flooded(road, [{"delete": lead_id} for lead_id in ids[:DELETIONS]], at_once=5_000)
    capture, again = road.capture(), road.capture()
    road.publish()

    assert (DELETIONS, 0) == (capture.deletions, again.deletions)
    assert ceil(DELETIONS / PAGE) + 6 >= capture.calls
    assert [(DELETIONS,)] == road.query("SELECT count(*) FROM main.deleted_leads")
    assert [] == road.differences(fields=FIELDS)


def test_a_lead_that_changed_ten_thousand_times(make_road: MakeRoad) -> None:
    """Each change is kept, the lead is read once, and its history has every value of every second, undisputed."""
    road = make_road(months=1).with_settings(lead_fields=FIELDS)
    road.travel(MONTH)
    road.capture()
    ((lead_id,),) = road.query("SELECT min(id) FROM main.leads")
    edits = [{"edit": lead_id, "values": {"firstName": f"name {number}"}} for number in range(EDITS)]
    flooded(road, edits, at_once=1)
    capture = road.capture()
    road.publish()

    assert (EDITS, 1) == (capture.changes, capture.leads_read)
    assert ceil(EDITS / PAGE) + 1 + 6 >= capture.calls
    told = "SELECT count(*), count(*) FILTER (_is_disputed) FROM main.lead_history WHERE field = 'firstName'"
    assert [(EDITS + 1, 0)] == road.query(told)
    assert [] == road.differences(fields=FIELDS)
