"""What no activity tells of: company values, leads that vanish without a word. Sweeps and audits find and heal it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent
from marketo_assets.load.audit_questions import sample_ids
from marketo_assets.load.lead_audit import Audit, audit_leads
from marketo_assets.load.lead_sweep import Sweep, sweep_leads
from marketo_assets.warehouse import WarehouseError
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
COMPANY = "C-000001"


def sweep(road: Road, transport: httpx.BaseTransport | None = None) -> Sweep | None:
    with MarketoClient.open(road.settings, transport=transport or road.transport) as client:
        return sweep_leads(client, road.warehouse, road.settings, run_id="a-sweep", log=road.log.append)


def audit(road: Road) -> Audit:
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        return audit_leads(client, road.warehouse, road.settings, run_id="an-audit", log=road.log.append)


def change(road: Road, *changes: dict[str, Any]) -> None:
    road.desk("POST", "/changes", changes=list(changes))
    road.settings.clock.sleep(60)


def findings(road: Road, name: str) -> Sequence[tuple[Any, ...]]:
    road.publish()
    return road.query("SELECT is_passed, found, finding FROM meta.audits WHERE audit = ? ORDER BY audited_at", name)


@pytest.fixture
def ids(road: Road) -> list[int]:
    """The leads of an instance that was copied whole an hour ago; five of them belong to one company."""
    linked = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    change(road, *({"edit": lead_id, "values": {"externalCompanyId": COMPANY}} for lead_id in linked[:5]))
    road.travel(*MONTHS)
    road.settings.clock.sleep(3600)
    road.capture()
    return linked


def rename_company(road: Road, name: str) -> None:
    change(road, {"company": COMPANY, "values": {"company": name}})


def test_a_sweep_finds_what_a_company_changed(road: Road, ids: list[int]) -> None:
    """New company values reach leads without any activity: no capture sees them, the next sweep does, and says so."""
    first = sweep(road)
    assert first is not None
    rename_company(road, "Renamed")
    assert road.capture().is_empty
    road.settings.clock.sleep(86_400)
    found = sweep(road)
    road.publish()

    assert found is not None
    assert (5, 0) == (found.differing.leads, found.differing.unknown)
    assert 5 == found.differing.fields["company"]
    assert (False, 5) == findings(road, "lead_sweep")[-1][:2]
    assert "5 leads differed although no activity told of it: company (5)" in findings(road, "lead_sweep")[-1][2]
    assert [] == road.differences()
    assert len(ids) == road.query("SELECT count(*) FROM main.leads")[0][0]


@pytest.mark.usefixtures("ids")
def test_what_activities_tell_is_no_finding(road: Road) -> None:
    """Edits, deletions and merges that activities tell of are captured by the sweep, and are not what it found."""
    sweep(road)
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    change(
        road,
        {"edit": ids[0], "values": {"firstName": "Edited", "notes": "Edited"}},
        {"delete": ids[1]},
        {"merge": ids[2], "losers": [ids[3]]},
        {"add": {"firstName": "New"}},
    )
    found = sweep(road)
    road.publish()

    assert found is not None
    assert 0 == found.differing.found
    assert 1 == found.capture.deletions
    assert (True, 0, "Every lead that changed is shown as it is.") == findings(road, "lead_sweep")[-1]
    assert [] == road.differences()


@pytest.mark.usefixtures("ids")
def test_a_sweep_begins_where_the_last_one_read(road: Road) -> None:
    """The first sweep begins with the oldest reading, the next a lookback before the last; a kill moves nothing."""
    first = sweep(road)
    assert first is not None
    road.publish()
    ((oldest,),) = road.query("SELECT min(as_of) FROM meta.loads")
    assert first.since == oldest - timedelta(seconds=road.settings.lookback_seconds)
    rename_company(road, "Renamed")

    class Killed(BaseException):
        pass

    class Deadly(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert road.transport
            if request.url.path.endswith("/pagingtoken.json"):
                raise Killed
            return road.transport.handle_request(request)

    before = road.exports("created")
    with pytest.raises(Killed):
        sweep(road, Deadly())
    second = sweep(road)

    assert second is not None
    assert second.since == first.until - timedelta(seconds=road.settings.lookback_seconds)
    assert 5 == second.differing.leads
    assert before + 1 == road.exports("created")


def test_an_older_export_that_is_loaded_later(road: Road) -> None:
    """A month that was read before the first sweep, and loaded after it, has the next one begin at its own moment."""
    old = road.land("2026-07")
    road.settings.clock.sleep(86_400)
    road.travel("2026-06", "2026-08")
    road.settings.clock.sleep(3600)
    first = sweep(road)
    road.load_file(old)
    second = sweep(road)

    assert first is not None
    assert second is not None
    assert second.since < old.as_of < first.since


def test_a_sweep_of_months(road: Road, ids: list[int]) -> None:
    """A sweep that was off for a hundred days cuts its span, and ends with every value as it is."""
    sweep(road)
    change(road, {"edit": ids[5], "values": {"firstName": "Long ago"}})
    rename_company(road, "Renamed")
    road.settings.clock.sleep(timedelta(days=100).total_seconds())
    change(road, {"edit": ids[6], "values": {"firstName": "Just now"}})
    found = sweep(road)
    road.publish()

    assert found is not None
    assert 4 == len(found.landed)
    assert 6 == found.differing.leads
    assert [] == road.differences()


def test_nothing_to_sweep_or_audit(road: Road) -> None:
    """Before the first load both say what to do first."""
    for act in (sweep, audit):
        with pytest.raises(WarehouseError, match="Run job lead_snapshots"):
            act(road)


@pytest.mark.usefixtures("ids")
def test_no_byte_is_left_for_a_sweep(road: Road) -> None:
    """A sweep that the day has no bytes for says so, and leaves months their turn."""
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        client.ledger.exports.reserve("another", client.ledger.exports.remaining())
        with pytest.raises(ExportQuotaSpent, match="A sweep needs about"):
            sweep(road)
        assert client.ledger.closed_until("share") is None


@pytest.mark.usefixtures("ids")
def test_a_subscription_without_the_filter_has_no_sweep(road: Road) -> None:
    """Where Marketo refuses the filter a sweep says that there is none, and asks no second time."""
    road.desk("PATCH", "/switches", updated_at_filter=False)
    assert sweep(road) is None
    before = road.desk("GET", "/counters")["calls"]
    assert sweep(road) is None
    assert before == road.desk("GET", "/counters")["calls"]


def test_an_audit_finds_values(road: Road, ids: list[int]) -> None:
    """Where no filter sees a company's values, the sample does; what was read anyway is shown, the months are named."""
    road.desk("PATCH", "/switches", company_moves_stamps=False)
    sweep(road)
    rename_company(road, "Renamed")
    road.settings.clock.sleep(86_400)
    swept = sweep(road)
    assert swept is not None
    assert 0 == swept.differing.found
    found = audit(road)
    months = {lead["createdAt"][:7] for lead in road.desk("GET", "/leads")["leads"] if lead["id"] in ids[:5]}

    assert (200, 5, 0) == (found.sampled, found.differing.leads, found.disappeared)
    assert months == set(found.stale_months)
    told = findings(road, "lead_sample")[-1]
    assert (False, 5) == told[:2]
    assert f"run job lead_snapshots with refresh on for {', '.join(sorted(months))}" in told[2]
    assert [] == road.differences()
    assert 0 == audit(road).found


