"""Every wait has a limit and a message, and one that is longer than it should be says so while it lasts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import InstanceDown
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.open_waits import open_waits
from marketo_assets.clock import ManualClock
from marketo_assets.defs.wait_checks import check_waits
from marketo_assets.extract.bulk import Exporter
from marketo_assets.extract.export_jobs import ExportRequest, record_job
from marketo_assets.extract.waits import EXPECTED, Reason, Waits
from marketo_assets.extract.windows import month_window
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Instance, refusal
from marketo_assets_tests.unit.extract.test_bulk import FULL, REQUEST, completed, script_job, told
from marketo_assets_tests.unit.extract.test_export_jobs import NOW


class Watched(ManualClock):
    """A clock that looks what is waited for, whenever somebody waits."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.ledger: Ledger | None = None
        self.seen: list[str] = []

    def sleep(self, seconds: float) -> None:
        if self.ledger is not None:
            self.seen += [f"{wait.subject} {wait.what} {wait.until - NOW}" for wait in open_waits(self.ledger)]
        super().sleep(seconds)


@pytest.fixture
def clock() -> Watched:
    return Watched()


@pytest.fixture
def marketo(clock: Watched) -> Instance:
    return Instance(clock)


@pytest.fixture
def client(marketo: Instance, clock: Watched, data_dir: Path) -> Iterator[MarketoClient]:
    with client_of(marketo, Ledger(data_dir / "ledger.sqlite", Limits(), clock), clock) as client:
        clock.ledger = client.ledger
        yield client


@pytest.fixture
def exporter(client: MarketoClient, clock: Watched) -> Exporter:
    return Exporter(client, client.ledger, clock, print)


def test_a_queue_that_stays_full_is_told(
    marketo: Instance, exporter: Exporter, clock: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """After an hour, and after two, the log warns; the check fails, and `doctor` sees the wait until it is over."""
    script_job(marketo, "a", completed("a"), enqueue=[FULL] * 40)
    with caplog.at_level(logging.WARNING):
        exporter.complete(REQUEST)

    warned = [record.getMessage() for record in caplog.records]
    assert ["1 h", "2 h"] == [text.partition("waited ")[2][:3] for text in warned]
    assert all("room in Marketo's export queue, longer than it should; it gives up at 2026-08-16" in t for t in warned)
    result = check_waits(exporter.waits)
    assert not result.passed
    assert "Waited 2 h" in str(result.description)
    assert "2026-07 room in Marketo's export queue 1 day, 0:00:00" in clock.seen
    assert [] == open_waits(exporter.ledger)


@pytest.mark.parametrize(
    ("status", "reason", "polls"),
    [("Queued", "slot", 30), ("Processing", "processing", 50)],
    ids=["slot", "processing"],
)
def test_a_job_that_takes_long_is_told(
    marketo: Instance, exporter: Exporter, caplog: pytest.LogCaptureFixture, status: str, reason: Reason, polls: int
) -> None:
    """Waiting for one of the two slots and waiting for the file are told apart."""
    script_job(marketo, "a", *[told("a", status)] * polls, completed("a"))
    with caplog.at_level(logging.WARNING):
        exporter.complete(REQUEST)

    assert EXPECTED[reason].seconds <= exporter.waits.seconds[reason]
    assert EXPECTED[reason].what in caplog.text
    assert [] != exporter.waits.too_long()


def test_an_ordinary_export_is_not_told(
    marketo: Instance, exporter: Exporter, caplog: pytest.LogCaptureFixture
) -> None:
    """Minutes of waiting are what exports take."""
    script_job(marketo, "a", told("a", "Queued"), *[told("a", "Processing")] * 5, completed("a"))
    with caplog.at_level(logging.WARNING):
        exporter.complete(REQUEST)

    assert (True, "") == (check_waits(exporter.waits).passed, caplog.text)


@pytest.mark.parametrize("code", ["502", "608", "611", "614"])
def test_an_outage_is_told_and_has_an_end(
    marketo: Instance, exporter: Exporter, clock: Watched, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """After a quarter of an hour the log warns, and after half an hour the run makes room."""
    known = ExportRequest("leads", "2026-06", month_window("2026-06"), ("id",))
    record_job(exporter.ledger, known, ExportJob("z", "Completed", created_at=NOW), now=NOW)
    marketo.script("/rest/v1/leads/describe2.json", refusal(code, "System error"))
    marketo.script("/bulk/v1/leads/export/create.json", refusal(code, "System error"))
    with caplog.at_level(logging.WARNING), pytest.raises(InstanceDown) as caught:
        Exporter(exporter.client, exporter.ledger, clock, print).complete(
            ExportRequest("leads", "2026-05", month_window("2026-05"), ("id",))
        )

    assert "2026-05 has waited" in caplog.text
    assert "Marketo to handle calls again" in caplog.text
    assert timedelta(minutes=30) <= clock.now() - NOW <= timedelta(minutes=60)
    assert caught.value.resets_at == clock.now() + timedelta(minutes=30)


def test_a_wait_whose_run_was_killed_is_forgotten(exporter: Exporter, clock: Watched) -> None:
    """What nobody looks at any more is not shown for ever; a clock that was set back does not make it longer."""
    waits = Waits()
    waits.begin(exporter.ledger, "2026-07", "slot", 300, until=NOW + timedelta(hours=24))
    assert ["2026-07"] == [wait.subject for wait in open_waits(exporter.ledger)]
    clock.move_to(NOW - timedelta(days=1))
    waits.begin(exporter.ledger, "2026-07", "slot", 300, until=NOW)
    assert [NOW - timedelta(days=1)] == [wait.since for wait in open_waits(exporter.ledger)]
    clock.sleep(1300)
    assert [] == open_waits(exporter.ledger)


def test_a_clock_set_back_does_not_prolong_a_pause(marketo: Instance, exporter: Exporter, clock: Watched) -> None:
    """A status that was asked for in a future that is no more is asked for again after a minute."""
    script_job(marketo, "a", told("a", "Processing"), refusal("1001", "broken"), completed("a"))
    with pytest.raises(Exception, match="broken"):
        exporter.complete(REQUEST)
    clock.move_to(clock.now() - timedelta(hours=5))
    began = clock.now()

    assert "Completed" == Exporter(exporter.client, exporter.ledger, clock, print).complete(REQUEST).status
    assert clock.now() - began <= timedelta(minutes=2)
