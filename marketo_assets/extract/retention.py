"""How long Marketo keeps activities, and which months are about to lose some."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketo_assets.extract.windows import month_window

SHORT, LONG = timedelta(days=90), timedelta(days=760)
"""How long Marketo keeps the types that it prunes early, and all others."""
HURRIED = timedelta(days=14)
"""A month that loses activities so soon is exported before newer ones: as long as a backfill may take."""


def falls_off(month: str, now: datetime, *, kept: timedelta, within: timedelta) -> bool:
    """Say whether *month* (`YYYY-MM`) holds activities that are forgotten *within* that time, as they are *kept* so."""
    window = month_window(month)
    return window.start < now - kept + within and now - kept < window.end


def is_urgent(month: str, now: datetime) -> bool:
    """Say whether Marketo forgets, or soon begins to forget, activities of *month* for which it is not too late."""
    return any(falls_off(month, now, kept=kept, within=HURRIED) for kept in (SHORT, LONG))
