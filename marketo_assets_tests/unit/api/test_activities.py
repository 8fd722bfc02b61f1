"""The feeds that tell what changed are read from a moment on, to their end, and no loop runs for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs

import httpx
import pytest

from marketo_assets.api.activities import (
    ACTIVITIES,
    DELETED_LEADS,
    LEAD_CHANGES,
    PAGING_TOKEN,
    TYPES,
    ActivityAttribute,
    ActivityPage,
    ActivityType,
    activity_types,
    deleted_leads,
    lead_activities,
    lead_changes,
    paging_token,
)
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, PagingTokenRefused, StuckPaging, UnreadableAnswer
from marketo_assets.clock import ManualClock
from marketo_assets_tests.unit.api.activity_samples import CHANGE, NEW_LEAD, VISIT
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

Feed = Callable[[MarketoClient, str], Iterator[ActivityPage]]


def changes_of_email(client: MarketoClient, token: str) -> Iterator[ActivityPage]:
    return lead_changes(client, token, ["email"])


def merges(client: MarketoClient, token: str) -> Iterator[ActivityPage]:
    return lead_activities(client, token, [32])


FEEDS = pytest.mark.parametrize(
    ("feed", "path"),
    [(changes_of_email, LEAD_CHANGES), (merges, ACTIVITIES), (deleted_leads, DELETED_LEADS)],
    ids=["lead changes", "lead activities", "deleted leads"],
)


def test_types_are_read_with_the_names_of_their_attributes(client: MarketoClient, instance: Instance) -> None:
    """One call tells names and numbers; a type may lack what it need not have."""
    instance.script(
        TYPES,
        accepted(
            [
                {
                    "id": 2,
                    "name": "Fill Out Form",
                    "description": "…",
                    "apiName": None,
                    "primaryAttribute": {"name": "Webform ID", "dataType": "integer"},
                    "attributes": [
                        {"name": "Client IP Address", "dataType": "string"},
                        {"name": "Webpage ID", "dataType": "integer"},
                    ],
                },
                {"id": "100001", "name": "Renewal"},
            ]
        ),
    )

    assert activity_types(client) == [
        ActivityType(
            2,
            "Fill Out Form",
            ActivityAttribute("Webform ID", "integer"),
            (ActivityAttribute("Client IP Address"), ActivityAttribute("Webpage ID", "integer")),
            description="…",
        ),
        ActivityType(100001, "Renewal", None, ()),
    ]
    assert client.calls == 1


@pytest.mark.parametrize("record", [{"name": "x"}, {"id": 5}, {"id": 5, "name": ""}], ids=str)
def test_a_type_without_id_or_name_is_not_skipped(
    client: MarketoClient, instance: Instance, record: dict[str, object]
) -> None:
    """It might be one that changes leads."""
    instance.script(TYPES, accepted([record]))

    with pytest.raises(UnreadableAnswer, match=r"type.*e1#2"):
        activity_types(client)


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (datetime(2026, 8, 1, tzinfo=UTC), "2026-08-01T00:00:00Z"),
        (datetime(2026, 8, 1, 9, 15, 7, 999_999, tzinfo=UTC), "2026-08-01T09:15:07Z"),
        (datetime(2026, 8, 1, 9, tzinfo=timezone(timedelta(hours=-5))), "2026-08-01T14:00:00Z"),
    ],
    ids=["midnight", "a fraction is cut off", "another zone"],
)
def test_a_paging_token_begins_at_a_whole_second(
    client: MarketoClient, instance: Instance, since: datetime, asked: str
) -> None:
    """The moment goes encoded, in UTC, never later than was meant."""
    instance.script(PAGING_TOKEN, httpx.Response(200, json={"success": True, "nextPageToken": "GIYDAOBN===="}))

    assert paging_token(client, since) == "GIYDAOBN===="
    (request,) = instance.requests
    assert request.url.query.decode() == "sinceDatetime=" + asked.replace(":", "%3A")
    assert client.calls == 1


def test_no_token_is_an_error(client: MarketoClient, instance: Instance) -> None:
    """Without a place to begin nothing may be read, and an hour without a zone is no moment."""
    instance.script(PAGING_TOKEN, accepted())

    with pytest.raises(UnreadableAnswer, match=r"no paging token.*e1#2"):
        paging_token(client, datetime(2026, 8, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="aware"):
        paging_token(client, datetime(2026, 8, 1))  # noqa: DTZ001 - what is refused


def test_deletions_are_known_by_their_lead(client: MarketoClient, instance: Instance) -> None:
    """The primary attribute is inconsistent in the documents; `leadId` is not."""
    instance.script(
        DELETED_LEADS,
        accepted(
            [
                {
                    "id": 2,
                    "leadId": 6,
                    "activityDate": "2026-08-01T22:31:49+0000",
                    "activityTypeId": 37,
                    "primaryAttributeValueId": 4711,
                    "primaryAttributeValue": "Ana Bo",
                    "attributes": [],
                }
            ],
            moreResult=False,
            nextPageToken="b",
        ),
    )

    (page,) = deleted_leads(client, "a=")

    assert [(activity.lead_id, activity.type_id, activity.guid) for activity in page.activities] == [(6, 37, "2")]
    assert dict(instance.requests[0].url.params) == {"nextPageToken": "a=", "batchSize": "300"}
    assert b"nextPageToken=a%3D" in instance.requests[0].url.query


@FEEDS
def test_a_feed_is_read_until_there_is_no_more(
    client: MarketoClient, instance: Instance, feed: Feed, path: str
) -> None:
    """Short and empty pages go on while `moreResult` is true; the last page's token is kept."""
    instance.script(
        path,
        accepted([VISIT], moreResult=True, nextPageToken="b"),
        accepted([], moreResult=True, nextPageToken="c"),
        httpx.Response(200, json={"success": True, "moreResult": True, "nextPageToken": "d"}),
        accepted([CHANGE], moreResult=False, nextPageToken="later"),
    )

    pages = list(feed(client, "a"))

    assert [[activity.guid for activity in page.activities] for page in pages] == [["102988"], [], [], ["88"]]
    assert [(page.next_token, page.has_more) for page in pages] == [
        ("b", True),
        ("c", True),
        ("d", True),
        ("later", False),
    ]
    assert [request.url.params["nextPageToken"] for request in instance.asked(path)] == ["a", "b", "c", "d"]
    assert [page.request_id for page in pages] == ["e1#2", "e1#2", None, "e1#2"]


