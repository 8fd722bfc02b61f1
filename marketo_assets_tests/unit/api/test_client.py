"""One loop repeats what may be repeated, and the ledger learns from every refusal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    AccessDenied,
    DailyQuotaSpent,
    ExportQuotaSpent,
    LedgerUnusable,
    MarketoError,
    OutcomeUnknown,
    RateLimited,
    ServerTrouble,
    Unreachable,
)
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.retrying import Patience
from marketo_assets.clock import ManualClock
from marketo_assets.settings import Secret, Settings
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Instance, accepted, page, refusal

PATH = "/rest/v1/leads.json"
CREATE = "/bulk/v1/leads/export/create.json"


def test_a_client_from_settings_uses_their_ledger_and_share(tmp_path: Path, clock: ManualClock) -> None:
    """Everything a client needs stands in the settings, and nothing is touched before the first call."""
    settings = Settings(
        "https://x.mktorest.com", Secret("a"), Secret("b"), data_dir=tmp_path / "data", quota_share=0.2, clock=clock
    )
    with MarketoClient.open(settings) as client:
        assert Limits.from_settings(settings) == client.ledger.limits
        assert clock is client.clock
    assert not (tmp_path / "data").exists()


def test_trouble_that_passes_is_not_noticed(client: MarketoClient, instance: Instance, clock: ManualClock) -> None:
    """A gateway's failure, a lost connection and a full rate window cost time, not the call."""
    instance.script(
        PATH,
        page(status=502),
        httpx.ReadError("connection reset"),
        refusal("608", "API temporarily unavailable"),
        accepted([{"id": 1}]),
    )
    began = clock.now()

    assert client.get(PATH).result == [{"id": 1}]
    assert client.calls == 4
    assert timedelta(seconds=1 + 2 + 4) <= clock.now() - began <= timedelta(seconds=7 + 3)


@pytest.mark.parametrize(
    "content", [b"", b'{"requestId": "r", "success": tr', b"ok"], ids=["empty", "cut off", "a word"]
)
def test_an_answer_that_is_no_json_is_asked_for_again(
    client: MarketoClient, instance: Instance, content: bytes
) -> None:
    """HTTP 200 with nothing usable in it is a gateway's accident, and no reason to fail a reading."""
    instance.script(PATH, httpx.Response(200, content=content), accepted([{"id": 1}]))

    assert client.get(PATH).result == [{"id": 1}]
    assert client.calls == 2


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        pytest.param(refusal("611", "System error"), 3, id="611"),
        pytest.param(httpx.Response(500), 3, id="HTTP 500"),
        pytest.param(httpx.Response(502), 5, id="HTTP 502"),
        pytest.param(refusal("608", "Unavailable"), 5, id="608"),
        pytest.param(refusal("606", "Rate"), 8, id="606"),
        pytest.param(httpx.ReadTimeout("slow"), 4, id="timeouts"),
        pytest.param(httpx.Response(200, content=b""), 3, id="empty answers"),
        pytest.param(httpx.Response(200, json={"success": False}), 1, id="refused without a code"),
        pytest.param(refusal("603", "Access denied"), 1, id="603"),
        pytest.param(refusal("1003", "Too many results match the filter"), 1, id="1003"),
        pytest.param(refusal("9999", "Unheard of"), 1, id="unknown code"),
    ],
)
def test_each_error_has_its_number_of_tries(
    client: MarketoClient, instance: Instance, answer: httpx.Response | Exception, tries: int
) -> None:
    """Nothing is repeated for ever, and nothing is repeated that cannot help; the last real error is let through."""
    instance.script(PATH, answer)

    with pytest.raises(MarketoError) as caught:
        client.get(PATH)

    assert tries == len(instance.asked(PATH)) == client.calls
    assert (tries > 1) == any(f"Tried {tries} times" in note for note in getattr(caught.value, "__notes__", []))


def test_repeating_ends_after_its_time(instance: Instance, ledger: Ledger, clock: ManualClock) -> None:
    """However many tries an error allows, patience is limited in time; one repetition is always allowed."""
    instance.script(PATH, refusal("606", "Rate"))
    client = MarketoClient(
        base_url="https://x.mktorest.com",
        client_id=Secret(instance.client_id),
        client_secret=Secret(instance.client_secret),
        ledger=ledger,
        clock=clock,
        transport=httpx.MockTransport(instance),
        patience=Patience(seconds=40),
    )

    with client, pytest.raises(RateLimited):
        client.get(PATH)

    assert len(instance.asked(PATH)) == 3


