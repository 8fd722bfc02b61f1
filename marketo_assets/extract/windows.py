"""Spans of time: which one a month is, and how Marketo's inclusive filters are told about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WIDEST = timedelta(days=31)
"""The most that a Bulk Extract filter may span."""


@dataclass(frozen=True, order=True)
class Window:
    """The time from *start* up to, but not including, *end*; both in UTC and on a whole second."""

    start: datetime
    end: datetime

    @property
    def last_second(self) -> datetime:
        """The last second inside, since Marketo's filters include both ends and know no fractions."""
        return self.end - timedelta(seconds=1)

    def as_filter(self) -> dict[str, str]:
        """Return the `startAt` and `endAt` of a Bulk Extract date filter (ISO 8601, no milliseconds)."""
        return {"startAt": format_moment(self.start), "endAt": format_moment(self.last_second)}


ALWAYS = Window(datetime(2006, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""The window of what is asked for whatever its time: it never ends, so an old reading of it never stands for it."""


def month_window(month: str) -> Window:
    """Return the window of a calendar month in UTC, given as `YYYY-MM`.

    A month is never wider than the 31 days that a Bulk Extract filter may span.

    Raises: ValueError when *month* is not a month.
    """
    found = re.fullmatch(r"((?!0000)[0-9]{4})-(0[1-9]|1[0-2])", month)
    if not found:
        raise ValueError(f"{month!r} is not a month; write it as YYYY-MM.")
    year, number = int(found[1]), int(found[2])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return Window(datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC))


def cut_open(since: datetime, now: datetime) -> Iterator[Window]:
    """Yield windows of 31 days from *since*, down to its second, that touch and reach beyond *now*, the earliest first.

    All are of one width, so that the same *since* gives the same windows at another *now*, and the last is open: a lead
    that changes while its window waits moves on into one that is still to be read.

    Cost: one export job per window.
    """
    start = since.replace(microsecond=0)
    while start <= now:
        yield Window(start, start + WIDEST)
        start += WIDEST


def format_moment(moment: datetime) -> str:
    """Return *moment* as Marketo's filters take it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
