"""The sandbox against Adobe's own Swagger files: addresses, methods, parameters, answers.

Where a file and Adobe's guides disagree the tests follow appendix A of the fact sheet. The disagreements met here:
`date` in statistics is typed date-time and written YYYY-MM-DD; the asset API writes `Z+0000`; samples carry null where
the files know no null; an attribute's value is typed an object and written as a text, a number or a boolean; a New Lead
in Get Lead Changes has a primary attribute in the sample and none in the file; an asset browse without a find has no
`result`; the asset API's samples have nulls, `value` in folder references, program types and statuses in other words
and costs null by id; error answers lack `result` and `warnings`, which the files call required; the file route's
schema describes a Java object and not the bytes of a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from marketo_assets.sandbox.app import marketo_routes
from marketo_assets.sandbox.asset_kinds import KINDS
from marketo_assets_tests.sandbox.caller import EXPORT, Caller, codes
from marketo_assets_tests.sandbox.exports import Export
from marketo_assets_tests.sandbox.swagger import check_answer, needs_specs, operation, query_parameters

pytestmark = needs_specs
ROUTES = [(route.method, route.path) for route in marketo_routes()]
ACTIVITIES = "/rest/v1/activities"
Ask = Callable[[Caller], Any]


def ask(path: str, **params: Any) -> Ask:
    return lambda marketo: marketo.get(path, **params)


def post(path: str) -> Ask:
    return lambda marketo: marketo.post(path.replace("{exportId}", marketo.created()))


ANSWERS: dict[tuple[str, str], Ask] = {
    ("GET", "/identity/oauth/token"): lambda marketo: marketo.identify().json(),
    ("POST", "/identity/oauth/token"): lambda marketo: marketo.identify("POST").json(),
    ("GET", "/rest/v1/leads/describe.json"): ask("/rest/v1/leads/describe.json"),
    ("GET", "/rest/v1/leads/describe2.json"): ask("/rest/v1/leads/describe2.json"),
    ("GET", "/rest/v1/leads/partitions.json"): ask("/rest/v1/leads/partitions.json"),
    ("GET", "/rest/v1/lead/{leadId}.json"): lambda marketo: marketo.get(f"/rest/v1/lead/{any_id(marketo)}.json"),
    ("GET", "/rest/v1/leads.json"): lambda marketo: marketo.get(
        "/rest/v1/leads.json", filterType="id", filterValues=any_id(marketo)
    ),
    ("POST", "/rest/v1/leads.json"): lambda marketo: marketo.post(
        "/rest/v1/leads.json",
        json={"action": "updateOnly", "lookupField": "id", "input": [{"id": any_id(marketo), "lastName": "Ito"}, {}]},
    ),
    ("POST", "/rest/v1/leads/delete.json"): lambda marketo: marketo.post(
        "/rest/v1/leads/delete.json", json={"input": [{"id": any_id(marketo)}, {"id": 7}]}
    ),
    ("POST", "/rest/v1/leads/{leadId}/merge.json"): lambda marketo: marketo.post(
        f"/rest/v1/leads/{any_id(marketo)}/merge.json", params={"leadIds": any_id(marketo, 1)}
    ),
    ("GET", f"{ACTIVITIES}/types.json"): ask(f"{ACTIVITIES}/types.json"),
    ("GET", f"{ACTIVITIES}/pagingtoken.json"): ask(
        f"{ACTIVITIES}/pagingtoken.json", sinceDatetime="2026-08-15T12:00:00Z"
    ),
    ("GET", f"{ACTIVITIES}.json"): lambda marketo: after_changes(marketo, "", activityTypeIds="12,13,22,32"),
    ("GET", f"{ACTIVITIES}/leadchanges.json"): lambda marketo: after_changes(
        marketo, "/leadchanges", fields="firstName"
    ),
    ("GET", f"{ACTIVITIES}/deletedleads.json"): lambda marketo: after_changes(marketo, "/deletedleads"),
    ("POST", f"{EXPORT}/create.json"): lambda marketo: marketo.create(),
    ("POST", f"{EXPORT}/{{exportId}}/enqueue.json"): post(f"{EXPORT}/{{exportId}}/enqueue.json"),
    ("POST", f"{EXPORT}/{{exportId}}/cancel.json"): post(f"{EXPORT}/{{exportId}}/cancel.json"),
    ("GET", f"{EXPORT}/{{exportId}}/status.json"): lambda marketo: marketo.get(
        f"{EXPORT}/{marketo.completed()['exportId']}/status.json"
    ),
    ("GET", f"{EXPORT}.json"): lambda marketo: [marketo.completed(), marketo.get(f"{EXPORT}.json")][1],
    ("GET", "/rest/asset/v1/folders.json"): ask("/rest/asset/v1/folders.json"),
    ("GET", "/rest/asset/v1/folder/byName.json"): ask("/rest/asset/v1/folder/byName.json", name="Archive"),
    ("GET", "/rest/asset/v1/folder/{id}.json"): ask("/rest/asset/v1/folder/10.json", type="Folder"),
    ("GET", "/rest/asset/v1/folder/{id}/content.json"): ask("/rest/asset/v1/folder/10/content.json", type="Folder"),
    ("GET", "/rest/v1/stats/usage.json"): ask("/rest/v1/stats/usage.json"),
    ("GET", "/rest/v1/stats/usage/last7days.json"): ask("/rest/v1/stats/usage/last7days.json"),
    ("GET", "/rest/v1/stats/errors.json"): lambda marketo: after_an_error(marketo, "/rest/v1/stats/errors.json"),
    ("GET", "/rest/v1/stats/errors/last7days.json"): lambda marketo: after_an_error(
        marketo, "/rest/v1/stats/errors/last7days.json"
    ),
}
"""How to get an answer with something in it from each operation; the file route is no JSON."""


def exporting(path: str) -> Ask:
    """Return how to get the answer of that address under an export that is no lead export."""
    base, _, step = path.partition("/export")

    def get(marketo: Caller) -> Any:
        job = Export(marketo, base)
        if step == "/create.json":
            return job.create()
        export_id = job.created()
        if step.endswith(("/enqueue.json", "/cancel.json")):
            return marketo.post(path.replace("{exportId}", export_id))
        job.completed(export_id)
        return marketo.get(path.replace("{exportId}", export_id))

    return get


def asset(path: str) -> Ask:
    """Return how to get an answer with something in it from an address of the asset API."""
    word = path.removeprefix("/rest/asset/v1/").partition("/")[0].removesuffix(".json")
    kind = next(kind for kind in KINDS if word in (kind.plural, kind.singular))

    def get(marketo: Caller) -> Any:
        one = marketo.desk("GET", f"/assets/{kind.name}")["assets"][0]
        if path.endswith("/byTag.json"):
            return marketo.get(path, tagType="Region", tagValue="EMEA")
        if path.endswith("/byName.json"):
            named = {"Name": one["name"]} if kind.name == "channel" else {"name": one["name"]}
            return marketo.get(path, **named, **({"includeCosts": "true"} if kind.name == "program" else {}))
        return marketo.get(path.replace("{id}", str(one["id"])))

    return get


ANSWERS |= {
    (method, path): asset(path) for method, path in ROUTES if path.startswith("/rest/asset/") and "/folder" not in path
}
ANSWERS |= {
    ("GET", "/rest/v1/lists.json"): ask("/rest/v1/lists.json"),
    ("GET", "/rest/v1/lists/{listId}.json"): ask("/rest/v1/lists/3001.json"),
    ("GET", "/rest/v1/campaigns.json"): ask("/rest/v1/campaigns.json"),
    ("GET", "/rest/v1/campaigns/{campaignId}.json"): ask("/rest/v1/campaigns/2002.json"),
}
ANSWERS |= {
    ("GET", "/rest/v1/activities/external/types.json"): ask("/rest/v1/activities/external/types.json"),
    ("GET", "/rest/v1/activities/external/type/{apiName}/describe.json"): ask(
        "/rest/v1/activities/external/type/attendedWebinar_c/describe.json"
    ),
    ("GET", "/rest/v1/programs/members/describe.json"): ask("/rest/v1/programs/members/describe.json"),
    ("GET", "/rest/v1/programs/{programId}/members.json"): ask(
        "/rest/v1/programs/1006/members.json", filterType="statusName", filterValues="Member", batchSize=9
    ),
    ("GET", "/rest/v1/leads/programs/{programId}.json"): ask("/rest/v1/leads/programs/1006.json", batchSize=9),
    ("GET", "/rest/v1/lists/{listId}/leads.json"): ask("/rest/v1/lists/3001/leads.json", batchSize=9),
    ("GET", "/rest/v1/list/{listId}/leads.json"): ask("/rest/v1/list/3001/leads.json", batchSize=9),
    ("GET", "/rest/v1/leads/{leadId}/listMembership.json"): lambda marketo: of_member(marketo, "listMembership"),
    ("GET", "/rest/v1/leads/{leadId}/programMembership.json"): lambda marketo: of_member(marketo, "programMembership"),
}
"""Few at a time: the file types a lead's id as int32 here and as int64 in activities; the newest leads' are longer."""
MORE_PARAMETERS = {
    # Named in the guides' prose, and absent from the files; the guide spells the channel's `name` without a capital.
    "/rest/asset/v1/programs.json": {"filterValues", "status"},
    "/rest/asset/v1/channel/byName.json": {"name"},
}
PERMISSIONS = {
    "Read-Asset or Read-Write Asset": "Read-Only Assets",
    "Read-Only Asset": "Read-Only Assets",
    "Read-Only Campaigns": "Read-Only Campaign",
    "Read-Write Campaigns": "Read-Write Campaign",
}
"""Permissions as some operations' texts call them, and their names elsewhere."""
ANSWERS |= {
    (method, path): exporting(path)
    for method, path in ROUTES
    if path.startswith(("/bulk/v1/activities", "/bulk/v1/program")) and not path.endswith("/file.json")
}


