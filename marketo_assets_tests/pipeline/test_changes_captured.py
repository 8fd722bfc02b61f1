"""What happens to leads between two polls, and what may go wrong while it is read."""

from __future__ import annotations

import json
from datetime import timedelta
from math import ceil
from typing import Any

import httpx
import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import NOW, Road

MONTHS = ("2026-06", "2026-07", "2026-08")


@pytest.fixture
def ids(road: Road) -> list[int]:
    """The leads of an instance that was copied whole."""
    road.travel(*MONTHS)
    return [row[0] for row in road.query("SELECT id FROM main.leads ORDER BY id")]


def change(road: Road, *changes: dict[str, Any]) -> list[int]:
    made: list[int] = road.desk("POST", "/changes", changes=list(changes))["ids"]
    road.settings.clock.sleep(60)
    return made


def test_everything_that_can_happen_to_a_lead(road: Road, ids: list[int]) -> None:
    """A new lead, new values, a deletion and a merge chain are shown after one poll, within the calls it may cost."""
    made = change(
        road,
        {"add": {"firstName": "New"}},
        {"edit": ids[0], "values": {"firstName": "Edited", "leadScore": 7}, "reason": "why", "source": "where"},
        {"edit": ids[1], "values": {"notes": "by owner"}, "as": "Change Owner"},
        {"delete": ids[2]},
        {"merge": ids[3], "losers": [ids[4], ids[5]]},
        {"merge": ids[6], "losers": [ids[3]]},
    )
    found = road.capture()
    road.publish()

    assert [] == road.differences()
    gone = road.query("SELECT id, merged_into_id, firstName IS NOT NULL FROM main.deleted_leads ORDER BY id")
    assert [(ids[2], None), (ids[3], ids[6]), (ids[4], ids[6]), (ids[5], ids[6])] == [row[:2] for row in gone]
    told = road.query("SELECT field, new_value, reason, source FROM raw.lead_changes WHERE lead_id = ?", ids[0])
    assert {("firstName", "Edited", "why", "where"), ("leadScore", "7", "why", "where")} == set(told)
    assert [(None,)] == road.query("SELECT field FROM raw.lead_changes WHERE lead_id = ?", made[0])
    activities = found.changes + found.deletions + found.repeated
    assert found.calls <= ceil(activities / 300) + ceil(found.leads_read / 300) + 6


def test_nothing_new(road: Road, ids: list[int]) -> None:
    """A second poll finds nothing, reads no lead, and records no load."""
    change(road, {"edit": ids[0], "values": {"firstName": "Edited"}})
    road.capture()
    again = road.capture()

    assert again.is_empty
    assert 6 >= again.calls
    road.publish()
    assert [(1,)] == road.query("SELECT count(*) FROM meta.loads WHERE table_name = 'raw.lead_readings'")


def test_an_export_from_before_comes_late(road: Road, ids: list[int]) -> None:
    """An export loaded after later changes brings back neither old values nor the dead."""
    old = [road.land(month, is_refresh=True) for month in MONTHS]
    change(road, {"edit": ids[0], "values": {"firstName": "Edited"}}, {"delete": ids[1]})
    road.capture()
    for landed in old:
        road.load_file(landed)
    road.publish()

    assert [] == road.differences()


@pytest.mark.usefixtures("ids")
def test_a_lead_that_the_month_no_longer_holds(road: Road) -> None:
    """A lead that was read, and is not in a later export of its month, is not shown, though nobody told why."""
    made = change(road, {"add": {"firstName": "New"}})
    road.capture()
    road.desk("PATCH", "/switches", activities_late_seconds=600)
    change(road, {"delete": made[0]})
    road.travel("2026-08", is_refresh=True)

    assert [(1,)] == road.query("SELECT count(*) FROM meta.missing_leads")
    assert [] == road.differences()
    road.settings.clock.sleep(600)
    road.capture()
    road.publish()
    assert [] == road.query("SELECT * FROM meta.missing_leads")
    assert [(made[0],)] == road.query("SELECT id FROM main.deleted_leads")


def test_a_lead_that_cannot_be_read_yet(road: Road, ids: list[int]) -> None:
    """A new lead whose activity shows before the lead does is asked for again until it is there."""
    road.desk("PATCH", "/switches", readable_after_seconds=300)
    made = change(road, {"add": {"firstName": "New"}})
    assert 1 == road.capture().leads_missing
    road.settings.clock.sleep(300)
    found = road.capture()
    road.publish()

    assert (0, 1) == (found.leads_missing, found.leads_read)
    assert made[0] > ids[0]
    assert [] == road.differences()


class Meddling(httpx.BaseTransport):
    """Does something at the desk before the first request for a path."""

    def __init__(self, road: Road, path_ends: str, *meddling: tuple[str, str]) -> None:
        self._road, self._path_ends, self._meddling = road, path_ends, list(meddling)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self._road.transport
        while self._meddling and request.url.path.endswith(self._path_ends):
            self._road.desk(*self._meddling.pop())
        return self._road.transport.handle_request(request)


@pytest.mark.parametrize("path", ["/leadchanges.json", "/leads.json"], ids=["between pages", "before leads are read"])
def test_a_field_is_hidden_meanwhile(road: Road, ids: list[int], path: str) -> None:
    """The poll describes the fields anew and goes on; what the hidden field held stays."""
    held = road.query("SELECT notes FROM main.leads WHERE id = ?", ids[0])
    change(road, {"edit": ids[0], "values": {"firstName": "Edited"}})
    found = road.capture(transport=Meddling(road, path, ("POST", "/fields/notes/hide")))
    road.publish()

    assert ["hidden"] == [changed.kind for changed in found.schema_changes]
    assert [] == road.differences()
    assert held == road.query("SELECT notes FROM main.leads WHERE id = ?", ids[0])


@pytest.mark.parametrize("path", ["/leadchanges.json", "/activities.json", "/deletedleads.json"])
def test_a_token_is_refused(road: Road, ids: list[int], path: str) -> None:
    """A token that works no longer is minted anew, and nothing is lost."""
    change(road, {"edit": ids[0], "values": {"firstName": "Edited"}}, {"delete": ids[1]})
    road.capture(transport=Meddling(road, path, ("POST", "/paging_tokens/void")))
    road.publish()

    assert [] == road.differences()


class Doubtful(httpx.BaseTransport):
    """Answers one feed with nothing but a warning."""

    def __init__(self, inner: httpx.BaseTransport, path_ends: str) -> None:
        self._inner, self._path_ends = inner, path_ends

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if not request.url.path.endswith(self._path_ends):
            return answer
        body = {**json.loads(answer.read()), "result": [], "moreResult": False, "warnings": ["search timed out"]}
        return httpx.Response(200, json=body, request=request)


def test_a_search_that_may_have_failed(road: Road, ids: list[int]) -> None:
    """A page with a warning and nothing else keeps the watermark, so what it hid is read by the next poll."""
    change(road, {"delete": ids[0]})
    assert road.transport
    found = road.capture(transport=Doubtful(road.transport, "/deletedleads.json"))
    road.settings.clock.sleep(100_000)
    assert (0, 1) == (found.deletions, len(found.warnings))
    assert 1 == road.capture().deletions


def test_what_can_no_longer_be_known_is_said(make_road: MakeRoad) -> None:
    """After months without a poll, what Marketo has forgotten is named, with what to do."""
    road = make_road()
    road.travel("2026-07")
    road.settings.clock.sleep(timedelta(days=100).total_seconds())
    found = road.capture()

    assert 2 == len(found.warnings)
    assert "Export every month again" in found.warnings[0]
    assert found.until > NOW + timedelta(days=100)
