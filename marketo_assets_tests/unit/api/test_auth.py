"""The token is fetched once, renewed in time, and never shown."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from marketo_assets.api.auth import Auth
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import BadCredentials, MarketoError, Unreachable, UnreadableAnswer, WrongInstance
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.wire import open_http
from marketo_assets.clock import ManualClock
from marketo_assets.settings import Secret
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Instance, accepted, page, refusal

PATH = "/rest/v1/stats/usage.json"


def test_one_token_serves_many_calls(client: MarketoClient, instance: Instance) -> None:
    """A token is asked for once, as documented, and sent in the header only."""
    instance.script(PATH, accepted())
    for _ in range(3):
        client.get(PATH)

    assert len(instance.token_requests) == 1
    assert {f"Bearer {instance.token}"} == {request.headers["authorization"] for request in instance.requests}
    assert not any("access_token" in str(request.url.query) for request in instance.requests)


def test_signing_in_costs_no_call(client: MarketoClient) -> None:
    """Identity is not counted against any limit."""
    client.sign_in()

    assert (client.calls, client.ledger.calls_spent()) == (0, 0)


def test_twenty_threads_fetch_one_token(instance: Instance, clock: ManualClock) -> None:
    """Whoever comes first fetches; the others wait for it, and take what it brought."""
    arrived = threading.Semaphore(0)

    def answer_when_all_wait(request: httpx.Request) -> httpx.Response:
        for _ in range(20):
            arrived.acquire(timeout=30)
        threading.Event().wait(0.1)  # from the doorstep to the lock
        return instance.sign_in(request)

    def ask(auth: Auth) -> str:
        arrived.release()
        return auth.token().value

    instance.identity = answer_when_all_wait
    with open_http("https://x.mktorest.com", connections=20, transport=httpx.MockTransport(instance)) as http:
        auth = Auth(http, client_id=Secret("the-client-id"), client_secret=Secret("the-client-secret"), clock=clock)
        with ThreadPoolExecutor(20) as pool:
            tokens = list(pool.map(ask, [auth] * 20))

    assert {instance.token} == set(tokens)
    assert len(instance.token_requests) == 1


def test_a_token_is_renewed_in_its_last_minute(client: MarketoClient, instance: Instance, clock: ManualClock) -> None:
    """A token in its last minute is not trusted with a call if there is a better one."""
    instance.script(PATH, accepted())
    client.get(PATH)
    clock.sleep(3539)
    client.get(PATH)
    assert len(instance.token_requests) == 1
    instance.revoke()
    clock.sleep(2)
    client.get(PATH)

    assert len(instance.token_requests) == 2
    assert len(instance.asked(PATH)) == 3


def test_a_renewal_that_brings_the_same_token_is_not_repeated(
    client: MarketoClient, instance: Instance, clock: ManualClock
) -> None:
    """Marketo gives the same token until it expires; asking for it before every call would be waste."""
    instance.script(PATH, accepted())
    client.get(PATH)
    clock.sleep(3545)
    for _ in range(5):
        client.get(PATH)

    assert len(instance.token_requests) == 2


def test_a_token_in_its_last_seconds_is_waited_out(
    client: MarketoClient, instance: Instance, clock: ManualClock
) -> None:
    """Another process's token that ends now is not used: the next one is fetched after it has expired."""
    instance.script(PATH, accepted())
    client.get(PATH)
    old = instance.token
    clock.sleep(3596)
    client.get(PATH)

    assert instance.token != old
    assert [f"Bearer {old}", f"Bearer {instance.token}"] == [
        request.headers["authorization"] for request in instance.asked(PATH)
    ]


@pytest.mark.parametrize("code", ["601", "602"])
def test_a_refused_token_is_renewed_once_and_the_call_repeated(
    client: MarketoClient, instance: Instance, code: str
) -> None:
    """A token that ends too early costs one more call, which Marketo does not count, and nobody notices."""
    instance.script(PATH, refusal(code, "Access token refused"), accepted([{"date": "2026-01-14"}]))

    answer = client.get(PATH)

    assert answer.result == [{"date": "2026-01-14"}]
    assert (len(instance.token_requests), client.ledger.calls_spent()) == (2, 1)


def test_a_revoked_token_is_renewed(client: MarketoClient, instance: Instance) -> None:
    """The second token is a new one."""
    instance.script(PATH, accepted())
    client.get(PATH)
    instance.revoke()
    client.get(PATH)

    assert instance.token == "token-number-2:sj"


def test_threads_with_a_revoked_token_fetch_one_new_one(instance: Instance, clock: ManualClock) -> None:
    """A token that another thread has replaced is not thrown away again."""
    with open_http("https://x.mktorest.com", connections=5, transport=httpx.MockTransport(instance)) as http:
        auth = Auth(http, client_id=Secret("the-client-id"), client_secret=Secret("the-client-secret"), clock=clock)
        old = auth.token()
        instance.revoke()
        auth.discard(old)
        new = auth.token()
        auth.discard(old)

        assert new is auth.token()


def test_a_fresh_token_that_is_refused_names_the_wrong_instance(client: MarketoClient, instance: Instance) -> None:
    """Credentials of one instance at the address of another: the message says which setting to check."""
    instance.script(PATH, refusal("601", "Access token invalid"))

    with pytest.raises(WrongInstance, match="MARKETO_BASE_URL") as caught:
        client.get(PATH)

    assert (caught.value.code, caught.value.request_id) == ("601", "a1#b2")
    assert len(instance.asked(PATH)) == 2


