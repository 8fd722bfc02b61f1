"""Who may call: tokens as section 1 of the fact sheet has them."""

from __future__ import annotations

import pytest

from marketo_assets_tests.sandbox.caller import Caller, codes, errors

DESCRIBE = "/rest/v1/leads/describe2.json"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_token_answer_has_the_documented_members(marketo: Caller, method: str) -> None:
    """A token answer carries token, type, remaining seconds and the API user, by either method."""
    answer = marketo.identify(method).json()

    assert {"access_token", "token_type", "expires_in", "scope"} == set(answer)
    assert ("bearer", 3600, "warehouse-api@sandbox.example") == (
        answer["token_type"],
        answer["expires_in"],
        answer["scope"],
    )


def test_the_same_token_is_given_until_it_ends(marketo: Caller) -> None:
    """Asking again before the end gives the same token with its remaining time; afterwards a new one."""
    first = marketo.identify().json()
    marketo.wait(3062)
    again = marketo.identify().json()
    marketo.wait(538)
    later = marketo.identify().json()

    assert (first["access_token"], 538) == (again["access_token"], again["expires_in"])
    assert first["access_token"] != later["access_token"]
    assert 3600 == later["expires_in"]


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "no"}, {"client_id": "nobody"}, {"grant_type": "password"}, {"scope": "all"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_credentials_are_http_401(marketo: Caller, wrong: dict[str, str]) -> None:
    """Bad credentials are the one normal 401, with an error and its description."""
    answer = marketo.identify(**wrong)

    assert 401 == answer.status_code
    assert {"error", "error_description"} == set(answer.json())


def test_credentials_in_a_form_are_not_taken(marketo: Caller) -> None:
    """Only the documented query parameters are read: a form body is undocumented."""
    form = {"grant_type": "client_credentials", **marketo.service}

    assert 401 == marketo.client.post("/identity/oauth/token", data=form).status_code


def test_identity_is_neither_counted_nor_limited(marketo: Caller) -> None:
    """Token requests cost nothing."""
    for _ in range(120):
        assert 200 == marketo.identify().status_code

    assert 0 == marketo.desk("GET", "/counters")["calls"]


def test_an_ended_token_is_expired_once_and_invalid_ever_after(marketo: Caller) -> None:
    """The first use after the end says 602, every later one 601, and neither is counted."""
    marketo.wait(3600)

    assert [("602", "Access token expired")] == errors(marketo.get(DESCRIBE))
    assert [("601", "Access token invalid")] == errors(marketo.get(DESCRIBE))
    assert ["601"] == codes(marketo.get(DESCRIBE))
    assert 0 == marketo.desk("GET", "/counters")["calls"]


def test_a_revoked_token_is_invalid_and_a_new_one_is_given(marketo: Caller) -> None:
    """The desk revokes tokens at once; the next token request gives another."""
    assert {"revoked": 1} == marketo.desk("POST", "/tokens/revoke")
    assert ["601"] == codes(marketo.get(DESCRIBE))

    before = marketo.token
    marketo.renew()

    assert before != marketo.token
    assert marketo.get(DESCRIBE)["success"]


def test_no_token_is_access_denied(marketo: Caller) -> None:
    """A request without a token is refused with 603, as since August 2022."""
    assert [("603", "Access denied")] == errors(marketo.client.get(DESCRIBE).json())


@pytest.mark.parametrize("kind", ["bearer", "Token", "Basic"])
def test_only_bearer_counts_as_a_token(marketo: Caller, kind: str) -> None:
    """The header's first word is `Bearer` to the letter."""
    assert ["603"] == codes(marketo.client.get(DESCRIBE, headers={"Authorization": f"{kind} {marketo.token}"}).json())


def test_a_token_in_the_query_is_not_one(marketo: Caller) -> None:
    """The access_token parameter is gone: alone it is no token, beside the header an unknown parameter."""
    alone = marketo.client.get(DESCRIBE, params={"access_token": marketo.token}).json()

    assert ["603"] == codes(alone)
    assert ["1003"] == codes(marketo.get(DESCRIBE, access_token=marketo.token))


def test_garbage_is_an_invalid_token(marketo: Caller) -> None:
    """A token that was never given is 601."""
    marketo.token = "3f1c9a52-77d0-4f0e-9a31-0c5b2d7e8f10:sj"

    assert ["601"] == codes(marketo.get(DESCRIBE))


def test_two_services_of_one_user_have_tokens_of_their_own(marketo: Caller) -> None:
    """A token belongs to the service, not to the user: revoking one leaves the other."""
    marketo.desk("PUT", "/users/second", client_secret="s", user_id="warehouse-api@sandbox.example")
    second = Caller(marketo.client, {"client_id": "second", "client_secret": "s"})
    marketo.desk("POST", "/tokens/revoke", client_id="second")

    assert marketo.token != second.token
    assert ["601"] == codes(second.get(DESCRIBE))
    assert marketo.get(DESCRIBE)["success"]


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (DESCRIBE, "Read-Only Lead"),
        ("/rest/v1/leads/describe.json", "Read-Write Lead"),
        ("/rest/v1/leads/partitions.json", "Read-Only Lead"),
        ("/bulk/v1/leads/export.json", "Read-Only Lead"),
        ("/rest/asset/v1/folders.json", "Read-Only Assets"),
    ],
)
def test_each_route_wants_its_permission(marketo: Caller, path: str, permission: str) -> None:
    """Without the permission 603, with it an answer; another permission does not help."""
    client_id = marketo.service["client_id"]
    marketo.desk("PUT", f"/users/{client_id}", permissions=["Read-Only Activity"])

    assert ["603"] == codes(marketo.get(path))

    marketo.desk("PUT", f"/users/{client_id}", permissions=[permission])

    assert marketo.get(path)["success"]


def test_statistics_need_no_permission(marketo: Caller) -> None:
    """Usage and errors are open to every user."""
    marketo.desk("PUT", f"/users/{marketo.service['client_id']}", permissions=[])

    assert marketo.get("/rest/v1/stats/usage.json")["success"]
