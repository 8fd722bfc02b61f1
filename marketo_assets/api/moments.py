"""Marketo's datetimes, in all the spellings it uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_SPELLING = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?\s*"
    r"(?:[Zzt](?:[+-]00:?00)?|([+-])(\d{1,2}):?(\d\d))?"
)


def parse_moment(text: object) -> datetime | None:
    """Return the moment that *text* names, aware and in UTC, or None when it names none.

    Known spellings: `Z`, `±hh:mm`, `±hhmm`, `Z+0000` (assets), `t+0000`, `-5:00`, a space for the `T`, and no zone,
    which means GMT.
    """
    match = _SPELLING.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    try:
        zone = timezone(-offset if sign == "-" else offset)
        microsecond = int((fraction or "").ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_http_date(text: str | None) -> datetime | None:
    """Return the moment of an HTTP `Date` header, aware and in UTC, in whole seconds; None where it names none."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
