"""The road walked as a run walks it, step by step, and an instance whose time a test holds in its hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.clock import ManualClock
from marketo_assets.land.activity_exports import land_activity_export
from marketo_assets.land.lead_exports import land_lead_export, read_landed
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.activities import ActivityLoad, load_activities
from marketo_assets.load.activity_polls import ActivityCapture, capture_activities
from marketo_assets.load.lead_changes import Capture, capture_lead_changes
from marketo_assets.load.lead_snapshots import SnapshotLoad, load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.options import Options
from marketo_assets.sandbox.state import Sandbox
from marketo_assets.settings import Secret, Settings
from marketo_assets.warehouse import DuckDBConnection, Release, Warehouse, connect_readonly
from marketo_assets_tests.doors import in_process_transport
from marketo_assets_tests.truth import differences

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
"""The moment at which stories begin: the running month is 2026-08."""


@dataclass
class Road:
    """One data folder and one way to an instance; every step begins with nothing but what lies on disk."""

    settings: Settings
    control: httpx.Client
    """The control desk of the instance."""
    transport: httpx.BaseTransport | None = None
    log: list[str] = field(default_factory=list)
    kept: Warehouse | None = None
    """A warehouse for all steps, in place of one for each."""

    def land(self, month: str, *, is_refresh: bool = False) -> LandedFile:
        """Return the landed export of *month*."""
        with MarketoClient.open(self.settings, transport=self.transport) as client:
            return land_lead_export(client, self.settings, month, log=self.log.append, is_refresh=is_refresh)

    def load(self, month: str) -> SnapshotLoad:
        """Return what was loaded of the landed *month*."""
        return self.load_file(read_landed(self.settings.landing_dir, month))

    def load_file(self, landed: LandedFile) -> SnapshotLoad:
        """Return what was loaded of *landed*."""
        return load_lead_snapshot(self.warehouse, landed, run_id="a-run", now=self.settings.clock.now())

    def capture(self, *, transport: httpx.BaseTransport | None = None) -> Capture:
        """Return what was captured of the changes, over another *transport* if one is given."""
        with MarketoClient.open(self.settings, transport=transport or self.transport) as client:
            return capture_lead_changes(client, self.warehouse, self.settings, run_id="a-poll", log=self.log.append)

    def land_activities(self, month: str, *, is_refresh: bool = False) -> LandedFile:
        """Return the landed activities of *month*."""
        with MarketoClient.open(self.settings, transport=self.transport) as client:
            return land_activity_export(client, self.settings, month, log=self.log.append, is_refresh=is_refresh)

    def load_activities(self, landed: LandedFile) -> ActivityLoad:
        """Return what was loaded of the *landed* activities."""
        return load_activities(self.warehouse, landed, run_id="a-run", now=self.settings.clock.now())

    def capture_activities(self, *, transport: httpx.BaseTransport | None = None) -> ActivityCapture:
        """Return what was captured of activities, over another *transport* if one is given."""
        with MarketoClient.open(self.settings, transport=transport or self.transport) as client:
            return capture_activities(client, self.warehouse, self.settings, run_id="a-poll", log=self.log.append)

    def publish(self) -> Release | None:
        """Return a release of what was loaded."""
        with MarketoClient.open(self.settings, transport=self.transport) as client:
            return publish(self.warehouse, client.ledger, now=self.settings.clock.now())

    def travel(self, *months: str, is_refresh: bool = False) -> list[LandedFile]:
        """Take each of *months* all the way, one after the other, and return what was landed."""
        found = []
        for month in months:
            found.append(self.land(month, is_refresh=is_refresh))
            self.load(month)
            self.publish()
        return found

    @property
    def warehouse(self) -> Warehouse:
        """The data folder's database files."""
        return self.kept or Warehouse(self.settings.data_dir)

    @contextmanager
    def reading(self) -> Iterator[DuckDBConnection]:
        """Give a connection to what is published."""
        con = connect_readonly(self.warehouse.published_path)
        try:
            yield con
        finally:
            con.close()

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query on what is published."""
        with self.reading() as con:
            return con.execute(sql, list(values)).fetchall()

    def differences(self, **more: Any) -> list[str]:
        """Return what differs between what is published and what the instance holds."""
        with self.reading() as con:
            return differences(con, self.control, **more)

    def with_settings(self, **changes: Any) -> Road:
        """Return another road to the same instance."""
        return Road(replace(self.settings, **changes), self.control, self.transport)

    def desk(self, method: str, path: str, **told: Any) -> Any:
        """Have the control desk do something, and return what it says."""
        answer = self.control.request(method, path, json=told or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def exports(self, happening: str) -> int:
        """Return how many export jobs the instance counted as *happening*: created, enqueued, completed, …"""
        return sum(counted.get(happening, 0) for counted in self.desk("GET", "/counters")["exports"].values())


@dataclass(frozen=True)
class Asked:
    """One call as it reached the instance."""

    at: datetime
    method: str
    path: str


class Recording(httpx.BaseTransport):
    """Passes every request on and notes when it was made."""

    def __init__(self, inner: httpx.BaseTransport, clock: ManualClock) -> None:
        self.asked: list[Asked] = []
        self._inner, self._clock = inner, clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(Asked(self._clock.now(), request.method, request.url.path))
        return self._inner.handle_request(request)

    def calls(self, path_ends: str = ".json") -> list[Asked]:
        """Return the calls whose path ends so; asking for a token is no call."""
        return [asked for asked in self.asked if asked.path.endswith(path_ends)]


@contextmanager
def local_road(data_dir: Path, clock: ManualClock | None = None, **options: Any) -> Iterator[Road]:
    """Give a road to an instance in this process, whose time passes only when somebody waits."""
    clock = clock or ManualClock(NOW)
    told = Options(**{"leads": 200, "months": 3, "seed": 7, "now": NOW, **options})
    sandbox = Sandbox(told, clock=SandboxClock(NOW, machine=lambda: clock.now().timestamp()))
    door = in_process_transport(create_app(sandbox))
    settings = Settings(
        base_url="http://localhost",
        client_id=Secret(told.client_id),
        client_secret=Secret(told.client_secret),
        data_dir=data_dir,
        clock=clock,
    )
    with httpx.Client(transport=door, base_url="http://localhost/sandbox", timeout=60) as control:
        yield Road(settings, control, Recording(door, clock))
    sandbox.close()


def months_until(now: datetime, count: int) -> list[str]:
    """Return the keys of the last *count* months, the one of *now* included, oldest first."""
    last = now.year * 12 + now.month - 1
    return [f"{index // 12}-{index % 12 + 1:02d}" for index in range(last - count + 1, last + 1)]