def of_member(marketo: Caller, what: str) -> Any:
    lead_id = any_id(marketo)
    marketo.desk("POST", "/lists/3001/members", add=[lead_id])
    marketo.desk("POST", "/programs/1006/members", lead_ids=[lead_id], status="Engaged")
    return marketo.get(f"/rest/v1/leads/{lead_id}/{what}.json")


def any_id(marketo: Caller, place: int = 0) -> int:
    return marketo.desk("GET", f"/leads?fields=id&limit={place + 1}")["leads"][place]["id"]


def after_changes(marketo: Caller, path: str, **params: Any) -> Any:
    first, second, third = (any_id(marketo, place) for place in range(3))
    changes: list[Any] = [
        {"add": {"firstName": "Kim"}},
        {"edit": first, "values": {"firstName": "Ito", "leadScore": 1000}},
        {"merge": first, "losers": [second]},
        {"delete": third},
    ]
    marketo.desk("POST", "/changes", changes=changes)
    token = marketo.get(f"{ACTIVITIES}/pagingtoken.json", sinceDatetime="2026-08-15T12:00:00Z")["nextPageToken"]
    return marketo.get(f"{ACTIVITIES}{path}.json", nextPageToken=token, **params)


def after_an_error(marketo: Caller, path: str) -> Any:
    marketo.get("/rest/v1/nothing.json")
    return marketo.get(path)


