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
from marketo_assets.api.errors import GiveUp, InvalidData, MarketoError, NotFound, PagingTokenRefused, StuckPaging

STUCK_AFTER = timedelta(minutes=10)
"""How long the same paging token may come with empty pages before paging is given up."""
ASSET_PAGE = 200
"""The most assets Marketo returns at once; its default of 20 would multiply the calls."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_PARAM = "nextPageToken"
_DISGUISES = frozenset({"611", "704", "1001", "1003"})


@dataclass(frozen=True)
class Page:
    """Some records of a longer answer; there may be none."""

    answer: Answer
    next_token: str | None
    """The paging token for what follows; the one of the last page serves a later start."""
    has_more: bool
    """Whether Marketo announces another page."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of the page."""
        return self.answer.result

    @property
    def request_id(self) -> str | None:
        """What Marketo support asks for."""
        return self.answer.request_id


def token_pages(client: MarketoClient, path: str, params: Mapping[str, object]) -> Iterator[Page]:
    """Yield the pages of a Lead Database or bulk list endpoint; *params* may carry the paging token to begin with.

    A token that repeats with empty pages is asked for more and more slowly, so that it does not eat the day's calls.
    **Cost:** one call a page. Raises: StuckPaging; PagingTokenRefused, also for a token that a page before gave.
    """
    asked = params.get(_PARAM)
    moved, pause = client.clock.now(), _FIRST_PAUSE_SECONDS
    while True:
        answer = _asked(client, path, {**params, _PARAM: asked})
        token = _token_of(answer)
        page = Page(answer, token, _has_more(answer, token))
        yield page
        if not page.has_more:
            return
        if token is not None and token != asked:
            asked, moved, pause = token, client.clock.now(), _FIRST_PAUSE_SECONDS
            continue
        if answer.result or client.clock.now() - moved > STUCK_AFTER:
            raise StuckPaging("Marketo says that there is more, but gives no new token", None, answer.request_id)
        client.clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def asset_pages(client: MarketoClient, path: str, params: Mapping[str, object], *, overlap: int = 0) -> Iterator[Page]:
    """Yield the pages of an asset endpoint; the last one may be empty.

    Assets have no documented order, so a record may come twice. With *overlap* each page begins with so many records
    of the one before, unless assets have come or gone in between.
    **Cost:** one call for each 200 assets, less *overlap*, begun or whole. Raises: StuckPaging.
    """
    offset = 0
    previous: list[dict[str, Any]] = []
    while True:
        answer = client.get(path, {**params, "maxReturn": ASSET_PAGE, "offset": offset})
        has_more = len(answer.result) >= ASSET_PAGE
        yield Page(answer, None, has_more)
        if not has_more:
            return
        if answer.result == previous:
            raise StuckPaging("The same page of assets comes for every offset", None, answer.request_id)
        previous = answer.result
        offset += ASSET_PAGE - overlap


def _asked(client: MarketoClient, path: str, params: Mapping[str, object]) -> Answer:
    try:
        return client.get(path, params)
    except (InvalidData, NotFound, GiveUp) as error:
        if params[_PARAM] is None or not _refuses_token(error, params):
            raise
        raise PagingTokenRefused(error.message, error.code, error.request_id) from error


def _refuses_token(error: MarketoError, params: Mapping[str, object]) -> bool:
    # No source says how Marketo refuses a token. Where the words do not tell, a new token costs one call, and a
    # refusal of something else comes again with it; a token that is kept would be refused for ever.
    words = error.message.lower()
    if "token" in words:
        return error.code is not None
    return error.code in _DISGUISES and not any(name.lower() in words for name in params)


def _token_of(answer: Answer) -> str | None:
    token = answer.body.get(_PARAM)
    return str(token) if token else None


def _has_more(answer: Answer, token: str | None) -> bool:
    more = answer.body.get("moreResult")
    return bool(more) if more is not None else token is not None
