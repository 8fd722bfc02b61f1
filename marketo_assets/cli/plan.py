"""`plan`: what a backfill, and a day of captured changes, will cost in calls, megabytes and days."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError
from marketo_assets.api.lead_database import LeadField, describe_lead_fields
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.cli.endings import Failed, WrongUse
from marketo_assets.cli.plan_activities import ActivityPlan, plan_activities
from marketo_assets.cli.plan_report import as_json, tell_activities, tell_captures, tell_fields, tell_next, tell_plan
from marketo_assets.cli.project import locate
from marketo_assets.cli.screen import Screen
from marketo_assets.extract.estimate.calibration import LEAST_CALLS, Calibration, calibrate, read_calibration
from marketo_assets.extract.estimate.captures import ASSUMED_SHARE, CaptureDay, capture_day
from marketo_assets.extract.estimate.months import KnownMonth
from marketo_assets.extract.estimate.plan import Plan, make_plan
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.windows import month_window
from marketo_assets.land.known_months import known_months
from marketo_assets.settings import (
    Settings,
    SettingsError,
    load_settings,
    read_start_month,
    read_variables,
    split_names,
)
from marketo_assets.warehouse import Warehouse, WarehouseError, connect_readonly

# Leads come and go: what was sampled longer ago is sampled again.
_SAMPLE_KEPT = timedelta(days=30)
_WEEK = timedelta(days=7)
# No more calls are made once the days are certain and the megabytes this well known.
_SHARP = 0.1


@dataclass(frozen=True)
class Wish:
    """What the command line asked for."""

    first: str | None = None
    """YYYY-MM; None is the start month."""
    last: str | None = None
    """YYYY-MM; None is the running month."""
    fields: str | None = None
    leave_out: str | None = None
    calls: int = 200
    """Most calls of a calibration, describing the fields included; 0 makes none."""
    is_again: bool = False
    """Whether to sample although a sample is known."""
    at_once: int = 4
    changes: int | None = None
    """Leads that change in a day."""
    activities: bool = False
    """Whether to plan activities too, for as many calls again."""


def run_plan(
    wish: Wish,
    *,
    is_json: bool = False,
    screen: Screen | None = None,
    transport: httpx.BaseTransport | None = None,
    settings: Settings | None = None,
) -> Plan:
    """Print the plan, and return it.

    **Cost:** at most `wish.calls` calls, and as many again with activities; one or two if what is known here suffices;
    no export quota. Raises: WrongUse, Failed.
    """
    screen = screen or Screen()
    try:
        settings = settings or _settings(wish)
        settings = _with_fields(settings, wish)
        months = months_of(wish, settings)
        if wish.calls:
            with MarketoClient.open(settings, transport=transport) as client:
                claim_folder(client.ledger, settings)
                plan = _plan_with_calls(client, settings, months, wish, screen, is_json=is_json)
                told = None if is_json else screen
                more = _with_activities(plan, client.ledger, settings, wish, client=client, screen=told)
        else:
            plan, more = _plan_without(settings, months, wish)
    except SettingsError as error:
        raise WrongUse(_as_told(str(error), wish)) from error
    except MarketoError as error:
        raise Failed(f"The plan could not be made: {error}") from error
    captures = _captures(settings, plan, wish)
    if is_json:
        screen.say(as_json(plan, captures, more))
        return plan
    tell_plan(plan, settings, screen)
    tell_fields(plan, settings, screen)
    if wish.activities:
        tell_activities(more, screen)
    tell_captures(captures, plan, screen)
    tell_next(plan, screen)
    return plan


def months_of(wish: Wish, settings: Settings) -> list[str]:
    """Return the months that were asked for, the earliest first. Raises: WrongUse saying what to put there."""
    running = f"{settings.clock.now().astimezone(UTC):%Y-%m}"
    first = wish.first or read_start_month(_with_data_dir(settings)).month
    last = wish.last or running
    for option, month in (("--from", first), ("--to", last)):
        try:
            month_window(month)
        except ValueError as error:
            raise WrongUse(f"{option}: {error}") from error
        if month > running:
            raise WrongUse(f"{option} is {month}, which has not begun; put {running} or an earlier month there.")
    if first > last:
        raise WrongUse(f"--from {first} is later than --to {last}; put the earlier month first: --from {last}.")
    months, month = [], first
    while month <= last:
        months.append(month)
        month = f"{month_window(month).end:%Y-%m}"
    return months


def _plan_with_calls(
    client: MarketoClient, settings: Settings, months: Sequence[str], wish: Wish, screen: Screen, *, is_json: bool
) -> Plan:
    began = client.calls
    names = [field.name for field in choose_lead_fields(describe_lead_fields(client, has_numbers=False), settings)]
    known = known_months(settings.landing_dir, now=settings.clock.now())
    taken = read_calibration(client.ledger)

    def planned(calibration: Calibration | None) -> Plan:
        return make_plan(
            client.ledger, settings, months, names, known=known, calibration=calibration, at_once=wish.at_once
        )

    if wish.is_again or not _suffices(taken, known, months, names, settings.clock.now()):
        if wish.calls - 1 < LEAST_CALLS:
            raise WrongUse(
                f"--calls {wish.calls} shows too little; put {LEAST_CALLS + 1} or more there, or --no-calls."
            )
        if not is_json:
            screen.paragraph(f"Looking up ids for at most {wish.calls} calls, to see how many leads each month has.")
        earliest = min(month_window(months[0]).start, datetime(2020, 1, 1, tzinfo=UTC))
        taken = calibrate(
            client,
            names,
            calls=wish.calls - (client.calls - began),
            since=earliest,
            is_enough=lambda found: _is_sharp(planned(found)),
        )
    return planned(taken)


def _is_sharp(plan: Plan) -> bool:
    size = plan.file_bytes
    return plan.days.low == plan.days.high and size.high - size.low <= _SHARP * size.likely


def _with_activities(
    plan: Plan,
    ledger: Ledger,
    settings: Settings,
    wish: Wish,
    *,
    client: MarketoClient | None = None,
    screen: Screen | None = None,
) -> ActivityPlan | None:
    if not wish.activities:
        return None
    return plan_activities(
        plan, ledger, settings, client=client, calls=wish.calls, is_again=wish.is_again, screen=screen
    )


def _plan_without(settings: Settings, months: Sequence[str], wish: Wish) -> tuple[Plan, ActivityPlan | None]:
    known = known_months(settings.landing_dir, now=settings.clock.now())
    if not settings.ledger_path.exists():
        raise Failed(_NOTHING_KNOWN)
    ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock)
    try:
        taken = read_calibration(ledger)
        names = [field.name for field in choose_lead_fields(_described(taken, known), settings)]
        plan = make_plan(ledger, settings, months, names, known=known, calibration=taken, at_once=wish.at_once)
        return plan, _with_activities(plan, ledger, settings, wish)
    except LookupError as error:
        raise Failed(_NOTHING_KNOWN) from error
    finally:
        ledger.shut()


_NOTHING_KNOWN = (
    "Nothing is known of this instance yet: no month was exported, and none sampled. Call this without --no-calls: "
    "it looks up ids for at most 200 calls, and spends no export quota."
)


def _described(taken: Calibration | None, known: dict[str, KnownMonth]) -> list[LeadField]:
    """Return the fields that an earlier reading met, as far as a choice among them needs it."""
    names = dict.fromkeys(taken.fields if taken else ())
    for month in sorted(known, reverse=True):
        names |= dict.fromkeys(known[month].fields)
    if not names:
        raise LookupError
    return [LeadField(name, name, "string", None, None, False, False, False) for name in names]


def _suffices(
    taken: Calibration | None, known: dict[str, KnownMonth], months: Sequence[str], names: Sequence[str], now: datetime
) -> bool:
    if all(month in known and set(known[month].fields) == set(names) for month in months):
        return True
    return taken is not None and now - taken.taken_at < _SAMPLE_KEPT and set(names) <= set(taken.fields)


def _settings(wish: Wish) -> Settings:
    project = locate(os.environ)
    environ = {**os.environ, "MARKETO_DATA_DIR": str(project.data_dir)}
    return load_settings(environ, is_local=not wish.calls)


def _with_fields(settings: Settings, wish: Wish) -> Settings:
    if wish.fields is not None:
        settings = replace(settings, lead_fields=split_names(wish.fields))
    if wish.leave_out is not None:
        settings = replace(settings, lead_fields_exclude=split_names(wish.leave_out))
    return settings


def _with_data_dir(settings: Settings) -> dict[str, str]:
    values = {**read_variables(), "data_dir": str(settings.data_dir)}
    return {name: text for name, text in values.items() if name in ("data_dir", "start_month")}


def _as_told(text: str, wish: Wish) -> str:
    # The message names the setting; somebody who gave an option looks for that.
    if wish.leave_out is not None:
        text = text.replace("MARKETO_LEAD_FIELDS_EXCLUDE names", "--leave-out names")
    return text.replace("MARKETO_LEAD_FIELDS names", "--fields names") if wish.fields is not None else text


def _captures(settings: Settings, plan: Plan, wish: Wish) -> CaptureDay:
    if wish.changes is not None:
        return capture_day(settings.poll_seconds, settings.lookback_seconds, wish.changes, is_measured=True)
    measured = _changes_a_day(Warehouse(settings.data_dir).published_path, settings.clock.now())
    changes = round(plan.rows.likely * ASSUMED_SHARE) if measured is None else measured
    return capture_day(settings.poll_seconds, settings.lookback_seconds, changes, is_measured=measured is not None)


def _changes_a_day(published: Path, now: datetime) -> int | None:
    """Return how many leads changed a day during the last week, or None where less than a day of it was captured."""
    if not published.exists():
        return None
    try:
        con = connect_readonly(published)
    except (WarehouseError, OSError):
        return None
    try:
        row = con.execute("SELECT min(covered_from), max(watermark) FROM meta.watermarks").fetchone()
        if row is None or row[0] is None or row[1] is None:
            return None
        since = max(row[0], now - _WEEK)
        days = (row[1] - since).total_seconds() / 86400
        found = con.execute(
            "SELECT count(*) FROM (SELECT DISTINCT lead_id, activity_date::DATE FROM raw.lead_changes "
            "WHERE activity_date >= ?)",
            [since],
        ).fetchone()
        return round((found[0] if found else 0) / days) if days >= 1 else None
    finally:
        con.close()
