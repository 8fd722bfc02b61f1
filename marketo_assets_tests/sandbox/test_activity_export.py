"""Bulk activity export: what a request may say, what its file holds, and what it shares with lead exports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import AUGUST, EXPORT, JULY, Caller, codes, errors
from marketo_assets_tests.sandbox.exports import ACTIVITIES, ACTIVITY_FIELDS, Export
from marketo_assets_tests.sandbox.feed import change, ids_of, switch


def asked(**filters: Any) -> dict[str, Any]:
    return {"filter": {"createdAt": AUGUST, **filters}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": ...}, "1002"),
        ({"fields": ["leadId", "nothing"]}, "1006"),
        ({"fields": ["leadId", "leadId"]}, "1003"),
        ({"fields": "leadId"}, "1001"),
        ({"filter": ...}, "1002"),
        ({"filter": {"activityTypeIds": [1]}}, "1002"),
        ({"filter": {"createdAt": {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-08-01T00:00:01Z"}}}, "1003"),
        (asked(updatedAt=AUGUST), "1003"),
        (asked(leadIds=[5]), "1003"),
        (asked(activityTypeIds="1,2"), "1001"),
        (asked(activityTypeIds=["1"]), "1001"),
        (asked(activityTypeIds=[]), "1003"),
        (asked(activityTypeIds=[1, 37]), "1003"),
        (asked(activityTypeIds=[999]), "1003"),
        (asked(primaryAttributeValueIds=[5]), "1003"),
        (asked(activityTypeIds=[2, 104], primaryAttributeValueIds=[5]), "1003"),
        (asked(activityTypeIds=[6], primaryAttributeValueIds=[5001]), "1003"),
        (asked(activityTypeIds=[2], primaryAttributeValueIds=list(range(51))), "1003"),
        (asked(activityTypeIds=[2], primaryAttributeValueIds=[1], primaryAttributeValues=["a"]), "1003"),
        (asked(activityTypeIds=[2], primaryAttributeValues=[5]), "1001"),
        ({"format": "JSON"}, "1003"),
        ({"columnHeaderNames": {"nothing": "Nothing"}}, "1003"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value, default=str)[:60],
)
def test_these_requests_are_refused(marketo: Caller, changes: dict[str, Any], code: str) -> None:
    """Everything that the documents do not allow gets an error, and no job comes of it."""
    assert [code] == codes(Export(marketo).create(**changes))
    assert [] == marketo.desk("GET", "/jobs")


def test_fields_may_be_left_out_where_an_instance_allows_it(marketo: Caller) -> None:
    """The guide calls fields optional, the Swagger file required: with a switch the eight usual columns come."""
    switch(marketo, activity_fields_required=False)

    assert ACTIVITY_FIELDS[:-1] == list(Export(marketo).rows(fields=...)[0])


def test_columns_come_as_asked(marketo: Caller) -> None:
    """Only the fields asked for, in their order, under the headers asked for."""
    told = {"fields": ["activityTypeId", "marketoGUID"], "columnHeaderNames": {"marketoGUID": "guid"}}

    assert ["activityTypeId", "guid"] == list(Export(marketo).rows(**told)[0])


def test_types_choose(marketo: Caller) -> None:
    """activityTypeIds keeps those types; without it every type comes, deletions apart."""
    change(marketo, {"delete": ids_of(marketo, 1)[0]})
    every = {row["activityTypeId"] for row in Export(marketo).rows()}
    some = {row["activityTypeId"] for row in Export(marketo).rows(**asked(activityTypeIds=[10, 104]))}

    assert {"1", "6", "10", "12", "104", "100001"} <= every
    assert "37" not in every
    assert {"10", "104"} == some


@pytest.mark.parametrize(
    ("type_ids", "name", "value", "column"),
    [
        ([104], "primaryAttributeValueIds", 1006, "primaryAttributeValueId"),
        ([24, 25], "primaryAttributeValues", "Newsletter readers", "primaryAttributeValue"),
    ],
    ids=["ids", "values"],
)
def test_primary_attributes_choose(marketo: Caller, type_ids: list[int], name: str, value: Any, column: str) -> None:
    """Types of one asset group can be asked by the primary attribute, by id or by text."""
    rows = Export(marketo).rows(**asked(activityTypeIds=type_ids, **{name: [value]}))

    assert {str(value)} == {row[column] for row in rows}


def test_a_row_has_the_documented_shape(marketo: Caller) -> None:
    """null for what is missing, moments in UTC, attributes as a JSON object of typed values without the empty ones."""
    (lead_id,) = ids_of(marketo, 1)
    made = {
        "lead_id": lead_id,
        "type": "Visit Webpage",
        "primary": 'a, "b"\nc',
        "attributes": {"Webpage URL": 'x"y', "Query Parameters": None, "n": 2, "b": False, "f": 0.5},
        "result": "skipped",
    }
    (guid,) = marketo.desk("POST", "/activities", activities=[made])["guids"]
    (row,) = [row for row in Export(marketo).rows() if row["marketoGUID"] == guid]

    assert {
        "marketoGUID": guid,
        "leadId": str(lead_id),
        "activityDate": "2026-08-15T12:00:00Z",
        "activityTypeId": "1",
        "campaignId": "null",
        "primaryAttributeValueId": "null",
        "primaryAttributeValue": 'a, "b"\nc',
        "attributes": '{"Webpage URL": "x\\"y", "n": 2, "b": false, "f": 0.5}',
        "actionResult": "skipped",
    } == row


def test_attributes_may_be_an_array(marketo: Caller) -> None:
    """The Swagger file's sample writes attributes as a list of names and values: a switch follows it."""
    objects = {row["marketoGUID"]: json.loads(row["attributes"]) for row in Export(marketo).rows()}
    switch(marketo, bulk_attributes="array")
    arrays = {row["marketoGUID"]: json.loads(row["attributes"]) for row in Export(marketo).rows()}

    assert objects == {guid: {item["name"]: item["value"] for item in told} for guid, told in arrays.items()}


