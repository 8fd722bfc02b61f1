"""Lead fields, leads, folders and statistics, as the documents show them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from marketo_assets.api.asset_api import oldest_folder_created_at
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import FieldNotFound
from marketo_assets.api.lead_database import LeadField, describe_lead_fields, leads_by_id
from marketo_assets.api.moments import parse_moment
from marketo_assets.api.usage import errors_last_7_days, usage_last_7_days, usage_today
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

DESCRIBE = "/rest/v1/leads/describe.json"
DESCRIBE2 = "/rest/v1/leads/describe2.json"
LEADS = "/rest/v1/leads.json"


def describe(instance: Instance, fields: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    lead = {"name": "API Lead", "searchableFields": [["id"], ["email"], ["crmKey"]], "fields": fields}
    instance.script(DESCRIBE2, accepted([lead]))
    instance.script(DESCRIBE, accepted(others))


def test_fields_join_what_both_describes_know(client: MarketoClient, instance: Instance) -> None:
    """Describe Lead2 gives names and types, Describe Lead the numbers, at the price of two calls."""
    describe(
        instance,
        [
            {"name": "id", "displayName": "Id", "dataType": "integer", "updateable": False, "crmManaged": False},
            {"name": "email", "displayName": "Email Address", "dataType": "Email", "length": 255, "updateable": True},
            {"name": "sfdcOwner", "displayName": "Owner", "dataType": "string", "updateable": True, "crmManaged": True},
            {"name": "ratio", "displayName": "Ratio", "dataType": "formula", "updateable": False, "crmManaged": False},
        ],
        [
            {
                "id": 6,
                "displayName": "Email Address",
                "dataType": "email",
                "rest": {"name": "email", "readOnly": False},
            },
            {"id": 7, "displayName": "Owner", "dataType": "string", "rest": {"name": "sfdcOwner", "readOnly": True}},
            {"id": 8, "displayName": "SOAP only", "dataType": "string", "soap": {"name": "X", "readOnly": False}},
        ],
    )

    fields = describe_lead_fields(client)

    assert fields == [
        LeadField("id", "Id", "integer", None, None, is_read_only=True, is_crm_managed=False, is_searchable=True),
        LeadField(
            "email", "Email Address", "email", 255, 6, is_read_only=False, is_crm_managed=False, is_searchable=True
        ),
        LeadField("sfdcOwner", "Owner", "string", None, 7, is_read_only=True, is_crm_managed=True, is_searchable=False),
    ]
    assert client.calls == 2


def test_names_that_differ_in_case_only_keep_their_own_numbers(client: MarketoClient, instance: Instance) -> None:
    """A spelling in another case is followed where it is the only one, and never guessed."""
    describe(
        instance,
        [{"name": name, "dataType": "string"} for name in ("score", "Score", "SCORE", "vin")],
        [{"id": number, "rest": {"name": name}} for number, name in enumerate(("score", "Score", "vIN"), 1)],
    )

    assert [(field.name, field.id) for field in describe_lead_fields(client)] == [
        ("score", 1),
        ("Score", 2),
        ("SCORE", None),
        ("vin", 3),
    ]


def test_leads_are_read_three_hundred_at_a_time(client: MarketoClient, instance: Instance) -> None:
    """Ids are asked for once each, in as few calls as Marketo allows; absent leads are simply not there."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = {
            name: values[0] for name, values in parse_qs(request.content.decode() or request.url.query.decode()).items()
        }
        wanted = [int(value) for value in params["filterValues"].split(",")]
        assert len(wanted) <= 300
        assert (params["filterType"], params["fields"], params["batchSize"]) == ("id", "id,email", "300")
        return accepted([{"id": number} for number in wanted if number != 350])

    instance.script(LEADS, answer)
    leads = list(leads_by_id(client, [*range(1, 602), 1, 2, 3], ["id", "email"]))

    assert [number for number in range(1, 602) if number != 350] == [lead["id"] for lead in leads]
    assert len(instance.asked(LEADS)) == 3


def test_three_hundred_long_ids_go_as_a_form(client: MarketoClient, instance: Instance) -> None:
    """With a hundred fields and long ids the URI would pass 8 KB."""
    instance.script(LEADS, accepted())
    list(leads_by_id(client, range(10**14, 10**14 + 300), [f"customFieldNumber{number}" for number in range(100)]))

    (request,) = instance.asked(LEADS)
    assert (request.method, request.url.query) == ("POST", b"_method=GET")


