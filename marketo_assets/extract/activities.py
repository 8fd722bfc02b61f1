"""One poll for activities of every chosen type, and a look that tells whether one is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from marketo_assets.api.activities import MOST_TYPES, Activity, ActivityType, activity_types, lead_activities
from marketo_assets.api.client import MarketoClient
from marketo_assets.extract.activity_fields import choose_activity_types
from marketo_assets.extract.lead_changes import FeedReading, each_once
from marketo_assets.settings import Settings


@dataclass(frozen=True)
class ActivityPoll:
    """What the feed told, each activity once."""

    since: datetime
    until: datetime
    """Marketo's own time when the poll began: what it logged before and showed by then is here."""
    activities: tuple[Activity, ...] = field(repr=False)
    types: tuple[ActivityType, ...] = field(repr=False)
    """Every type that the instance logs."""
    repeated: int
    """How many activities came more than once."""
    warnings: tuple[str, ...]
    """What Marketo remarked on pages without anything, which may hide a search that failed."""


def poll_activities(client: MarketoClient, since: datetime, settings: Settings) -> ActivityPoll:
    """Return the activities since *since* of the types that the settings choose, as far as Marketo shows them by now.

    **Cost:** two calls, and one for each page of each feed; ten types share a feed.
    Raises: SettingsError, PagingTokenRefused, StuckPaging, UnreadableAnswer.
    """
    types = activity_types(client)
    ids = [kind.id for kind in choose_activity_types(types, settings)]
    reading, found = FeedReading(client, since), list[Activity]()
    for group in type_groups(ids):
        found += reading.all(lambda token, group=group: lead_activities(client, token, group))  # type: ignore[misc]
    activities = each_once(found)
    return ActivityPoll(
        since=since,
        until=reading.until,
        activities=tuple(activities),
        types=tuple(types),
        repeated=reading.count - len(activities),
        warnings=tuple(dict.fromkeys(reading.warnings)),
    )


@dataclass(frozen=True)
class ActivityLook:
    """What some pages show of what happened: enough to know whether to poll."""

    guids: frozenset[str]
    is_whole: bool
    """Whether there is nothing beyond them, as far as the groups looked at go."""
    turn: int
    """The group to look at next."""


def look_for_activities(
    client: MarketoClient, token: str, type_ids: Sequence[int], *, turn: int, most_groups: int
) -> ActivityLook:
    """Return the first activities after *token* of some types: *most_groups* groups of ten, from group *turn* on.

    Each look takes up where the last ended, so all groups are seen within ceil(groups / *most_groups*) looks.

    **Cost:** a call for each group looked at. Raises: MarketoError.
    """
    groups = type_groups(type_ids)
    if not groups:
        return ActivityLook(frozenset(), True, 0)
    places = [(turn + step) % len(groups) for step in range(min(most_groups, len(groups)))]
    pages = [next(lead_activities(client, token, groups[place])) for place in places]
    guids = frozenset(found.guid for page in pages for found in page.activities)
    return ActivityLook(guids, not any(page.has_more for page in pages), (places[-1] + 1) % len(groups))


def type_groups(type_ids: Sequence[int]) -> list[list[int]]:
    """Return *type_ids* in groups as large as one call takes."""
    return [list(type_ids[first : first + MOST_TYPES]) for first in range(0, len(type_ids), MOST_TYPES)]
