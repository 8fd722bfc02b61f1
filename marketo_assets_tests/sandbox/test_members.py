"""Members of programs and static lists: REST (7.7, 7.8), bulk (4), their activities; and custom types (6.12)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from marketo_assets_tests.sandbox.caller import AUGUST, Caller, Json, codes
from marketo_assets_tests.sandbox.exports import MEMBERS, Export
from marketo_assets_tests.sandbox.feed import activities, change, ids_of, switch

PROGRAM = "/rest/v1/programs/1001/members.json"
LIST = "/rest/v1/lists/3001/leads.json"
EVERY_FIELD = ["leadId", "programId", "program", "statusName", "membershipDate", "updatedAt", "reachedSuccess"]
WEEK = {"startAt": "2026-08-09T00:00:00Z", "endAt": "2026-08-16T00:00:00Z"}


@pytest.fixture
def marketo(application: httpx.Client) -> Caller:
    """A caller with a token, through one door: memberships do not depend on it."""
    application.post("/sandbox/reset", json={}).raise_for_status()
    caller = Caller(application)
    caller.desk("PATCH", "/limits", rate_calls=100_000)
    return caller


def members(marketo: Caller, program_id: int = 1001) -> list[Json]:
    return marketo.desk("GET", f"/programs/{program_id}/members")


def on_list(marketo: Caller, list_id: int = 3001) -> set[int]:
    return {member["lead_id"] for member in marketo.desk("GET", f"/lists/{list_id}/members")}


def paged(marketo: Caller, path: str, **params: Any) -> list[Json]:
    """Return everything behind *path*, by tokens."""
    found: list[Json] = []
    while True:
        answer = marketo.get(path, **params)
        assert answer["success"], answer
        found += answer["result"]
        if "nextPageToken" not in answer:
            assert not answer.get("moreResult", False)
            return found
        params["nextPageToken"] = answer["nextPageToken"]


def told(record: Json, names: list[str]) -> dict[str, str]:
    """Return a member as a file writes it."""
    texts = {True: "true", False: "false", None: "null"}
    return {name: texts[record[name]] if isinstance(record[name], bool | None) else str(record[name]) for name in names}


def test_bulk_and_rest_tell_the_truth(marketo: Caller) -> None:
    """Every member comes with every field, in the file as by REST, for the statuses asked for."""
    truth = members(marketo)
    headers = {name: name for name in truth[0]}
    rows = Export(marketo, MEMBERS).rows(fields=list(truth[0]), columnHeaderNames=headers)
    statuses = sorted({record["statusName"] for record in truth})
    asked = {"filterType": "statusName", "filterValues": ",".join(statuses), "fields": ",".join(truth[0])}
    rest = paged(marketo, PROGRAM, batchSize=20, **asked)

    assert len(truth) > 20
    assert [told(record, list(truth[0])) for record in truth] == rows
    assert [{name: value for name, value in record.items() if value is not None} for record in truth] == [
        {name: value for name, value in record.items() if name != "seq"} for record in rest
    ]
    assert [*range(20), 0] == [record["seq"] for record in rest][:21]


def test_columns_are_called_by_their_labels(marketo: Caller) -> None:
    """As in Adobe's samples member fields come under labels, lead fields under their names, unless headers are given;
    a request for several programs has the program's id in front."""
    fields = ["leadId", "membershipDate", "program", "statusName", "reachedSuccess", "email"]
    labels = ["Lead Id", "Member Date", "Program", "Status", "Success", "email"]
    several = Export(marketo, MEMBERS).rows(fields=fields, filter={"programIds": [1001, 1003]})

    assert labels == list(Export(marketo, MEMBERS).rows(fields=fields)[0])
    assert ["programId", *labels] == list(several[0])
    assert {"1001", "1003"} == {row["programId"] for row in several}

    switch(marketo, member_labels=False)

    assert fields == list(Export(marketo, MEMBERS).rows(fields=fields)[0])


