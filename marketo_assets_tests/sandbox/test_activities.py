"""Which activities a change leaves, and how the three endpoints tell of them: section 6 of the fact sheet."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import Caller, Json, codes
from marketo_assets_tests.sandbox.feed import BASE, NOON, activities, change, ids_of, read, switch, token

WHY = {"reason": "Nightly load", "source": "Web service API"}


def attributes(record: Json) -> Json:
    return {item["name"]: item["value"] for item in record["attributes"]}


def field_id(marketo: Caller, name: str) -> int:
    described = marketo.result("/rest/v1/leads/describe.json")
    return next(item["id"] for item in described if item.get("rest", {}).get("name") == name)


def test_types_are_told_with_the_documented_ids(marketo: Caller) -> None:
    """The types that change or end a lead stand under their documented numbers and names."""
    names = {kind["id"]: kind["name"] for kind in marketo.result(f"{BASE}/types.json")}

    assert {
        12: "New Lead",
        13: "Change Data Value",
        21: "Convert Lead",
        22: "Change Score",
        23: "Change Owner",
        32: "Merge Leads",
        37: "Delete Lead",
        100: "Change Lead Partition",
        101: "Change Revenue Stage",
    }.items() <= names.items()


def test_a_new_lead_is_told_by_both_endpoints(marketo: Caller) -> None:
    """A lead that is added leaves one New Lead and no change of values."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim", "lastName": "Lee", "leadScore": 5}, **WHY})
    told = [record for record in activities(marketo) if record["leadId"] == lead_id]

    assert [(12, lead_id, "Kim Lee")] == [
        (record["activityTypeId"], record["primaryAttributeValueId"], record["primaryAttributeValue"])
        for record in told
    ]
    assert {"Created Date": "2026-08-15", "Source Type": "Web service API"} == attributes(told[0])
    assert told == [record for record in read(marketo, "/leadchanges", fields="email") if record["leadId"] == lead_id]


def test_each_changed_value_is_one_activity(marketo: Caller) -> None:
    """An edit of two fields leaves two activities, each with field id, label, old and new value, reason and source."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}})
    change(marketo, {"edit": lead_id, "values": {"firstName": "Ana", "order": 5}, **WHY})
    told = {record["primaryAttributeValue"]: record for record in activities(marketo, "13")}

    assert {"First Name", "Order"} == set(told)
    assert {"Old Value": "Kim", "New Value": "Ana", "Reason": "Nightly load", "Source": "Web service API"} == (
        attributes(told["First Name"])
    )
    assert ("", "5") == tuple(attributes(told["Order"])[name] for name in ("Old Value", "New Value"))
    assert [field_id(marketo, "firstName"), field_id(marketo, "order")] == [
        told[name]["primaryAttributeValueId"] for name in ("First Name", "Order")
    ]


def test_lead_changes_name_fields_as_rest_does(marketo: Caller) -> None:
    """Get Lead Changes gives name, old and new value as texts beside the attributes, whatever the field's type."""
    (lead_id,) = change(marketo, {"add": {"order": 4}})
    change(marketo, {"edit": lead_id, "values": {"order": 5}, **WHY}, {"edit": lead_id, "values": {"order": None}})
    told = [record for record in read(marketo, "/leadchanges", fields="order") if record["activityTypeId"] == 13]
    values = {(field["name"], field["oldValue"], field["newValue"]) for record in told for field in record["fields"]}

    assert {("order", "4", "5"), ("order", "5", None)} == values
    assert {"Reason": "Nightly load", "Source": "Web service API", "Lead ID": lead_id} in map(attributes, told)


def test_lead_changes_tell_only_of_the_fields_asked_for(marketo: Caller) -> None:
    """A change of another field is left out."""
    (lead_id,) = ids_of(marketo, 1)
    change(marketo, {"edit": lead_id, "values": {"firstName": "Zoë", "lastName": "Zeta"}})
    told = [record["fields"][0]["name"] for record in read(marketo, "/leadchanges", fields="lastName")]

    assert ["lastName"] == told


