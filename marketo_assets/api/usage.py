"""What the instance spent, by its own account: calls and errors per day and user."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketo_assets.api.errors import MarketoError

if TYPE_CHECKING:  # the client itself asks here when others crowd it
    from marketo_assets.api.client import MarketoClient

log = logging.getLogger(__name__)

_STATS = "/rest/v1/stats"


@dataclass(frozen=True)
class DayOfCalls:
    """The calls of all integrations in one day."""

    date: str
    """As Marketo writes it, YYYY-MM-DD; it does not say in which time zone."""
    total: int
    by_user: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class DayOfErrors:
    """The refused calls of all integrations in one day."""

    date: str
    total: int
    by_code: Mapping[str, int] = field(default_factory=dict)


def learn_usage(client: MarketoClient) -> DayOfCalls | None:
    """Return today's calls of the whole instance after noting them in the ledger; None when Marketo tells nothing.

    **Cost:** one call. **Guarantee:** never raises what Marketo answers, and is not asked again before it is due.
    """
    day = client.ledger.day
    day.note_silence()
    try:
        usage = usage_today(client)
    except MarketoError as error:
        log.info("What others spent is not known: %s", error)
        return None
    if usage is not None:
        day.note_usage(usage.date, usage.total, own=usage.by_user.get(client.api_user or ""))
    return usage


def usage_today(client: MarketoClient) -> DayOfCalls | None:
    """Return today's calls of the whole instance, or None when Marketo tells nothing. **Cost:** one call."""
    days = _days_of_calls(client, f"{_STATS}/usage.json")
    return days[-1] if days else None


def usage_last_7_days(client: MarketoClient) -> list[DayOfCalls]:
    """Return the calls of the past week, the earliest day first. **Cost:** one call."""
    return _days_of_calls(client, f"{_STATS}/usage/last7days.json")


def errors_last_7_days(client: MarketoClient) -> list[DayOfErrors]:
    """Return the errors of the past week, the earliest day first. **Cost:** one call."""
    return _days_of_errors(client, f"{_STATS}/errors/last7days.json")


def _days_of_calls(client: MarketoClient, path: str) -> list[DayOfCalls]:
    days = [
        DayOfCalls(_date(record), _number(record.get("total")), _counts(record.get("users"), "userId"))
        for record in client.get(path).result
    ]
    return sorted(days, key=lambda day: day.date)


def _days_of_errors(client: MarketoClient, path: str) -> list[DayOfErrors]:
    days = [
        DayOfErrors(_date(record), _number(record.get("total")), _counts(record.get("errors"), "errorCode"))
        for record in client.get(path).result
    ]
    return sorted(days, key=lambda day: day.date)


def _date(record: Mapping[str, Any]) -> str:
    return str(record.get("date") or "")[:10]


def _counts(items: object, key: str) -> dict[str, int]:
    rows = items if isinstance(items, list) else []
    return {str(row.get(key)): _number(row.get("count")) for row in rows if isinstance(row, Mapping)}


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
