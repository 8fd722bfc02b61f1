"""A month is run again: taken up where it can stand, exported anew where it cannot, and the newer reading counts."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from marketo_assets.clock import ManualClock
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
PAST, RUNNING = "2026-07", "2026-08"


def pass_time(road: Road, **span: float) -> None:
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    clock.sleep(timedelta(**span).total_seconds())


def random_changes(rng: random.Random, ids: list[int]) -> list[dict[str, Any]]:
    """Return edits, deletions, merges and new leads; each lead is gone at most once."""
    rng.shuffle(ids)
    edits: list[dict[str, Any]] = [
        {"edit": lead_id, "values": {"planName": f"plan {rng.random()}", "firstName": None, "order": rng.randrange(9)}}
        for lead_id in ids[:30]
    ]
    deletions: list[dict[str, Any]] = [{"delete": lead_id} for lead_id in ids[30:45]]
    merges: list[dict[str, Any]] = [
        {"merge": ids[45 + 3 * n], "losers": ids[46 + 3 * n : 48 + 3 * n]} for n in range(5)
    ]
    additions: list[dict[str, Any]] = [{"add": {"lastName": f"new {n}"}} for n in range(5)]
    changes = [*edits, *deletions, *merges, *additions]
    rng.shuffle(changes)
    return changes


@pytest.mark.parametrize("seed", [1, 2])
def test_edits_deletions_merges_and_new_leads(road: Road, seed: int) -> None:
    """After any changes, months exported again show them all: edited, added, and what is gone is gone."""
    print(f"seed {seed}")
    road.travel(*MONTHS)
    ids = [found for (found,) in road.query("SELECT id FROM main.leads ORDER BY id")]
    road.desk("POST", "/changes", changes=random_changes(random.Random(seed), ids))
    assert [] != road.differences()
    pass_time(road, hours=1)
    road.travel(*MONTHS, is_refresh=True)

    assert [] == road.differences()
    assert [(1,)] * 3 == road.query("SELECT count(DISTINCT _load_id) FROM raw.lead_snapshots GROUP BY _partition")


def test_a_past_month_is_taken_up(road: Road) -> None:
    """Running a past month again within days costs one call, and loads the same rows."""
    road.travel(PAST)
    before, calls = road.query("SELECT * EXCLUDE _load_id FROM main.leads ORDER BY id"), road.desk("GET", "/counters")
    pass_time(road, days=6)
    (landed,) = road.travel(PAST)

    assert (True, 1) == (landed.was_adopted, landed.calls)
    assert 1 == road.desk("GET", "/counters")["calls"] - calls["calls"]
    assert before == road.query("SELECT * EXCLUDE _load_id FROM main.leads ORDER BY id")


def test_a_past_month_is_exported_anew_when_its_file_may_be_gone(road: Road) -> None:
    """Past the days for which Marketo keeps a file, a month is exported again."""
    road.travel(PAST)
    pass_time(road, days=8)
    road.travel(PAST)

    assert (2, 2) == (road.exports("created"), road.exports("completed"))


@pytest.mark.parametrize(
    ("minutes", "exports"), [(5, 1), (20, 2)], ids=["minutes later", "when it has probably changed"]
)
def test_the_running_month(road: Road, minutes: int, exports: int) -> None:
    """The running month is taken up for minutes only: new leads arrive in it."""
    road.travel(*MONTHS)
    pass_time(road, minutes=minutes)
    road.desk("POST", "/leads", leads=[{"lastName": "newcomer"}])
    road.travel(RUNNING)

    assert 2 + exports == road.exports("created")
    assert (exports == 2) == (road.differences() == [])


def test_a_month_is_exported_anew_when_it_has_ended(road: Road) -> None:
    """A reading of the running month does not stand for the month once it is over."""
    road.travel(*MONTHS)
    pass_time(road, days=17)
    road.desk("POST", "/leads", leads=[{"lastName": "late"}], at="2026-08-31T20:00:00Z")
    road.travel(RUNNING)

    assert [] == road.differences()


def test_other_fields_are_another_request(road: Road) -> None:
    """Asking for other fields exports the month again; a field left out keeps no value that is out of date."""
    road.travel(*MONTHS)
    fewer = road.with_settings(lead_fields_exclude=("planName", "favouriteQuote"))
    fewer.travel(*MONTHS)

    assert 6 == road.exports("created")
    assert [(0, 0)] == fewer.query("SELECT count(planName), count(favouriteQuote) FROM main.leads")
    assert [("favouriteQuote",), ("planName",)] == fewer.query(
        "SELECT name FROM main.lead_fields WHERE NOT is_copied ORDER BY name"
    )


def test_fields_that_come_back(road: Road) -> None:
    """When a field is left out and then asked for again, its values are there again, and nothing goes back in time."""
    fewer = road.with_settings(lead_fields_exclude=("planName",))
    road.travel(*MONTHS)
    fewer.travel(*MONTHS)
    (lead_id,) = road.query("SELECT min(id) FROM main.leads")[0]
    road.desk("PATCH", f"/leads/{lead_id}", values={"planName": "later"})
    road.travel(*MONTHS)

    assert [] == road.differences()


def test_only_some_fields(road: Road) -> None:
    """With MARKETO_LEAD_FIELDS the table has these, id and the two stamps, in whatever case they were named."""
    some = road.with_settings(lead_fields=("EMAIL", "RegionCode", "bigCounter"))
    some.travel(*MONTHS)

    assert ["id", "createdAt", "updatedAt", "email", "RegionCode_2", "bigCounter"] == [
        name for (name, *_) in some.query("DESCRIBE main.leads") if not name.startswith("_")
    ]
    assert [] == some.differences(fields=["id", "createdAt", "updatedAt", "email", "RegionCode", "bigCounter"])


def test_what_killed_runs_left_is_cleared_away(road: Road) -> None:
    """Beginnings of files whose jobs nobody takes up any more do not stay on the disk."""
    folder = road.settings.landing_dir / "lead_exports" / MONTHS[0]
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("gone.csv.part", "gone.csv.zst.part", "gone.json.part"):
        (folder / name).write_bytes(b"a beginning")
    road.travel(*MONTHS, is_refresh=True)

    assert [] == list(folder.glob("*.part"))
    assert [] == road.differences()


def test_what_a_gone_lead_was_stays_known(road: Road) -> None:
    """A month that is exported after a lead was deleted takes nothing from deleted_leads and from the past."""
    road.travel(*MONTHS)
    lead = road.desk("GET", "/leads?fields=id,createdAt,email")["leads"][0]
    pass_time(road, hours=1)
    road.capture()
    before = road.settings.clock.now()
    pass_time(road, minutes=1)
    road.desk("POST", "/changes", changes=[{"delete": lead["id"]}])
    pass_time(road, minutes=1)
    road.travel(lead["createdAt"][:7], is_refresh=True)
    assert [(lead["id"],)] == road.query("SELECT lead_id FROM meta.missing_leads")
    road.capture()
    road.publish()

    assert [(lead["id"], lead["email"])] == road.query("SELECT id, email FROM main.deleted_leads")
    assert [(lead["email"],)] == road.query("SELECT email FROM main.leads_as_of(?) WHERE id = ?", before, lead["id"])
    assert [] == road.query("FROM meta.missing_leads")
    assert [] == road.differences()


def test_an_older_file_takes_nothing_back(road: Road) -> None:
    """Loaded after a newer export of its month, an older file changes nothing: company values have no activity."""
    linked = [lead["id"] for lead in road.desk("GET", "/leads?fields=id")["leads"]]
    changes = [{"edit": lead_id, "values": {"externalCompanyId": "C-000001"}} for lead_id in linked]
    road.desk("POST", "/changes", changes=changes)
    older, *_ = road.travel(PAST, "2026-06", RUNNING)
    road.desk("POST", "/changes", changes=[{"company": "C-000001", "values": {"company": "Renamed"}}])
    pass_time(road, hours=1)
    newer, *_ = road.travel(PAST, "2026-06", RUNNING, is_refresh=True)
    loads = road.query("SELECT count(*) FROM meta.loads")
    again = road.load_file(older)
    road.publish()

    assert newer.as_of == again.newer_as_of
    assert loads == road.query("SELECT count(*) FROM meta.loads")
    assert [(newer.records,)] == road.query("SELECT count(*) FROM raw.lead_snapshots WHERE _partition = ?", PAST)
    assert [] == road.differences()
