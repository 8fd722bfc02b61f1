"""Sync Leads, Delete Leads and Merge Leads: section 5.5 of the fact sheet."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import Caller, Json, codes
from marketo_assets_tests.sandbox.feed import activities, change, ids_of, read

LEADS = "/rest/v1/leads.json"
DELETE = "/rest/v1/leads/delete.json"


def sync(marketo: Caller, *records: Json, **more: Any) -> list[Json]:
    answer = marketo.post(LEADS, json={"input": list(records), **more})
    assert answer["success"], answer
    return answer["result"]


def reason(result: Json) -> str:
    assert "skipped" == result["status"], result
    return result["reasons"][0]["code"]


def held(marketo: Caller, lead_id: int) -> Json:
    return {name: value for name, value in marketo.desk("GET", f"/leads/{lead_id}").items() if value is not None}


def test_results_stand_at_the_place_of_their_records(marketo: Caller) -> None:
    """Created, updated and skipped come in the order of the records."""
    (known,) = change(marketo, {"add": {"crmKey": "C-1", "firstName": "Kim"}})
    told = sync(
        marketo,
        {"crmKey": "C-2", "email": "lee@example.com"},
        {"crmKey": "C-1", "firstName": "Ana"},
        {"crmKey": "C-3", "nothing": 1},
        lookupField="crmKey",
        partitionName="Default",
    )

    assert ["created", "updated", "skipped"] == [result["status"] for result in told]
    assert (known, "1006") == (told[1]["id"], reason(told[2]))
    assert "lee@example.com" == held(marketo, told[0]["id"])["email"]
    assert "Ana" == held(marketo, known)["firstName"]


@pytest.mark.parametrize(
    ("action", "outcomes"),
    [
        ("createOrUpdate", ["updated", "created", "1007"]),
        ("createOnly", ["1005", "created", "1005"]),
        ("updateOnly", ["updated", "1004", "1007"]),
        ("createDuplicate", ["created", "created", "created"]),
    ],
)
def test_an_action_decides_what_a_match_means(marketo: Caller, action: str, outcomes: list[str]) -> None:
    """One match, none and two, by e-mail."""
    change(marketo, *({"add": {"email": f"{name}@example.com"}} for name in ("one", "two", "two")))
    told = sync(marketo, *({"email": f"{name}@example.com"} for name in ("one", "new", "two")), action=action)

    assert outcomes == [result["status"] if "id" in result else reason(result) for result in told]


def test_a_record_finds_what_an_earlier_one_made(marketo: Caller) -> None:
    """Two records with the same key in one call make one lead."""
    made, changed = sync(marketo, {"email": "a@example.com"}, {"email": "a@example.com", "firstName": "Kim"})

    assert (made["id"], "updated") == (changed["id"], changed["status"])


def test_leads_are_updated_by_id(marketo: Caller) -> None:
    """With updateOnly the id is the key; null and the empty text empty a field."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim", "lastName": "Lee", "order": 1}})
    record = {"id": lead_id, "firstName": None, "lastName": "", "order": 2}

    assert [{"id": lead_id, "status": "updated"}] == sync(marketo, record, action="updateOnly", lookupField="id")
    assert {"id", "createdAt", "updatedAt", "order"} == set(held(marketo, lead_id))


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"id": 1001, "email": "a@example.com"}, "1003"),
        ({"firstName": "Kim"}, "1002"),
        ({"email": None}, "1002"),
        ({"email": "a@example.com", "firstname": "Kim"}, "1006"),
        ({"email": "a@example.com", "retiredCode": "x"}, "1006"),
        ({"email": "a@example.com", "isAnonymous": True}, "1003"),
        ({"email": "a@example.com", "updatedAt": "2026-08-15T12:00:00Z"}, "1003"),
        ({"email": "a@example.com", "order": "five"}, "1001"),
        ({"email": "a@example.com", "firstName": "x" * 256}, "1001"),
        ({"email": "ä@example.com"}, "1001"),
    ],
    ids=str,
)
def test_a_record_is_skipped_with_its_reason(marketo: Caller, record: Json, code: str) -> None:
    """One bad record is skipped, the next is written."""
    before = len(marketo.desk("GET", "/leads?fields=id")["leads"])
    bad, good = sync(marketo, record, {"email": "good@example.com"})

    assert (code, "created") == (reason(bad), good["status"])
    assert before + 1 == len(marketo.desk("GET", "/leads?fields=id")["leads"])


def test_company_values_of_linked_leads_are_refused(marketo: Caller) -> None:
    """Linked by externalCompanyId a lead takes its company's values from the company alone (1021)."""
    change(
        marketo,
        {"add": {"email": "linked@example.com", "externalCompanyId": "ACME"}},
        {"add": {"email": "free@example.com"}},
    )
    linked, free = sync(marketo, *({"email": f"{name}@example.com", "company": "Acme"} for name in ("linked", "free")))

    assert ("1021", "updated") == (reason(linked), free["status"])


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({}, "1002"),
        ({"input": []}, "1003"),
        ({"input": [{"email": "a@example.com"}] * 301}, "1003"),
        ({"input": "a@example.com"}, "1001"),
        ({"input": [5]}, "1001"),
        ({"input": [{}], "action": "upsert"}, "1003"),
        ({"input": [{}], "lookupField": "mail"}, "1006"),
        ({"input": [{}], "lookupField": "firstName"}, "1011"),
        ({"input": [{}], "asyncProcessing": True}, "1003"),
        ({"input": [{}], "dedupeBy": "email"}, "1003"),
    ],
    ids=lambda told: str(told)[:40],
)
def test_a_call_is_refused_as_a_whole(marketo: Caller, told: Json, code: str) -> None:
    """What is wrong with the call itself is a response-level error."""
    assert [code] == codes(marketo.post(LEADS, json=told))


