"""Each JSON example of the fact sheet that applies, against what the sandbox answers: same members, same types.

The values are the sheet's; the section each comes from is in its id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import EXPORT, Caller

TOKEN = {
    "access_token": "3f1c9a52-77d0-4f0e-9a31-0c5b2d7e8f10:sj",
    "token_type": "bearer",
    "expires_in": 3599,
    "scope": "warehouse-api@example.com",
}
ERROR = {"requestId": "9c1d#190ab3", "success": False, "errors": [{"code": "606", "message": "…"}]}
JOB = {
    "requestId": "77aa#19c",
    "success": True,
    "result": [
        {
            "exportId": "5d0f0c3e-4b5e-4c31-9a0b-9b7b3f2a1d44",
            "format": "CSV",
            "status": "Completed",
            "createdAt": "2026-08-01T10:00:02Z",
            "queuedAt": "2026-08-01T10:00:09Z",
            "startedAt": "2026-08-01T10:01:30Z",
            "finishedAt": "2026-08-01T10:07:11Z",
            "numberOfRecords": 48211,
            "fileSize": 9120344,
            "fileChecksum": "sha256:9f2c",
        }
    ],
}
DESCRIBE2 = {
    "success": True,
    "requestId": "1#2",
    "result": [
        {
            "name": "API Lead",
            "searchableFields": [["id"], ["email"], ["crmKey"]],
            "fields": [
                {
                    "name": "email",
                    "displayName": "Email Address",
                    "dataType": "email",
                    "length": 255,
                    "updateable": True,
                    "crmManaged": False,
                }
            ],
        }
    ],
}
FOLDERS = {
    "success": True,
    "warnings": [],
    "errors": [],
    "requestId": "f#1",
    "result": [
        {
            "id": 22,
            "name": "Nurture",
            "folderId": {"id": 22, "type": "Folder"},
            "folderType": "Marketing Folder",
            "parent": {"id": 20, "type": "Folder"},
            "path": "/Marketing Activities/EMEA/Nurture",
            "createdAt": "2014-05-06T07:08:09Z+0000",
            "updatedAt": "2019-10-11T12:13:14Z+0000",
            "isArchive": False,
            "isSystem": False,
            "accessZoneId": 3,
            "workspace": "EMEA",
            "url": "https://app.example.com/#MF22A1",
            "description": None,
        }
    ],
}
USAGE = {
    "success": True,
    "requestId": "u#1",
    "result": [{"date": "2026-08-01", "total": 1120, "users": [{"userId": "api@example.com", "count": 700}]}],
}
ERRORS = {
    "success": True,
    "requestId": "u#2",
    "result": [{"date": "2026-08-01", "total": 73, "errors": [{"errorCode": "604", "count": 1}]}],
}

TYPES = {
    "success": True,
    "requestId": "a#1",
    "result": [
        {
            "id": 2,
            "name": "Fill Out Form",
            "description": "…",
            "apiName": None,
            "primaryAttribute": {"name": "Webform ID", "dataType": "integer"},
            "attributes": [{"name": "Client IP Address", "dataType": "string"}],
        }
    ],
}
PAGING_TOKEN = {"requestId": "…", "success": True, "nextPageToken": "GIYDAOBN…"}
ACTIVITIES = {
    "requestId": "b#7",
    "success": True,
    "moreResult": True,
    "nextPageToken": "WQV2VQ…====",
    "result": [
        {
            "id": 102988,
            "marketoGUID": "102988",
            "leadId": 5,
            "activityDate": "2026-08-01T09:15:00Z",
            "activityTypeId": 1,
            "campaignId": 17,
            "primaryAttributeValueId": 71,
            "primaryAttributeValue": "example.com/pricing",
            "attributes": [{"name": "Client IP Address", "value": "203.0.113.9"}],
        }
    ],
}
CHANGE = {
    "success": True,
    "requestId": "c#1",
    "moreResult": False,
    "nextPageToken": "GIYD…",
    "result": [
        {
            "id": 88,
            "marketoGUID": "88",
            "leadId": 775,
            "activityDate": "2026-08-01T22:31:49+0000",
            "activityTypeId": 13,
            "campaignId": 4,
            "fields": [{"id": 48, "name": "firstName", "newValue": "Ana", "oldValue": "Anna"}],
            "attributes": [{"name": "Source", "value": "Web service API"}],
        }
    ],
}
NEW_LEAD = {
    "success": True,
    "requestId": "c#1",
    "moreResult": False,
    "nextPageToken": "GIYD…",
    "result": [
        {
            "id": 89,
            "marketoGUID": "89",
            "leadId": 776,
            "activityDate": "2026-08-01T22:40:00Z",
            "activityTypeId": 12,
            "primaryAttributeValueId": 776,
            "primaryAttributeValue": "New Person",
            "attributes": [{"name": "Source Type", "value": "New lead"}],
        }
    ],
}
MEMBERS = {
    "requestId": "d#1",
    "success": True,
    "moreResult": False,
    "result": [
        {
            "seq": 0,
            "leadId": 1789,
            "programId": 1044,
            "acquiredBy": True,
            "reachedSuccess": True,
            "membershipDate": "2026-01-08T18:10:26Z",
        }
    ],
}
SYNCED = {"requestId": "e1#2", "success": True, "result": [{"id": 901, "status": "updated"}]}
SKIPPED = {
    "requestId": "e1#2",
    "success": True,
    "result": [
        {"status": "skipped", "reasons": [{"code": "1007", "message": "Multiple leads match the lookup criteria"}]}
    ],
}


def token(marketo: Caller) -> Any:
    return marketo.identify().json()


def error(marketo: Caller) -> Any:
    for _ in range(100):
        marketo.get("/rest/v1/leads/partitions.json")
    return marketo.get("/rest/v1/leads/partitions.json")


def job(marketo: Caller) -> Any:
    return marketo.get(f"{EXPORT}/{marketo.completed()['exportId']}/status.json")


def describe2(marketo: Caller) -> Any:
    answer = marketo.get("/rest/v1/leads/describe2.json")
    described = answer["result"][0]
    described["fields"] = [field for field in described["fields"] if field["name"] == "email"]
    return answer


def folders(marketo: Caller) -> Any:
    return marketo.get("/rest/asset/v1/folders.json")


def usage(marketo: Caller) -> Any:
    return marketo.get("/rest/v1/stats/usage.json")


def errors(marketo: Caller) -> Any:
    error(marketo)
    marketo.wait(20)
    return marketo.get("/rest/v1/stats/errors.json")


def types(marketo: Caller) -> Any:
    return marketo.get("/rest/v1/activities/types.json")


def paging_token(marketo: Caller) -> Any:
    return marketo.get("/rest/v1/activities/pagingtoken.json", sinceDatetime="2026-08-15T12:00:00Z")


def activities(marketo: Caller) -> Any:
    renamed(marketo)
    start = paging_token(marketo)["nextPageToken"]
    return marketo.get("/rest/v1/activities.json", nextPageToken=start, activityTypeIds="13", batchSize=1)


def lead_change(marketo: Caller) -> Any:
    renamed(marketo)
    start = paging_token(marketo)["nextPageToken"]
    return marketo.get("/rest/v1/activities/leadchanges.json", nextPageToken=start, fields="firstName")


def new_lead(marketo: Caller) -> Any:
    marketo.desk("POST", "/leads", leads=[{"firstName": "Kim"}])
    start = paging_token(marketo)["nextPageToken"]
    return marketo.get("/rest/v1/activities/leadchanges.json", nextPageToken=start, fields="firstName")


def renamed(marketo: Caller) -> None:
    (lead_id,) = marketo.desk("POST", "/leads", leads=[{"firstName": "Anna"}], at="2026-08-15T11:00:00Z")["ids"]
    for name in ("Ana", "Anne"):
        marketo.desk("PATCH", f"/leads/{lead_id}", values={"firstName": name}, campaign_id=4)


def members(marketo: Caller) -> Any:
    told = {"filterType": "statusName", "filterValues": "Visited Booth"}
    return marketo.get("/rest/v1/programs/1003/members.json", **told)


def synced(marketo: Caller) -> Any:
    for key in ("C-1", "C-2", "C-2"):
        marketo.desk("POST", "/leads", leads=[{"crmKey": key}])
    body = {
        "action": "createOrUpdate",
        "lookupField": "crmKey",
        "partitionName": "Default",
        "input": [
            {"crmKey": "C-1", "email": "kim@example.com", "firstName": "Kim"},
            {"crmKey": "C-2", "email": "lee@example.com", "externalCompanyId": "ACME"},
        ],
    }
    return marketo.post("/rest/v1/leads.json", json=body)


def skipped(marketo: Caller) -> Any:
    answer = synced(marketo)
    return {**answer, "result": answer["result"][1:]}


def shape(value: Any) -> Any:
    """Return *value* with every leaf replaced by the name of its type; a list shows its first item."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


