"""Strict where Marketo is strict: addresses, methods, content types, bodies and parameters."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import EXPORT, Caller, codes, errors

LEADS = "/rest/v1/leads.json"
DESCRIBE = "/rest/v1/leads/describe2.json"
FOLDERS = "/rest/asset/v1/folders.json"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path",
    [
        "/rest/v1/nothing.json",
        "/rest/v1/leads/describe2",
        "/rest/bulk/v1/leads/export.json",
        "/rest//v1/leads/describe2.json",
        "//rest/v1/leads/describe2.json",
        "/rest/v1/companies.json",
    ],
)
def test_an_unknown_address_is_610(marketo: Caller, path: str) -> None:
    """An address nobody answers, a double slash included, is HTTP 200 with 610."""
    answer = marketo.call("GET", f"{str(marketo.client.base_url).rstrip('/')}{path}")

    assert 200 == answer.status_code
    assert [("610", "Requested resource not found")] == errors(answer.json())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", DESCRIBE),
        ("DELETE", LEADS),
        ("POST", "/rest/v1/activities.json"),
        ("GET", f"{EXPORT}/create.json"),
        ("PUT", FOLDERS),
    ],
)
def test_another_method_is_605_and_free(marketo: Caller, method: str, path: str) -> None:
    """A known address with another method is 605, and not counted."""
    assert [("605", "HTTP Method not supported")] == errors(marketo.call(method, path).json())
    assert 0 == marketo.desk("GET", "/counters")["calls_today"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_json_must_be_called_json(marketo: Caller, content_type: str) -> None:
    """A JSON body under another content type is 612."""
    answer = marketo.post(f"{EXPORT}/create.json", content=b"{}", headers={"Content-Type": content_type})

    assert [("612", "Invalid Content Type")] == errors(answer)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b'{"filter": NaN}'])
def test_a_body_that_is_no_json_object_is_609(marketo: Caller, body: bytes) -> None:
    """Anything but a JSON object is 609."""
    answer = marketo.post(f"{EXPORT}/create.json", content=body, headers={"Content-Type": "application/json"})

    assert [("609", "Invalid JSON")] == errors(answer)


@pytest.mark.parametrize(
    "path",
    [
        DESCRIBE,
        LEADS,
        f"{EXPORT}.json",
        f"{EXPORT}/x/status.json",
        FOLDERS,
        "/rest/v1/stats/usage.json",
        "/rest/asset/v1/programs.json",
        "/rest/asset/v1/segmentation.json",
        "/rest/v1/lists.json",
        "/rest/v1/programs/1001/members.json",
        "/bulk/v1/activities/export.json",
    ],
)
def test_an_unknown_parameter_is_refused(marketo: Caller, path: str) -> None:
    """No route takes a parameter that it does not know."""
    assert [("1003", "Unknown parameter 'colour'")] == errors(marketo.get(path, colour="red"))


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        (LEADS, {"filterType": "id", "filterValues": "1", "batchSize": "many"}, "1001"),
        (LEADS, {"filterType": "id", "filterValues": "1", "batchSize": "301"}, "1003"),
        (LEADS, {"filterType": "id", "filterValues": "1", "batchSize": "0"}, "1003"),
        (LEADS, {"filterType": "id", "filterValues": "x"}, "1001"),
        (LEADS, {"filterType": "id", "filterValues": ""}, "701"),
        (LEADS, {"filterType": "id", "filterValues": "1", "nextPageToken": "made up"}, "1003"),
        (LEADS, {"filterType": ["id", "email"], "filterValues": "1"}, "1003"),
        ("/rest/v1/lead/abc.json", {}, "1001"),
        (f"{EXPORT}.json", {"batchSize": "1.5"}, "1001"),
        (f"{EXPORT}.json", {"status": "Done"}, "1003"),
        (FOLDERS, {"maxReturn": "201"}, "1003"),
        (FOLDERS, {"root": "14"}, "1001"),
        (FOLDERS, {"offset": "-1"}, "1003"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(marketo: Caller, path: str, params: dict[str, Any], code: str) -> None:
    """Wrong types are 1001, values out of bounds 1003, blanks 701."""
    assert [code] == codes(marketo.get(path, **params))


@pytest.mark.parametrize(("missing", "given"), [("filterType", "filterValues"), ("filterValues", "filterType")])
def test_a_missing_parameter_is_1002(marketo: Caller, missing: str, given: str) -> None:
    """A required parameter that is not there is 1002, by name."""
    answer = marketo.get(LEADS, **{given: "id"})

    assert [("1002", f"Missing value for the required parameter '{missing}'")] == errors(answer)


def test_a_uri_over_8_kib_is_http_414(marketo: Caller) -> None:
    """8,192 bytes of URI pass, one more is HTTP 414."""
    start = f"{LEADS}?filterType=id&filterValues="
    longest = start + "1" * (8192 - len(start))

    assert 200 == marketo.call("GET", longest).status_code
    assert 414 == marketo.call("GET", f"{longest}1").status_code


def test_the_asset_api_takes_longer_uris(marketo: Caller) -> None:
    """The asset API's limit is 65 KiB since September 2020."""
    answer = marketo.call("GET", f"{FOLDERS}?workSpace=" + "x" * 20_000)

    assert 200 == answer.status_code


