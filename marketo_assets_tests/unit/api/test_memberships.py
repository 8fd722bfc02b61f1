"""Memberships by REST: the fields of a program membership, and who is on a static list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import NotFound, UnreadableAnswer
from marketo_assets.api.memberships import DESCRIBE_MEMBERS, describe_member_fields, list_pages
from marketo_assets.extract.list_reading import MOST_PAGES, ListReading, read_list
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

LIST = "/rest/v1/lists/7/leads.json"
REFUSED = refusal("1003", "Invalid nextPageToken")


def page(*ids: object, more: str | None = None) -> httpx.Response:
    """Return a page of a list; *more* is the token of the next."""
    return accepted([{"id": number} for number in ids], nextPageToken=more, moreResult=more is not None)


def test_fields_come_as_marketo_describes_them(client: MarketoClient, instance: Instance) -> None:
    """Names to the letter, types in lower case; what may be written and searched is told."""
    fields = [
        {"name": "leadId", "displayName": "Lead Id", "dataType": "Integer", "updateable": False},
        {"name": "programId", "dataType": "integer"},
        {"name": "mood", "displayName": "Mood", "dataType": "string", "length": 40, "updateable": True},
    ]
    instance.script(DESCRIBE_MEMBERS, accepted([{"searchableFields": [["leadId"]], "fields": fields}]))

    lead, program, mood = describe_member_fields(client)

    assert ("leadId", "integer", True, True) == (lead.name, lead.data_type, lead.is_searchable, lead.is_read_only)
    assert ("programId", "programId") == (program.name, program.display_name)
    assert (40, False) == (mood.length, mood.is_read_only)


def test_a_describe_without_keys_is_no_describe(client: MarketoClient, instance: Instance) -> None:
    """Without lead and program no membership could be told from another."""
    instance.script(DESCRIBE_MEMBERS, accepted([{"fields": [{"name": "leadId"}]}]))
    with pytest.raises(UnreadableAnswer):
        describe_member_fields(client)


def test_pages_follow_each_other(client: MarketoClient, instance: Instance, clock: Any) -> None:
    """A list is read to its last page; that it was more than one look is told."""
    instance.script(LIST, page(1, 2, more="t"), page(2, "3"))
    began: datetime = clock.now()

    assert ListReading(7, frozenset({1, 2, 3}), began, is_at_once=False) == read_list(client, 7)
    assert 2 == client.calls


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "requestId": "a#1"},
        {"success": True, "requestId": "a#1", "result": [], "warnings": ["Something was odd"]},
        {"success": False, "requestId": "a#1", "errors": [{"code": "702", "message": "No data found"}]},
    ],
    ids=["no list", "a remark", "702"],
)
def test_nothing_is_not_always_an_empty_list(client: MarketoClient, instance: Instance, answer: Any) -> None:
    """An answer that may hide a failed search removes nobody: an export is to tell."""
    instance.script(LIST, httpx.Response(200, json=answer))
    with pytest.raises(UnreadableAnswer):
        list(list_pages(client, 7))
    assert read_list(client, 7) is None


def test_an_empty_list_is_one(client: MarketoClient, instance: Instance) -> None:
    """A list of no leads, without a remark, is a list without members."""
    instance.script(LIST, page())
    reading = read_list(client, 7)
    assert reading
    assert (frozenset(), True) == (reading.ids, reading.is_at_once)


def test_a_large_list_is_left_to_an_export(client: MarketoClient, instance: Instance) -> None:
    """After the most pages that REST is worth, no further call is made."""
    instance.script(LIST, *(page(number, more=f"t{number}") for number in range(MOST_PAGES)))
    assert read_list(client, 7) is None
    assert MOST_PAGES == client.calls


def test_a_refused_token_begins_anew(client: MarketoClient, instance: Instance) -> None:
    """A paging token that is refused on the way costs another reading."""
    instance.script(LIST, page(1, more="t"), REFUSED, page(1, more="u"), page(2))
    reading = read_list(client, 7)
    assert reading
    assert frozenset({1, 2}) == reading.ids


def test_tokens_that_are_refused_again_leave_it_to_an_export(client: MarketoClient, instance: Instance) -> None:
    """Refused twice, an export is to tell."""
    instance.script(LIST, page(1, more="t"), REFUSED, page(1, more="u"), REFUSED)
    assert read_list(client, 7) is None
    assert 4 == client.calls


def test_a_list_that_is_gone_is_not_empty(client: MarketoClient, instance: Instance) -> None:
    """1013 is not the answer for a list without members."""
    instance.script(LIST, refusal("1013", "Object not found"))
    with pytest.raises(NotFound):
        read_list(client, 7)
