"""Where instances differ or no source speaks: each switch of the activities, in each of its positions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_assets_tests.sandbox.caller import Caller, Json, codes
from marketo_assets_tests.sandbox.feed import (
    BASE,
    NOON,
    activities,
    change,
    edits,
    guids,
    ids_of,
    old_lead,
    read,
    switch,
    token,
)

DAY = 86_400


@pytest.mark.parametrize(
    ("kind", "count"), [("missing", 0), ("repeated", 4), ("unique", 10)], ids=["missing", "repeated", "unique"]
)
@pytest.mark.parametrize("path", ["", "/leadchanges"])
def test_only_the_guid_identifies(marketo: Caller, kind: str, count: int, path: str) -> None:
    """The legacy id may be missing or come twice; marketoGUID is always there and one activity's alone."""
    switch(marketo, activity_id=kind)
    change(marketo, *edits(old_lead(marketo), 10))
    told = read(marketo, path, **({"fields": "order"} if path else {"activityTypeIds": 13}))

    assert 10 == len(set(guids(told)))
    assert count >= len({record["id"] for record in told if "id" in record}) >= count - 1
    assert (0 if kind == "missing" else 10) == len([record for record in told if "id" in record])


@pytest.mark.parametrize(
    ("notation", "endings"),
    [("Z", {"Z"}), ("+0000", {"+0000"}), ("mixed", {"Z", "+0000"})],
    ids=["Z", "offset", "mixed"],
)
def test_dates_come_in_both_notations(marketo: Caller, notation: str, endings: set[str]) -> None:
    """activityDate ends in Z or in +0000, or both mixed; to the second, in UTC."""
    switch(marketo, activity_date=notation)
    change(marketo, *edits(old_lead(marketo), 4))
    dates = [record["activityDate"] for record in activities(marketo, "13")]

    assert endings == {date[19:] for date in dates}
    assert {"2026-08-15T12:00:00"} == {date[:19] for date in dates}


@pytest.mark.parametrize(
    ("spelling", "old", "empty_attributes"),
    [("null", {"oldValue": None}, [""]), ("absent", {}, []), ("empty", {"oldValue": ""}, [""])],
    ids=["null", "absent", "empty"],
)
def test_nothing_is_spelt_in_three_ways(marketo: Caller, spelling: str, old: Json, empty_attributes: list[str]) -> None:
    """An empty value is null, absent or an empty text; a value that is the word null stays that word."""
    switch(marketo, empty_value=spelling)
    change(marketo, {"edit": old_lead(marketo), "values": {"lastName": "null"}})
    (told,) = [r["fields"][0] for r in read(marketo, "/leadchanges", fields="lastName") if "fields" in r]
    (record,) = activities(marketo, "13")

    assert old | {"newValue": "null"} == {name: told[name] for name in told if name.endswith("Value")}
    assert empty_attributes == [item["value"] for item in record["attributes"] if item["name"] == "Old Value"]


@pytest.mark.parametrize(
    ("path", "days", "make"),
    [
        ("/deletedleads", 14, lambda lead_id: {"delete": lead_id}),
        ("?activityTypeIds=13", 90, lambda lead_id: {"edit": lead_id, "values": {"firstName": "Zoë"}}),
        ("?activityTypeIds=22", 90, lambda lead_id: {"edit": lead_id, "values": {"leadScore": 9999}}),
        ("?activityTypeIds=12", 761, lambda _: {"add": {}}),
        ("?activityTypeIds=23", 761, lambda lead_id: {"edit": lead_id, "as": "Change Owner"}),
    ],
    ids=["deletions", "values", "scores", "new leads", "owners"],
)
def test_activities_are_pruned(marketo: Caller, path: str, days: int, make: Callable[[int], Json]) -> None:
    """Deletions are told for 14 days, values and scores for 90, the rest for 25 months; to the second."""
    change(marketo, make(ids_of(marketo, 1)[0]))
    name, _, query = path.partition("?")
    told = dict([query.split("=")]) if query else {}

    marketo.wait(days * DAY - 1)
    marketo.renew()

    assert 1 == len(read(marketo, name, **told))

    marketo.wait(1)

    assert [] == read(marketo, name, **told)


def test_new_leads_may_be_filtered_by_fields(marketo: Caller) -> None:
    """With a switch only new leads that came with a value in one of the fields are told, those of the seed too."""
    kim, lee = change(marketo, {"add": {"firstName": "Kim"}}, {"add": {"lastName": "Lee"}})
    every = {record["leadId"] for record in read(marketo, "/leadchanges", fields="firstName")}
    switch(marketo, new_lead_by_fields=True)
    filtered = {record["leadId"] for record in read(marketo, "/leadchanges", fields="firstName")}
    since = "2026-06-01T00:00:00Z"
    names = {lead["id"]: lead["firstName"] for lead in marketo.desk("GET", "/leads?fields=firstName")["leads"]}

    assert ({kim, lee}, {kim}) == (every, filtered)
    assert {lead_id for lead_id, name in names.items() if name} == {
        record["leadId"] for record in read(marketo, "/leadchanges", since, fields="firstName")
    }


def test_a_field_hidden_between_two_pages_is_1006(marketo: Caller) -> None:
    """The next page refuses the name; without it, or shown again, the reading goes on. A new field may join."""
    change(marketo, *edits(old_lead(marketo), 20))
    switch(marketo, activity_page=10)
    told = {"fields": "order,planName"}
    second = marketo.get(f"{BASE}/leadchanges.json", nextPageToken=token(marketo), **told)["nextPageToken"]
    marketo.desk("POST", "/fields/planName/hide")
    refused = marketo.get(f"{BASE}/leadchanges.json", nextPageToken=second, **told)
    marketo.desk("POST", "/fields", name="shoeSize", data_type="integer")
    without = marketo.get(f"{BASE}/leadchanges.json", nextPageToken=second, fields="order,shoeSize")

    assert ["1006"] == codes(refused)
    assert 10 == len(without["result"])


def test_a_losers_activities_may_follow_the_winner(marketo: Caller) -> None:
    """With a switch what a loser did is shown as the winner's after the merge, through chains."""
    first, second, third = ids_of(marketo, 3)
    change(marketo, {"edit": first, "values": {"firstName": "Zoë"}})
    change(marketo, {"merge": second, "losers": [first]}, {"merge": third, "losers": [second]})

    assert [first] == [record["leadId"] for record in activities(marketo, "13")]

    switch(marketo, merged_activities_follow=True)

    assert [third] == [record["leadId"] for record in activities(marketo, "13")]
    assert {NOON[:19]} == {record["activityDate"][:19] for record in activities(marketo, "13")}


def test_a_new_lead_may_not_be_readable_yet(marketo: Caller) -> None:
    """With a switch the activity shows before the lead can be found."""
    switch(marketo, readable_after_seconds=30)
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}})
    told = {"filterType": "id", "filterValues": lead_id, "fields": "id"}

    assert [lead_id] == [record["leadId"] for record in activities(marketo)]
    assert [] == marketo.result("/rest/v1/leads.json", **told)

    marketo.wait(30)

    assert [{"id": lead_id}] == marketo.result("/rest/v1/leads.json", **told)
