"""Export bytes that are set aside for jobs: nothing that fails, dies or is too large keeps them from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, ExportQuotaHeld, ExportQuotaSpent, InstanceDown, ServerTrouble
from marketo_assets.api.limits import Ledger
from marketo_assets.clock import ManualClock
from marketo_assets.extract.export_jobs import ExportRequest, recorded_jobs
from marketo_assets.extract.export_sizes import expected_bytes
from marketo_assets.extract.orphans import settle_orphans
from marketo_assets.extract.windows import month_window
from marketo_assets_tests.pipeline.road import NOW, Road

EARLIER, MONTH = "2026-06", "2026-07"
HOUR = 3600.0


class Listening(list[str]):
    """A log that tells somebody of each line."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__()
        self._hear = hear

    def append(self, line: str) -> None:
        super().append(line)
        self._hear(line)


class Following:
    """The road's clock, on which somebody does something whenever time passes."""

    def __init__(self, clock: ManualClock, do: Callable[[], None]) -> None:
        self._clock, self._do = clock, do

    def now(self) -> datetime:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._do()


@contextmanager
def ledger_of(road: Road) -> Iterator[Ledger]:
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        yield client.ledger


def clock_of(road: Road) -> ManualClock:
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    return clock


def set_aside(road: Road) -> int:
    with ledger_of(road) as ledger:
        return ledger.exports.reserved()


def request_of(month: str, *fields: str) -> ExportRequest:
    return ExportRequest("leads", month, month_window(month), fields or ("id",))


@pytest.mark.parametrize(
    ("route", "fault", "error"),
    [
        ("POST */create.json", {"code": "603", "message": "Access denied"}, AccessDenied),
        ("POST */create.json", {"code": "1029", "message": "Export daily quota exceeded"}, ExportQuotaSpent),
        ("POST */enqueue.json", {"code": "1029", "message": "Export daily quota exceeded"}, ExportQuotaSpent),
    ],
    ids=["denied at create", "spent at create", "spent at enqueue"],
)
def test_a_refused_job_gives_its_bytes_back(
    road: Road, route: str, fault: dict[str, str], error: type[Exception]
) -> None:
    """What is not queued at Marketo holds nothing."""
    road.desk("POST", "/faults", route=route, kind="error", **fault)
    with pytest.raises(error):
        road.land(MONTH)

    assert 0 == set_aside(road)


def test_a_failed_job_gives_its_bytes_back(road: Road) -> None:
    """A job that Marketo fails costs nothing, and the one after it is counted once."""
    road.desk("POST", "/faults", route="POST */enqueue.json", kind="job_failed")
    landed = road.land(MONTH)

    with ledger_of(road) as ledger:
        assert (0, landed.file_bytes) == (ledger.exports.reserved(), ledger.exports.used())


def test_a_month_of_unknown_size_sets_a_quarter_of_the_day_aside(road: Road) -> None:
    """The first four jobs ever may run at once, a fifth waits; afterwards it is the neighbours' size, and some more."""
    with ledger_of(road) as ledger:
        assert ledger.exports.daily_bytes // 4 == expected_bytes(ledger, request_of(MONTH))
        landed = road.land(EARLIER)
        assert round(landed.file_bytes * 1.2) == expected_bytes(ledger, request_of(MONTH))


def test_a_job_waits_for_what_others_set_aside(road: Road) -> None:
    """While exports under way hold the day's bytes, a run waits for them, and goes on when they leave enough."""
    with ledger_of(road) as ledger:
        ledger.exports.reserve("another job", ledger.exports.daily_bytes)

        def settle(line: str) -> None:
            if "waiting for them" in line:
                ledger.exports.settle("another job", 0, finished_at=NOW)

        road.log = Listening(settle)
        road.land(MONTH)

    assert any("others have set them aside; waiting for them" in line for line in road.log)


def test_that_wait_has_an_end(road: Road) -> None:
    """After an hour the run makes room: it is a pause like that of a spent quota."""
    began = clock_of(road).now()
    with ledger_of(road) as ledger:
        ledger.exports.reserve("another job", ledger.exports.daily_bytes)
        followed = Following(clock_of(road), lambda: ledger.exports.renew("another job"))
        with pytest.raises(ExportQuotaHeld):
            road.with_settings(clock=followed).land(MONTH)

    assert HOUR <= (clock_of(road).now() - began).total_seconds() < 1.1 * HOUR


