"""A clock that moves only when told, a ledger in a temporary folder, and a client of a scripted instance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.settings import Secret
from marketo_assets_tests.unit.api.instance import Instance


@pytest.fixture
def clock() -> ManualClock:
    """A winter noon, far from any reset."""
    return ManualClock(datetime(2026, 1, 14, 12, tzinfo=UTC))


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    yield ledger
    ledger.shut()


@pytest.fixture
def instance(clock: ManualClock) -> Instance:
    return Instance(clock)


@pytest.fixture
def client(instance: Instance, ledger: Ledger, clock: ManualClock) -> Iterator[MarketoClient]:
    with client_of(instance, ledger, clock) as client:
        yield client


def client_of(
    instance: Instance, ledger: Ledger, clock: ManualClock, transport: httpx.BaseTransport | None = None
) -> MarketoClient:
    """Return a client that talks to *instance*, or through another *transport*."""
    return MarketoClient(
        base_url="https://123-abc-456.mktorest.com",
        client_id=Secret(instance.client_id),
        client_secret=Secret(instance.client_secret),
        ledger=ledger,
        clock=clock,
        transport=transport or httpx.MockTransport(instance),
    )
