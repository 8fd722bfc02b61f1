"""More leads changed than an export would cost: the updatedAt export is taken, and ends with the same truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
LEADS = 2_700
FIELDS = ("firstName", "notes", "company", "leadScore")


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    """An instance that was copied whole, few of whose calls are left, and plenty of its bytes."""
    road = make_road(leads=LEADS, fields=30).with_settings(lead_fields=FIELDS)
    road.travel(*MONTHS)
    road.settings.clock.sleep(3600)
    edit_all(road)
    return road.with_settings(daily_calls=400)


def edit_all(road: Road, **more: Any) -> list[int]:
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    changes = [{"edit": lead_id, "values": {"notes": f"mail {lead_id}", **more}} for lead_id in ids]
    road.desk("POST", "/changes", changes=changes)
    road.settings.clock.sleep(10)
    return ids


def test_the_export_is_taken(road: Road) -> None:
    """Nine calls of the few that are left are saved by one export, and the choice says what either would cost."""
    found = road.capture()
    road.publish()

    assert found.bargain.is_export
    assert (LEADS, 9, 7) == (found.bargain.leads, found.bargain.calls_by_id, found.bargain.calls_by_export)
    assert (LEADS, 0) == (found.leads_read, found.leads_missing)
    assert 1 == sum("by id 9 calls" in line and line.endswith(": export") for line in road.log)
    assert [] == road.differences(fields=FIELDS)
    assert [("bulk export", LEADS)] == road.query("SELECT _source, count(*) FROM main.leads GROUP BY ALL")
    ((export_id, rows, file),) = road.query(
        "SELECT export_id, rows, file FROM meta.loads WHERE table_name = 'raw.lead_readings' AND file IS NOT NULL"
    )
    assert LEADS == rows
    assert "lead_updates/since-2026-08-15T" in file
    assert f"{export_id}.csv.zst" in file
    assert [("lead_updates",)] == road.query("SELECT object FROM meta.export_jobs WHERE export_id = ?", export_id)


def test_with_plenty_of_calls_they_are_read_by_id(road: Road) -> None:
    """With thousands of calls left the same leads are read by id, and no byte is exported."""
    rich = road.with_settings(daily_calls=50_000)
    before = rich.exports("created")
    found = rich.capture()

    assert not found.bargain.is_export
    assert before == rich.exports("created")
    assert LEADS == found.leads_read


class Late(httpx.BaseTransport):
    """Has something happen at the desk before the first call whose path ends so."""

    def __init__(self, road: Road, path_ends: str, *changes: dict[str, Any]) -> None:
        self._road, self._path_ends, self._changes = road, path_ends, list(changes)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self._road.transport
        if self._changes and request.url.path.endswith(self._path_ends):
            self._road.desk("POST", "/changes", changes=self._changes)
            self._changes = []
        return self._road.transport.handle_request(request)


@pytest.mark.parametrize("path", ["/create.json", "/enqueue.json", "/file.json"])
def test_leads_change_while_they_are_exported(road: Road, path: str) -> None:
    """What happens while the export is made is read by the next capture, and nothing comes back from the dead."""
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    late = Late(
        road,
        path,
        {"edit": ids[0], "values": {"firstName": "Late"}},
        {"delete": ids[1]},
        {"merge": ids[2], "losers": [ids[3]]},
        {"add": {"firstName": "New"}},
    )
    assert road.capture(transport=late).bargain.is_export
    road.settings.clock.sleep(10)
    road.capture()
    road.publish()

    assert [] == road.differences(fields=FIELDS)
    assert [(ids[1],), (ids[3],)] == road.query("SELECT id FROM main.deleted_leads ORDER BY id")


class Killed(BaseException):
    """A process that ends at once."""


class Deadly(httpx.BaseTransport):
    """Kills after the first answer from a path that ends so."""

    def __init__(self, road: Road, path_ends: str) -> None:
        self._road, self._path_ends = road, path_ends

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert self._road.transport
        answer = self._road.transport.handle_request(request)
        if request.url.path.endswith(self._path_ends):
            answer.read()
            raise Killed
        return answer


def test_a_job_that_read_marketo_before_the_last_changes(road: Road) -> None:
    """Of a job that is taken up, leads that changed after it had read Marketo are read by id as well."""
    with pytest.raises(Killed):
        road.capture(transport=Deadly(road, "/status.json"))
    road.settings.clock.sleep(600)
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    changes = [{"edit": lead_id, "values": {"firstName": "Again"}} for lead_id in ids[:50]]
    road.desk("POST", "/changes", changes=changes)
    road.settings.clock.sleep(10)
    before = road.exports("created")
    found = road.capture()
    road.publish()

    assert before == road.exports("created")
    assert (True, LEADS) == (found.bargain.is_export, found.leads_read)
    assert [("bulk export", LEADS - 50), ("rest", 50)] == road.query(
        "SELECT _source, count(*) FROM main.leads GROUP BY ALL ORDER BY ALL"
    )
    assert [] == road.differences(fields=FIELDS)


def test_an_export_that_takes_too_long(road: Road) -> None:
    """After half an hour the leads are read by id where there are calls for it, and the log says so."""
    road.desk("PATCH", "/switches", export_seconds=7200.0)
    began = road.settings.clock.now()
    found = road.capture()
    road.publish()

    assert not found.bargain.is_export
    assert found.bargain.obstacle is not None
    assert "did not come in time" in found.bargain.obstacle
    assert 2700 > (road.settings.clock.now() - began).total_seconds()
    assert LEADS == found.leads_read
    assert [] == road.differences(fields=FIELDS)


def test_a_subscription_without_the_filter(road: Road) -> None:
    """The refusal costs one call once; from then on leads are read by id without asking."""
    road.desk("PATCH", "/switches", updated_at_filter=False)
    first = road.capture()
    edit_all(road)
    asked = len([line for line in road.log if "created export job" in line])
    again = road.capture()
    road.publish()

    for found in (first, again):
        assert not found.bargain.is_export
        assert "does not have the filter" in str(found.bargain.obstacle)
    assert asked == len([line for line in road.log if "created export job" in line])
    assert [] == road.differences(fields=FIELDS)


def test_a_killed_capture_does_not_pay_twice(road: Road) -> None:
    """A capture that dies after the export takes the landed file up again, and what it shows is the truth."""
    before = road.exports("created")

    with pytest.raises(Killed):
        road.capture(transport=Deadly(road, "/file.json"))
    road.settings.clock.sleep(300)
    found = road.capture()
    road.publish()

    assert before + 1 == road.exports("created")
    assert found.bargain.is_export
    assert 0 == found.bargain.export_bytes
    assert [] == road.differences(fields=FIELDS)


def test_hidden_fields_keep_their_values(road: Road) -> None:
    """A field that Marketo hides keeps what it held, in leads that an export brings as in those read by id."""
    held = dict(road.query("SELECT id, company FROM main.leads"))
    road.desk("POST", "/fields/company/hide")
    narrow = replace(road.settings, lead_fields=("firstName", "notes", "leadScore"))
    Road(narrow, road.control, road.transport).capture()
    road.publish()

    assert held == dict(road.query("SELECT id, company FROM main.leads"))
    assert [] == road.differences(fields=("notes", "firstName"))