def test_lead_fields_come_with_the_members(marketo: Caller) -> None:
    """Fields of the lead stand beside those of the membership, as the lead has them now."""
    rows = Export(marketo, MEMBERS).rows(fields=["leadId", "email", "lastName"])
    leads = {str(lead["id"]): lead for lead in marketo.desk("GET", "/leads?fields=id,email,lastName")["leads"]}

    for row in rows:
        lead = leads[row["Lead Id"]]
        assert (lead["email"] or "null", lead["lastName"] or "null") == (row["email"], row["lastName"])


@pytest.mark.parametrize(
    ("asked", "keeps"),
    [
        ({"statusNames": ["Engaged", "Converted, at last"]}, lambda m: m["statusName"] != "Member"),
        ({"isExhausted": True}, lambda m: m["isExhausted"]),
        ({"nurtureCadence": "paused"}, lambda m: m["nurtureCadence"] == "paus"),
        ({"updatedAt": AUGUST}, lambda m: m["updatedAt"] >= AUGUST["startAt"]),
        (
            {"isExhausted": False, "nurtureCadence": "norm"},
            lambda m: not m["isExhausted"] and m["nurtureCadence"] == "norm",
        ),
    ],
    ids=["statuses", "exhausted", "cadence", "updatedAt", "both"],
)
def test_filters_choose_members(marketo: Caller, asked: Json, keeps: Any) -> None:
    """Filters of a member export are all to hold."""
    rows = Export(marketo, MEMBERS).rows(filter={"programId": 1006, **asked})
    expected = {str(member["leadId"]) for member in members(marketo, 1006) if keeps(member)}

    assert expected == {row["Lead Id"] for row in rows}
    assert 0 < len(expected) < len(members(marketo, 1006))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": ...}, "1002"),
        ({"fields": ["leadId", "nothing"]}, "1006"),
        ({"filter": {}}, "1002"),
        ({"filter": {"statusNames": ["Invited"]}}, "1002"),
        ({"filter": {"programId": 1001, "programIds": [1002]}}, "1003"),
        ({"filter": {"programIds": list(range(1001, 1012))}}, "1003"),
        ({"filter": {"programId": "1001"}}, "1001"),
        ({"filter": {"programId": 77}}, "1013"),
        ({"filter": {"programId": 1001, "createdAt": AUGUST}}, "1003"),
        ({"filter": {"programId": 1001, "statusNames": ["Nobody"]}}, "1003"),
        ({"filter": {"programId": 1001, "isExhausted": "yes"}}, "1001"),
        ({"filter": {"programId": 1001, "nurtureCadence": "fast"}}, "1003"),
        ({"filter": {"programId": 1001, "updatedAt": {"startAt": "2026-07-01T00:00:00Z"}}}, "1002"),
    ],
    ids=str,
)
def test_these_exports_are_refused(marketo: Caller, changes: Json, code: str) -> None:
    """Everything that the documents do not allow gets an error."""
    assert [code] == codes(Export(marketo, MEMBERS).create(**changes))


def test_without_the_updated_at_filter_it_is_1035(marketo: Caller) -> None:
    """The same capability as with leads."""
    switch(marketo, updated_at_filter=False)

    assert ["1035"] == codes(Export(marketo, MEMBERS).create(filter={"programId": 1001, "updatedAt": AUGUST}))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "1002"),
        ({"filterType": "leadId"}, "1002"),
        ({"filterType": "updatedAt", "filterValues": "x"}, "1002"),
        (
            {"filterType": "updatedAt", "filterValues": "x", "startAt": "2026-08-01T00:00:00Z", "endAt": WEEK["endAt"]},
            "1003",
        ),
        ({"filterType": "program", "filterValues": "x"}, "1011"),
        ({"filterType": "leadId", "filterValues": "x"}, "1001"),
        ({"filterType": "leadId", "filterValues": ",".join(map(str, range(301)))}, "1003"),
        ({"filterType": "leadId", "filterValues": "1", "fields": "email"}, "1006"),
    ],
    ids=str,
)
def test_these_questions_are_refused(marketo: Caller, params: Json, code: str) -> None:
    """A filter is required, updatedAt takes a week at most, and only searchable fields filter."""
    assert [code] == codes(marketo.get(PROGRAM, **params))
    assert ["1013"] == codes(marketo.get("/rest/v1/programs/77/members.json", filterType="leadId", filterValues="1"))


