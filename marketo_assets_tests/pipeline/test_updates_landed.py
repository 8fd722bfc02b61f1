"""Leads that changed since a moment are exported by the updatedAt filter, and ids of a month by createdAt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnsupportedFilter
from marketo_assets.api.lead_database import describe_lead_fields
from marketo_assets.extract.bulk import ExportError
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.subscription import ASKED_AGAIN, UPDATED_AT, is_refused
from marketo_assets.land.lead_ids import land_lead_ids
from marketo_assets.land.lead_updates import is_paid, land_lead_updates, update_requests
from marketo_assets.land.manifest import LandedFile
from marketo_assets_tests.pipeline.road import NOW, Road

Land = Callable[[datetime], list[LandedFile]]
HOUR = timedelta(hours=1)


@pytest.fixture
def land(road: Road) -> Land:
    def land_since(since: datetime) -> list[LandedFile]:
        with MarketoClient.open(road.settings, transport=road.transport) as client:
            described = describe_lead_fields(client, has_numbers=False)
            fields = choose_lead_fields(described, road.settings)
            requests = list(update_requests(since, road.settings.clock.now(), fields, 100_000))
            return land_lead_updates(
                client,
                road.settings,
                requests,
                fields=fields,
                described=described,
                deadline_hours=1.0,
                log=road.log.append,
            )

    return land_since


def edit(road: Road) -> None:
    lead_id = road.desk("GET", "/leads?limit=1")["leads"][0]["id"]
    road.desk("PATCH", f"/leads/{lead_id}", values={"notes": "Edited"})
    road.settings.clock.sleep(60)


def test_only_what_changed_is_exported(road: Road, land: Land) -> None:
    """One lead with a changed custom field is one row of one file, and the bytes set aside are given back."""
    road.settings.clock.sleep(7200)
    edit(road)
    (landed,) = land(NOW + HOUR)

    assert 1 == landed.records
    assert (NOW + HOUR, "since-2026-08-15T130000Z") == (landed.window.start, landed.partition)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert 0 == client.ledger.exports.reserved()
        assert landed.file_bytes == client.ledger.exports.used()


def test_the_same_span_is_not_paid_for_twice(road: Road, land: Land) -> None:
    """Asked for again within minutes, the landed file is taken up; no other job is created."""
    edit(road)
    (first,) = land(NOW - HOUR)
    road.settings.clock.sleep(60)
    (again,) = land(NOW - HOUR)

    assert (1, True, first.export_id) == (road.exports("created"), again.was_adopted, again.export_id)


def test_a_job_that_takes_too_long_is_kept(road: Road, land: Land) -> None:
    """After the time that was given the export is let be, and the next who asks takes it up where it stands."""
    road.desk("PATCH", "/switches", export_seconds=7200.0)
    with pytest.raises(ExportError, match=r"(?s)still Processing after 1 hours.*kept: run the job again"):
        land(NOW - HOUR)
    road.settings.clock.sleep(3600)
    land(NOW - HOUR)

    assert 1 == road.exports("created")


def test_a_long_span_is_several_windows(road: Road, land: Land) -> None:
    """Four months are five windows of 31 days, the last of them open; together they hold every lead that changed."""
    since = NOW - timedelta(days=124)
    found = land(since)

    assert 5 == len(found)
    assert NOW < found[-1].window.end
    changed = sum(
        1 for lead in road.desk("GET", "/leads")["leads"] if datetime.fromisoformat(lead["updatedAt"]) > since
    )
    assert changed <= sum(landed.records or 0 for landed in found) <= 200


def test_a_subscription_without_the_filter(road: Road, land: Land) -> None:
    """A refusal is remembered for a month, then it is worth another try; it sets no byte aside and creates no job."""
    road.desk("PATCH", "/switches", updated_at_filter=False)
    with pytest.raises(UnsupportedFilter):
        land(NOW - HOUR)

    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert is_refused(client.ledger, UPDATED_AT)
        assert 0 == client.ledger.exports.reserved()
        road.settings.clock.sleep(ASKED_AGAIN.total_seconds())
        assert not is_refused(client.ledger, UPDATED_AT)
        (request,) = update_requests(NOW - HOUR, NOW, (), 1)
        assert not is_paid(client.ledger, request, NOW)


def test_ids_of_a_month(road: Road) -> None:
    """An export of nothing but ids is small, is taken up on the same day, and is asked for anew on a later one."""
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        (described,) = [known for known in describe_lead_fields(client) if known.name == "id"]

        def land() -> LandedFile:
            return land_lead_ids(
                client,
                road.settings,
                "2026-07",
                described=described,
                likely_bytes=1000,
                deadline_hours=1.0,
                log=road.log.append,
            )

        first = land()
        road.settings.clock.sleep(3600)
        again = land()
        road.settings.clock.sleep(86_400)
        later = land()

    assert first.file_bytes <= 3 + 12 * (first.records or 0)
    assert (True, first.export_id) == (again.was_adopted, again.export_id)
    assert later.export_id != first.export_id
    assert 2 == road.exports("created")
