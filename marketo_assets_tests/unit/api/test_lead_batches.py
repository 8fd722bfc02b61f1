"""Leads are read in batches that say what was asked, what came, and when Marketo said so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from marketo_assets.api.answers import read_answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.lead_database import LeadBatch, lead_batches, leads_by_id
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

LEADS = "/rest/v1/leads.json"
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


def dated(answer: httpx.Response, second: int) -> httpx.Response:
    """Return *answer* with a Date header of that second after noon."""
    answer.headers["date"] = f"Wed, 14 Jan 2026 12:00:{second:02} GMT"
    return answer


def wanted(request: httpx.Request) -> list[int]:
    (values,) = parse_qs(request.content.decode() or request.url.query.decode())["filterValues"]
    return [int(value) for value in values.split(",")]


def leads(missing: int, seconds: list[int]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        return dated(accepted([{"id": number} for number in wanted(request) if number != missing]), seconds.pop(0))

    return answer


def test_a_batch_says_what_was_asked_what_came_and_when(client: MarketoClient, instance: Instance) -> None:
    """Different ids, three hundred at a time; each batch carries a moment before it was read, as the
    answer before it told; the first, before which nothing was heard, its own."""
    instance.script(LEADS, leads(350, [1, 4]))

    batches = list(lead_batches(client, [*range(1, 401), 1, 2], ["id"]))

    everyone = [{"id": number} for number in range(1, 401) if number != 350]
    assert batches == [
        LeadBatch(tuple(range(1, 301)), everyone[:300], NOON.replace(second=1), "e1#2"),
        LeadBatch(tuple(range(301, 401)), everyone[300:], NOON.replace(second=1), "e1#2"),
    ]
    assert client.calls == 2


def test_a_batch_is_read_when_it_is_asked_for(client: MarketoClient, instance: Instance) -> None:
    """What is done with a batch may decide whether the next is read at all."""
    instance.script(LEADS, leads(0, [1, 2]))

    next(lead_batches(client, range(1, 601), ["id"]))

    assert client.calls == 1


def test_a_batch_in_pages_is_as_old_as_its_first(client: MarketoClient, instance: Instance) -> None:
    """The earliest moment is the one that is surely true for all of it."""
    instance.script(
        LEADS,
        dated(accepted([{"id": 1}], moreResult=True, nextPageToken="b"), 3),
        dated(accepted([{"id": 2}], moreResult=False), 5),
    )

    (batch,) = lead_batches(client, [1, 2], ["id"])

    assert (batch.leads, batch.read_at) == ([{"id": 1}, {"id": 2}], NOON.replace(second=3))


def test_without_a_date_there_is_no_moment(client: MarketoClient, instance: Instance) -> None:
    """Our own clock does not stand in for Marketo's."""
    instance.script(LEADS, accepted([{"id": 1}]))

    assert [None] == [batch.read_at for batch in lead_batches(client, [1], ["id"])]


@pytest.mark.parametrize("answer", [accepted(), refusal("702", "No data found")], ids=["empty list", "702"])
def test_an_empty_list_is_an_answer(client: MarketoClient, instance: Instance, answer: httpx.Response) -> None:
    """Absent ids are silently absent, all of them too."""
    instance.script(LEADS, answer)

    assert [((1, 2), [])] == [(batch.asked, batch.leads) for batch in lead_batches(client, [1, 2], ["id"])]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="no result"),
        pytest.param({"result": None}, id="null"),
        pytest.param({"result": {"id": 1}}, id="one lead instead of a list"),
        pytest.param({"result": [{"id": 1}, None]}, id="a hole in the list"),
        pytest.param({"warnings": ["search failed"]}, id="a warning and no result"),
        pytest.param({"result": [], "warnings": [{"code": 1, "message": "x"}]}, id="a warning and an empty list"),
    ],
)
def test_a_doubtful_answer_does_not_make_leads_absent(
    client: MarketoClient, instance: Instance, members: dict[str, object]
) -> None:
    """An accepted call can hide a failed search; three hundred leads must not be taken for deleted by it."""
    instance.script(LEADS, httpx.Response(200, json={"requestId": "e1#2", "success": True, **members}))

    with pytest.raises(UnreadableAnswer, match="e1#2"):
        list(leads_by_id(client, [1, 2], ["id"]))


@pytest.mark.parametrize(
    ("header", "expected"),
    [({"date": "Wed, 14 Jan 2026 12:00:00 GMT"}, NOON), ({"date": "today"}, None), ({}, None)],
    ids=["a date", "no date", "no header"],
)
def test_an_answer_carries_marketos_moment(header: dict[str, str], expected: datetime | None) -> None:
    """The Date header, where it can be read."""
    answered = httpx.Response(200, headers=header, json={"success": True, "result": []})
    nothing = httpx.Response(
        200, headers=header, json={"success": False, "errors": [{"code": "702", "message": "No data found"}]}
    )

    assert expected == read_answer(answered).answered_at
    assert expected == read_answer(nothing).answered_at