def test_no_ids_cost_no_call(client: MarketoClient, instance: Instance) -> None:
    """Nothing to ask is not asked."""
    assert list(leads_by_id(client, [], ["id"])) == []
    assert instance.requests == []


def test_a_vanished_field_is_named(client: MarketoClient, instance: Instance) -> None:
    """A field that was hidden meanwhile is told by its name, and what to do about it."""
    instance.script(LEADS, refusal("1006", "Field 'oldField' not found"))

    with pytest.raises(FieldNotFound, match=r"'oldField'.*doctor"):
        list(leads_by_id(client, [1], ["id", "oldField"]))


FOLDERS = "/rest/asset/v1/folders.json"


def test_the_oldest_folder_tells_the_age_of_the_instance(client: MarketoClient, instance: Instance) -> None:
    """One page of top-level folders, with Marketo's odd datetimes."""
    stamps = ["2019-10-11T12:13:14Z+0000", "2014-05-06T07:08:09Z+0000", "not a moment", None]
    instance.script(FOLDERS, accepted([{"id": number, "createdAt": stamp} for number, stamp in enumerate(stamps)]))

    assert datetime(2014, 5, 6, 7, 8, 9, tzinfo=UTC) == oldest_folder_created_at(client)
    assert dict(instance.requests[0].url.params) == {"maxDepth": "1", "maxReturn": "200", "offset": "0"}


@pytest.mark.parametrize("answer", [refusal("603", "Access denied"), accepted()], ids=["no permission", "no folders"])
def test_an_age_that_cannot_be_read_is_none(client: MarketoClient, instance: Instance, answer: httpx.Response) -> None:
    """Without the permission for assets there is a fallback, not a failure."""
    instance.script(FOLDERS, answer)

    assert oldest_folder_created_at(client) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01T10:00:02Z", "2026-08-01T10:00:02+00:00"),
        ("2026-08-01T10:00:02-08:00", "2026-08-01T18:00:02+00:00"),
        ("2013-09-26T06:56:35+0000", "2013-09-26T06:56:35+00:00"),
        ("2014-05-06T07:08:09Z+0000", "2014-05-06T07:08:09+00:00"),
        ("2014-05-06T07:08:09t+0000", "2014-05-06T07:08:09+00:00"),
        ("2014-05-06T07:08:09-5:00", "2014-05-06T12:08:09+00:00"),
        ("2014-05-06 07:08:09.123", "2014-05-06T07:08:09.123000+00:00"),
        ("2014-05-06T07:08:09", "2014-05-06T07:08:09+00:00"),
    ],
)
def test_every_spelling_of_a_moment_is_read(text: str, moment: str) -> None:
    """Marketo writes datetimes in many ways; all mean a moment in UTC."""
    assert datetime.fromisoformat(moment) == parse_moment(text)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2014-13-01T00:00:00Z", "2014-05-06", None, 5, "2014-05-06T07:08:09+99:99"]
)
def test_what_is_no_moment_is_none(text: object) -> None:
    """Nothing is guessed."""
    assert parse_moment(text) is None


def test_usage_is_told_per_day_and_user(client: MarketoClient, instance: Instance) -> None:
    """The instance's own count of calls and errors, the earliest day first."""
    first = {"date": "2026-08-01", "total": 1120, "users": [{"userId": "api@example.com", "count": 700}]}
    second = {"date": "2026-08-02T00:00:00Z", "total": "3"}
    instance.script("/rest/v1/stats/usage.json", accepted([first]))
    instance.script("/rest/v1/stats/usage/last7days.json", accepted([second, first]))
    errors = {"date": "2026-08-01", "total": 73, "errors": [{"errorCode": "604", "count": 1}]}
    instance.script("/rest/v1/stats/errors/last7days.json", accepted([errors]))

    today = usage_today(client)
    assert today is not None
    assert (today.date, today.total, today.by_user) == ("2026-08-01", 1120, {"api@example.com": 700})
    assert "api@example.com" not in repr(today)
    assert [(day.date, day.total) for day in usage_last_7_days(client)] == [("2026-08-01", 1120), ("2026-08-02", 3)]
    assert [day.by_code for day in errors_last_7_days(client)] == [{"604": 1}]