def test_both_ends_of_the_window_count(marketo: Caller) -> None:
    """A window of one second holds that second's activities, and no other."""
    (lead_id,) = ids_of(marketo, 1)
    for at in ("2026-07-05T00:00:00Z", "2026-07-05T00:00:01Z"):
        marketo.desk("POST", "/activities", activities=[{"lead_id": lead_id, "type": 46, "at": at}])
    window = {"startAt": "2026-07-05T00:00:01Z", "endAt": "2026-07-05T00:00:01Z"}
    rows = Export(marketo).rows(filter={"createdAt": window, "activityTypeIds": [46]})

    assert ["2026-07-05T00:00:01Z"] == [row["activityDate"] for row in rows]


def test_queue_and_bytes_are_shared_with_lead_exports(marketo: Caller) -> None:
    """Ten places and the day's bytes are there for all exports together."""
    for number in range(10):
        export = Export(marketo)
        export_id = marketo.created() if number % 2 else export.created()
        base = EXPORT if number % 2 else f"{ACTIVITIES}/export"
        assert marketo.post(f"{base}/{export_id}/enqueue.json")["success"]
    refused = marketo.post(f"{ACTIVITIES}/export/{Export(marketo).created()}/enqueue.json")
    marketo.wait(3_000)
    exported = marketo.desk("GET", "/counters")["bytes_exported_today"]
    marketo.desk("PATCH", "/limits", daily_export_bytes=exported)

    assert [("1029", "Too many jobs in queue")] == errors(refused)
    assert [("1029", "Export daily quota exceeded")] == errors(Export(marketo).create())
    assert [("1029", "Export daily quota exceeded")] == errors(marketo.create())


def test_a_job_is_known_under_its_own_address_only(marketo: Caller) -> None:
    """A lead export is none of the activities', in status and list, and the other way round."""
    of_leads, of_activities = marketo.created(filter={"createdAt": JULY}), Export(marketo).created()

    assert ["1013"] == codes(marketo.get(f"{ACTIVITIES}/export/{of_leads}/status.json"))
    assert ["1013"] == codes(marketo.get(f"{EXPORT}/{of_activities}/status.json"))
    assert [of_activities] == [job["exportId"] for job in marketo.result(f"{ACTIVITIES}/export.json")]
    assert [of_leads] == [job["exportId"] for job in marketo.result(f"{EXPORT}.json")]


def test_the_permission_is_that_of_activities(marketo: Caller) -> None:
    """Who may read leads only is refused with 603."""
    marketo.desk("PUT", "/users/leads", client_secret="s", permissions=["Read-Only Lead"])
    leads_only = Caller(marketo.client, {"client_id": "leads", "client_secret": "s"})

    assert ["603"] == codes(Export(leads_only).create())