def test_an_unknown_partition_skips_every_record(marketo: Caller) -> None:
    """This instance has one partition."""
    assert ["1008"] == [reason(told) for told in sync(marketo, {"email": "a@example.com"}, partitionName="EMEA")]


def test_what_is_written_over_rest_is_logged(marketo: Caller) -> None:
    """Creation, change, merge and deletion leave their activities, with the API as source."""
    (made,) = sync(marketo, {"email": "a@example.com"})
    sync(marketo, {"email": "a@example.com", "firstName": "Kim"})
    winner, loser = made["id"], ids_of(marketo, 1)[0]

    assert {"requestId", "success", "errors", "warnings"} == set(
        marketo.post(f"/rest/v1/leads/{winner}/merge.json", params={"leadId": loser})
    )

    marketo.post(DELETE, json={"input": [{"id": winner}]})
    told = activities(marketo)
    (value,) = [record for record in read(marketo, "/leadchanges", fields="firstName") if "fields" in record]

    assert [12, 13, 32, 37] == sorted(record["activityTypeId"] for record in told)
    assert {winner} == {record["leadId"] for record in told}
    assert {"name": "Source", "value": "Web service API"} in value["attributes"]
    assert {str(loser): winner} == marketo.desk("GET", "/gone")["merged"]


@pytest.mark.parametrize("by", ["body", "query"])
def test_leads_are_deleted_by_body_or_by_query(marketo: Caller, by: str) -> None:
    """Each id has its result; one that is not there is skipped with 1004."""
    first, second = ids_of(marketo, 2)
    ids = [first, 7, second, first]
    body, query = {"input": [{"id": lead_id} for lead_id in ids]}, {"id": ",".join(map(str, ids))}
    told: Json = {"json": body} if by == "body" else {"params": query}
    results = marketo.post(DELETE, **told)["result"]

    assert ids == [result["id"] for result in results]
    assert ["deleted", "skipped", "deleted", "skipped"] == [result["status"] for result in results]
    assert "1004" == reason(results[1])
    assert {str(first), str(second)} == set(marketo.desk("GET", "/gone")["deleted"])


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({}, "609"),
        ({"content": b"id=5"}, "612"),
        ({"json": {"input": [{"id": "5"}]}}, "1001"),
        ({"json": {"input": [{"id": 5, "email": "x"}]}}, "1001"),
        ({"json": {"input": [{"id": 5}] * 301}}, "1003"),
        ({"params": {"id": "five"}}, "1001"),
    ],
    ids=lambda told: str(told)[:40],
)
def test_a_deletion_is_refused_as_a_whole(marketo: Caller, told: Json, code: str) -> None:
    """A body that is none, of another kind, or too long."""
    assert [code] == codes(marketo.post(DELETE, **told))


def test_merging_keeps_the_winners_values(marketo: Caller) -> None:
    """The winner keeps what it has and takes what it lacks from several losers."""
    winner, one, two = change(
        marketo,
        {"add": {"firstName": "Kim"}},
        {"add": {"firstName": "Lee", "lastName": "One"}},
        {"add": {"email": "two@example.com"}},
    )
    marketo.post(f"/rest/v1/leads/{winner}/merge.json", params={"leadIds": f"{one},{two}", "mergeInCRM": "false"})
    lead = held(marketo, winner)

    assert ("Kim", "One", "two@example.com") == tuple(lead[name] for name in ("firstName", "lastName", "email"))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"leadId": "7"}, "1004"),
        ({"leadId": "{winner}"}, "1003"),
        ({"leadIds": "{other},{other}"}, "1003"),
        ({}, "1003"),
        ({"leadId": "x"}, "1001"),
        ({"leadId": "{other}", "mergeInCRM": "true"}, "1003"),
        ({"leadId": "{other}", "mergeInCRM": "perhaps"}, "1001"),
        ({"leadIds": ",".join(["{other}"] * 26)}, "1080"),
    ],
    ids=lambda params: str(params)[:40],
)
def test_a_merge_is_refused(marketo: Caller, params: dict[str, str], code: str) -> None:
    """Unknown leads, leads named twice, more than 25, and a CRM that is not there; nothing has changed."""
    winner, other = ids_of(marketo, 2)
    named = {name: value.format(winner=winner, other=other) for name, value in params.items()}

    assert [code] == codes(marketo.post(f"/rest/v1/leads/{winner}/merge.json", params=named))
    assert {"deleted": {}, "merged": {}} == marketo.desk("GET", "/gone")


@pytest.mark.parametrize("path", [LEADS, DELETE, "/rest/v1/leads/1001/merge.json"])
def test_writing_needs_its_permission(marketo: Caller, path: str) -> None:
    """Read-Only Lead is not enough."""
    marketo.desk("PUT", f"/users/{marketo.service['client_id']}", permissions=["Read-Only Lead"])

    assert ["603"] == codes(marketo.post(path, json={"input": [{"id": 1001}]}))


def test_a_get_by_post_is_no_write(marketo: Caller) -> None:
    """`_method=GET` on the address of Sync Leads reads."""
    (lead_id,) = ids_of(marketo, 1)
    told = {"filterType": "id", "filterValues": lead_id, "fields": "id"}

    assert [{"id": lead_id}] == marketo.post(LEADS, params={"_method": "GET"}, data=told)["result"]