def test_members_of_a_week(marketo: Caller) -> None:
    """updatedAt finds who was changed in the span, both ends included; a large program by lead id only."""
    found = {record["leadId"] for record in paged(marketo, PROGRAM, filterType="updatedAt", filterValues="x", **WEEK)}
    (one, *_) = expected = [m["leadId"] for m in members(marketo) if m["updatedAt"] >= WEEK["startAt"]]
    marketo.desk("PATCH", "/limits", members_per_filter=3)

    assert set(expected) == found
    assert ["1003"] == codes(marketo.get(PROGRAM, filterType="statusName", filterValues="Invited"))
    assert [one] == [record["leadId"] for record in paged(marketo, PROGRAM, filterType="leadId", filterValues=one)]


def test_a_status_change_is_told_by_activity_104(marketo: Caller) -> None:
    """Joining, changing and leaving move updatedAt and leave an activity each; who has left is no member."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}})
    seen = []
    for status in ("Invited", "Attended", "Not in Program"):
        marketo.wait(60)
        marketo.desk("POST", "/programs/1001/members", lead_ids=[lead_id], status=status)
        seen.append([(m["statusName"], m["reachedSuccess"]) for m in members(marketo) if m["leadId"] == lead_id])
    records = sorted(activities(marketo, "104", leadIds=lead_id), key=lambda record: record["activityDate"][:19])
    attributes = [{item["name"]: item["value"] for item in record["attributes"]} for record in records]

    assert [[("Invited", False)], [("Attended", True)], []] == seen
    assert [
        ("Not in Program", "Invited", False),
        ("Invited", "Attended", True),
        ("Attended", "Not in Program", False),
    ] == [(item["Old Status"], item["New Status"], item["Success"]) for item in attributes]
    assert {1001} == {record["primaryAttributeValueId"] for record in records}


def test_the_history_of_the_seed_leads_to_the_present(marketo: Caller) -> None:
    """The newest 104 of every member of the seed names the status that it has now; whoever is none has left."""
    told_by = marketo.desk("GET", "/activities?types=104&limit=100000")["activities"]
    newest = {told["lead_id"]: told["attributes"]["New Status"] for told in told_by if told["primary_id"] == 1001}
    present = {member["leadId"]: member["statusName"] for member in members(marketo)}

    assert present == {lead_id: status for lead_id, status in newest.items() if status != "Not in Program"}
    assert len(newest) > len(present) > 20


def test_lists_by_rest_bulk_and_activities(marketo: Caller) -> None:
    """Who is on a list is the same by REST, by its alias and in a lead export; adding and removing leave activities."""
    one, two, three = ids_of(marketo, 3)
    marketo.desk("POST", "/lists/3001/members", add=[one, two, three])
    marketo.desk("POST", "/lists/3001/members", remove=[one])
    truth = on_list(marketo)
    by_rest = {lead["id"] for lead in paged(marketo, LIST, batchSize=50, fields="id")}
    by_alias = {lead["id"] for lead in paged(marketo, LIST.replace("lists", "list"), fields="id")}
    export_ids = [
        marketo.completed(filter=told)["exportId"]
        for told in ({"staticListId": 3001}, {"staticListName": "Newsletter readers"})
    ]
    by_bulk = [{int(line.split(",")[0]) for line in marketo.file(i).text.splitlines()[1:]} for i in export_ids]

    assert truth == by_rest == by_alias == by_bulk[0] == by_bulk[1]
    assert {two, three} <= truth
    assert [one] == [record["leadId"] for record in activities(marketo, "25")]
    assert {3001} == {record["primaryAttributeValueId"] for record in activities(marketo, "24,25")}


def test_what_becomes_of_memberships_of_leads_that_go(marketo: Caller) -> None:
    """A deleted lead is on no list; a loser's places go to the winner."""
    one, two, three = ids_of(marketo, 3)
    marketo.desk("POST", "/lists/3026/members", add=[one, two])
    marketo.desk("POST", "/programs/1024/members", lead_ids=[two], status="Member")
    change(marketo, {"delete": one}, {"merge": three, "losers": [two]})

    assert {three} == on_list(marketo, 3026)
    assert [(three, "Member")] == [(m["leadId"], m["statusName"]) for m in members(marketo, 1024)]


