"""The rows of the layout that dbt_marketo reads are what the instance holds, as Fivetran would tell it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from marketo_assets_tests.activity_truth import true_activities
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.email_world import OPTIONS, Lives, copy_email_world, true_figures
from marketo_assets_tests.pipeline.road import Road

_SENDS = "SELECT DISTINCT primary_attribute_value_id, campaign_id, campaign_run_id, lead_id FROM fivetran_marketo."
_FIGURES = {
    "leads": "SELECT count(DISTINCT id) FROM fivetran_marketo.lead",
    "deleted leads": "SELECT count(DISTINCT lead_id) FROM fivetran_marketo.activity_delete_lead",
    "merges": "SELECT count(*) FROM fivetran_marketo.activity_merge_leads",
    "merged away": "SELECT count(*) FROM fivetran_marketo.merged_lead",
    "changed values": "SELECT count(DISTINCT id) FROM fivetran_marketo.activity_change_data_value",
    "first names that changed": "SELECT count(*) FROM fivetran_marketo.activity_change_data_value AS change "
    "JOIN fivetran_marketo.lead_describe_snake_case AS field ON field.id = change.primary_attribute_value_id "
    "WHERE field.restname = 'first_name'",
    "sends": f"SELECT count(*) FROM ({_SENDS}activity_send_email)",
    **{
        name: f"SELECT count(*) FROM fivetran_marketo.{table} SEMI JOIN ({_SENDS}activity_send_email) "
        "USING (primary_attribute_value_id, campaign_id, campaign_run_id, lead_id)"
        for name, table in (
            ("opens", "activity_open_email"),
            ("clicks", "activity_click_email"),
            ("bounces", "activity_email_bounced"),
            ("deliveries", "activity_email_delivered"),
            ("unsubscribes", "activity_unsubscribe_email"),
        )
    },
}


@pytest.fixture
def world(make_road: MakeRoad) -> tuple[Road, Lives]:
    """A released copy of an instance with a history, and what became of its leads."""
    road = make_road(**OPTIONS)
    return road, copy_email_world(road)


def test_the_layout_tells_the_truth(world: tuple[Road, Lives]) -> None:
    """Leads, deletions, merges, sends and what came of them are those that the instance knows."""
    road, lives = world

    assert true_figures(road.control, lives) == {name: road.query(sql)[0][0] for name, sql in _FIGURES.items()}
    _check_activities(road)
    _check_leads(road, lives)
    _check_objects(road)


def _check_activities(road: Road) -> None:
    """Every type has a table with as many rows as the instance shows; each campaign and lead is where it belongs."""
    names = dict(road.query("SELECT id, view_name FROM main.activity_types"))
    # What is gone has a row each, whichever activity told it.
    told = Counter(names[told["type_id"]] for told in true_activities(road.control) if told["type"] != "Delete Lead")
    for view, count in told.items():
        assert [(count,)] == road.query(f"SELECT count(*) FROM fivetran_marketo.{view}"), view
    unlike = "SELECT count(*) FROM fivetran_marketo.activity_open_email AS it JOIN main.activity_open_email AS ours "
    unlike += "ON it.id = ours.activity_guid WHERE it.email_template_id <> ours.primary_attribute_value_id "
    unlike += "OR it.activity_date <> ours.activity_date AT TIME ZONE 'UTC' OR it.device <> ours.device"
    assert [(0,)] == road.query(unlike)


def _check_leads(road: Road, lives: Lives) -> None:
    """Leads that are here are those of `main.leads`, merges name the winner and its losers, fields have numbers."""
    gone = lives.deleted | lives.merged.keys()
    assert [(i, i in gone) for i in sorted(lives.alive | gone)] == road.query(
        "SELECT id, _fivetran_deleted FROM fivetran_marketo.lead ORDER BY id"
    )
    unlike = "SELECT first_name, lead_score, email FROM fivetran_marketo.lead WHERE NOT _fivetran_deleted EXCEPT "
    assert [] == road.query(f"{unlike} SELECT firstName, leadScore, email FROM main.leads")
    merged = dict(road.query("SELECT merged_lead, into_lead FROM fivetran_marketo.merged_lead"))
    assert lives.merged == merged
    texts = road.query("SELECT merge_ids FROM fivetran_marketo.activity_merge_leads")
    assert set(lives.merged) == {int(number) for (text,) in texts for number in text.strip("[]").split(",")}
    told = [field for field in road.desk("GET", "/fields") if field["rest"] and not field["hidden"]]
    described = {field["name"]: field["id"] for field in told if field["data_type"] != "formula"}
    assert described == dict(road.query("SELECT restname, id FROM fivetran_marketo.lead_describe"))
    named = "SELECT restname FROM fivetran_marketo.lead_describe_snake_case"
    columns = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'fivetran_marketo' AND table_name = 'lead'"
    copied = "SELECT count(*) FROM main.lead_fields WHERE is_copied"
    assert road.query(copied) == road.query(f"SELECT count(*) FROM ({named} INTERSECT {columns})")
    numbered = "SELECT count(*) FROM fivetran_marketo.activity_change_data_value AS change ANTI JOIN "
    numbered += "fivetran_marketo.lead_describe AS field ON field.id = change.primary_attribute_value_id"
    assert [(0,)] == road.query(numbered)


def _check_objects(road: Road) -> None:
    """Campaigns, programs and emails are all there, and an email that was changed has a row for either content."""
    for table, kind in (("campaign", "smart_campaign"), ("program", "program")):
        expected = {asset["id"]: asset["name"] for asset in road.desk("GET", f"/assets/{kind}")["assets"]}
        assert expected == dict(
            road.query(f"SELECT id, name FROM fivetran_marketo.{table} WHERE NOT _fivetran_deleted")
        )
    emails = {asset["id"] for asset in road.desk("GET", "/assets/email")["assets"]}
    history = "SELECT id, list(description ORDER BY updated_at), max(updated_at) FROM fivetran_marketo."
    rows = {row[0]: row[1:] for row in road.query(f"{history}email_template_history GROUP BY id")}
    assert emails == rows.keys()
    ((descriptions, at),) = [told for told in rows.values() if len(told[0]) > 1]
    assert "Second thoughts" == descriptions[-1] != descriptions[0]
    assert isinstance(at, datetime)
