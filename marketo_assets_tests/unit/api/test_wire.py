"""What goes over the wire: verified, named, bounded in time, and as POST where a URI would be too long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import WrongInstance
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.routes import route_of, timeout_seconds
from marketo_assets.api.wire import LONGEST_URI_BYTES, QuietURL, build_request, open_http, translated, user_agent
from marketo_assets.clock import SystemClock
from marketo_assets.settings import Secret
from marketo_assets_tests.unit.api.instance import Instance, accepted

LEADS = "/rest/v1/leads.json"

SERVER_SIDE = {
    "/rest/v1/lead/5.json": 30,
    "/rest/v1/leads/describe2.json": 30,
    LEADS: 90,
    "/rest/v1/leads/push.json": 90,
    "/rest/v1/lists/7/leads.json": 60,
    "/rest/v1/leads/5/associate.json": 60,
    "/rest/v1/leads/partitions.json": 60,
    "/rest/v1/leads/5/merge.json": 180,
    "/rest/v1/customobjects/car_c.json": 120,
    "/rest/v1/activities.json": 30,
    "/rest/v1/activities/pagingtoken.json": 300,
    "/rest/v1/activities/external.json": 90,
    "/rest/asset/v1/folders.json": 300,
    "/rest/v1/companies.json": 60,
    "/rest/v1/opportunities/roles.json": 60,
    "/rest/v1/salespersons/delete.json": 60,
    "/rest/v1/namedaccounts.json": 120,
    "/rest/v1/namedAccountLists.json": 60,
}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with open_http("https://x.mktorest.com", connections=2) as http:
        yield http


@pytest.mark.parametrize(("path", "seconds"), SERVER_SIDE.items())
def test_the_client_is_more_patient_than_the_server(http: httpx.Client, path: str, seconds: int) -> None:
    """Every timeout is above Marketo's own, so that its answer is heard; connecting takes ten seconds at most."""
    timeout = build_request(http, "GET", path, params={}).extensions["timeout"]

    assert seconds < timeout["read"] == timeout_seconds(path)
    assert timeout["connect"] == 10.0


@pytest.mark.parametrize("path", ["/identity/oauth/token", "/bulk/v1/leads/export/x/file.json", "/rest/v1/any.json"])
def test_every_call_has_a_timeout(http: httpx.Client, path: str) -> None:
    """Nothing waits for ever, documented or not."""
    assert None not in build_request(http, "GET", path, params={}).extensions["timeout"].values()


def test_identity_has_thirty_seconds() -> None:
    """Signing in is quick or not at all."""
    assert timeout_seconds("/identity/oauth/token") == 30.0


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (
            "/bulk/v1/leads/export/5d0f0c3e-4b5e-4c31-9a0b-9b7b3f2a1d44/file.json",
            "/bulk/v1/leads/export/{id}/file.json",
        ),
        ("/bulk/v1/leads/export/any-id/status.json", "/bulk/v1/leads/export/{id}/status.json"),
        ("/bulk/v1/leads/export/create.json", "/bulk/v1/leads/export/create.json"),
        ("/bulk/v1/leads/export.json", "/bulk/v1/leads/export.json"),
        ("/rest/v1/lead/42.json", "/rest/v1/lead/{id}.json"),
        ("/rest/v1/leads/42/merge.json", "/rest/v1/leads/{id}/merge.json"),
        ("/rest/asset/v1/folders.json", "/rest/asset/v1/folders.json"),
    ],
)
def test_a_route_is_a_path_without_its_ids(path: str, route: str) -> None:
    """Calls are counted per endpoint, not per record."""
    assert route == route_of(path)


def test_the_client_says_who_it_is_and_takes_gzip(client: MarketoClient, instance: Instance) -> None:
    """Marketo's support can recognise the project by its user agent."""
    instance.script(LEADS, accepted())
    client.get(LEADS)
    headers = instance.requests[0].headers

    assert headers["user-agent"] == user_agent()
    assert headers["user-agent"].startswith("marketo_assets/")
    assert headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "base_url", ["http://x.mktorest.com", "http://10.0.0.1:8080", "ftp://localhost", "x.mktorest.com"]
)
def test_an_unprotected_way_is_refused(base_url: str) -> None:
    """Plain http is for this machine only."""
    with pytest.raises(WrongInstance, match="not https"):
        open_http(base_url, connections=1)


@pytest.mark.parametrize(
    "base_url", ["https://x.mktorest.com", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]
)
def test_a_protected_way_and_this_machine_are_accepted(base_url: str) -> None:
    """https anywhere, http on loopback."""
    with open_http(base_url, connections=1) as http:
        assert base_url == str(http.base_url).rstrip("/")