def test_the_memberships_of_one_lead(marketo: Caller) -> None:
    """Lists and programs of a lead, and the leads of a program with their membership."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}})
    marketo.desk("POST", "/lists/3026/members", add=[lead_id])
    marketo.desk("POST", "/programs/1024/members", lead_ids=[lead_id], status="Member")
    at = "2026-08-15T12:00:00Z"
    membership = {"id": 1024, "progressionStatus": "Member", "isExhausted": False, "acquiredBy": False}
    membership |= {"reachedSuccess": False, "membershipDate": at, "updatedAt": at}
    path = f"/rest/v1/leads/{lead_id}"

    assert [{"listId": 3026, "createdAt": at, "updatedAt": at}] == marketo.result(f"{path}/listMembership.json")
    assert [membership] == marketo.result(f"{path}/programMembership.json")
    assert [] == marketo.result(f"{path}/programMembership.json", filterType="programId", filterValues="1001")
    assert [{"id": lead_id, "membership": membership}] == marketo.result(
        "/rest/v1/leads/programs/1024.json", fields="id"
    )
    assert ["1004"] == codes(marketo.get("/rest/v1/leads/999999999/listMembership.json"))


def test_activities_of_the_leads_on_a_list(marketo: Caller) -> None:
    """listId asks for the activities of its leads, unless there are too many of them."""
    one, two, _ = ids_of(marketo, 3)
    marketo.desk("POST", "/lists/3026/members", add=[one, two])
    change(marketo, *({"edit": lead_id, "values": {"firstName": "Zoë"}} for lead_id in ids_of(marketo, 3)))

    assert {one, two} == {record["leadId"] for record in activities(marketo, "13", listId=3026)}
    assert {one} == {record["leadId"] for record in activities(marketo, "13", listId=3026, leadIds=one)}
    marketo.desk("PATCH", "/limits", leads_per_list=2)
    token = marketo.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=WEEK["startAt"])["nextPageToken"]
    asked = {"nextPageToken": token, "activityTypeIds": 13}
    assert ["1003"] == codes(marketo.get("/rest/v1/activities.json", **asked, listId=3026))
    assert ["1013"] == codes(marketo.get("/rest/v1/activities.json", **asked, listId=77))


def test_custom_activity_types_and_their_drafts(marketo: Caller) -> None:
    """Custom types are told with their attributes; one that is a draft only is described where drafts are asked for."""
    base = "/rest/v1/activities/external"
    types = {told["apiName"]: told for told in marketo.result(f"{base}/types.json")}
    standard = {told["id"] for told in marketo.result("/rest/v1/activities/types.json")}

    assert {"approved"} == {told["status"] for told in types.values() if told["id"] in standard}
    assert [types["used_c"]] == marketo.result(f"{base}/type/used_c/describe.json")
    assert ["1013"] == codes(marketo.get(f"{base}/type/plannedCall_c/describe.json"))
    assert [types["plannedCall_c"]] == marketo.result(f"{base}/type/plannedCall_c/describe.json", draft="true")
    assert "draft" == types["plannedCall_c"]["status"]


def test_attributes_of_custom_types_carry_their_api_names(marketo: Caller) -> None:
    """Get Lead Activities names them both ways; attributes of standard types have no API name."""
    (described,) = marketo.result("/rest/v1/activities/external/type/attendedWebinar_c/describe.json")
    names = {attribute["name"]: attribute["apiName"] for attribute in described["attributes"]}
    records = activities(marketo, "1,100001", "2026-06-01T00:00:00Z")
    custom = [item for record in records if record["activityTypeId"] == 100_001 for item in record["attributes"]]
    standard = [item for record in records if record["activityTypeId"] == 1 for item in record["attributes"]]

    assert {(item["name"], item["apiName"]) for item in custom} == set(names.items())
    assert standard
    assert all("apiName" not in item for item in standard)
