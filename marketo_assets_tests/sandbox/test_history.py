"""The true history at the control desk, against the state of the leads and against what the activities tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import Caller, Json
from marketo_assets_tests.sandbox.feed import activities, change, ids_of, read, switch

START = datetime(2026, 8, 15, 12, tzinfo=UTC)
NAMES = ["id", "createdAt", "updatedAt", "firstName", "order", "leadScore", "company", "numberOfEmployees", "planName"]
FIELDS = ",".join(NAMES)


def state(marketo: Caller, as_of: datetime | None = None) -> list[Json]:
    query = f"&as_of={as_of:%Y-%m-%dT%H:%M:%S}Z" if as_of else ""
    return marketo.desk("GET", f"/leads?fields={FIELDS}{query}")["leads"]


def history(marketo: Caller) -> list[Json]:
    return marketo.desk("GET", "/history?limit=100000")["changes"]


def random_change(rng: Random, ids: list[int]) -> Json:
    one, two = rng.sample(ids, 2)
    company = {"numberOfEmployees": rng.randrange(9)}
    values = {
        "firstName": rng.choice(["Ana", "Ben", "", None]),
        "order": rng.randrange(5),
        "leadScore": rng.randrange(5),
        "planName": rng.choice(["gold", "tin", None]),
    }
    some = {name: values[name] for name in rng.sample(sorted(values), rng.randint(1, 4))}
    return rng.choice(
        [
            {"add": some},
            {"edit": one, "values": some},
            {"edit": one, "values": some, "as": "Change Owner"},
            {"delete": one},
            {"merge": one, "losers": [two]},
            {"company": rng.choice(["Acme", "Fjord"]), "by": "company", "values": company},
        ]
    )


def storm(marketo: Caller, seed: int, steps: int) -> list[tuple[datetime, list[Json]]]:
    """Change leads at random, and note what the truth was at the end of each second."""
    rng, seen = Random(seed), [(START - timedelta(seconds=1), state(marketo))]
    for step in range(steps):
        ids = [lead["id"] for lead in seen[-1][1]]
        changes = [random_change(rng, ids[:40]) for _ in range(3)]
        for made in changes:
            marketo.client.post("/sandbox/changes", json={"changes": [made]})
        seen.append((START + timedelta(seconds=step), state(marketo)))
        marketo.wait(1)
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_the_state_as_of_any_moment_is_what_it_was(marketo: Caller, seed: int) -> None:
    """After a storm of changes the desk tells the state at the end of each second as it was told in that second."""
    for moment, leads in storm(marketo, seed, 12):
        assert leads == state(marketo, moment)


@pytest.mark.parametrize("seed", range(4))
def test_the_history_leads_from_the_first_state_to_the_last(marketo: Caller, seed: int) -> None:
    """Replayed over the first state, each old value met as it is told, the history ends in the present."""
    seen = storm(marketo, seed, 12)
    leads = {lead["id"]: {name: text(lead[name]) for name in NAMES} for lead in seen[0][1]}
    for entry in history(marketo):
        lead_id, name = entry["lead_id"], entry["field"]
        if entry["kind"] == "add" and name is None:
            leads[lead_id] = dict.fromkeys(NAMES) | {"id": str(lead_id)}
        elif entry["kind"] in ("delete", "merge"):
            del leads[lead_id]
        elif name in NAMES:
            assert entry["old"] == leads[lead_id][name]
            leads[lead_id][name] = entry["new"]
    values = [name for name in NAMES if not name.endswith("At")]

    assert [{name: text(lead[name]) for name in values} for lead in seen[-1][1]] == [
        {name: lead[name] for name in values} for _, lead in sorted(leads.items())
    ]


def text(value: Any) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize("are_all_told", [False, True], ids=["as usual", "every value as 13"])
def test_the_history_names_the_activity_that_tells(marketo: Caller, are_all_told: bool) -> None:
    """Each entry's guid is the activity with its old and new value, or of the lead itself; there are no others."""
    switch(marketo, others_as_13=are_all_told, merge_losers_deleted=are_all_told, activity_date="Z")
    storm(marketo, 9, 12)
    told = {
        (record["marketoGUID"], record["leadId"], record["activityDate"], record["activityTypeId"])
        for record in activities(marketo)
    }
    entries = [entry for entry in history(marketo) if entry["guid"]]
    (described,) = marketo.result("/rest/v1/leads/describe2.json")
    names = [field["name"] for field in described["fields"]]
    values = {
        (record["marketoGUID"], field["name"], field["oldValue"], field["newValue"])
        for record in read(marketo, "/leadchanges", fields=",".join(names))
        for field in record.get("fields", [])
    }
    known = [(e["guid"], e["field"], e["old"], e["new"]) for e in entries if e["field"] in names and e["type_id"] == 13]

    assert sorted(told) == sorted((e["guid"], e["lead_id"], f"{e['at'][:19]}Z", e["type_id"]) for e in entries)
    assert sorted(values, key=json.dumps) == sorted(known, key=json.dumps)


