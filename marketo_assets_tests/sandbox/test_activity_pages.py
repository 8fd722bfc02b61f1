"""Paging tokens, pages, and everything that a reader of them must survive: section 6.5 of the fact sheet."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from marketo_assets_tests.sandbox.caller import Caller, Json, codes
from marketo_assets_tests.sandbox.feed import (
    BASE,
    activities,
    change,
    edits,
    guids,
    ids_of,
    old_lead,
    pages,
    switch,
    token,
)

DAY = 86_400


def page(marketo: Caller, start: str, **params: object) -> Json:
    return marketo.get(f"{BASE}.json", nextPageToken=start, **{"activityTypeIds": 13, **params})


def orders(records: list[Json]) -> list[int]:
    return [int(item["value"]) for record in records for item in record["attributes"] if item["name"] == "New Value"]


@pytest.mark.parametrize(
    "since",
    ["2026-08-15T12:00:00Z", "2026-08-15T14:00:00+02:00", "2026-08-15T07:30:00-0430", "2026-08-15T12:00:00"],
)
def test_the_second_of_a_date_token_is_included(marketo: Caller, since: str) -> None:
    """What happened in the very second of the token comes, what happened before does not."""
    lead_id = old_lead(marketo)
    change(
        marketo,
        {"edit": lead_id, "values": {"order": 1}, "at": "2026-08-15T11:59:59.999Z"},
        {"edit": lead_id, "values": {"order": 2}, "at": "2026-08-15T12:00:00Z"},
    )

    assert [2] == orders(activities(marketo, "13", since))


@pytest.mark.parametrize("since", ["yesterday", "2026-08-15", "2026-08-15 12:00:00", "2026-08-15T12:00:00 02:00"])
def test_a_token_wants_a_moment(marketo: Caller, since: str) -> None:
    """Anything but ISO-8601 is 704, an offset whose plus became a space too."""
    assert ["704"] == codes(marketo.get(f"{BASE}/pagingtoken.json", sinceDatetime=since))


def test_a_token_comes_with_every_page(marketo: Caller) -> None:
    """The last page has a token as well, and so has an empty answer."""
    marketo.wait(5)
    answer = page(marketo, token(marketo))

    assert ([], False, True) == (answer["result"], answer["moreResult"], bool(answer["nextPageToken"]))


def test_the_last_token_goes_on_where_reading_stopped(marketo: Caller) -> None:
    """With it a reader gets what came later, and the running second of then once more."""
    lead_id = old_lead(marketo)
    change(marketo, *edits(lead_id, 1))
    first = page(marketo, token(marketo))
    again = page(marketo, first["nextPageToken"])
    marketo.wait(10)
    change(marketo, {"edit": lead_id, "values": {"order": 7}})
    later = page(marketo, page(marketo, again["nextPageToken"])["nextPageToken"])

    assert guids(first["result"]) == guids(again["result"])
    assert [7] == orders(later["result"])


def test_one_date_token_opens_all_three(marketo: Caller) -> None:
    """Paging tokens stand for a moment, whatever endpoint reads on from it."""
    start = token(marketo)

    assert page(marketo, start)["success"]
    assert marketo.get(f"{BASE}/leadchanges.json", nextPageToken=start, fields="email")["success"]
    assert marketo.get(f"{BASE}/deletedleads.json", nextPageToken=start)["success"]


def test_a_page_token_belongs_to_its_endpoint(marketo: Caller) -> None:
    """The token that a page returned is refused by the other endpoints, a lead token by all."""
    later = page(marketo, token(marketo))["nextPageToken"]
    change(marketo, *({"add": {"email": "two@example.com"}} for _ in range(2)))
    told = {"filterType": "email", "filterValues": "two@example.com", "batchSize": 1}
    of_leads = marketo.get("/rest/v1/leads.json", **told)["nextPageToken"]

    for foreign in (later, of_leads, "GIYDAOBN", "=", "ä"):
        assert ["1003"] == codes(marketo.get(f"{BASE}/deletedleads.json", nextPageToken=foreign))
    assert ["1003"] == codes(page(marketo, of_leads))
    assert ["1003"] == codes(marketo.get("/rest/v1/leads.json", **told, nextPageToken=later))


def test_tokens_stop_working(marketo: Caller) -> None:
    """Made void at the desk, or older than the limit, a token is 1003; a new one is not."""
    start = token(marketo)
    later = page(marketo, start)["nextPageToken"]
    marketo.desk("POST", "/paging_tokens/void")

    assert [["1003"], ["1003"]] == [codes(page(marketo, old)) for old in (start, later)]
    assert page(marketo, token(marketo))["success"]

    marketo.desk("PATCH", "/limits", paging_token_days=1)
    start = token(marketo)
    marketo.wait(DAY)
    marketo.renew()

    assert page(marketo, start)["success"]

    marketo.wait(1)

    assert ["1003"] == codes(page(marketo, start))


def test_hundreds_in_one_second_cross_the_edges_of_pages(marketo: Caller) -> None:
    """700 activities of one second come in three pages, each once."""
    change(marketo, *edits(old_lead(marketo), 700))
    told = list(pages(marketo, "", token(marketo), activityTypeIds=13))

    assert [300, 300, 100] == [len(answer["result"]) for answer in told]
    assert list(range(100, 800)) == sorted(orders([record for answer in told for record in answer["result"]]))
    assert 1 == len({datetime.fromisoformat(r["activityDate"]) for answer in told for r in answer["result"]})


def test_pages_may_be_shorter(marketo: Caller) -> None:
    """With a switch no page holds more than so many activities, though there are more."""
    change(marketo, *edits(old_lead(marketo), 25))
    switch(marketo, activity_page=10)
    told = list(pages(marketo, "", token(marketo), activityTypeIds=13))

    assert [10, 10, 5] == [len(answer["result"]) for answer in told]
    assert [4, 4, 2] == [len(page(marketo, token(marketo), batchSize=count)["result"]) for count in (4, 4, 2)]


def test_pages_may_be_empty(marketo: Caller) -> None:
    """With a switch pages without anything and moreResult true come before each page; nothing is lost."""
    change(marketo, *edits(old_lead(marketo), 25))
    switch(marketo, activity_page=10, empty_pages=2)
    told = list(pages(marketo, "", token(marketo), activityTypeIds=13))

    assert [0, 0, 10, 0, 0, 10, 0, 0, 5] == [len(answer["result"]) for answer in told]
    assert 25 == len({record["marketoGUID"] for answer in told for record in answer["result"]})


def test_a_sparse_filter_may_make_pages_thin(marketo: Caller) -> None:
    """With a switch a page looks at so many activities and holds those that match, perhaps none."""
    lead_id = old_lead(marketo)
    change(marketo, *edits(lead_id, 40), {"edit": lead_id, "values": {"planName": "gold"}})
    switch(marketo, activity_scan=10)
    told = list(pages(marketo, "/leadchanges", token(marketo), fields="planName"))

    assert [0, 0, 0, 0, 1] == [len(answer["result"]) for answer in told]


def test_pages_may_repeat_what_the_last_one_had(marketo: Caller) -> None:
    """With a switch each page begins with some activities of the one before; nothing is lost."""
    change(marketo, *edits(old_lead(marketo), 25))
    switch(marketo, activity_page=10, page_overlap=3, unordered_pages=False)
    told = [orders(answer["result"]) for answer in pages(marketo, "", token(marketo), activityTypeIds=13)]

    assert [10, 10, 10, 4] == list(map(len, told))
    assert [told[0][-3:], told[1][-3:], told[2][-3:]] == [told[1][:3], told[2][:3], told[3][:3]]
    assert list(range(100, 125)) == sorted({number for numbers in told for number in numbers})


@pytest.mark.parametrize("is_unordered", [True, False], ids=["unordered", "ordered"])
def test_order_inside_a_page_is_not_promised(marketo: Caller, is_unordered: bool) -> None:
    """Activities come unordered inside a page unless a switch says otherwise, and the same page comes the same way."""
    switch(marketo, unordered_pages=is_unordered)
    change(marketo, *edits(old_lead(marketo), 50))
    told = orders(page(marketo, token(marketo))["result"])

    assert told == orders(page(marketo, token(marketo))["result"])
    assert list(range(100, 150)) == sorted(told)
    assert is_unordered == (told != sorted(told))


def test_activities_may_show_late(marketo: Caller) -> None:
    """With a switch each activity shows some seconds after it happened, at most so many; a token that has gone past
    its second never finds it."""
    lead_id = old_lead(marketo)
    switch(marketo, activities_late_seconds=60)
    change(marketo, *edits(lead_id, 100))
    seen, reached = [], token(marketo)
    for _ in range(7):
        answer = page(marketo, reached)
        seen += orders(answer["result"])
        reached = answer["nextPageToken"]
        marketo.wait(10)

    assert len(seen) < 100
    assert list(range(100, 200)) == sorted(orders(activities(marketo, "13")))


def test_what_is_dated_in_the_future_waits(marketo: Caller) -> None:
    """An activity shows when its moment has come, not before."""
    change(marketo, {"edit": old_lead(marketo), "values": {"order": 3}, "at": "2026-08-15T12:00:30Z"})

    assert [] == activities(marketo, "13")

    marketo.wait(30)

    assert [3] == orders(activities(marketo, "13"))


@pytest.mark.parametrize("seed", range(3))
def test_every_trouble_at_once_loses_nothing(marketo: Caller, seed: int) -> None:
    """Short, empty, thin, repeating, unordered pages of one busy second: who reads on to the end has them all."""
    rng = Random(seed)
    marketo.desk("PATCH", "/limits", rate_calls=10_000)
    first, second = ids_of(marketo, 2)
    made = [{"edit": rng.choice([first, second]), "values": {"order": 100 + number}} for number in range(200)]
    change(marketo, *made, {"add": {"firstName": "Kim"}}, {"delete": second})
    switch(marketo, activity_page=rng.randint(3, 40), page_overlap=rng.randint(0, 5), empty_pages=rng.randint(0, 2))
    switch(marketo, activity_scan=rng.choice([0, 7, 50]), activity_id=rng.choice(["missing", "repeated"]))
    told = [r for answer in pages(marketo, "", token(marketo), activityTypeIds="12,13,37") for r in answer["result"]]
    true = {entry["guid"] for entry in marketo.desk("GET", "/history")["changes"] if entry["guid"]}

    assert true == set(guids(told))
    assert 202 == len(true)