@pytest.mark.parametrize(
    ("example", "get"),
    [
        pytest.param(TOKEN, token, id="1.2 token"),
        pytest.param(ERROR, error, id="3.1 error"),
        pytest.param(JOB, job, id="4.2 job"),
        pytest.param(DESCRIBE2, describe2, id="5.1 describe2"),
        pytest.param(SYNCED, synced, id="5.5 sync, a record that was written"),
        pytest.param(SKIPPED, skipped, id="5.5 sync, a record that was not"),
        pytest.param(TYPES, types, id="6.2 activity types"),
        pytest.param(PAGING_TOKEN, paging_token, id="6.3 paging token"),
        pytest.param(ACTIVITIES, activities, id="6.4 activities"),
        pytest.param(CHANGE, lead_change, id="6.6 a change"),
        pytest.param(NEW_LEAD, new_lead, id="6.6 a new lead"),
        pytest.param(MEMBERS, members, id="7.7 program members"),
        pytest.param(FOLDERS, folders, id="7.12 folders"),
        pytest.param(USAGE, usage, id="7.13 usage"),
        pytest.param(ERRORS, errors, id="7.13 errors"),
    ],
)
def test_an_answer_has_the_shape_of_its_example(
    marketo: Caller, example: dict[str, Any], get: Callable[[Caller], Any]
) -> None:
    """Members and JSON types are those of the documented example, to the last leaf."""
    marketo.desk("PATCH", "/switches", empty_lists=False)

    assert shape(example) == shape(get(marketo))


def test_the_simple_key_request_of_3_6(marketo: Caller) -> None:
    """POST leads.json?_method=GET with a form, exactly as the sheet writes it, answers leads."""
    answer = marketo.post(
        "/rest/v1/leads.json?_method=GET",
        content="filterType=id&filterValues=11,12,13&fields=id,email,updatedAt",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (True, [], False) == (answer["success"], answer["result"], answer["moreResult"])


def test_the_create_body_of_4_3(marketo: Caller) -> None:
    """The sheet's body creates a job."""
    body = {
        "fields": ["id", "createdAt", "updatedAt", "email", "unsubscribed"],
        "format": "CSV",
        "filter": {"createdAt": {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-07-31T23:59:59Z"}},
    }

    assert "Created" == marketo.post(f"{EXPORT}/create.json", json=body)["result"][0]["status"]