def test_a_full_rate_window_is_waited_out_by_everybody(
    client: MarketoClient, instance: Instance, ledger: Ledger, clock: ManualClock
) -> None:
    """After 606 no call of any process goes out for 20 seconds."""
    moments = []
    instance.script(PATH, refusal("606", "Rate"), lambda _: moments.append(clock.now()) or accepted())
    began = clock.now()

    client.get(PATH)

    assert moments[0] - began >= timedelta(seconds=20)
    with ledger.transaction() as db:
        assert [("rate", (began + timedelta(seconds=20)).timestamp())] == db.execute("SELECT * FROM closed").fetchall()


def test_too_many_at_once_backs_off(client: MarketoClient, instance: Instance, clock: ManualClock) -> None:
    """After 615 there is a pause before the next try."""
    instance.script(PATH, refusal("615", "Concurrent access limit reached"), accepted())
    began = clock.now()

    client.get(PATH)

    assert clock.now() - began >= timedelta(seconds=3)


def test_an_error_that_asks_for_a_pause_gets_it(client: MarketoClient, instance: Instance, clock: ManualClock) -> None:
    """614 is slow to pass, so it is not asked again within half a minute."""
    instance.script(PATH, refusal("614", "Invalid subscription"), accepted())
    began = clock.now()

    client.get(PATH)

    assert clock.now() - began >= timedelta(seconds=30)


def test_a_spent_day_stops_at_once_and_says_until_when(client: MarketoClient, instance: Instance) -> None:
    """607 is not repeated, and later calls are not even made."""
    instance.script(PATH, refusal("607", "Max request limit reached"))
    for _ in range(2):
        with pytest.raises(DailyQuotaSpent) as caught:
            client.get(PATH)
        assert datetime(2026, 1, 15, 6, tzinfo=UTC) == caught.value.resets_at

    assert len(instance.asked(PATH)) == 1


def test_a_spent_export_quota_closes_exports(client: MarketoClient, instance: Instance) -> None:
    """1029 in that meaning is remembered for everybody, with the moment of the reset."""
    instance.script(CREATE, refusal("1029", "Export daily quota exceeded"))

    with pytest.raises(ExportQuotaSpent) as caught:
        client.post(CREATE, {})

    assert caught.value.resets_at == client.ledger.exports.reopens_at() == datetime(2026, 1, 15, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "spent"), [("604", 0), ("608", 0), ("611", 0), ("606", 8), ("502", 5), ("603", 1), ("1003", 1)]
)
def test_only_answers_that_marketo_counts_are_counted(
    client: MarketoClient, instance: Instance, ledger: Ledger, code: str, spent: int
) -> None:
    """Codes with an asterisk cost nothing of the day; all others are assumed to."""
    instance.script(PATH, refusal(code, "refused"))

    with pytest.raises(MarketoError):
        client.get(PATH)

    assert spent == ledger.calls_spent()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ReadTimeout("slow"), id="no answer in time"),
        pytest.param(httpx.RemoteProtocolError("disconnected"), id="connection lost"),
        pytest.param(httpx.WriteError("broken pipe"), id="broken while sending"),
        pytest.param(httpx.Response(502), id="HTTP 502"),
        pytest.param(refusal("604", "Request timed out"), id="604"),
        pytest.param(refusal("611", "System error"), id="611"),
        pytest.param(refusal("713", "Transient error"), id="713"),
        pytest.param(httpx.Response(200, content=b'{"requestId": "r", "success": tr'), id="an answer cut off"),
    ],
)
def test_a_write_whose_outcome_is_unknown_is_not_replayed(
    client: MarketoClient, instance: Instance, answer: httpx.Response | Exception
) -> None:
    """It may have happened, so it is asked once and the error says to look first."""
    instance.script(CREATE, answer, accepted([{"exportId": "x"}]))

    with pytest.raises(OutcomeUnknown, match="Look whether it happened"):
        client.post(CREATE, {"fields": ["id"]})

    assert len(instance.asked(CREATE)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ConnectError("refused"), id="never connected"),
        pytest.param(httpx.ConnectTimeout("no route"), id="connecting timed out"),
        pytest.param(refusal("606", "Rate"), id="606"),
        pytest.param(refusal("608", "Unavailable"), id="608"),
        pytest.param(refusal("615", "Concurrency"), id="615"),
        pytest.param(refusal("602", "Access token expired"), id="602"),
    ],
)
def test_a_write_that_surely_did_not_happen_is_repeated(
    client: MarketoClient, instance: Instance, answer: httpx.Response | Exception
) -> None:
    """A refusal before the work, or no connection at all, leaves no doubt."""
    instance.script(CREATE, answer, accepted([{"exportId": "x"}]))

    assert client.post(CREATE, {"fields": ["id"]}).result == [{"exportId": "x"}]
    assert len(instance.asked(CREATE)) == 2