def test_the_history_tells_what_no_activity_does(marketo: Caller) -> None:
    """Company values, values of other types, and what a winner took stand in it without an activity."""
    winner, loser = change(marketo, {"add": {"company": "Acme Three"}}, {"add": {"planName": "gold"}})
    change(
        marketo,
        {"company": "Acme Three", "by": "company", "values": {"numberOfEmployees": 3}},
        {"edit": winner, "values": {"order": 1}, "as": "Change Owner", "reason": "round robin", "source": "flow"},
        {"merge": winner, "losers": [loser]},
    )
    entries = history(marketo)
    silent = [entry for entry in entries if entry["kind"] == "edit" and entry["field"]]

    assert [("numberOfEmployees", None), ("order", 23), ("planName", 32)] == [
        (entry["field"], entry["reported_as"]) for entry in silent
    ]
    assert {None} == {entry["guid"] for entry in silent}
    assert ("round robin", "flow") == (silent[1]["reason"], silent[1]["source"])
    assert [(loser, winner)] == [(entry["lead_id"], entry["into"]) for entry in entries if entry["kind"] == "merge"]
    assert [(winner, [loser])] == [(entry["lead_id"], entry["losers"]) for entry in entries if entry["kind"] == "win"]


def test_a_reset_forgets_history_and_activities(marketo: Caller) -> None:
    """A new instance has neither, and its activities count anew."""
    told = []
    for _ in range(2):
        marketo.desk("POST", "/reset")
        marketo.renew()
        change(marketo, {"add": {"firstName": "Kim"}})
        told.append((history(marketo), activities(marketo)))

    assert told[0] == told[1]
    assert (2, 1) == (len(told[0][0]), len(told[0][1]))


def test_the_history_comes_in_pages(marketo: Caller) -> None:
    """Chained by next_after the pages are the whole, each entry once, numbered from 1."""
    (lead_id,) = ids_of(marketo, 1)
    change(marketo, *({"edit": lead_id, "values": {"order": number}} for number in range(50, 75)))
    told, after = [], 0
    while after is not None:
        page = marketo.desk("GET", f"/history?limit=10&after={after}")
        told += page["changes"]
        after = page["next_after"]

    assert told == history(marketo)
    assert list(range(1, 26)) == [entry["number"] for entry in told]


@pytest.mark.parametrize(
    ("made", "word"),
    [
        ({"edit": 1001, "vales": {}}, "unknown"),
        ({"delete": 1001, "as": "Change Owner"}, "reported"),
        ({"edit": 1001, "as": "Merge Leads"}, "reported"),
        ({"company": "Acme", "values": {"firstName": "Kim"}}, "firstName"),
        ({"company": "Acme", "by": "firstName", "values": {"company": "Kim"}}, "firstName"),
    ],
    ids=str,
)
def test_a_change_that_makes_no_sense_is_refused(marketo: Caller, made: Json, word: str) -> None:
    """HTTP 400 in words, and the history stays as it was."""
    answer = marketo.client.post("/sandbox/changes", json={"changes": [made]})

    assert (400, []) == (answer.status_code, history(marketo))
    assert word in answer.json()["error"]


@pytest.mark.parametrize(
    "switches", [{"activity_page": 0}, {"page_overlap": -1}, {"activity_id": "none"}, {"activity_date": "UTC"}], ids=str
)
def test_switches_are_checked(marketo: Caller, switches: Json) -> None:
    """A number out of bounds or a word that is no choice is refused."""
    assert 400 == marketo.client.patch("/sandbox/switches", json=switches).status_code