def test_an_audit_finds_leads_that_vanished(road: Road, ids: list[int]) -> None:
    """Leads that were deleted and forgotten, and one that never came, are found by their ids; they are settled."""
    change(road, {"delete": ids[0]}, {"delete": ids[7]}, {"add": {"firstName": "Unheard of"}})
    road.settings.clock.sleep(timedelta(days=20).total_seconds())
    skip_ahead(road)
    found = audit(road)
    road.settings.clock.sleep(90_000)
    road.capture()
    road.publish()

    assert 2 == sum(len(month.gone_there) for month in found.months)
    assert 1 == sum(len(month.missing_here) for month in found.months)
    assert 0 == found.unread
    assert [] == road.differences()
    assert [(ids[0],), (ids[7],)] == road.query("SELECT id FROM main.deleted_leads ORDER BY id")
    wrong = findings(road, "month_ids")[-1]
    assert (False, 3) == wrong[:2]
    assert "2026-08: 1 missing here" in wrong[2]


def skip_ahead(road: Road) -> None:
    """Have the polls begin now, as if somebody had lost what was between."""
    with road.warehouse.transaction() as con:
        con.execute("UPDATE meta.watermarks SET watermark = ?", [road.settings.clock.now()])


def test_changes_during_an_audit_are_no_finding(road: Road, ids: list[int]) -> None:
    """What happens between an audit's questions is read first, so that it finds nothing."""

    class Busy(httpx.BaseTransport):
        """Changes something before each call."""

        calls = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert road.transport
            if request.url.path.startswith(("/rest", "/bulk")):
                self.calls += 1
                changes: list[dict[str, Any]] = [{"edit": ids[self.calls], "values": {"firstName": f"{self.calls}"}}]
                changes += [{"delete": ids[-self.calls]}, {"add": {"firstName": "New"}}]
                road.desk("POST", "/changes", changes=changes)
                road.settings.clock.sleep(2)
            return road.transport.handle_request(request)

    with MarketoClient.open(road.settings, transport=Busy()) as client:
        found = audit_leads(client, road.warehouse, road.settings, run_id="an-audit", log=road.log.append)
    road.settings.clock.sleep(60)
    road.capture()
    road.publish()

    assert 0 == found.found, found
    assert [] == road.differences()


