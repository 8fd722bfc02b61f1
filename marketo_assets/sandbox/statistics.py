"""Usage and error statistics: what everybody, and who, has spent today and in the past seven days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox.routing import Call, Route


def routes() -> list[Route]:
    """Return the four operations; none needs a permission."""
    return [
        Route("GET", "/rest/v1/stats/usage.json", usage_today),
        Route("GET", "/rest/v1/stats/usage/last7days.json", usage_week),
        Route("GET", "/rest/v1/stats/errors.json", errors_today),
        Route("GET", "/rest/v1/stats/errors/last7days.json", errors_week),
    ]


async def usage_today(call: Call) -> Response:
    """Answer the calls of the quota day."""
    return call.success(_usage(call, _days(call, 1)))


async def usage_week(call: Call) -> Response:
    """Answer the calls of the past seven quota days, the running one included."""
    return call.success(_usage(call, _days(call, 7)))


async def errors_today(call: Call) -> Response:
    """Answer the error answers of the quota day."""
    return call.success(_errors(call, _days(call, 1)))


async def errors_week(call: Call) -> Response:
    """Answer the error answers of the past seven quota days, the running one included."""
    return call.success(_errors(call, _days(call, 7)))


def _days(call: Call, count: int) -> list[date]:
    today = call.sandbox.today()
    return [today - timedelta(days=back) for back in range(count)]


def _usage(call: Call, days: Iterable[date]) -> list[dict[str, Any]]:
    counted = call.sandbox.meter.tally.calls_by_day
    return [
        {
            "date": day.isoformat(),
            "total": calls.total(),
            "users": [{"userId": user, "count": count} for user, count in sorted(calls.items())],
        }
        for day in days
        if (calls := counted.get(day, Counter())).total()
    ]


def _errors(call: Call, days: Iterable[date]) -> list[dict[str, Any]]:
    counted = call.sandbox.meter.tally.errors_by_day
    return [
        {
            "date": day.isoformat(),
            "total": errors.total(),
            "errors": [{"errorCode": code, "count": count} for code, count in sorted(errors.items())],
        }
        for day in days
        if (errors := counted.get(day, Counter())).total()
    ]
