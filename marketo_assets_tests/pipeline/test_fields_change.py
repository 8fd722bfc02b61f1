"""Users add, hide, show and retype fields at any time: nothing stops, nothing is lost, and each change is a row."""

from __future__ import annotations

import pytest

from marketo_assets_tests.pipeline.road import Road

FIRST, SECOND, THIRD = MONTHS = ("2026-06", "2026-07", "2026-08")
CHANGES = (
    "SELECT field, column_name, kind, before, after FROM meta.schema_changes WHERE kind <> 'suffixed' ORDER BY ALL"
)


def leads_of(road: Road, month: str) -> list[int]:
    """Return the ids of the leads created in *month*, whether they were copied or not."""
    return [lead["id"] for lead in road.desk("GET", "/leads")["leads"] if lead["createdAt"].startswith(month)]


def value_count(road: Road, column: str, month: str) -> int:
    ((found,),) = road.query(
        f"SELECT count(\"{column}\") FROM main.leads WHERE strftime(createdAt, '%Y-%m') = ?", month
    )
    return int(found)


def columns(road: Road) -> dict[str, str]:
    """Return the columns of `main.leads` with their types."""
    return {name: kind for name, kind, *_ in road.query("DESCRIBE main.leads")}


def test_a_field_appears(road: Road) -> None:
    """A field that is new gets a column at the end; leads loaded before have no value in it."""
    road.travel(FIRST)
    assert [] == road.query(CHANGES)
    road.desk("POST", "/fields", name="favouriteColour", data_type="string", display_name="Favourite Colour")
    for lead_id in leads_of(road, SECOND)[:5]:
        road.desk("PATCH", f"/leads/{lead_id}", values={"favouriteColour": "green"})
    landed = road.travel(SECOND, THIRD)

    assert [] == road.differences()
    assert (0, 5) == (value_count(road, "favouriteColour", FIRST), value_count(road, "favouriteColour", SECOND))
    assert [("favouriteColour", "favouriteColour", "appeared", None, "string")] == road.query(CHANGES)
    assert [(landed[0].as_of,)] == road.query("SELECT noticed_at FROM meta.schema_changes WHERE kind = 'appeared'")
    assert [("Favourite Colour (Marketo string)",)] == road.query(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'leads' AND column_name = 'favouriteColour'"
    )


def test_a_field_is_hidden(road: Road) -> None:
    """A hidden field keeps its column and its values, also when its month is loaded again."""
    road.travel(FIRST, SECOND)
    before = road.query('SELECT id, planName, "order" FROM main.leads ORDER BY id')
    road.desk("POST", "/fields/planName/hide")
    road.desk("POST", "/fields/order/hide")
    road.travel(SECOND, THIRD)

    assert [] == road.differences()
    assert before == road.query(
        "SELECT id, planName, \"order\" FROM main.leads WHERE createdAt < '2026-08-01' ORDER BY id"
    )
    assert 0 == value_count(road, "planName", THIRD)
    assert [
        ("order", "order", "hidden", "integer", "integer"),
        ("planName", "planName", "hidden", "string", "string"),
    ] == road.query(CHANGES)
    assert [("order",), ("planName",)] == road.query("SELECT name FROM main.lead_fields WHERE is_hidden ORDER BY name")


def test_a_hidden_field_and_leads_that_changed(road: Road) -> None:
    """Of a month loaded again, values of a hidden field stay with the leads that are left; a new lead has none."""
    road.travel(*MONTHS)
    gone, kept, *_ = leads_of(road, SECOND)
    road.desk("POST", "/fields/planName/hide")
    road.desk("DELETE", f"/leads/{gone}")
    (new,) = road.desk("POST", "/leads", leads=[{"lastName": "new"}], at="2026-07-02T00:00:00Z")["ids"]
    before = road.query("SELECT planName FROM main.leads WHERE id = ?", kept)
    road.travel(SECOND, is_refresh=True)

    assert [] == road.differences()
    assert before == road.query("SELECT planName FROM main.leads WHERE id = ?", kept)
    assert [(None,)] == road.query("SELECT planName FROM main.leads WHERE id = ?", new)
    assert [] == road.query("SELECT * FROM main.leads WHERE id = ?", gone)


def test_a_hidden_field_is_shown_again(road: Road) -> None:
    """A field shown again is copied again, into the column that it had."""
    road.travel(*MONTHS)
    road.desk("POST", "/fields/planName/hide")
    road.travel(SECOND)
    road.desk("POST", "/fields/planName/hide", hidden=False)
    (lead_id, *_) = leads_of(road, SECOND)
    road.desk("PATCH", f"/leads/{lead_id}", values={"planName": "changed when shown"})
    road.travel(SECOND, is_refresh=True)

    assert [] == road.differences()
    assert [("hidden",), ("shown",)] == road.query(
        "SELECT kind FROM meta.schema_changes WHERE field = 'planName' ORDER BY noticed_at"
    )