def test_wrong_credentials_name_the_settings_and_where_they_stand(
    client: MarketoClient, instance: Instance, ledger: Ledger
) -> None:
    """HTTP 401 from Identity: what to check, and where to find it; no call is spent."""
    instance.client_secret = "another one"

    with pytest.raises(BadCredentials, match=r"MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET.*LaunchPoint") as caught:
        client.get(PATH)

    assert "the-client-secret" not in str(caught.value)
    assert (len(instance.token_requests), ledger.calls_spent()) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        pytest.param(lambda _: page(), WrongInstance, "MARKETO_BASE_URL", id="a web page"),
        pytest.param(lambda _: page(status=404), WrongInstance, "MARKETO_BASE_URL", id="a web page, 404"),
        pytest.param(lambda _: httpx.Response(200, text="hello"), WrongInstance, "MARKETO_BASE_URL", id="plain text"),
        pytest.param(lambda _: httpx.Response(200, json=[]), WrongInstance, "MARKETO_BASE_URL", id="other JSON"),
        pytest.param(
            lambda _: httpx.Response(302, headers={"location": "https://login.example.com/?client_secret=x"}),
            WrongInstance,
            "redirects are not followed",
            id="a redirect",
        ),
        pytest.param(
            lambda _: httpx.Response(200, json={"access_token": "t", "expires_in": "soon"}),
            UnreadableAnswer,
            "without its lifetime",
            id="no lifetime",
        ),
    ],
)
def test_whatever_is_not_marketo_is_called_so(
    client: MarketoClient,
    instance: Instance,
    answer: Callable[[httpx.Request], httpx.Response],
    kind: type[MarketoError],
    words: str,
) -> None:
    """A host that is not Marketo's Identity gives a message that names the setting."""
    instance.identity = answer

    with pytest.raises(kind, match=words):
        client.get(PATH)


def test_identity_in_trouble_is_asked_again(client: MarketoClient, instance: Instance) -> None:
    """A gateway's 503 is no reason to give up."""
    answers = [httpx.Response(503), page(status=502)]
    instance.identity = lambda request: answers.pop() if answers else instance.sign_in(request)
    instance.script(PATH, accepted())

    client.get(PATH)

    assert len(instance.token_requests) == 3


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        pytest.param(httpx.ConnectError("[Errno -2] Name or service not known"), "Name or service", id="unknown host"),
        pytest.param(httpx.ConnectError("[Errno 111] Connection refused"), "Connection refused", id="nobody listens"),
        pytest.param(httpx.ConnectTimeout("timed out"), "ConnectTimeout", id="no route"),
        pytest.param(httpx.ReadTimeout("timed out"), "ReadTimeout", id="no answer"),
    ],
)
def test_an_unreachable_host_is_tried_a_few_times_and_then_named(
    instance: Instance, ledger: Ledger, clock: ManualClock, trouble: Exception, words: str
) -> None:
    """No connection: a few tries with pauses, then a message that names the setting."""
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise trouble

    client = client_of(instance, ledger, clock, httpx.MockTransport(refuse))
    began = clock.now()

    with client, pytest.raises(Unreachable, match=f"{words}.*MARKETO_BASE_URL"):
        client.sign_in()

    assert len(asked) == 4
    assert timedelta(seconds=7) <= clock.now() - began <= timedelta(seconds=11)


def test_an_untrusted_certificate_is_not_tried_again(instance: Instance, ledger: Ledger, clock: ManualClock) -> None:
    """TLS that cannot be verified is never waived."""
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")

    client = client_of(instance, ledger, clock, httpx.MockTransport(refuse))
    with client, pytest.raises(WrongInstance, match="not trusted"):
        client.sign_in()

    assert len(asked) == 1


def test_no_log_shows_a_secret(client: MarketoClient, instance: Instance, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level, no library's log holds the client id, the secret or a token."""
    instance.script(PATH, accepted())
    with caplog.at_level(logging.DEBUG):
        client.get(PATH, {"filterType": "email", "filterValues": "kim@example.com"})

    assert "/identity/oauth/token?***" in caplog.text
    shown = [secret for secret in (*secrets(instance), "kim") if secret in caplog.text]
    assert shown == []


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError])
def test_no_exception_shows_a_secret(
    instance: Instance, ledger: Ledger, clock: ManualClock, kind: type[httpx.HTTPError]
) -> None:
    """Neither an error's text nor the requests that its causes carry hold a credential."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise kind("broken", request=request)  # type: ignore[call-arg]  # every kind here takes it

    client = client_of(instance, ledger, clock, httpx.MockTransport(refuse))
    with client, pytest.raises(Unreachable) as caught:
        client.sign_in()

    told = "".join(traceback.format_exception(caught.value))
    cause: BaseException | None = caught.value
    while cause is not None:
        request = getattr(cause, "_request", None)
        told += f"{cause!r} {request!r} {request.url if request else ''}"
        cause = cause.__cause__ or cause.__context__
    assert [secret for secret in secrets(instance) if secret in told] == []


def test_representations_do_not_show_secrets(client: MarketoClient, instance: Instance) -> None:
    """Printing what holds a credential shows none."""
    instance.script(PATH, accepted())
    client.get(PATH)
    told = repr(client._auth.token()) + repr(instance.token_requests) + repr(instance.requests[0].headers)

    assert [secret for secret in secrets(instance) if secret in told] == []


def secrets(instance: Instance) -> tuple[str, ...]:
    return instance.client_id, instance.client_secret, instance.token or "no token was given out"


def test_a_ledger_of_one_call_still_signs_in(instance: Instance, clock: ManualClock, tmp_path: Path) -> None:
    """Signing in needs no place among the concurrent calls, so it cannot block itself."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(concurrency=1, rate_calls=1), clock)
    instance.script(PATH, accepted())
    with client_of(instance, ledger, clock) as client:
        client.get(PATH)

    assert len(instance.asked(PATH)) == 1
