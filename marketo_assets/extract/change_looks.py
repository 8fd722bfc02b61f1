"""A look for changes: a few calls that tell whether a poll is worth its cost.

Why places are remembered: the lookback before the watermark may hold more activities than a page. One full page says
nothing of what is beyond it, and taking that for news would start a capture at every look. So a look that finds the
window crowded reads on where the last one ended: behind everything that was seen, for what is new, and through the
window page by page, for what shows late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from marketo_assets.api.activities import MOST_TYPES, Activity, ActivityPage, feed_start, lead_activities
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import PagingTokenRefused


@dataclass(frozen=True)
class Place:
    """Where looks at one group of types stand in the window that begins at `since`."""

    since: str
    tail: str | None = None
    """The paging token behind everything that was seen; only of a crowded window."""
    walk: str | None = None
    """The paging token of the next page of the window; None to begin again with the first."""
    is_crowded: bool = False
    """Whether the window was found to hold more than a page."""


@dataclass(frozen=True)
class Look:
    """What a look saw."""

    guids: frozenset[str]
    place: Place
    """For the next look at the same types."""


def look_for_changes(
    client: MarketoClient,
    since: datetime,
    until: datetime,
    type_ids: Sequence[int],
    *,
    place: Place | None = None,
    most_calls: int = 3,
) -> Look:
    """Return the activities of at most ten types that a few pages show, of those since *since*.

    Up to *until* everything was captured. *place* is that of the look before, of whatever window. A page that holds
    all of them is all that is read; of a crowded window each look shows what is newest, or another page, or both, and
    a few looks show all of it.

    **Cost:** *most_calls* calls at most, two at least. Raises: MarketoError.
    """
    looking = _Looking(client, type_ids[:MOST_TYPES])
    now = Place(since.isoformat())
    if place is not None:
        now = place if place.since == now.since else replace(now, is_crowded=place.is_crowded)
    left = most_calls
    if now.tail is None and now.is_crowded:
        now, left = replace(now, tail=looking.behind(feed_start(client, until).token)), left - 2
    elif now.tail and left > (1 if now.walk else 2):
        now, left = replace(now, tail=looking.behind(now.tail)), left - 1
    if now.walk and left:
        now = replace(now, walk=looking.further(now.walk))
    elif not now.walk and left >= 2:
        walk = looking.further(feed_start(client, since).token)
        now = replace(now, walk=walk, is_crowded=walk is not None)
    return Look(frozenset(found.guid for found in looking.found), now)


class _Looking:
    def __init__(self, client: MarketoClient, type_ids: Sequence[int]) -> None:
        self.found: list[Activity] = []
        self._client, self._type_ids = client, type_ids

    def behind(self, token: str) -> str | None:
        """Return the token behind what *token* shows, None where it no longer works."""
        page = self._page(token)
        return page.next_token if page else None

    def further(self, token: str) -> str | None:
        """Return the token of the page after that of *token*, None where there is none."""
        page = self._page(token)
        return page.next_token if page and page.has_more else None

    def _page(self, token: str) -> ActivityPage | None:
        try:
            page = next(lead_activities(self._client, token, self._type_ids))
        except PagingTokenRefused:
            return None
        self.found += page.activities
        return page
