"""The sandbox behind both doors, with time that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.options import Options
from marketo_assets.sandbox.state import Sandbox
from marketo_assets_tests.doors import in_process_transport, running_sandbox
from marketo_assets_tests.sandbox.caller import Caller

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
OPTIONS = Options(leads=600, months=3, seed=7, now=NOW, time_scale=0)


@pytest.fixture(scope="session")
def process() -> Iterator[httpx.Client]:
    """A client of one sandbox process, for all tests that come over HTTP."""
    told = ["--leads", "600", "--months", "3", "--seed", "7", "--now", NOW.isoformat(), "--time-scale", "0"]
    with running_sandbox(*told) as running, httpx.Client(base_url=running.base_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def application() -> Iterator[httpx.Client]:
    """A client of one sandbox in this process, for all tests that come without a socket."""
    sandbox = Sandbox(OPTIONS)
    transport = in_process_transport(create_app(sandbox))
    with httpx.Client(transport=transport, base_url="http://sandbox", timeout=60) as client:
        yield client
    sandbox.close()


@pytest.fixture(params=["application", "process"])
def marketo(request: pytest.FixtureRequest) -> Caller:
    """A caller with a token, through either door; the instance is as new. Its `desk` is the control desk."""
    client: httpx.Client = request.getfixturevalue(request.param)
    client.post("/sandbox/reset", json={}).raise_for_status()
    return Caller(client)
