"""The sandbox's answers carry its own time."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.options import Options
from marketo_assets.sandbox.state import Sandbox
from marketo_assets_tests.doors import in_process_transport


def test_the_date_header_follows_the_sandbox_clock() -> None:
    """A client that reads the Date header learns what time it is at this Marketo, not on the machine."""
    sandbox = Sandbox(Options(leads=0, months=1, now=datetime(2026, 3, 1, 12, tzinfo=UTC), time_scale=0))
    with httpx.Client(transport=in_process_transport(create_app(sandbox)), base_url="http://sandbox") as client:
        answer = client.get("/rest/v1/leads/describe2.json")
    assert [datetime(2026, 3, 1, 12, tzinfo=UTC)] == [
        parsedate_to_datetime(value) for value in answer.headers.get_list("date")
    ]


def test_the_date_header_follows_the_clock_of_a_reset() -> None:
    """A sandbox that begins again at another moment tells that one."""
    sandbox = Sandbox(Options(leads=0, months=1, now=datetime(2026, 3, 1, 12, tzinfo=UTC), time_scale=0))
    with httpx.Client(transport=in_process_transport(create_app(sandbox)), base_url="http://sandbox") as client:
        client.post("/sandbox/reset", json={"now": "2026-05-01T12:00:00Z"}).raise_for_status()
        answer = client.get("/rest/v1/leads/describe2.json")
    assert datetime(2026, 5, 1, 12, tzinfo=UTC) == parsedate_to_datetime(answer.headers["date"])
