"""Neither the client secret nor a token is to be found in anything that a run writes or says."""

from __future__ import annotations

import logging
import stat
import traceback
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import zstandard

from marketo_assets.settings import Secret
from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.pipeline.processes import run
from marketo_assets_tests.pipeline.road import Road

MONTH = "2026-07"
SECRET = "not-to-be-seen-anywhere"
TOKEN = "the token"


class Listening(httpx.BaseTransport):
    """Passes everything on and notes the tokens that are sent."""

    def __init__(self, inner: httpx.BaseTransport | None) -> None:
        assert inner is not None
        self.inner = inner
        self.tokens: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "authorization" in request.headers:
            self.tokens.add(request.headers["authorization"].removeprefix("Bearer "))
        return self.inner.handle_request(request)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder*, compressed ones as they were before."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
            if path.suffix == ".zst":
                found[f"{path.name}, unpacked"] = (
                    zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
                )
    return found


def test_nothing_that_a_run_leaves_holds_a_secret(
    far_road: Road, environment: dict[str, str], process: RunningSandbox, data_dir: Path
) -> None:
    """Files and the most talkative log of a whole run, over HTTP, hold neither secret nor token."""
    far_road.desk("PUT", f"/users/{process.variables['MARKETO_CLIENT_ID']}", client_secret=SECRET)
    far_road.desk("PATCH", "/limits", token_seconds=10_000_000.0)
    far_road.desk("POST", "/faults", route="GET */status.json", kind="token_revoked", code="601")
    code, told = run({**environment, "MARKETO_CLIENT_SECRET": SECRET}, MONTH, "--log-level", "DEBUG")
    # Marketo gives the same token until it expires, so this is the one that the run had last.
    credentials = {"client_id": process.variables["MARKETO_CLIENT_ID"], "client_secret": SECRET}
    answer = httpx.get(
        f"{process.base_url}/identity/oauth/token", params={"grant_type": "client_credentials", **credentials}
    )
    token = answer.json()["access_token"]

    assert 0 == code, told
    assert "status.json" in told
    files = contents(data_dir)
    assert {"work.duckdb", "ledger.sqlite"} <= files.keys()
    for secret in (SECRET, token):
        assert secret not in told
        assert [] == [name for name, data in files.items() if secret.encode() in data]


FAULTS = {
    "refused credentials": {"route": "GET /identity/*", "kind": "http", "status": 401},
    "a page instead of a token": {"route": "GET /identity/*", "kind": "not_json"},
    "no permission": {"route": "POST */create.json", "kind": "error", "code": "603"},
    "a connection that drops": {"route": "POST */create.json", "kind": "drop", "count": None},
    "a page instead of an answer": {"route": "GET */describe2.json", "kind": "not_json", "count": None},
    "an error that quotes the token": {
        "route": "POST */create.json",
        "kind": "error",
        "code": "1001",
        "message": TOKEN,
    },
    "a token that is never accepted": {"route": "GET */describe2.json", "kind": "token_revoked", "count": None},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_nothing_that_is_said_of_a_failure_holds_a_secret(
    road: Road, caplog: pytest.LogCaptureFixture, fault: dict[str, object]
) -> None:
    """Message, advice, notes, traceback with all its causes, and log are free of secret and token."""
    user = "5d0f0c3e-sandbox-client"
    road.desk("PUT", f"/users/{user}", client_secret=SECRET)
    credentials = {"grant_type": "client_credentials", "client_id": user, "client_secret": SECRET}
    token = road.control.get("http://localhost/identity/oauth/token", params=credentials).json()["access_token"]
    road.desk("POST", "/faults", **{**fault, **({"message": token} if "message" in fault else {})})
    listening = Listening(road.transport)
    told = replace(road.with_settings(client_secret=Secret(SECRET)), transport=listening)
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception, match=r"\.") as caught:
        told.land(MONTH)
    said = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(told.log) + repr(told.settings)

    assert SECRET not in said
    assert [] == [seen for seen in {token, *listening.tokens} if seen in said]


def test_what_is_on_disk_is_for_its_owner_alone(road: Road, data_dir: Path) -> None:
    """Every folder has mode 0700 and every file 0600: it is personal data."""
    road.travel("2026-06", MONTH)
    modes = {
        str(path.relative_to(data_dir)): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in [data_dir, *data_dir.rglob("*")]
        if not path.is_symlink()
    }
    wanted = {name: "0o700" if (data_dir / name).is_dir() else "0o600" for name in modes}

    assert wanted == modes