def test_a_value_written_again_leaves_nothing(marketo: Caller) -> None:
    """An edit that changes nothing is no change."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}})
    change(marketo, {"edit": lead_id, "values": {"firstName": "Kim"}})

    assert [12] == [record["activityTypeId"] for record in activities(marketo)]


@pytest.mark.parametrize(("as_13", "types"), [(False, [22]), (True, [13, 22])])
def test_scores_are_told_as_22_alone_or_as_13_too(marketo: Caller, as_13: bool, types: list[int]) -> None:
    """A changed score is a Change Score with both values; a switch adds the Change Data Value."""
    switch(marketo, score_as_13=as_13)
    (lead_id,) = change(marketo, {"add": {"leadScore": 5}})
    change(marketo, {"edit": lead_id, "values": {"leadScore": 7}})
    told = [record for record in activities(marketo) if record["activityTypeId"] != 12]

    assert types == sorted(record["activityTypeId"] for record in told)
    assert {("Person Score", "5", "7")} == {
        (record["primaryAttributeValue"], attributes(record)["Old Value"], attributes(record)["New Value"])
        for record in told
    }
    assert types.count(13) == len([r for r in read(marketo, "/leadchanges", fields="leadScore") if "fields" in r])


@pytest.mark.parametrize(
    ("told_as", "number", "values"),
    [
        ("Change Owner", 23, {"ownerRef": "77"}),
        ("Change Lead Partition", 100, {"leadPartitionId": 2}),
        ("Change Revenue Stage", 101, {"campaignCode": "stage 2"}),
        (21, 21, {"crmKey": "00Q1"}),
    ],
    ids=["owner", "partition", "stage", "conversion"],
)
@pytest.mark.parametrize("as_13", [False, True], ids=["alone", "with 13"])
def test_other_types_change_fields_too(
    marketo: Caller, told_as: str | int, number: int, values: Json, as_13: bool
) -> None:
    """Owner, partition, stage and conversion change a lead's fields, by default without any Change Data Value."""
    switch(marketo, others_as_13=as_13)
    (lead_id,) = ids_of(marketo, 1)
    change(marketo, {"edit": lead_id, "values": values, "as": told_as})
    (name,) = values

    assert sorted([number, 13] if as_13 else [number]) == sorted(r["activityTypeId"] for r in activities(marketo))
    assert values[name] == marketo.desk("GET", f"/leads/{lead_id}")[name]


def test_a_merge_is_told_of_the_winner(marketo: Caller) -> None:
    """One Merge Leads stands on the surviving lead and names the losers; what it took leaves no other activity."""
    winner, one, two = change(marketo, {"add": {}}, {"add": {"firstName": "Kim"}}, {"add": {"email": "a@example.com"}})
    change(marketo, {"merge": winner, "losers": [one, two]})
    (told,) = [record for record in activities(marketo) if record["activityTypeId"] != 12]

    assert (32, winner, winner) == tuple(told[key] for key in ("activityTypeId", "leadId", "primaryAttributeValueId"))
    assert {
        "Merge IDs": f"[{one}, {two}]",
        "Merge Source": "leaddb",
        "Merged in Sales": False,
        "Master Updated": True,
    } == attributes(told)


@pytest.mark.parametrize("are_told", [False, True], ids=["silent", "in the delete feed"])
def test_merge_losers_appear_among_the_deleted_or_not(marketo: Caller, are_told: bool) -> None:
    """No source says whether a loser yields a Delete Lead, so a switch chooses."""
    switch(marketo, merge_losers_deleted=are_told)
    winner, loser, deleted = ids_of(marketo, 3)
    change(marketo, {"merge": winner, "losers": [loser]}, {"delete": deleted})

    assert sorted([deleted, loser] if are_told else [deleted]) == sorted(
        record["leadId"] for record in read(marketo, "/deletedleads")
    )


def test_a_deletion_is_told_with_the_leads_name(marketo: Caller) -> None:
    """A Delete Lead carries the id and the name of the lead that is gone."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim", "lastName": "Lee"}})
    change(marketo, {"delete": lead_id})
    (told,) = read(marketo, "/deletedleads")

    assert (37, lead_id, "Kim Lee") == tuple(
        told[name] for name in ("activityTypeId", "leadId", "primaryAttributeValue")
    )


def test_leads_of_the_seed_have_a_new_lead_too(marketo: Caller) -> None:
    """Every lead that was there at the start has one New Lead at the second of its creation."""
    truth = marketo.desk("GET", "/leads?fields=createdAt")["leads"]
    switch(marketo, activity_date="Z")

    assert sorted((lead["id"], lead["createdAt"]) for lead in truth) == sorted(
        (record["leadId"], record["activityDate"]) for record in activities(marketo, "12", "2026-01-01T00:00:00Z")
    )


def test_company_edits_reach_linked_leads_in_silence(marketo: Caller) -> None:
    """A company's new values stand in every linked lead, and no activity tells of it."""
    linked = change(marketo, *({"add": {"externalCompanyId": "ACME", "company": "Acme"}} for _ in range(3)))
    marketo.wait(1)
    change(marketo, {"company": "ACME", "values": {"company": "Acme Ltd", "numberOfEmployees": 12}})
    changed = [marketo.desk("GET", f"/leads/{lead_id}") for lead_id in linked]

    assert [("Acme Ltd", 12)] * 3 == [(lead["company"], lead["numberOfEmployees"]) for lead in changed]
    assert {12} == {record["activityTypeId"] for record in activities(marketo)}
    assert ["2026-08-15T12:00:01Z"] * 3 == [lead["updatedAt"] for lead in changed]