# Field, its new type, and the column that holds the values of both types.
RETYPES: dict[str, list[tuple[str, str, str]]] = {
    "to a wider type": [
        ("foundedOn", "datetime", "TIMESTAMP WITH TIME ZONE"),
        ("seatCount", "currency", "DECIMAL(23,4)"),
        ("order", "score", "BIGINT"),
        ("planName", "email", "VARCHAR"),
    ],
    "to a text": [
        ("order", "string", "VARCHAR"),
        ("bigCounter", "string", "VARCHAR"),
        ("tinyRatio", "string", "VARCHAR"),
        ("balance", "string", "VARCHAR"),
        ("group", "string", "VARCHAR"),
        ("isPartner", "string", "VARCHAR"),
        ("foundedOn", "string", "VARCHAR"),
        ("lastVisitAt", "string", "VARCHAR"),
    ],
    "to a type that does not hold the old values": [
        ("seatCount", "float", "VARCHAR"),
        ("discountPercent", "integer", "VARCHAR"),
        ("lastVisitAt", "date", "TIMESTAMP WITH TIME ZONE"),
        ("codeWithZeros", "integer", "VARCHAR"),
        ("select", "boolean", "VARCHAR"),
    ],
}


@pytest.mark.parametrize("retypes", RETYPES.values(), ids=RETYPES.keys())
def test_fields_are_retyped(road: Road, retypes: list[tuple[str, str, str]]) -> None:
    """A retyped field's column is made wide enough for both types, and rows loaded before read the same as ever."""
    names = [name for name, _, _ in retypes]
    kinds = {field["name"]: field["data_type"] for field in road.desk("GET", "/fields")}
    road.travel(FIRST)
    before = columns(road)
    for name, data_type, _ in retypes:
        road.desk("POST", f"/fields/{name}/retype", data_type=data_type)
    road.travel(SECOND, THIRD)

    assert [] == road.differences(retyped=names)
    assert {name: wanted for name, _, wanted in retypes} == {name: columns(road)[name] for name in names}
    retyped = {(name, name, "retyped", kinds[name], data_type) for name, data_type, _ in retypes}
    widened = {(name, name, "widened", before[name], wanted) for name, _, wanted in retypes if before[name] != wanted}
    assert retyped | widened == set(road.query(CHANGES))
    assert [(0,)] == road.query("SELECT count(*) FROM meta.rejected_values")

    road.travel(FIRST, is_refresh=True)
    assert [] == road.differences(retyped=names)


def test_names_that_differ_only_in_case(road: Road) -> None:
    """Of two fields that differ only in case, one gets a suffix for ever, and `lead_fields` says which."""
    names = (
        "SELECT name, column_name FROM main.lead_fields WHERE lower(name) IN ('regioncode', 'planname') ORDER BY name"
    )
    road.travel(FIRST)
    assert [("RegionCode", "RegionCode_2"), ("planName", "planName"), ("regionCode", "regionCode")] == road.query(names)
    road.desk("POST", "/fields", name="PLANNAME", data_type="integer")
    (lead_id, *_) = leads_of(road, SECOND)
    road.desk("PATCH", f"/leads/{lead_id}", values={"PLANNAME": 7, "planName": "seven"})
    road.desk("POST", "/fields/planName/hide")
    road.travel(SECOND, THIRD)

    assert [] == road.differences()
    assert [
        ("PLANNAME", "PLANNAME_2"),
        ("RegionCode", "RegionCode_2"),
        ("planName", "planName"),
        ("regionCode", "regionCode"),
    ] == road.query(names)
    assert [("PLANNAME", "PLANNAME_2", "suffixed", "PLANNAME", "PLANNAME_2")] == road.query(
        "SELECT field, column_name, kind, before, after FROM meta.schema_changes "
        "WHERE kind = 'suffixed' AND field = 'PLANNAME'"
    )
    assert [(7,)] == road.query("SELECT PLANNAME_2 FROM main.leads WHERE id = ?", lead_id)


def test_months_that_were_landed_before_and_loaded_after(road: Road) -> None:
    """A file landed before a change and loaded after it takes nothing back, and its values go where they belong."""
    road.land(FIRST)
    road.desk("POST", "/fields", name="favouriteColour", data_type="string")
    road.desk("POST", "/fields/order/retype", data_type="string")
    road.desk("POST", "/fields/planName/hide")
    road.travel(SECOND, THIRD)
    road.load(FIRST)
    road.publish()

    assert [] == road.differences(retyped=["order"])
    assert [
        ("favouriteColour", "string", False),
        ("order", "string", False),
        ("planName", "string", True),
    ] == road.query(
        "SELECT name, data_type, is_hidden FROM main.lead_fields "
        "WHERE name IN ('favouriteColour', 'order', 'planName') ORDER BY name"
    )
    assert value_count(road, "planName", FIRST) > 0
    assert [("planName", "planName", "appeared", None, "string")] == road.query(CHANGES)
