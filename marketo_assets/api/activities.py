"""Activities: their types, the paging token that means a moment, and the three feeds that tell what changed.

Nothing here is ordered. Moments are whole seconds, a record may come twice, and there is no upper bound: a feed is
read until Marketo says that there is no more, and what came is sorted and filtered afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.moments import parse_moment
from marketo_assets.api.paging import token_pages
from marketo_assets.api.values import integer, members, name_of, objects, text

TYPES = "/rest/v1/activities/types.json"
PAGING_TOKEN = "/rest/v1/activities/pagingtoken.json"  # noqa: S105 - a path
ACTIVITIES = "/rest/v1/activities.json"
LEAD_CHANGES = "/rest/v1/activities/leadchanges.json"
DELETED_LEADS = "/rest/v1/activities/deletedleads.json"
BATCH = 300
"""The most activities that one page holds."""
MOST_TYPES = 10
"""The most activity types that one call takes."""


@dataclass(frozen=True)
class ActivityAttribute:
    """Something that activities of a type tell."""

    name: str
    data_type: str = "string"
    """Marketo's type in lower case."""


@dataclass(frozen=True)
class ActivityType:
    """A kind of activity that this instance logs."""

    id: int
    name: str
    primary_attribute: ActivityAttribute | None
    """What `primary_value` holds; some types have none."""
    attributes: tuple[ActivityAttribute, ...]
    """The others."""
    description: str | None = None
    api_name: str | None = None
    """Custom types have one."""


@dataclass(frozen=True)
class FieldChange:
    """One field of a lead that an activity of type Change Data Value changed."""

    field: str
    """As Marketo names it: the REST name, or the display name."""
    old: str | None = dataclasses.field(repr=False)
    """A text whatever the field's type; None where there was no value, or none is told."""
    new: str | None = dataclasses.field(repr=False)


@dataclass(frozen=True)
class Activity:
    """A fact in the log of a lead."""

    guid: str
    """The key, `marketoGUID`; the legacy id as text where Marketo sends only that."""
    lead_id: int
    at: datetime
    """When it happened, UTC; Marketo writes whole seconds, and nothing tells the order within one."""
    type_id: int
    campaign_id: int | None
    primary_id: int | None
    primary_value: str | None = dataclasses.field(repr=False)
    attributes: Mapping[str, Any] = dataclasses.field(repr=False)
    """By name, each as it came: text, number, truth value, object, or the empty text; an absent one had no value."""
    changes: tuple[FieldChange, ...]
    """Old and new values; only Get Lead Changes tells them."""
    action_result: str | None = None
    """Succeeded, skipped or failed; bulk files tell it, and no REST answer is documented to."""
    request_id: str | None = None
    """Of the answer that told it."""


@dataclass(frozen=True)
class ActivityPage:
    """Some activities of a feed, in no order; there may be none although more follow."""

    activities: tuple[Activity, ...] = dataclasses.field(repr=False)
    next_token: str | None
    """Where this feed goes on, on its last page too: it may begin the next reading of the same feed."""
    request_id: str | None
    has_more: bool
    answered_at: datetime | None = None
    """When Marketo answered, by its own clock."""
    warnings: tuple[str, ...] = ()
    """What Marketo remarked; an empty page with a warning may hide a search that failed."""


def activity_types(client: MarketoClient) -> list[ActivityType]:
    """Return the types this instance logs, custom ones among them. **Cost:** one call.

    Raises: UnreadableAnswer for a type without id or name.
    """
    answer = client.get(TYPES)
    return [_type(record, answer.request_id) for record in answer.result]


@dataclass(frozen=True)
class FeedStart:
    """Where the three feeds may begin."""

    token: str = dataclasses.field(repr=False)
    answered_at: datetime | None
    """When Marketo gave it, by its own clock, in whole seconds; None where it does not tell."""


def paging_token(client: MarketoClient, since: datetime) -> str:
    """Return the token of `feed_start`. **Cost:** one call, which may take five minutes."""
    return feed_start(client, since).token


def feed_start(client: MarketoClient, since: datetime) -> FeedStart:
    """Return the token from which each of the three feeds reads on from *since*, rounded down to the second.

    Whether activities of that very second come is not documented. **Cost:** one call, which may take five minutes.
    Raises: UnreadableAnswer when no token comes.
    """
    if since.tzinfo is None:
        raise ValueError("A paging token begins at an aware moment")
    moment = since.astimezone(UTC).replace(microsecond=0, tzinfo=None)
    answer = client.get(PAGING_TOKEN, {"sinceDatetime": f"{moment.isoformat()}Z"})
    token = answer.body.get("nextPageToken")
    if not token:
        raise UnreadableAnswer("Marketo accepted the call but gave no paging token", None, answer.request_id)
    return FeedStart(str(token), answer.answered_at)


