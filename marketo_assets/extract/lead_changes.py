"""One poll for changes: what Marketo's feeds tell about leads since a moment, in no order and each thing once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from marketo_assets.api.activities import (
    MOST_TYPES,
    Activity,
    ActivityPage,
    ActivityType,
    activity_types,
    deleted_leads,
    feed_start,
    lead_activities,
    lead_changes,
)
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import PagingTokenRefused
from marketo_assets.api.values import integer, text

CHANGE_SCORE = "Change Score"
MERGES = ("Merge Leads", "SFDC Merge Leads")
TYPES_THAT_CHANGE_LEADS = (
    CHANGE_SCORE,
    *MERGES,
    "Change Owner",
    "Change Lead Partition",
    "Change Revenue Stage",
    "Convert Lead",
)
"""Activities that change fields of their lead without being a Change Data Value; looked up by name."""
Log = Callable[[str], None]
_FIRST_ID, _LAST_ID = 1, 2**63


@dataclass(frozen=True)
class Merge:
    """One lead that was merged into another."""

    guid: str
    """Of the activity, which tells of all its losers."""
    loser_id: int
    winner_id: int
    at: datetime
    request_id: str | None = None
    """Of the answer that told it."""


@dataclass(frozen=True)
class LeadPoll:
    """What the feeds told, each activity once."""

    since: datetime
    until: datetime
    """Marketo's own time when the poll began: what it logged before and showed by then is here."""
    activities: tuple[Activity, ...] = field(repr=False)
    """New leads and changes, merges included."""
    deletions: tuple[Activity, ...] = field(repr=False)
    merges: tuple[Merge, ...]
    score_type_ids: frozenset[int]
    """The types whose old and new value are attributes."""
    repeated: int
    """How many activities came more than once."""
    warnings: tuple[str, ...]
    """What Marketo remarked on pages without anything, which may hide a search that failed."""


def poll_lead_changes(
    client: MarketoClient, since: datetime, fields: Collection[str], *, more_types: Sequence[str] = (), log: Log
) -> LeadPoll:
    """Return what happened to leads since *since*, as far as Marketo shows it by now.

    *fields* are those whose changes are told. *more_types* are names of activity types beside those known to change
    a lead. A paging token that is refused is minted anew once.

    **Cost:** two calls, and one for each page of each feed; ten activity types share a feed.
    Raises: FieldNotFound for a field that was hidden meanwhile; PagingTokenRefused, StuckPaging, UnreadableAnswer.
    """
    types = activity_types(client)
    chosen = _choose_types(types, more_types, log)
    reading = FeedReading(client, since)
    changes = reading.all(lambda token: lead_changes(client, token, fields))
    ids = iter(chosen.values())
    while batch := list(islice(ids, MOST_TYPES)):
        changes += reading.all(lambda token, batch=batch: lead_activities(client, token, batch))  # type: ignore[misc]
    deletions = each_once(reading.all(lambda token: deleted_leads(client, token)))
    activities = each_once(changes)
    merge_ids = {chosen[name] for name in map(_folded, MERGES) if name in chosen}
    return LeadPoll(
        since=since,
        until=reading.until,
        activities=tuple(activities),
        deletions=tuple(deletions),
        merges=tuple(merge for found in activities if found.type_id in merge_ids for merge in read_merges(found)),
        score_type_ids=frozenset({chosen[_folded(CHANGE_SCORE)]} if _folded(CHANGE_SCORE) in chosen else ()),
        repeated=reading.count - len(activities) - len(deletions),
        warnings=tuple(dict.fromkeys(reading.warnings)),
    )


def types_that_tell(types: Iterable[ActivityType], more: Sequence[str], log: Log) -> list[int]:
    """Return the numbers of the *types* whose activities a poll reads, *more* being names of others than the known."""
    return list(_choose_types(types, ("New Lead", "Change Data Value", "Delete Lead", *more), log).values())


def unknown_types(types: Iterable[ActivityType], names: Iterable[str]) -> list[str]:
    """Return those of *names* that none of *types* has."""
    known = {_folded(kind.name) for kind in types}
    return [name for name in names if _folded(name) not in known]


def read_merges(activity: Activity) -> Iterator[Merge]:
    """Yield what an activity of type Merge Leads tells, a merge for each loser; its lead is the winner.

    Adobe documents no attribute of this type. Public data shows `Merge IDs`, a text like `[12, 34]`; a list, a number
    and other spellings of the name are taken as well.
    """
    losers: dict[int, None] = {}
    for name, value in activity.attributes.items():
        word = "".join(letter for letter in name.lower() if letter.isalpha())
        if "merge" in word and word.endswith(("id", "ids")):
            numbers = (integer(number) for number in re.findall(r"[0-9]+", text(value) or ""))
            losers |= {number: None for number in numbers if number is not None and _FIRST_ID <= number < _LAST_ID}
    for loser_id in losers:
        if loser_id != activity.lead_id:
            yield Merge(activity.guid, loser_id, activity.lead_id, activity.at, activity.request_id)


class FeedReading:
    """The feeds of one poll, all from the same moment."""

    def __init__(self, client: MarketoClient, since: datetime) -> None:
        asked_at = client.clock.now()
        start = feed_start(client, since)
        self.until = start.answered_at or asked_at
        self.warnings: list[str] = []
        self.count = 0
        self._client, self._since, self._token, self._is_renewed = client, since, start.token, False

    def all(self, feed: Callable[[str], Iterator[ActivityPage]]) -> list[Activity]:
        """Return everything of a feed, from its beginning again where a token is refused on the way."""
        try:
            found = self._pages(feed(self._token))
        except PagingTokenRefused:
            if self._is_renewed:
                raise
            self._is_renewed = True
            self._token = feed_start(self._client, self._since).token
            found = self._pages(feed(self._token))
        self.count += len(found)
        return found

    def _pages(self, pages: Iterator[ActivityPage]) -> list[Activity]:
        found: list[Activity] = []
        for page in pages:
            found += page.activities
            self.warnings += () if page.activities else page.warnings
        return found


def _choose_types(types: Iterable[ActivityType], more: Sequence[str], log: Log) -> Mapping[str, int]:
    types = list(types)
    known = {_folded(kind.name): kind.id for kind in types}
    for name in unknown_types(types, more):
        log(f"MARKETO_CHANGE_ACTIVITY_TYPES names {name!r}, which this instance does not log; it is left out")
    names = dict.fromkeys(map(_folded, (*TYPES_THAT_CHANGE_LEADS, *more)))
    return {name: known[name] for name in names if name in known}


def _folded(name: str) -> str:
    return " ".join(name.lower().split())


def each_once(activities: Iterable[Activity]) -> list[Activity]:
    """Return *activities*, each GUID once."""
    return list({activity.guid: activity for activity in activities}.values())