BUDGETS: dict[str, tuple[int, float, Callable[[Audit], bool]]] = {
    "plenty": (100, 10.0, lambda found: len(found.months) == 3 and found.sampled == 200),
    "no bytes": (100, 0.0, lambda found: not found.months and found.sampled == 200),
    "bytes for some months": (100, 0.0013, lambda found: 0 < len(found.months) < 3),
    "few calls": (8, 10.0, lambda found: not found.months and found.sampled == 200),
    "one call": (1, 10.0, lambda found: not found.months and found.sampled == 0),
}


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize(("calls", "megabytes", "expected"), BUDGETS.values(), ids=BUDGETS.keys())
def test_an_audit_keeps_its_budget(road: Road, calls: int, megabytes: float, expected: Callable[[Audit], bool]) -> None:
    """An audit asks for what its calls and megabytes allow, and never makes more calls than it may."""
    found = audit(road.with_settings(audit_calls=calls, audit_export_mb=megabytes))

    assert expected(found)
    assert found.calls <= calls
    assert found.export_bytes <= megabytes * 1e6
    assert 0 == found.found


def test_a_sample_is_drawn_anew_each_day(make_road: MakeRoad) -> None:
    """The sample of a day is the same however often it is drawn, and another the next day."""
    road = make_road(leads=2_000).with_settings(audit_calls=4)
    road.travel(*MONTHS)

    def sampled() -> set[int]:
        with road.warehouse.transaction() as con:
            return set(sample_ids(con, 300, road.settings.clock.now().date()))

    today, again = sampled(), sampled()
    road.settings.clock.sleep(86_400)

    assert today == again
    assert 300 == len(today)
    assert 150 < len(today - sampled())


@pytest.mark.usefixtures("ids")
def test_a_slow_export_does_not_exceed_the_budget(road: Road) -> None:
    """An export of ids that does not come is given up before asking for it has cost more calls than there are."""
    road.desk("PATCH", "/switches", export_seconds=7200.0)
    poor = road.with_settings(audit_calls=16)
    found = audit(poor)

    assert not found.months
    assert 200 == found.sampled
    assert found.calls <= 16
    assert any("not audited: Export job" in line and "It is kept: run the job again" in line for line in poor.log)
