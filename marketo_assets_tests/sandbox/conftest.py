"""The sandbox behind both doors, with time that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette

from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.options import Options
from marketo_assets.sandbox.state import Sandbox
from marketo_assets_tests.doors import RunningSandbox, in_process_transport, running_sandbox
from marketo_assets_tests.sandbox.caller import Caller

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
OPTIONS = Options(leads=600, months=3, seed=7, now=NOW, time_scale=0)


@pytest.fixture(scope="session")
def process() -> Iterator[RunningSandbox]:
    """One sandbox process for all tests that come over HTTP."""
    told = ["--leads", "600", "--months", "3", "--seed", "7", "--now", NOW.isoformat(), "--time-scale", "0"]
    with running_sandbox(*told) as running:
        yield running


@pytest.fixture(scope="session")
def application() -> Iterator[Starlette]:
    """One sandbox in this process for all tests that come without a socket."""
    sandbox = Sandbox(OPTIONS)
    yield create_app(sandbox)
    sandbox.close()


@pytest.fixture(params=["in process", "over HTTP"])
def marketo(request: pytest.FixtureRequest) -> Iterator[Caller]:
    """A caller with a token; the instance is as new. Its `desk` is the control desk."""
    if request.param == "in process":
        transport, base_url = in_process_transport(request.getfixturevalue("application")), "http://sandbox"
    else:
        transport, base_url = httpx.HTTPTransport(), request.getfixturevalue("process").base_url
    with httpx.Client(transport=transport, base_url=base_url, timeout=60) as client:
        client.post("/sandbox/reset", json={}).raise_for_status()
        yield Caller(client)
