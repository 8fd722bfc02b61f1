"""Nobody polled for months: what Marketo forgot is named, and months are exported again until all shown is true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketo_assets.clock import ManualClock
from marketo_assets.load.repairs import stale_months
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
PAUSE = timedelta(days=125)


def change(road: Road, *changes: dict[str, Any]) -> list[int]:
    made: list[int] = road.desk("POST", "/changes", changes=list(changes))["ids"]
    road.settings.clock.sleep(60)
    return made


def stale(road: Road) -> list[str]:
    with road.warehouse.transaction() as con:
        return [month.month for month in stale_months(con)]


def paused(make_road: MakeRoad) -> tuple[Road, list[int]]:
    """A road that was copied whole but for its oldest month, then left alone for four months while things happened."""
    road = make_road(months=4)
    road.travel(*MONTHS)
    ids = [
        lead["id"] for lead in road.desk("GET", "/leads?fields=id,createdAt")["leads"] if lead["createdAt"] > "2026-06"
    ]
    early = [
        lead["id"] for lead in road.desk("GET", "/leads?fields=id,createdAt")["leads"] if lead["createdAt"] < "2026-06"
    ]
    made = change(road, {"add": {"firstName": "New"}}, {"edit": early[0], "values": {"notes": "a lead of May"}})
    road.capture()
    change(
        road,
        {"edit": ids[0], "values": {"firstName": "Forgotten", "notes": "Forgotten"}},
        {"edit": early[0], "values": {"notes": "Forgotten too"}},
        {"delete": ids[1]},
        {"delete": made[0]},
        {"merge": ids[2], "losers": [ids[3]]},
        {"add": {"firstName": "Came and went"}},
    )
    last = road.desk("GET", "/leads?fields=id")["leads"][-1]["id"]
    change(road, {"delete": last}, {"add": {"firstName": "Came in between"}})
    road.settings.clock.sleep(PAUSE.total_seconds())
    change(road, {"edit": ids[5], "values": {"firstName": "Just now"}})
    return road, ids


def test_the_months_are_to_be_exported_again(make_road: MakeRoad) -> None:
    """One capture says what cannot be known and which months to repair; exported again, all that is shown is true."""
    road, ids = paused(make_road)
    found = road.capture()

    assert 2 == len(found.warnings)
    assert "leads deleted in between may still be shown" in found.warnings[0]
    assert "lead_changes_sensor starts job lead_snapshots" in found.warnings[0]
    assert list(reversed(MONTHS)) == stale(road)
    road.publish()
    assert 1 == len(road.query("SELECT id FROM main.leads WHERE id = ?", ids[1]))
    for done, month in enumerate(reversed(MONTHS), start=1):
        road.travel(month, is_refresh=True)
        assert len(MONTHS) - done == len(stale(road))
    road.settings.clock.sleep(90_000)
    road.capture()
    road.publish()

    copied = road.query("SELECT id FROM main.leads")
    true = {
        lead["id"] for lead in road.desk("GET", "/leads?fields=id,createdAt")["leads"] if lead["createdAt"] > "2026-06"
    }
    assert true <= {lead_id for (lead_id,) in copied}
    road.travel("2026-05")
    assert [] == road.differences()
    gone = road.desk("GET", "/gone")
    known = {int(lead_id) for lead_id in [*gone["deleted"], *gone["merged"]]}
    assert known == {lead_id for (lead_id,) in road.query("SELECT id FROM main.deleted_leads")}
    ((unseen_from, reason),) = road.query("SELECT unseen_from, reason FROM meta.repairs")
    assert unseen_from == found.since
    assert reason == " ".join(found.warnings)
    # The same files loaded once more are older than the reading that did not find these leads.
    for month in MONTHS:
        road.load(month)
    road.publish()
    assert known == {lead_id for (lead_id,) in road.query("SELECT id FROM main.deleted_leads")}


def test_it_is_noted_once(make_road: MakeRoad) -> None:
    """Polls after the late one are not blind, and what was repaired stays repaired."""
    road, _ = paused(make_road)
    road.capture()
    road.travel(*MONTHS, is_refresh=True)
    road.settings.clock.sleep(86_400)
    again = road.capture()

    assert () == again.warnings
    assert [] == stale(road)


def test_a_pause_of_a_week_needs_no_repair(make_road: MakeRoad) -> None:
    """Within what Marketo keeps nothing is missed, and nothing is exported again."""
    road = make_road()
    road.travel(*MONTHS)
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    change(road, {"delete": ids[0]}, {"edit": ids[1], "values": {"firstName": "Edited"}})
    road.settings.clock.sleep(timedelta(days=7).total_seconds())
    found = road.capture()
    road.publish()

    assert () == found.warnings
    assert [] == stale(road)
    assert [] == road.differences()


def test_deletions_alone_are_forgotten_after_a_fortnight(make_road: MakeRoad) -> None:
    """After three weeks deletions may be missing and values are not; the months are exported again for the former."""
    road = make_road()
    road.travel(*MONTHS)
    ids = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    change(road, {"delete": ids[0]}, {"edit": ids[1], "values": {"firstName": "Edited"}})
    road.settings.clock.sleep(timedelta(days=21).total_seconds())
    found = road.capture()
    assert 1 == len(found.warnings)
    assert len(MONTHS) == len(stale(road))
    road.travel(*MONTHS, is_refresh=True)

    assert [] == stale(road)
    assert [] == road.differences()


def test_a_clock_that_was_set_back_is_no_pause(make_road: MakeRoad) -> None:
    """Where our own clock stands months back a poll reads more than it had to, and no month is exported again."""
    road = make_road()
    road.travel(*MONTHS)
    road.settings.clock.sleep(3600)
    until = road.capture().until
    (lead_id,) = road.query("SELECT min(id) FROM main.leads")[0]
    change(road, {"edit": lead_id, "values": {"firstName": "Edited"}})
    back = road.with_settings(clock=ManualClock(road.settings.clock.now() - PAUSE))
    found = back.capture()
    back.publish()

    assert found.since < until - PAUSE
    assert () == found.warnings
    assert [] == stale(road)
    assert [] == road.query("FROM meta.coverage_gaps")
    assert [] == road.differences()
