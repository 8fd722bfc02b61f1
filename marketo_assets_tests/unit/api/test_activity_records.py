"""An activity is read in every shape the documents allow, and one that cannot be read is never skipped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from marketo_assets.api.activities import (
    ACTIVITIES,
    LEAD_CHANGES,
    Activity,
    FieldChange,
    lead_activities,
    lead_changes,
)
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets_tests.unit.api.activity_samples import CHANGE, NEW_LEAD, VISIT
from marketo_assets_tests.unit.api.instance import Instance, accepted


def read(client: MarketoClient, instance: Instance, **members: object) -> Activity:
    """Return what becomes of the sample of a change with other *members*; one that is None is left out."""
    record = {name: value for name, value in {**CHANGE, **members}.items() if value is not None}
    instance.script(LEAD_CHANGES, accepted([record], moreResult=False, nextPageToken="b"))
    ((activity,),) = (page.activities for page in lead_changes(client, "a", ["email"]))
    return activity


def test_the_documented_activities_are_read(client: MarketoClient, instance: Instance) -> None:
    """The samples of Get Lead Changes and Get Lead Activities, member by member."""
    instance.script(LEAD_CHANGES, accepted([CHANGE, NEW_LEAD], moreResult=False, nextPageToken="GIYD"))
    instance.script(ACTIVITIES, accepted([VISIT], moreResult=False, nextPageToken="WQV2"))

    (changes,) = lead_changes(client, "a", ["firstName"])
    (visits,) = lead_activities(client, "a", [1])

    assert changes.activities == (
        Activity(
            guid="88",
            lead_id=775,
            at=datetime(2026, 8, 1, 22, 31, 49, tzinfo=UTC),
            type_id=13,
            campaign_id=4,
            primary_id=None,
            primary_value=None,
            attributes={"Source": "Web service API", "Reason": "Nightly load", "Lead ID": 775},
            changes=(FieldChange("firstName", "Anna", "Ana"),),
            request_id=changes.request_id,
        ),
        Activity(
            guid="89",
            lead_id=776,
            at=datetime(2026, 8, 1, 22, 40, tzinfo=UTC),
            type_id=12,
            campaign_id=None,
            primary_id=776,
            primary_value="New Person",
            attributes={"Source Type": "New lead"},
            changes=(),
            request_id=changes.request_id,
        ),
    )
    (visit,) = visits.activities
    assert changes.request_id
    assert (visit.primary_id, visit.primary_value) == (71, "example.com/pricing")
    assert visit.attributes == {"Client IP Address": "203.0.113.9", "Query Parameters": ""}


@pytest.mark.parametrize(
    ("members", "guid"),
    [
        pytest.param({"id": 1, "marketoGUID": "af-1"}, "af-1", id="both: marketoGUID"),
        pytest.param({"id": None, "marketoGUID": "af-1"}, "af-1", id="only marketoGUID"),
        pytest.param({"id": 2**40, "marketoGUID": None}, str(2**40), id="only id, beyond 32 bits"),
        pytest.param({"id": "77", "marketoGUID": ""}, "77", id="an empty marketoGUID"),
        pytest.param({"id": 1, "marketoGUID": 88}, "88", id="marketoGUID as a number"),
        pytest.param({"id": 1, "marketoGUID": None, "marketoGuid": "af-1"}, "af-1", id="marketoGuid"),
    ],
)
def test_the_key_is_the_guid(client: MarketoClient, instance: Instance, members: dict[str, object], guid: str) -> None:
    """`id` may be missing, and serves only where `marketoGUID` is."""
    assert guid == read(client, instance, **members).guid


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01T22:31:49+0000", "2026-08-01T22:31:49+00:00"),
        ("2026-08-01T22:31:49Z", "2026-08-01T22:31:49+00:00"),
        ("2026-08-01T22:31:49-05:00", "2026-08-02T03:31:49+00:00"),
    ],
)
def test_a_date_is_a_moment_in_utc(client: MarketoClient, instance: Instance, text: str, moment: str) -> None:
    """Both documented notations, and an offset."""
    at = read(client, instance, activityDate=text).at

    assert (at.isoformat(), at.tzinfo) == (moment, UTC)


def test_numbers_may_come_as_texts(client: MarketoClient, instance: Instance) -> None:
    """A lead id as text is the same lead; a number that is none is left out where it may be."""
    activity = read(
        client, instance, leadId="775", activityTypeId="13", campaignId="4", primaryAttributeValueId="x", id="88"
    )

    assert (775, 13, 4, None) == (activity.lead_id, activity.type_id, activity.campaign_id, activity.primary_id)


@pytest.mark.parametrize(
    ("found", "attributes"),
    [
        pytest.param(None, {}, id="absent"),
        pytest.param([], {}, id="none"),
        pytest.param([{"name": "Success", "value": True}], {"Success": True}, id="a truth value"),
        pytest.param([{"name": "Lead ID", "value": 775}], {"Lead ID": 775}, id="a number"),
        pytest.param([{"name": "Reason", "value": ""}], {"Reason": ""}, id="the empty text"),
        pytest.param([{"name": "Reason", "value": None}], {"Reason": None}, id="null"),
        pytest.param([{"name": "Reason"}], {"Reason": None}, id="no value"),
        pytest.param([{"name": "More", "value": {"a": [1]}}], {"More": {"a": [1]}}, id="an object"),
        pytest.param([{"apiName": "length", "value": 14}], {"length": 14}, id="an API name"),
        pytest.param({"Reason": "x"}, {"Reason": "x"}, id="an object instead of an array"),
    ],
)
def test_attributes_are_found_by_name(
    client: MarketoClient, instance: Instance, found: object, attributes: dict[str, Any]
) -> None:
    """Whatever the shape, a value is what came."""
    assert attributes == read(client, instance, attributes=found).attributes


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        pytest.param({"newValue": "Ana", "oldValue": None}, (None, "Ana"), id="null before"),
        pytest.param({"oldValue": "Anna"}, ("Anna", None), id="nothing after"),
        pytest.param({"newValue": "", "oldValue": "Anna"}, ("Anna", ""), id="the empty text"),
        pytest.param({"newValue": 7, "oldValue": 1.5}, ("1.5", "7"), id="numbers"),
        pytest.param({"newValue": True, "oldValue": False}, ("false", "true"), id="truth values"),
        pytest.param({"newvalue": "Ana", "OldValue": "Anna"}, ("Anna", "Ana"), id="another case"),
    ],
)
def test_old_and_new_values_are_texts(
    client: MarketoClient, instance: Instance, found: dict[str, object], changes: tuple[str | None, str | None]
) -> None:
    """Strings whatever the field's type, and nothing where nothing was."""
    activity = read(client, instance, fields=[{"id": 48, "name": "firstName", **found}])

    assert (FieldChange("firstName", *changes),) == activity.changes