def test_a_run_killed_before_its_job_was_made_holds_nothing_for_long(road: Road) -> None:
    """Bytes that a killed run set aside are free again an hour later, without anybody's help."""
    with ledger_of(road) as ledger:
        whole = ledger.exports.daily_bytes
        ledger.exports.reserve("a dead run's job", whole)
        assert 0 == ledger.exports.remaining()
        clock_of(road).sleep(HOUR)

        assert whole == ledger.exports.remaining()
        road.land(MONTH)
        assert [] == ledger.exports.unattended()


def test_a_job_whose_run_was_killed_is_counted_when_it_has_ended(road: Road) -> None:
    """Marketo finishes what it queued, whoever asked for it; the next run learns its size and counts it."""
    road.land(EARLIER)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        ledger = client.ledger
        used = ledger.exports.used()
        road.desk("PATCH", "/switches", export_seconds=2 * HOUR)
        road.settings = road.with_settings(export_deadline_hours=0.05).settings
        with pytest.raises(RuntimeError, match="is still Processing"):
            road.land(MONTH)
        (job,) = [job for job in recorded_jobs(ledger) if job.partition == MONTH]

        clock_of(road).sleep(HOUR + 60)
        assert [job.request_hash] == ledger.exports.unattended()
        settle_orphans(client, ledger, road.settings.clock)
        assert ([], used) == (ledger.exports.unattended(), ledger.exports.used())

        clock_of(road).sleep(HOUR + 60)
        settle_orphans(client, ledger, road.settings.clock)
        (job,) = [job for job in recorded_jobs(ledger) if job.partition == MONTH]
        assert (0, used + (job.file_bytes or 0)) == (ledger.exports.reserved(), ledger.exports.used())
        assert job.file_bytes


def test_an_outage_of_twenty_minutes_is_waited_out(road: Road) -> None:
    """A run that meets 502 everywhere goes on when Marketo is back, and says what it waits for."""
    road.land(EARLIER)
    road.desk("POST", "/faults", route="*.json", kind="http", status=502, count=None)
    began = clock_of(road).now()

    def come_back(line: str) -> None:
        if "Marketo handles no call" in line and clock_of(road).now() - began > timedelta(minutes=20):
            road.desk("DELETE", "/faults")

    road.log = Listening(come_back)
    assert road.land(MONTH).records
    assert any("asking for the fields: Marketo handles no call (" in line for line in road.log)


def test_a_longer_one_is_a_pause(road: Road) -> None:
    """After half an hour without any answered call the run makes room and says when to look again."""
    road.land(EARLIER)
    road.desk("POST", "/faults", route="*.json", kind="error", code="614", message="Invalid subscription", count=None)
    with pytest.raises(InstanceDown, match="has handled no call for 3") as caught:
        road.land(MONTH)

    assert "614" == caught.value.code
    assert caught.value.resets_at is not None
    assert 1800 == (caught.value.resets_at - clock_of(road).now()).total_seconds()


def test_a_request_that_alone_is_refused_is_no_outage(road: Road) -> None:
    """611 for one call while others are answered is a bad request in disguise: it fails, and nobody waits."""
    road.land(EARLIER)
    road.desk(
        "POST", "/faults", route="GET */status.json", kind="error", code="611", message="System error", count=None
    )
    began = clock_of(road).now()
    with pytest.raises(ServerTrouble):
        road.land(MONTH)

    assert (clock_of(road).now() - began).total_seconds() < 600


def test_a_folder_that_never_met_marketo_does_not_wait(road: Road) -> None:
    """At the first use a wrong setting is likelier than an outage, so the error is shown at once."""
    road.desk("POST", "/faults", route="*.json", kind="error", code="614", message="Invalid subscription", count=None)
    began = clock_of(road).now()
    with pytest.raises(Exception, match="check MARKETO_BASE_URL"):
        road.land(MONTH)

    assert (clock_of(road).now() - began).total_seconds() < 900