@FEEDS
def test_without_more_result_the_token_decides(
    client: MarketoClient, instance: Instance, feed: Feed, path: str
) -> None:
    """Only a page without a token is the last where Marketo does not say."""
    instance.script(path, accepted([CHANGE], nextPageToken="b"), accepted([VISIT]))

    assert [True, False] == [page.has_more for page in feed(client, "a")]


@FEEDS
def test_a_feed_that_does_not_move_ends_by_deadline(
    client: MarketoClient, instance: Instance, clock: ManualClock, feed: Feed, path: str
) -> None:
    """The same token with empty pages is asked for a while, ever more slowly."""
    instance.script(path, accepted([], moreResult=True, nextPageToken="a"))
    began = clock.now()

    with pytest.raises(StuckPaging):
        list(feed(client, "a"))

    assert timedelta(minutes=10) < clock.now() - began < timedelta(minutes=12)
    assert client.calls < 20


@FEEDS
def test_a_refused_token_asks_for_a_new_one(client: MarketoClient, instance: Instance, feed: Feed, path: str) -> None:
    """How long a token lives is not documented; its end is told apart from other refusals."""
    instance.script(path, refusal("1003", "Invalid paging token"))

    with pytest.raises(PagingTokenRefused):
        list(feed(client, "a"))


@FEEDS
def test_a_missing_permission_is_told(client: MarketoClient, instance: Instance, feed: Feed, path: str) -> None:
    """Read-Only Activity is another permission than that for leads."""
    instance.script(path, refusal("603", "Access denied"))

    with pytest.raises(AccessDenied):
        list(feed(client, "a"))


def test_a_page_carries_marketos_moment_and_remarks(client: MarketoClient, instance: Instance) -> None:
    """The server's clock, not ours, says up to when a feed was read."""
    answer = accepted([], moreResult=False, nextPageToken="b", warnings=[{"code": 5, "message": "partial"}])
    answer.headers["date"] = "Wed, 14 Jan 2026 12:00:05 GMT"
    instance.script(LEAD_CHANGES, answer)

    (page,) = lead_changes(client, "a", ["email"])

    assert page.answered_at == datetime(2026, 1, 14, 12, 0, 5, tzinfo=UTC)
    assert page.warnings == ("5 partial",)


def test_many_fields_go_as_a_form(client: MarketoClient, instance: Instance) -> None:
    """A list of fields that would pass 8 KB is sent by POST, page after page, with its token."""
    fields = [f"customFieldWithALongName{number}" for number in range(600)]
    instance.script(
        LEAD_CHANGES,
        accepted([CHANGE], moreResult=True, nextPageToken="b="),
        accepted([NEW_LEAD], moreResult=False, nextPageToken="c"),
    )

    list(lead_changes(client, "a=", fields))

    sent = instance.asked(LEAD_CHANGES)
    assert [("POST", b"_method=GET")] * 2 == [(request.method, request.url.query) for request in sent]
    forms = [parse_qs(request.content.decode()) for request in sent]
    assert [
        {"fields": [",".join(fields)], "batchSize": ["300"], "nextPageToken": [token]} for token in ("a=", "b=")
    ] == (forms)


def test_types_go_in_one_list(client: MarketoClient, instance: Instance) -> None:
    """Each type once, ten at most."""
    instance.script(ACTIVITIES, accepted([], moreResult=False, nextPageToken="b"))

    list(lead_activities(client, "a", [*range(1, 11), 1, 2]))

    assert instance.requests[0].url.params["activityTypeIds"] == "1,2,3,4,5,6,7,8,9,10"


@pytest.mark.parametrize("type_ids", [[], range(1, 12)], ids=["none", "eleven"])
def test_more_than_ten_types_are_refused_before_a_call(
    client: MarketoClient, instance: Instance, type_ids: list[int]
) -> None:
    """Marketo would refuse them after one; fields to watch are needed too."""
    with pytest.raises(ValueError, match="1 to 10 activity types"):
        lead_activities(client, "a", type_ids)
    with pytest.raises(ValueError, match="fields"):
        lead_changes(client, "a", [])

    assert instance.requests == []
