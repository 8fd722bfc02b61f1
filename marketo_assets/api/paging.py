"""Pages until the last one.

Two families. Lead database, activities and job lists: on while `moreResult` is true or, where that key is missing,
while a paging token comes; pages may be short, even empty, and a token comes with the last page too.
Assets: offsets, until a page is shorter than asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marketo_assets.api.answers import Answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import StuckPaging

STUCK_AFTER = timedelta(minutes=10)
"""How long the same paging token may come with empty pages before paging is given up."""
ASSET_PAGE = 200
"""The most assets Marketo returns at once; its default of 20 would multiply the calls."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class Page:
    """Some records of a longer answer; there may be none."""

    records: list[dict[str, Any]]
    next_token: str | None
    """The paging token for what follows; the one of the last page serves a later start."""
    request_id: str | None


def token_pages(client: MarketoClient, path: str, params: Mapping[str, object]) -> Iterator[Page]:
    """Yield the pages of a Lead Database or bulk list endpoint; *params* may carry the paging token to begin with.

    A token that repeats with empty pages is asked for more and more slowly, so that it does not eat the day's calls.
    **Cost:** one call a page. Raises: StuckPaging.
    """
    asked = params.get("nextPageToken")
    moved, pause = client.clock.now(), _FIRST_PAUSE_SECONDS
    while True:
        answer = client.get(path, {**params, "nextPageToken": asked})
        token = _token_of(answer)
        yield Page(answer.result, token, answer.request_id)
        if not _has_more(answer, token):
            return
        if token is not None and token != asked:
            asked, moved, pause = token, client.clock.now(), _FIRST_PAUSE_SECONDS
            continue
        if answer.result or client.clock.now() - moved > STUCK_AFTER:
            raise StuckPaging("Marketo says that there is more, but gives no new token", None, answer.request_id)
        client.clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def asset_pages(client: MarketoClient, path: str, params: Mapping[str, object]) -> Iterator[Page]:
    """Yield the pages of an asset endpoint, the empty one at the end excepted.

    Assets have no documented order, so a record may come twice. **Cost:** one call for each 200 assets, begun or whole.
    Raises: StuckPaging.
    """
    offset = 0
    previous: list[dict[str, Any]] = []
    while True:
        answer = client.get(path, {**params, "maxReturn": ASSET_PAGE, "offset": offset})
        if answer.result:
            yield Page(answer.result, None, answer.request_id)
        if len(answer.result) < ASSET_PAGE:
            return
        if answer.result == previous:
            raise StuckPaging("The same page of assets comes for every offset", None, answer.request_id)
        previous = answer.result
        offset += ASSET_PAGE


def _token_of(answer: Answer) -> str | None:
    token = answer.body.get("nextPageToken")
    return str(token) if token else None


def _has_more(answer: Answer, token: str | None) -> bool:
    more = answer.body.get("moreResult")
    return bool(more) if more is not None else token is not None
