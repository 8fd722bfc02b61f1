"""A paging token that does not work is told apart, so that its owner can ask for a new one."""

from __future__ import annotations

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import PagingTokenRefused
from marketo_assets.api.paging import token_pages
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

PATH = "/rest/v1/activities/leadchanges.json"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(refusal("1003", "Invalid nextPageToken 'GIYDAOBN===='"), id="1003 that names the parameter"),
        pytest.param(refusal("1003", "The paging token has expired"), id="1003 in words"),
        pytest.param(refusal("1003", "Invalid data"), id="1003 that names nothing"),
        pytest.param(refusal("704", "Invalid date format"), id="the date inside it"),
        pytest.param(refusal("611", "System error: invalid input"), id="611 that is a bad request"),
        pytest.param(refusal("1013", "Token not found"), id="not found"),
        pytest.param(refusal("9999", "Token expired"), id="a code that is not documented"),
    ],
)
def test_a_refused_token_is_told_apart(client: MarketoClient, instance: Instance, answer: httpx.Response) -> None:
    """No source says how Marketo refuses one, so every plausible way leads to a new token."""
    instance.script(PATH, answer)

    with pytest.raises(PagingTokenRefused, match=r"requestId a1#b2.*new paging token") as refused:
        list(token_pages(client, PATH, {"nextPageToken": "GIYDAOBN====", "fields": ["email"]}))

    assert "GIYDAOBN" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        pytest.param(refusal("1003", "Invalid value for batchSize"), "InvalidData", id="another parameter"),
        pytest.param(refusal("1003", "Too many results match the filter"), "TooManyResults", id="too many"),
        pytest.param(refusal("1006", "Field 'tokenCount' not found"), "FieldNotFound", id="a field named so"),
        pytest.param(refusal("603", "Access denied for this token"), "AccessDenied", id="no permission"),
        pytest.param(refusal("609", "Invalid JSON"), "InvalidData", id="a request built wrongly"),
        pytest.param(refusal("607", "Daily quota reached"), "DailyQuotaSpent", id="quota spent"),
        pytest.param(refusal("9999", "Something else"), "GiveUp", id="a code that is not documented"),
        pytest.param(httpx.Response(200, text="token"), "GarbledAnswer", id="no envelope"),
    ],
)
def test_other_refusals_stay_what_they_are(
    client: MarketoClient, instance: Instance, answer: httpx.Response, name: str
) -> None:
    """A new token would not help there."""
    instance.script(PATH, answer)

    with pytest.raises(Exception) as refused:  # noqa: PT011 - the class is compared below, to the letter
        list(token_pages(client, PATH, {"nextPageToken": "a", "batchSize": 300}))

    assert name == type(refused.value).__name__


def test_a_call_without_a_token_cannot_have_its_token_refused(client: MarketoClient, instance: Instance) -> None:
    """The first page of a filter has none to blame."""
    instance.script(PATH, refusal("1003", "Invalid token"))

    with pytest.raises(Exception) as refused:  # noqa: PT011 - the class is compared below, to the letter
        list(token_pages(client, PATH, {}))

    assert type(refused.value).__name__ == "InvalidData"


def test_a_token_may_stop_working_between_pages(client: MarketoClient, instance: Instance) -> None:
    """What was read before stays read; the error comes with the page that could not be."""
    instance.script(PATH, accepted([{"id": 1}], moreResult=True, nextPageToken="b"), refusal("1003", "Invalid token"))
    pages = token_pages(client, PATH, {"nextPageToken": "a"})

    assert [{"id": 1}] == next(pages).records
    with pytest.raises(PagingTokenRefused):
        next(pages)


def test_an_expired_access_token_is_not_a_paging_token(client: MarketoClient, instance: Instance) -> None:
    """602 is settled by the client, as for any call."""
    instance.script(PATH, refusal("602", "Access token expired"), accepted([{"id": 1}], moreResult=False))

    assert [[{"id": 1}]] == [page.records for page in token_pages(client, PATH, {"nextPageToken": "a"})]