def test_company_edits_may_leave_the_stamps_alone(marketo: Caller) -> None:
    """No source says that the updatedAt filter sees them, so a switch chooses."""
    switch(marketo, company_moves_stamps=False)
    (lead_id,) = change(marketo, {"add": {"company": "Acme Two"}})
    marketo.wait(1)
    change(marketo, {"company": "Acme Two", "by": "company", "values": {"annualRevenue": 5}})
    lead = marketo.desk("GET", f"/leads/{lead_id}")

    assert (5, NOON) == (lead["annualRevenue"], lead["updatedAt"])


def test_a_custom_type_is_unknown_until_the_types_are_read_again(marketo: Caller) -> None:
    """An activity type that users add later is told by the types and may report a change."""
    (lead_id,) = ids_of(marketo, 1)
    made = marketo.desk("POST", "/activity_types", name="Renewal Call")
    change(marketo, {"edit": lead_id, "values": {"planName": "gold"}, "as": "Renewal Call"})

    assert made in marketo.result(f"{BASE}/types.json")
    assert [lead_id] == [record["leadId"] for record in activities(marketo, str(made["id"]))]


def test_activities_can_be_asked_by_lead(marketo: Caller) -> None:
    """With leadIds only those leads' activities come, those of the seed's New Lead too."""
    one, two, other = ids_of(marketo, 3)
    change(marketo, *({"edit": lead_id, "values": {"firstName": "Zoë"}} for lead_id in (one, two, other)))
    found = activities(marketo, "12,13", since="2026-01-01T00:00:00Z", leadIds=f"{one},{two}")

    assert sorted([(one, 12), (one, 13), (two, 12), (two, 13)]) == sorted(
        (record["leadId"], record["activityTypeId"]) for record in found
    )


def test_activities_can_be_asked_by_asset(marketo: Caller) -> None:
    """With assetIds and one type only activities with that primary attribute come."""
    (lead_id,) = ids_of(marketo, 1)
    change(marketo, {"edit": lead_id, "values": {"firstName": "Zoë", "lastName": "Zeta"}})
    wanted = field_id(marketo, "lastName")

    assert ["Last Name"] == [r["primaryAttributeValue"] for r in activities(marketo, "13", assetIds=wanted)]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("", {}, "1002"),
        ("", {"activityTypeIds": "12,13,22,23,21,32,37,100,101,1,2"}, "1003"),
        ("", {"activityTypeIds": "999"}, "1003"),
        ("", {"activityTypeIds": "twelve"}, "1001"),
        ("", {"activityTypeIds": "12,13", "assetIds": "5"}, "1003"),
        ("", {"activityTypeIds": "12", "leadIds": ",".join(map(str, range(31)))}, "1003"),
        ("", {"activityTypeIds": "12", "listId": "5"}, "1013"),
        ("", {"activityTypeIds": "12", "batchSize": "301"}, "1003"),
        ("/leadchanges", {}, "1002"),
        ("/leadchanges", {"fields": "firstNam"}, "1006"),
        ("/leadchanges", {"fields": "firstName,"}, "701"),
        ("/deletedleads", {"leadIds": "5"}, "1003"),
    ],
)
def test_what_the_endpoints_do_not_take(marketo: Caller, path: str, params: dict[str, Any], code: str) -> None:
    """Bounds and names are checked, each with its code."""
    assert [code] == codes(marketo.get(f"{BASE}{path}.json", nextPageToken=token(marketo), **params))


def test_a_form_may_stand_for_a_long_address(marketo: Caller) -> None:
    """POST with `_method=GET` answers as GET does."""
    told = {"nextPageToken": token(marketo, "2026-08-01T00:00:00Z"), "fields": "firstName"}
    by_get = marketo.get(f"{BASE}/leadchanges.json", **told)
    by_post = marketo.post(f"{BASE}/leadchanges.json", params={"_method": "GET"}, data=told)

    assert by_get["result"] == by_post["result"] != []


@pytest.mark.parametrize("path", ["", "/types", "/pagingtoken", "/leadchanges", "/deletedleads"])
def test_activities_need_their_permission(marketo: Caller, path: str) -> None:
    """Without Read-Only Activity it is 603, with it the door is open."""
    marketo.desk("PUT", f"/users/{marketo.service['client_id']}", permissions=["Read-Write Lead"])

    assert ["603"] == codes(marketo.get(f"{BASE}{path}.json"))

    marketo.desk("PUT", f"/users/{marketo.service['client_id']}", permissions=["Read-Only Activity"])

    assert marketo.get(f"{BASE}/types.json")["success"]