def test_a_body_over_1_mb_is_http_413(marketo: Caller) -> None:
    """A body longer than 1 MB is HTTP 413, whether or not it says its length."""
    headers = {"Content-Type": "application/json"}
    body = b" " * 1_000_001

    assert 413 == marketo.call("POST", f"{EXPORT}/create.json", content=body, headers=headers).status_code
    assert 413 == marketo.call("POST", f"{EXPORT}/create.json", content=iter([body]), headers=headers).status_code
    assert ["609"] == codes(marketo.post(f"{EXPORT}/create.json", content=body[:-1], headers=headers))


def test_method_get_by_post_answers_as_get_does(marketo: Caller) -> None:
    """The documented POST with `_method=GET` and a form gives the same leads as GET."""
    told = {"filterType": "id", "filterValues": "1,2,3,1001,1002,1003,1004", "fields": "id,email,updatedAt"}
    by_get = marketo.get(LEADS, **told)
    by_post = marketo.post(LEADS, params={"_method": "GET"}, data=told)

    assert by_get["result"] == by_post["result"]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/rest/v1/lists/3001/leads.json", {"fields": "id,email", "batchSize": "20"}),
        ("/rest/v1/list/3001/leads.json", {"fields": "id"}),
        ("/rest/v1/leads/programs/1001.json", {"fields": "id,email"}),
        ("/rest/v1/lists.json", {"id": "3001,3002"}),
        ("/rest/v1/campaigns.json", {"batchSize": "5"}),
    ],
    ids=lambda told: told if isinstance(told, str) else "",
)
def test_every_query_of_the_lead_database_goes_by_post_too(marketo: Caller, path: str, told: dict[str, str]) -> None:
    """Long lists of fields and long paging tokens do not fit into an address anywhere (414), so each takes a form."""
    by_get = marketo.get(path, **told)
    by_post = marketo.post(path, params={"_method": "GET"}, data=told)

    assert by_get["result"]
    assert by_get["result"] == by_post["result"]


def test_method_get_by_post_wants_a_form(marketo: Caller) -> None:
    """Its body is a form: JSON is 612, parameters beside `_method` in the query are no substitute."""
    told = {"filterType": "id", "filterValues": "1"}

    assert ["612"] == codes(marketo.post(LEADS, params={"_method": "GET"}, json=told))
    assert ["612"] == codes(marketo.post(LEADS, params={"_method": "GET", **told}))


def test_the_asset_api_does_not_take_method_get(marketo: Caller) -> None:
    """Asset addresses refuse `_method` since September 2020."""
    assert ["605"] == codes(marketo.post(FOLDERS, params={"_method": "GET"}, content=b"maxDepth=1", headers=FORM))
    assert ["1003"] == codes(marketo.get(FOLDERS, _method="GET"))


def test_errors_are_http_200_on_the_file_route_too(marketo: Caller) -> None:
    """`file.json` answers refusals as every other route does: HTTP 200 and JSON."""
    answer = marketo.client.get(f"{EXPORT}/x/file.json")

    assert 200 == answer.status_code
    assert ["603"] == codes(answer.json())
