"""Months with nothing in them, or next to nothing."""

from __future__ import annotations

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Recording, Road

MONTHS = ("2026-06", "2026-07", "2026-08")


def test_an_instance_without_leads(make_road: MakeRoad) -> None:
    """Nothing becomes nothing: an empty table with every column and type, and no file is asked for."""
    road = make_road(leads=0)
    landed = road.travel(*MONTHS)

    assert [] == road.differences()
    assert [(0,)] == road.query("SELECT count(*) FROM main.leads")
    assert [(None, 0)] * 3 == [(file.path, file.records) for file in landed]
    assert isinstance(road.transport, Recording)
    assert [] == road.transport.calls("/file.json")
    assert [(month, 0, 0) for month in MONTHS] == road.query(
        "SELECT partition, records, rows FROM meta.loads ORDER BY partition"
    )


def test_a_month_with_one_lead(make_road: MakeRoad) -> None:
    """One lead in one month arrives; the empty months around it are loads too."""
    road = make_road(leads=0)
    values = {"firstName": "null", "leadScore": -5, "isPartner": True, "balance": 0.5, "foundedOn": "1801-01-01"}
    (lead_id,) = road.desk("POST", "/leads", leads=[values], at="2026-07-31T23:59:59Z")["ids"]
    road.travel(*MONTHS)

    assert [] == road.differences()
    assert [(lead_id, "null", -5, True, "1801-01-01")] == road.query(
        "SELECT id, firstName, leadScore, isPartner, foundedOn::VARCHAR FROM main.leads"
    )
    assert [(0,), (1,), (0,)] == road.query("SELECT rows FROM meta.loads ORDER BY partition")


def test_a_month_that_has_been_emptied(road: Road) -> None:
    """When the last lead of a month is gone, loading the month again takes its rows away."""
    road.travel(*MONTHS)
    ids = [found for (found,) in road.query("SELECT id FROM main.leads WHERE strftime(createdAt, '%Y-%m') = '2026-07'")]
    road.desk("POST", "/changes", changes=[{"delete": lead_id} for lead_id in ids])
    (landed,) = road.travel("2026-07", is_refresh=True)

    assert 0 == landed.records
    assert [] == road.differences()
    assert [(0,)] == road.query("SELECT count(*) FROM raw.lead_snapshots WHERE _partition = '2026-07'")


def test_leads_at_the_edges_of_a_month(make_road: MakeRoad) -> None:
    """The first and the last second of a month belong to it, and to no other."""
    road = make_road(leads=0)
    moments = ["2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z", "2026-08-01T00:00:00Z"]
    for moment in moments:
        road.desk("POST", "/leads", leads=[{"planName": moment}] * 3, at=moment)
    road.travel(*MONTHS)

    assert [] == road.differences()
    assert [("2026-06", 3), ("2026-07", 6), ("2026-08", 3)] == road.query(
        "SELECT _partition, count(*) FROM raw.lead_snapshots GROUP BY ALL ORDER BY ALL"
    )
