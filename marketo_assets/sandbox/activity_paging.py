"""Paging tokens of the activity endpoints, and what a page of activities holds.

A date token from Get Paging Token opens any of the three endpoints; a token that a page returned belongs to that
endpoint alone. The second in a token is included. The token of the last page says where the reading stood: at the
running second, so what was logged earlier and shows later lies behind it, and what this second held comes again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

from marketo_assets.sandbox.activity import Activity
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.options import Switches

DATE = "date"
_WORD = "activities"


@dataclass(frozen=True)
class PagingToken:
    """A position in the log: from this number of this second on."""

    family: str
    """The endpoint it belongs to, or DATE."""
    second: int
    number: int = 0
    empty_pages: int = 0
    """Pages without anything that were given at this position."""
    issued: int = 0
    """Second at which it was given."""
    series: int = 0
    """How often the tokens had been made void by then."""

    def text(self) -> str:
        """Return the token as callers see it: opaque, with padding that has to be URL-encoded."""
        parts = (_WORD, self.family, self.second, self.number, self.empty_pages, self.issued, self.series)
        return base64.b32encode("|".join(map(str, parts)).encode()).decode()


def read_token(text: str, family: str) -> PagingToken:
    """Return the position in a token.

    Raises: ApiError 1003 for a text that is no such token, or one of another endpoint.
    """
    try:
        word, told, *numbers = base64.b32decode(text).decode().split("|")
        if word == _WORD and told in (DATE, family):
            return PagingToken(told, *(int(number) for number in numbers))
    except (binascii.Error, ValueError, TypeError):
        pass
    raise ApiError("1003", "Invalid nextPageToken")


@dataclass(frozen=True)
class Page:
    """What one call answers."""

    lines: list[Activity]
    next: PagingToken
    has_more: bool


def cut_page(
    lines: Iterable[Activity],
    token: PagingToken,
    *,
    most: int,
    keeps: Callable[[Activity], bool],
    switches: Switches,
    now: int,
) -> Page:
    """Return the next *most* (or fewer: see the switches) of *lines*, which begin at *token*."""
    if token.empty_pages < switches.empty_pages:
        return Page([], replace(token, empty_pages=token.empty_pages + 1), has_more=True)
    found, stopped_at = _take(lines, min(most, switches.activity_page), keeps, switches.activity_scan)
    following = replace(token, empty_pages=0)
    if stopped_at is None:
        following = replace(following, second=max(now, token.second), number=0)
    else:
        again = min(switches.page_overlap, len(found) - 1)
        first = found[-again] if again > 0 else stopped_at
        following = replace(following, second=first.second, number=first.number)
    if switches.unordered_pages and found:
        # The same page comes in the same disorder.
        Random(found[0].number).shuffle(found)  # noqa: S311
    return Page(found, following, has_more=stopped_at is not None)


def _take(
    lines: Iterable[Activity], most: int, keeps: Callable[[Activity], bool], scan: int
) -> tuple[list[Activity], Activity | None]:
    found: list[Activity] = []
    for looked_at, line in enumerate(lines):
        if scan and looked_at == scan:
            return found, line
        if keeps(line):
            # One more than the page holds is looked for, to know whether there is another page.
            if len(found) == most:
                return found, line
            found.append(line)
    return found, None