@pytest.mark.parametrize("base_url", ["https://☃.com", "https://x.mktorest.com:port", "https://[::1"])
def test_a_host_that_is_no_name_is_refused(base_url: str) -> None:
    """What no resolver could ask for is not asked for."""
    with pytest.raises(WrongInstance, match="no usable host name"):
        open_http(base_url, connections=1)


@pytest.mark.parametrize("host", ["x..mktorest.com", "x" * 64 + ".mktorest.com"], ids=["empty part", "overlong part"])
def test_a_host_that_the_resolver_cannot_spell_is_refused(host: str) -> None:
    """Python's resolver has an exception of its own for these; it is translated like any other."""
    no_host = pytest.raises(WrongInstance, match="no usable host")
    with open_http(f"https://{host}", connections=1) as http, no_host, translated("asking"):
        http.get("/")


@pytest.mark.parametrize("path", ["rest/v1/leads.json", "/rest//v1/leads.json"])
def test_a_double_slash_is_never_sent(http: httpx.Client, path: str) -> None:
    """Adobe announced that it will refuse them."""
    with pytest.raises(ValueError, match="one slash"):
        build_request(http, "GET", path, params={})


@pytest.mark.parametrize(
    ("length", "method"), [(LONGEST_URI_BYTES, "GET"), (LONGEST_URI_BYTES + 1, "POST")], ids=["just fits", "too long"]
)
def test_a_long_uri_becomes_a_form(http: httpx.Client, length: int, method: str) -> None:
    """Marketo refuses URIs of more than 8 KB: beyond 7,500 bytes the parameters travel in the body."""
    bare = len(f"{LEADS}?filterType=id&filterValues=")
    params = {"filterType": "id", "filterValues": "1" * (length - bare)}

    request = build_request(http, "GET", LEADS, params=params)

    assert method == request.method
    if method == "POST":
        assert request.url.query == b"_method=GET"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert {name: [value] for name, value in params.items()} == parse_qs(request.content.decode())


def test_only_the_lead_database_takes_forms_for_reading(http: httpx.Client) -> None:
    """The Asset API refuses `_method`, so its long URIs stay what they are."""
    request = build_request(http, "GET", "/rest/asset/v1/folders.json", params={"root": "x" * 9000})

    assert request.method == "GET"


def test_special_characters_arrive_as_they_were_meant(client: MarketoClient, instance: Instance) -> None:
    """Plus signs, equals signs, commas and JSON survive the way."""
    params = {"sinceDatetime": "2026-08-01T00:00:00+02:00", "nextPageToken": "GIYDAOBN====", "root": '{"id":14}'}
    instance.script(LEADS, accepted())
    client.get(LEADS, {**params, "ids": [1, 2], "flag": True, "absent": None})

    assert {**params, "ids": "1,2", "flag": "true"} == dict(instance.requests[0].url.params)


def test_a_quiet_url_shows_no_query_and_sends_it() -> None:
    """What is logged and what is sent differ by the query alone."""
    url = QuietURL("https://x.mktorest.com/rest/v1/leads.json?filterValues=kim%40example.com")

    assert f"{url}" == "https://x.mktorest.com/rest/v1/leads.json?***"
    assert "kim" not in repr(url)
    assert url.raw_path == b"/rest/v1/leads.json?filterValues=kim%40example.com"


def test_errors_that_are_not_of_the_wire_pass_untouched() -> None:
    """Only httpx's own exceptions are translated."""
    with pytest.raises(KeyError), translated("testing"):
        raise KeyError("mine")


class Server(ThreadingHTTPServer):
    """A real server on this machine."""

    daemon_threads = True
    lines: list[str]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.lines.append(self.requestline)
        body = b'{"access_token":"a-real-token","expires_in":3600}'
        if "oauth" not in self.path:
            body = b'{"requestId":"r#1","success":true,"result":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's word
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.lines = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_a_real_connection_no_library_logs_a_secret(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpx and httpcore at their most talkative show neither credentials nor token, although the wire carries them."""
    # A proxy in the environment is not for this machine.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), SystemClock())
    base_url = f"http://127.0.0.1:{server.server_address[1]}"
    with (
        caplog.at_level(logging.DEBUG),
        MarketoClient(
            base_url=base_url,
            client_id=Secret("my-id"),
            client_secret=Secret("my-secret"),
            ledger=ledger,
            clock=SystemClock(),
        ) as client,
    ):
        client.get(LEADS, {"filterValues": "kim"})

    sent = "GET /identity/oauth/token?grant_type=client_credentials&client_id=my-id&client_secret=my-secret HTTP/1.1"
    assert [sent, f"GET {LEADS}?filterValues=kim HTTP/1.1"] == server.lines
    assert "httpcore" in {record.name.partition(".")[0] for record in caplog.records}
    assert [word for word in ("my-id", "my-secret", "a-real-token", "kim") if word in caplog.text] == []