def lead_changes(client: MarketoClient, token: str, fields: Collection[str]) -> Iterator[ActivityPage]:
    """Yield the pages of New Lead and Change Data Value since *token*, the latter for these *fields*.

    A long list of fields goes as POST with `_method=GET`. **Cost:** one call a page.
    Raises: PagingTokenRefused, FieldNotFound for a field that was hidden, StuckPaging, UnreadableAnswer.
    """
    if not fields:
        raise ValueError("Get Lead Changes needs the names of the fields to watch")
    return _pages(client, LEAD_CHANGES, token, {"fields": list(fields)})


def lead_activities(client: MarketoClient, token: str, type_ids: Collection[int]) -> Iterator[ActivityPage]:
    """Yield the pages of activities of these types since *token*; ten types at most.

    **Cost:** one call a page; rare types cost empty pages, because Marketo goes through all activities in between.
    Raises: PagingTokenRefused, StuckPaging, UnreadableAnswer.
    """
    different = list(dict.fromkeys(type_ids))
    if not 1 <= len(different) <= MOST_TYPES:
        raise ValueError(f"Get Lead Activities takes 1 to {MOST_TYPES} activity types, not {len(different)}")
    return _pages(client, ACTIVITIES, token, {"activityTypeIds": different})


def deleted_leads(client: MarketoClient, token: str) -> Iterator[ActivityPage]:
    """Yield the pages of Delete Lead since *token*; `lead_id` is the lead that was deleted.

    Deletions of more than 14 days ago may be missing. **Cost:** one call a page.
    Raises: PagingTokenRefused, StuckPaging, UnreadableAnswer.
    """
    return _pages(client, DELETED_LEADS, token, {})


def _pages(client: MarketoClient, path: str, token: str, params: Mapping[str, object]) -> Iterator[ActivityPage]:
    for page in token_pages(client, path, {**params, "nextPageToken": token, "batchSize": BATCH}):
        activities = tuple(_activity(record, page.request_id) for record in page.records)
        answer = page.answer
        yield ActivityPage(
            activities, page.next_token, page.request_id, page.has_more, answer.answered_at, answer.warnings
        )


def _activity(record: Mapping[str, Any], request_id: str | None) -> Activity:
    given = members(record)
    guid = text(given.get("marketoguid")) or text(given.get("id"))
    lead_id, type_id = integer(given.get("leadid")), integer(given.get("activitytypeid"))
    at = parse_moment(given.get("activitydate"))
    if not guid or lead_id is None or at is None or type_id is None:
        found = {"marketoGUID or id": guid, "leadId": lead_id, "activityDate": at, "activityTypeId": type_id}
        lacking = ", ".join(name for name, value in found.items() if value in (None, ""))
        raise UnreadableAnswer(f"An activity came without a usable {lacking}", None, request_id)
    return Activity(
        guid=guid,
        lead_id=lead_id,
        at=at,
        type_id=type_id,
        campaign_id=integer(given.get("campaignid")),
        primary_id=integer(given.get("primaryattributevalueid")),
        primary_value=text(given.get("primaryattributevalue")),
        attributes=_attributes(given.get("attributes"), request_id),
        changes=_changes(given.get("fields"), request_id),
        request_id=request_id,
    )


def _attributes(found: object, request_id: str | None) -> dict[str, Any]:
    if isinstance(found, Mapping):
        # Bulk files write an object where REST writes an array; both are one thing to a reader.
        return dict(found)
    items = objects(found, "attributes of an activity", request_id)
    return {name_of(item, "an activity's attribute", request_id): item.get("value") for item in items}


def _changes(found: object, request_id: str | None) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            name_of(item, "a changed field", request_id), text(item.get("oldvalue")), text(item.get("newvalue"))
        )
        for item in objects(found, "changed fields of an activity", request_id)
    )


def _type(record: Mapping[str, Any], request_id: str | None) -> ActivityType:
    given = members(record)
    number, primary = integer(given.get("id")), given.get("primaryattribute")
    if number is None:
        raise UnreadableAnswer("An activity type came without its id", None, request_id)
    others = objects(given.get("attributes"), "attributes of an activity type", request_id)
    return ActivityType(
        number,
        name_of(given, "an activity type", request_id),
        _declared(members(primary), request_id) if isinstance(primary, Mapping) else None,
        tuple({known.name: known for known in (_declared(item, request_id) for item in others)}.values()),
        text(given.get("description")) or None,
        text(given.get("apiname")) or None,
    )


def _declared(given: Mapping[str, Any], request_id: str | None) -> ActivityAttribute:
    data_type = (text(given.get("datatype")) or "string").lower()
    return ActivityAttribute(name_of(given, "an attribute of an activity type", request_id), data_type)