def test_a_write_that_may_be_repeated_is(client: MarketoClient, instance: Instance) -> None:
    """Where twice does no more than once, doubt is no obstacle."""
    instance.script(CREATE, httpx.ReadTimeout("slow"), accepted())

    client.post(CREATE, is_repeatable=True)

    assert len(instance.asked(CREATE)) == 2


def test_an_interruption_is_not_repeated(instance: Instance, ledger: Ledger, clock: ManualClock) -> None:
    """Ctrl-C during a call ends it, and its place is given back."""

    def interrupt(request: httpx.Request) -> httpx.Response:
        if "oauth" in request.url.path:
            return instance(request)
        raise KeyboardInterrupt

    with client_of(instance, ledger, clock, httpx.MockTransport(interrupt)) as client, pytest.raises(KeyboardInterrupt):
        client.get(PATH)

    with ledger.transaction() as db:
        assert db.execute("SELECT count(*) FROM lease").fetchall() == [(0,)]


def test_values_of_the_request_are_not_repeated_in_the_error(client: MarketoClient, instance: Instance) -> None:
    """Marketo may quote what was asked for; the error does not."""
    instance.script(PATH, refusal("1003", "Nothing for Lee Young and kim@example.com"))

    with pytest.raises(MarketoError) as caught:
        client.get(PATH, {"filterType": "fullName", "filterValues": ["Lee Young", "Kim"]})

    assert "Nothing for *** and ***" in str(caught.value)


def test_a_field_of_the_request_is_named_in_the_error(client: MarketoClient, instance: Instance) -> None:
    """Which of the fields that were asked for is wrong can be read in the message."""
    instance.script(CREATE, refusal("1003", "Field 'oldField' cannot be exported for 'Kim'"))

    with pytest.raises(MarketoError, match=r"Field 'oldField' cannot be exported for '\*\*\*'"):
        client.post(CREATE, {"fields": ["id", "oldField"], "filter": {"createdAt": {}}})


def test_a_missing_permission_says_where_to_give_it(client: MarketoClient, instance: Instance) -> None:
    """603 names role and allow-list, code and requestId."""
    instance.script(PATH, refusal("603", "Access denied"))

    with pytest.raises(AccessDenied, match=r"code 603, requestId a1#b2.*permission.*allow-list"):
        client.get(PATH)


def test_request_ids_are_logged_for_support(
    client: MarketoClient, instance: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG each call leaves its route and requestId."""
    instance.script(PATH, refusal("608", "Unavailable", "first#1"), accepted())
    with caplog.at_level(logging.DEBUG, "marketo_assets.api"):
        client.get(PATH)

    assert "GET /rest/v1/leads.json -> 608, requestId first#1" in caplog.text
    assert "GET /rest/v1/leads.json -> 200, requestId e1#2" in caplog.text


def test_without_a_ledger_no_call_is_made(instance: Instance, tmp_path: Path, clock: ManualClock) -> None:
    """Limits that cannot be kept are not guessed."""
    (tmp_path / "data").write_text("in the way")
    ledger = Ledger(tmp_path / "data" / "ledger.sqlite", Limits(), clock)

    with client_of(instance, ledger, clock) as client, pytest.raises(LedgerUnusable):
        client.get(PATH)

    assert instance.requests == []


def test_a_long_reading_request_is_repeated_like_any_other(client: MarketoClient, instance: Instance) -> None:
    """A GET that travels as POST changes nothing, so doubt is no obstacle to it."""
    instance.script(PATH, httpx.ReadTimeout("slow"), accepted())

    client.get(PATH, {"filterType": "id", "filterValues": list(range(10_000_000, 10_000_900))})

    assert [request.method for request in instance.asked(PATH)] == ["POST", "POST"]


def test_errors_say_what_their_kind_is(client: MarketoClient, instance: Instance) -> None:
    """A caller can tell trouble of Marketo's from trouble on the way."""
    instance.script("/a", httpx.Response(500))
    instance.script("/b", httpx.ReadTimeout("slow"))

    with pytest.raises(ServerTrouble):
        client.get("/a")
    with pytest.raises(Unreachable):
        client.get("/b")
