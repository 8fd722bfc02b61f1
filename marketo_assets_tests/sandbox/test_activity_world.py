"""The activities that the seed makes: the same through REST, bulk and the control desk, cheap, and pruned in time."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from marketo_assets.sandbox.app import create_app
from marketo_assets.sandbox.options import Options
from marketo_assets.sandbox.state import Sandbox
from marketo_assets_tests.doors import in_process_transport
from marketo_assets_tests.sandbox.caller import AUGUST, JULY, Caller, Json
from marketo_assets_tests.sandbox.conftest import OPTIONS
from marketo_assets_tests.sandbox.exports import Export
from marketo_assets_tests.sandbox.feed import activities, change, ids_of, switch

JUNE = {"startAt": "2026-06-01T00:00:00Z", "endAt": "2026-06-30T23:59:59Z"}
SINCE = "2026-06-01T00:00:00Z"
DAY = 86_400


@pytest.fixture
def marketo(application: httpx.Client) -> Caller:
    """A caller with a token, through one door: what the seed makes does not depend on it."""
    application.post("/sandbox/reset", json={}).raise_for_status()
    return Caller(application)


def truth(marketo: Caller, **asked: str) -> dict[str, Json]:
    query = "&".join(f"{name}={value}" for name, value in {"limit": "100000", **asked}.items())
    return {told["guid"]: told for told in marketo.desk("GET", f"/activities?{query}")["activities"]}


def by_bulk(marketo: Caller, *windows: Json) -> dict[str, Json]:
    rows = [row for window in windows for row in Export(marketo).rows(filter={"createdAt": window})]
    return {row["marketoGUID"]: normal(row) for row in rows}


def normal(row: dict[str, str]) -> Json:
    """Return a row of a file, or a REST record, as the truth writes it."""
    texts: dict[str, Any] = {name: None if text == "null" else text for name, text in row.items()}
    attributes = texts["attributes"]
    if isinstance(attributes, list):
        told = {item["name"]: item["value"] for item in attributes if item["value"] != ""}
    else:
        told = json.loads(attributes)
    numbers = {
        name: None if texts.get(source) is None else int(texts[source])
        for name, source in [
            ("type_id", "activityTypeId"),
            ("shown_lead_id", "leadId"),
            ("campaign_id", "campaignId"),
            ("primary_id", "primaryAttributeValueId"),
        ]
    }
    return {
        "at": f"{texts['activityDate'][:19]}Z",
        **numbers,
        "primary": texts.get("primaryAttributeValue"),
        "attributes": told,
    }


def as_shown(told: dict[str, Json]) -> dict[str, Json]:
    names = ("at", "type_id", "shown_lead_id", "campaign_id", "primary_id", "primary", "attributes")
    return {guid: {name: line[name] for name in names} for guid, line in told.items() if not line["is_pruned"]}


def by_rest(marketo: Caller, since: str = SINCE) -> dict[str, Json]:
    marketo.desk("PATCH", "/limits", rate_calls=100_000)
    types = [told["id"] for told in marketo.desk("GET", "/activity_types")]
    found: dict[str, Json] = {}
    for start in range(0, len(types), 10):
        told = activities(marketo, ",".join(map(str, types[start : start + 10])), since)
        found |= {record["marketoGUID"]: normal(record) for record in told}
    return found


def without_null_texts(told: dict[str, Json]) -> dict[str, Json]:
    """Return *told* with the primary text "null" as missing: a csv reader cannot tell them apart."""
    return {
        guid: {**line, "primary": None if line["primary"] == "null" else line["primary"]} for guid, line in told.items()
    }


@pytest.mark.parametrize("unfit", [False, True], ids=["fitting", "unfit"])
def test_rest_bulk_and_the_desk_tell_the_same(marketo: Caller, unfit: bool) -> None:
    """Every activity that is not pruned comes in both shapes with the same content; deletions by REST alone."""
    switch(marketo, unfit_attributes=unfit)
    one, two, three = ids_of(marketo, 3)
    change(marketo, {"edit": one, "values": {"leadScore": 777}}, {"merge": one, "losers": [two]}, {"delete": three})
    expected = without_null_texts(as_shown(truth(marketo)))
    rest, bulk = without_null_texts(by_rest(marketo)), by_bulk(marketo, JUNE, JULY, AUGUST)

    assert expected == rest
    assert {guid: line for guid, line in expected.items() if line["type_id"] != 37} == bulk
    assert len(expected) > 1500


def test_the_same_seed_makes_the_same_activities() -> None:
    """Two instances of one seed agree to the last attribute; another seed does not."""
    made = []
    for seed in (3, 3, 4):
        options = Options(leads=50, months=2, seed=seed, now=datetime(2026, 8, 15, tzinfo=UTC), activities=20)
        sandbox = Sandbox(options)
        made.append([row for rows in sandbox.activities.frames(0, 2**40) for row in rows.iter_rows()])
        sandbox.close()

    assert made[0] == made[1]
    assert made[0] != made[2]


def test_activities_are_of_many_kinds() -> None:
    """Every type comes in some measure, over all months and leads, several in one second, none before the lead."""
    sandbox = Sandbox(replace(OPTIONS, activities=12))
    with httpx.Client(transport=in_process_transport(create_app(sandbox)), base_url="http://sandbox") as client:
        marketo = Caller(client)
        told = truth(marketo).values()
    born = {line["lead_id"]: line["at"] for line in told if line["type_id"] == 12}
    made = set(sandbox.activity_types.by_id)
    sandbox.close()
    seconds = Counter(line["at"] for line in told)
    results = Counter(line["result"] for line in told)

    assert made - {13, 21, 32, 37, 100, 101} == {line["type_id"] for line in told}
    assert {"succeeded", "skipped", "failed"} == set(results)
    assert max(seconds.values()) > 3
    assert {"2026-06", "2026-07", "2026-08"} == {line["at"][:7] for line in told}
    assert all(line["at"] >= born[line["lead_id"]] for line in told)
    assert len(told) == len({line["guid"] for line in told})
    assert len({line["lead_id"] for line in told}) == 600


def test_values_fit_their_types_until_told_otherwise(marketo: Caller) -> None:
    """Without the switch each attribute is of the declared data type; with it some are not, the others stay."""
    kinds = {"integer": int, "boolean": bool, "float": (int, float), "currency": (int, float)}
    declared = {
        (told["id"], item["name"]): kinds.get(item["dataType"], str)
        for told in marketo.desk("GET", "/activity_types")
        for item in told["attributes"]
    }
    fitting = truth(marketo)
    switch(marketo, unfit_attributes=True)
    mixed = truth(marketo)
    changed = [guid for guid in fitting if fitting[guid] != mixed[guid]]

    for told in fitting.values():
        for name, value in told["attributes"].items():
            assert isinstance(value, declared[told["type_id"], name]), (told["type"], name, value)
    assert 0 < len(changed) < len(fitting)
    assert any(
        not isinstance(value, declared[told["type_id"], name])
        for told in mixed.values()
        for name, value in told["attributes"].items()
    )


@pytest.mark.parametrize(("limit", "days"), [("changes_days", 20), ("activities_days", 20)])
def test_pruned_activities_are_served_nowhere(marketo: Caller, limit: str, days: int) -> None:
    """What fell off is told by neither REST nor bulk, and still by the desk."""
    before = truth(marketo)
    marketo.desk("PATCH", "/limits", **{limit: days})
    after = truth(marketo)
    pruned = {guid for guid, told in after.items() if told["is_pruned"]}
    counted = marketo.desk("GET", "/activities/count")

    assert set(before) == set(after)
    assert 0 < len(pruned) < len(after)
    assert set(after) - pruned == set(by_rest(marketo)) == set(by_bulk(marketo, JUNE, JULY, AUGUST))
    assert len(after) - len(pruned) == sum(counted["shown_by_type"].values())


def test_gone_leads_keep_their_activities_or_not(marketo: Caller) -> None:
    """A deleted lead's activities stay until a switch hides them; a loser's follow the winner if a switch says so."""
    one, two, three = ids_of(marketo, 3)
    change(marketo, {"merge": one, "losers": [two]}, {"delete": three})
    kept = Counter(line["shown_lead_id"] for line in by_bulk(marketo, JUNE, JULY, AUGUST).values())
    switch(marketo, merged_activities_follow=True, deleted_leads_activities=False)
    bulk, rest = by_bulk(marketo, JUNE, JULY, AUGUST), by_rest(marketo)
    followed = Counter(line["shown_lead_id"] for line in bulk.values())

    assert min(kept[one], kept[two], kept[three]) > 0
    assert (kept[one] + kept[two], 0, 0) == (followed[one], followed[two], followed[three])
    assert {guid for guid, line in rest.items() if line["type_id"] != 37} == set(bulk)
    marketo.desk("PATCH", "/limits", rate_calls=100_000)
    assert {one} == {record["leadId"] for record in activities(marketo, "12", SINCE, leadIds=one)}
    assert 2 == len(activities(marketo, "12", SINCE, leadIds=one))


def test_late_activities_show_late_in_bulk_too(marketo: Caller) -> None:
    """An activity that is not visible yet when a job starts is not in its file."""
    switch(marketo, activities_late_seconds=100_000.0)
    (lead_id,) = ids_of(marketo, 1)
    made = [{"lead_id": lead_id, "type": 46} for _ in range(8)]
    guids = set(marketo.desk("POST", "/activities", activities=made)["guids"])
    early = guids & set(by_bulk(marketo, AUGUST))
    marketo.wait(100_000)
    marketo.renew()

    assert len(early) < len(guids)
    assert guids <= set(by_bulk(marketo, AUGUST))


def test_a_million_activities_cost_nothing_until_they_are_read() -> None:
    """A world with a million activities is there at once, and one page of them needs no more than some months."""
    start = time.perf_counter()
    now = datetime(2026, 8, 15, tzinfo=UTC)
    sandbox = Sandbox(Options(leads=10_000, activities=100, now=now, time_scale=0))
    made = time.perf_counter() - start
    lines = sandbox.activities.read({1, 10}, (int(now.timestamp()) - DAY, 0), None, now.timestamp())
    first = next(lines)
    sandbox.close()

    assert made < 2
    assert first.second >= now.timestamp() - DAY


def test_texts_instead_of_typed_values(marketo: Caller) -> None:
    """With a switch REST writes every attribute as a text."""
    typed = by_rest(marketo)
    switch(marketo, attribute_values="texts")
    texts = by_rest(marketo)

    assert {guid: {**line, "attributes": {}} for guid, line in typed.items()} == {
        guid: {**line, "attributes": {}} for guid, line in texts.items()
    }
    assert {str} == {type(value) for line in texts.values() for value in line["attributes"].values()}
