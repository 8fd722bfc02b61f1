"""Who is on a static list, page by page, as long as that costs less than an export of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import GarbledAnswer, PagingTokenRefused, UnreadableAnswer
from marketo_assets.api.lead_database import BATCH
from marketo_assets.api.memberships import list_pages

MOST_PAGES = 5
"""An export takes five calls or so, whatever the size of the list; up to as many pages are read by REST."""
MOST_PAGED = MOST_PAGES * BATCH


@dataclass(frozen=True)
class ListReading:
    """Everybody who was on a static list."""

    list_id: int
    ids: frozenset[int] = field(repr=False)
    as_of: datetime
    """Marketo's own time, or a little before: whoever joined or left since may be here or not."""
    is_at_once: bool = True
    """Whether it was one look; between several, somebody may have slipped from page to page."""
    export_id: str | None = None


def read_list(client: MarketoClient, list_id: int) -> ListReading | None:
    """Return everybody on the list, None where an export tells it better.

    That is a list of more than `MOST_PAGED` leads, one whose paging token is refused twice, and an answer without any
    list, which an empty list may be or a search that failed.

    **Cost:** one call for each 300 leads, at most `MOST_PAGES`; twice as many where a token is refused.
    Raises: NotFound, AccessDenied, StuckPaging.
    """
    for _ in range(2):
        try:
            return _read_pages(client, list_id)
        except PagingTokenRefused:
            continue
        except (GarbledAnswer, UnreadableAnswer):
            return None
    return None


def _read_pages(client: MarketoClient, list_id: int) -> ListReading | None:
    asked_at, as_of = client.clock.now(), client.heard_at
    ids = set[int]()
    for number, page in enumerate(list_pages(client, list_id), start=1):
        ids.update(page.ids)
        as_of = as_of or page.answered_at or asked_at
        if not page.has_more:
            return ListReading(list_id, frozenset(ids), as_of, is_at_once=number == 1)
        if number == MOST_PAGES:
            return None
    return None