def is_asset(path: str) -> bool:
    return path.startswith("/rest/asset/")


def test_every_operation_has_an_answer_to_check() -> None:
    """No operation is left out of the comparison, the file routes apart."""
    files = {(method, path) for method, path in ROUTES if path.endswith("/file.json")}

    assert {*ROUTES, ("GET", "/identity/oauth/token"), ("POST", "/identity/oauth/token")} - files == set(ANSWERS)


@pytest.mark.parametrize(("method", "path"), ANSWERS, ids=map(" ".join, ANSWERS))
def test_an_answer_is_what_the_swagger_file_says(marketo: Caller, method: str, path: str) -> None:
    """Required members are there, types are right, and there is no member that the file does not name."""
    answer = ANSWERS[method, path](marketo)

    assert answer.get("result", [answer])
    check_answer(method, path, answer)


@pytest.mark.parametrize("marketo", ["application"], indirect=True)
@pytest.mark.parametrize(("method", "path"), ANSWERS, ids=map(" ".join, ANSWERS))
def test_an_answer_with_something_foreign_would_be_noticed(marketo: Caller, method: str, path: str) -> None:
    """The comparison itself works: a member too many or of the wrong type fails it."""
    answer = ANSWERS[method, path](marketo)

    with pytest.raises(jsonschema.ValidationError):
        check_answer(method, path, {**answer, "colour": "red"})
    with pytest.raises(jsonschema.ValidationError):
        check_answer(method, path, {**answer, next(name for name in answer if answer[name]): {"red": 5}})


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=map(" ".join, ROUTES))
def test_addresses_methods_and_parameters_are_adobes(method: str, path: str) -> None:
    """Each operation stands in a Swagger file under that address, and takes exactly the parameters named there."""
    route = next(route for route in marketo_routes() if (route.method, route.path) == (method, path))

    assert set(query_parameters(method, path)) | MORE_PARAMETERS.get(path, set()) == route.parameters