def test_one_activity_may_change_several_fields(client: MarketoClient, instance: Instance) -> None:
    """Each keeps its own values; display names stay as they came."""
    found = [{"name": name, "oldValue": "a", "newValue": "b"} for name in ("firstName", "Job Title")]

    assert [change.field for change in read(client, instance, fields=found).changes] == ["firstName", "Job Title"]


@pytest.mark.parametrize(
    ("members", "lacking"),
    [
        pytest.param({"leadId": None}, "leadId", id="no lead"),
        pytest.param({"leadId": "ana@example.com"}, "leadId", id="a lead id that is none"),
        pytest.param({"activityDate": None}, "activityDate", id="no date"),
        pytest.param({"activityDate": "yesterday"}, "activityDate", id="a date that is none"),
        pytest.param({"activityTypeId": None}, "activityTypeId", id="no type"),
        pytest.param({"id": None, "marketoGUID": None}, "marketoGUID or id", id="no key"),
        pytest.param({"leadId": None, "activityDate": ""}, "leadId, activityDate", id="two at once"),
        pytest.param({"fields": [{"id": 48, "newValue": "Ana"}]}, "a changed field", id="a change of no field"),
        pytest.param({"fields": "firstName"}, "changed fields", id="changes in another shape"),
        pytest.param({"attributes": "Ana"}, "attributes", id="attributes in another shape"),
        pytest.param({"attributes": [{"value": "Ana"}]}, "attribute", id="an attribute without a name"),
    ],
)
def test_a_record_that_cannot_be_read_stops_the_feed(
    client: MarketoClient, instance: Instance, members: dict[str, object], lacking: str
) -> None:
    """A change that is skipped is lost: the error names what lacks and the request, and no person."""
    with pytest.raises(UnreadableAnswer, match=lacking) as unreadable:
        read(client, instance, **members)

    assert unreadable.value.request_id == "e1#2"
    assert "e1#2" in str(unreadable.value)
    assert "Ana" not in str(unreadable.value)
    assert "example.com" not in str(unreadable.value)


def test_values_do_not_show(client: MarketoClient, instance: Instance) -> None:
    """What reaches a log by accident is no person's data."""
    activity = read(client, instance, primaryAttributeValue="Ana Bo")

    assert "Ana" not in repr(activity)
    assert "Nightly" not in repr(activity)
    assert "775" in repr(activity)
