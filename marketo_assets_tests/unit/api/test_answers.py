"""An answer is what its envelope says; where there is none, what its HTTP status says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from marketo_assets.api.answers import Answer, read_answer
from marketo_assets.api.errors import MarketoError
from marketo_assets_tests.unit.api.instance import accepted, page, refusal


def body(**members: object) -> httpx.Response:
    return httpx.Response(200, json=members)


def test_an_accepted_call_gives_its_records() -> None:
    """Records, request id and nothing to remark."""
    answer = read_answer(accepted([{"id": 1}], nextPageToken="t"))

    assert Answer([{"id": 1}], answer.body, "e1#2", ()) == answer
    assert answer.body["nextPageToken"] == "t"


@pytest.mark.parametrize(
    "warnings",
    [
        ["No assets found for the given search criteria."],
        [{"code": 0, "message": "No assets found for the given search criteria."}],
        "No assets found for the given search criteria.",
    ],
    ids=["strings", "objects", "one string"],
)
def test_an_answer_without_result_but_with_a_warning_is_an_empty_page(warnings: object) -> None:
    """Asset browsing ends that way."""
    answer = read_answer(body(requestId="r", success=True, warnings=warnings))

    assert answer.result == []
    assert "No assets found" in answer.warnings[0]


@pytest.mark.parametrize(
    "members",
    [{"result": None}, {"result": []}, {}, {"errors": [], "warnings": []}, {"errors": None, "warnings": None}],
    ids=str,
)
def test_members_may_be_missing_or_empty(members: dict[str, Any]) -> None:
    """Every member of the envelope but `success` may be absent."""
    assert read_answer(body(success=True, **members)) == Answer([], {"success": True, **members}, None, ())


@pytest.mark.parametrize(
    ("response", "name"),
    [
        pytest.param(refusal("606", "Max rate limit"), "RateLimited", id="refused with HTTP 200"),
        pytest.param(body(success=False, errors=[{"code": 606, "message": "x"}]), "RateLimited", id="a number as code"),
        pytest.param(body(success=False, errors={"code": "606", "message": "x"}), "RateLimited", id="errors alone"),
        pytest.param(body(success=False, errors=[]), "UnreadableAnswer", id="refused without errors"),
        pytest.param(body(success=False, errors=["no"]), "UnreadableAnswer", id="refused in plain words"),
        pytest.param(body(errors=[{"code": "603", "message": "x"}]), "AccessDenied", id="errors without success"),
        pytest.param(body(requestId="r"), "UnreadableAnswer", id="no success at all"),
        pytest.param(body(success="true"), "UnreadableAnswer", id="success as text"),
        pytest.param(httpx.Response(200, json=[1]), "GarbledAnswer", id="a list"),
        pytest.param(httpx.Response(200, content=b""), "GarbledAnswer", id="nothing"),
        pytest.param(httpx.Response(200, content=b"[" * 200_000), "GarbledAnswer", id="too deep to read"),
        pytest.param(httpx.Response(200, content=b'{"success": tr'), "GarbledAnswer", id="cut off"),
        pytest.param(httpx.Response(200, content=b"\xff\xfe\xfa"), "GarbledAnswer", id="not text"),
        pytest.param(page(), "WrongInstance", id="a web page"),
        pytest.param(httpx.Response(302, headers={"location": "/x"}), "WrongInstance", id="HTTP 302"),
        pytest.param(httpx.Response(400), "FixRequest", id="HTTP 400"),
        pytest.param(httpx.Response(401, text="no"), "SignInAgain", id="HTTP 401"),
        pytest.param(page(status=403), "AccessDenied", id="HTTP 403"),
        pytest.param(httpx.Response(404, text="no"), "FeatureAbsent", id="HTTP 404"),
        pytest.param(httpx.Response(408), "ServerTrouble", id="HTTP 408"),
        pytest.param(page(status=413), "RequestTooLarge", id="HTTP 413"),
        pytest.param(page(status=414), "RequestTooLarge", id="HTTP 414"),
        pytest.param(httpx.Response(429), "RateLimited", id="HTTP 429"),
        pytest.param(httpx.Response(500), "ServerTrouble", id="HTTP 500"),
        pytest.param(page(status=502), "ServerTrouble", id="HTTP 502"),
        pytest.param(page(status=504), "ServerTrouble", id="HTTP 504"),
        pytest.param(httpx.Response(599), "ServerTrouble", id="HTTP 599"),
        pytest.param(httpx.Response(204), "UnreadableAnswer", id="HTTP 204"),
        pytest.param(
            httpx.Response(404, json={"success": False, "errors": [{"code": "610", "message": "x"}]}),
            "FeatureAbsent",
            id="HTTP 404 with an envelope",
        ),
        pytest.param(
            httpx.Response(500, json={"success": False, "errors": [{"code": "607", "message": "x"}]}),
            "DailyQuotaSpent",
            id="HTTP 500 with an envelope",
        ),
        pytest.param(
            httpx.Response(500, json={"success": True}), "ServerTrouble", id="HTTP 500 that calls itself a success"
        ),
    ],
)
def test_whatever_is_no_success_is_an_error_of_its_class(response: httpx.Response, name: str) -> None:
    """HTTP 200 says nothing, and bodies may be anything."""
    with pytest.raises(MarketoError) as caught:
        read_answer(response)

    assert name == type(caught.value).__name__
    assert str(caught.value).endswith(caught.value.advice)


def test_no_data_is_an_empty_answer() -> None:
    """702 is how some endpoints say that nothing matched."""
    answer = read_answer(refusal("702", "No data found"))

    assert (answer.result, answer.request_id) == ([], "a1#b2")
    assert "702" in answer.warnings[0]


def test_a_body_is_never_repeated_in_an_error() -> None:
    """A web page or a broken answer may hold anything, so none of it is shown."""
    with pytest.raises(MarketoError) as caught:
        read_answer(page("<html>kim@example.com secret</html>"))

    assert "kim" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_request_id_is_bounded() -> None:
    """Whoever answers cannot fill the log."""
    with pytest.raises(MarketoError) as caught:
        read_answer(refusal("610", "x", "r" * 10_000))

    assert len(caught.value.request_id or "") == 64


def test_marks_cannot_forge_log_lines() -> None:
    """Code and requestId are printable, whoever answers."""
    with pytest.raises(MarketoError) as caught:
        read_answer(refusal("9\n9", "x", "a\r\nb"))

    assert (caught.value.code, caught.value.request_id) == ("99", "ab")