@pytest.mark.parametrize("marketo", ["application"], indirect=True)
@pytest.mark.parametrize(("method", "path"), ROUTES, ids=map(" ".join, ROUTES))
def test_required_parameters_are_required(marketo: Caller, method: str, path: str) -> None:
    """Without any parameter an operation that requires one says 1002; one that requires none does not."""
    required = {name for name, is_required in query_parameters(method, path).items() if is_required}
    address = path.replace("{leadId}", str(any_id(marketo))).replace("{exportId}", "x").replace("{id}", "10")
    address = address.replace("{listId}", "3001").replace("{campaignId}", "2001")
    address = address.replace("{programId}", "1001").replace("{apiName}", "used_c")
    answer = marketo.call(method, address)
    refused = [] if answer.status_code != 200 or answer.json()["success"] else codes(answer.json())

    assert bool(required) == (refused == ["1002"])


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=map(" ".join, ROUTES))
def test_the_permission_named_opens_the_route(method: str, path: str) -> None:
    """The permissions that the file's text requires are among those that open the operation."""
    route = next(route for route in marketo_routes() if (route.method, route.path) == (method, path))
    text = operation(method, path)[0]["description"]
    named = text.partition("Required Permissions:")[2].partition("<")[0].partition(".")[0]
    names = {name.strip() for name in named.split(",")} - {"", "None"}
    required = {PERMISSIONS.get(name, name) for name in names}

    assert required <= route.permissions
    assert bool(required) == bool(route.permissions)


def test_an_error_has_code_and_message_as_texts(marketo: Caller) -> None:
    """The members of an error are those of the file, both required, both strings."""
    _, spec = operation("GET", "/rest/v1/leads.json")
    (error,) = marketo.get("/rest/v1/leads.json")["errors"]

    jsonschema.Draft4Validator(spec["definitions"]["Error"]).validate(error)


def test_an_instance_may_leave_the_empty_lists_out(marketo: Caller) -> None:
    """Samples lack `errors` and `warnings` where the files require them: a switch follows the samples."""
    marketo.desk("PATCH", "/switches", empty_lists=False)

    assert {"requestId", "success", "result"} == set(marketo.get("/rest/v1/leads/partitions.json"))


@pytest.mark.parametrize("path", [path for _, path in ROUTES if is_asset(path)])
def test_asset_answers_always_carry_their_lists(marketo: Caller, path: str) -> None:
    """The asset API's samples have both lists, warnings as plain texts."""
    answer = ANSWERS["GET", path](marketo)

    assert ([], []) == (answer["errors"], answer["warnings"])
