"""`plan`: what a backfill of activities will cost, beside that of leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketo_assets.api.activities import activity_types
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied
from marketo_assets.api.limits import Ledger
from marketo_assets.cli.screen import Screen
from marketo_assets.extract.activity_fields import choose_activity_types
from marketo_assets.extract.estimate.activity_plan import make_activity_plan, play_both
from marketo_assets.extract.estimate.activity_sample import (
    LEAST_CALLS,
    ActivitySample,
    read_activity_sample,
    sample_activities,
)
from marketo_assets.extract.estimate.days import Schedule
from marketo_assets.extract.estimate.plan import Plan
from marketo_assets.extract.export_jobs import ACTIVITIES
from marketo_assets.extract.windows import month_window
from marketo_assets.land.known_months import known_months
from marketo_assets.settings import Settings

# New activities come every day, but a month that is over changes little.
_SAMPLE_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class ActivityPlan:
    """What activities will cost, from what that is known, and when they will be here if leads go first."""

    plan: Plan
    sample: ActivitySample | None
    both: Schedule


def plan_activities(
    leads: Plan,
    ledger: Ledger,
    settings: Settings,
    *,
    client: MarketoClient | None,
    calls: int,
    is_again: bool,
    screen: Screen | None,
) -> ActivityPlan | None:
    """Return the plan for the activities of the months of *leads*; None where nothing is known or may be read.

    Without *client* no call is made. *screen*, if there is one, is told what is done.

    **Cost:** at most *calls* calls, two where a sample is known; no export quota. Raises: SettingsError, MarketoError.
    """
    now, months = settings.clock.now(), sorted(month.month for month in leads.months)
    known = known_months(settings.landing_dir, now=now, exported=ACTIVITIES)
    sample, is_known = read_activity_sample(ledger), all(month in known for month in months)
    if client is not None and calls > LEAST_CALLS and (is_again or not is_known):
        try:
            sample = _sampled(client, settings, months, sample, calls=calls, is_again=is_again, screen=screen)
        except AccessDenied:
            return None
    try:
        plan = make_activity_plan(ledger, settings, months, known=known, sample=sample, at_once=leads.pace.at_once)
    except LookupError:
        return None
    return ActivityPlan(plan, sample, play_both(leads, plan, now))


def _sampled(
    client: MarketoClient,
    settings: Settings,
    months: Sequence[str],
    before: ActivitySample | None,
    *,
    calls: int,
    is_again: bool,
    screen: Screen | None,
) -> ActivitySample:
    types = choose_activity_types(activity_types(client), settings)
    if before and not is_again and _suffices(before, {kind.id for kind in types}, months, settings.clock.now()):
        return before
    if screen:
        screen.paragraph(f"Looking at activities for at most {calls} calls, to see how many each month has.")
    return sample_activities(client, types, months, calls=calls - 1)


def _suffices(taken: ActivitySample, ids: set[int], months: Sequence[str], now: datetime) -> bool:
    is_same = len(ids ^ set(taken.type_ids)) <= 1  # Delete Lead is in no sample
    return is_same and now - taken.taken_at < _SAMPLE_KEPT and month_window(months[0]).start >= taken.since
