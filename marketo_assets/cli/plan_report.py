"""How a plan is told: in lines for people, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketo_assets.cli.plan_activities import ActivityPlan
from marketo_assets.cli.screen import Screen, table
from marketo_assets.extract.estimate.captures import CaptureDay
from marketo_assets.extract.estimate.months import MonthEstimate, Range
from marketo_assets.extract.estimate.plan import Plan
from marketo_assets.settings import Settings

_SHOWN_FIELDS = 8
_LARGE = 0.05
_ALWAYS = ("id", "createdAt", "updatedAt")


def tell_plan(plan: Plan, settings: Settings, screen: Screen) -> None:
    """Print the months, the totals, and when it all ends."""
    first, last = plan.months[-1].month, plan.months[0].month
    screen.paragraph(f"{first} to {last}, {len(plan.months)} months of {len(plan.fields)} fields, the newest first.")
    screen.paragraph(_known_from(plan))
    screen.say()
    _show_table(_rows(plan), screen)
    screen.say()
    allotment, days = plan.allotment, _span(plan.days)
    screen.paragraph(
        f"Quota: of this project's share ({settings.quota_share:g}) a backfill may take {_mb(allotment.daily_bytes)} "
        f"MB and {allotment.daily_calls:,} calls a day, the rest is kept for captures; of today's, "
        f"{_mb(allotment.used_bytes)} MB and {allotment.used_calls:,} calls are spent or set aside.",
    )
    if not plan.schedule.exports:
        screen.say("Every month is here already: nothing is left to export.")
        return
    schedule, ends = plan.schedule, f"{plan.schedule.finished_at:%Y-%m-%d %H:%M} UTC"
    screen.paragraph(
        f"It takes {days} day{'s' * (days != '1')} of quota and {_span(plan.calls)} calls, waits {schedule.pauses} "
        f"time{'s' * (schedule.pauses != 1)} for the quota, and ends about {ends}, if it begins now and Dagster runs "
        f"all the time. {_pace_text(plan)}",
        style="bold",
    )


def tell_fields(plan: Plan, settings: Settings, screen: Screen) -> None:
    """Print which fields take most, and a line that leaves some out."""
    if not plan.shares:
        return
    screen.say()
    screen.say("What leaving a field out would save:")
    rows = [
        (share.name[:50], f"{_mb(share.file_bytes)} MB", f"{share.share:.1%}", "empty so far" if share.is_empty else "")
        for share in plan.shares[:_SHOWN_FIELDS]
    ]
    for line in table(rows, right=frozenset({1, 2})):
        screen.say(line)
    advised = leave_out(plan)
    if not advised:
        return
    saved = sum(share.share for share in plan.shares if share.name in advised)
    wanted = ",".join(dict.fromkeys((*settings.lead_fields_exclude, *advised)))
    screen.paragraph(
        f"Without those that are empty in all {plan.calibration.leads if plan.calibration else 0:,} leads looked at "
        f"and those of {_LARGE:.0%} or more, {saved:.0%} less; take out of this line what you need:",
    )
    screen.say(f"MARKETO_LEAD_FIELDS_EXCLUDE={wanted}", style="cyan")


def tell_activities(found: ActivityPlan | None, screen: Screen) -> None:
    """Print what activities cost, and when they will be here if leads go first."""
    screen.say()
    if found is None:
        screen.paragraph(
            "Activities: nothing is known of them yet. They are looked at without --no-calls, and with permission "
            "Read-Only Activity."
        )
        return
    plan, sample = found.plan, found.sample
    screen.paragraph(
        f"Activities of the same months, known from a sample of {sample.activities:,}, taken "
        f"{sample.taken_at:%Y-%m-%d %H:%M} UTC for {sample.calls} calls and no export quota:"
        if sample
        else "Activities of the same months, known from those that were exported before:"
    )
    screen.say()
    _show_table(_rows(plan, "activities"), screen)
    screen.say()
    if not plan.schedule.exports:
        screen.say("All of them are here already: nothing is left to export.")
        return
    days = _span(plan.days)
    screen.paragraph(
        f"They take {days} day{'s' * (days != '1')} of quota and {_span(plan.calls)} calls if they begin now; leads "
        f"and then activities take {found.both.days} day{'s' * (found.both.days != 1)} and {found.both.calls:,} calls, "
        f"and end about {found.both.finished_at:%Y-%m-%d %H:%M} UTC.",
        style="bold",
    )


def tell_captures(captures: CaptureDay, plan: Plan, screen: Screen) -> None:
    """Print what a day of captured changes costs."""
    screen.say()
    share = captures.busy_calls / max(1, plan.allotment.daily_calls)
    source = "as measured" if captures.is_measured else "assumed, see --changes-a-day"
    screen.paragraph(
        f"A day of captures, looking every {captures.poll_seconds:g} s: {captures.quiet_calls:,} calls when nothing "
        f"happens, about {captures.busy_calls:,} at {captures.changes:,} changed leads a day ({source}), which is "
        f"{share:.0%} of what a backfill may make. No export quota.",
    )


def tell_next(plan: Plan, screen: Screen) -> None:
    """Print what to do now."""
    screen.say()
    screen.paragraph(
        "Next: in the Dagster UI (`marketo-assets dev`), materialize the newest month of job lead_snapshots, look at "
        "it, then backfill the others."
        if plan.schedule.exports
        else "Next: let lead_changes_sensor follow what changes: switch it on in the Dagster UI (`marketo-assets dev`)."
    )


def leave_out(plan: Plan) -> list[str]:
    """Return the fields that are worth a thought: empty ones, and those that take much."""
    return [
        share.name for share in plan.shares if share.name not in _ALWAYS and (share.is_empty or share.share >= _LARGE)
    ]


def as_json(plan: Plan, captures: CaptureDay, activities: ActivityPlan | None = None) -> str:
    """Return the whole plan for machines: bytes, calls and moments, each with its range."""
    told: dict[str, Any] = {
        **_plan_json(plan),
        "fields": list(plan.fields),
        "quota": {
            "daily_bytes": plan.allotment.daily_bytes,
            "daily_calls": plan.allotment.daily_calls,
            "used_bytes": plan.allotment.used_bytes,
            "used_calls": plan.allotment.used_calls,
        },
        "export_seconds": {"likely": plan.pace.seconds, "is_measured": plan.pace.is_measured},
        "sample": _sample_json(plan),
        "field_bytes": {share.name: round(share.file_bytes) for share in plan.shares},
        "empty_fields": [share.name for share in plan.shares if share.is_empty],
        "leave_out": leave_out(plan),
        "captures": {
            "poll_seconds": captures.poll_seconds,
            "quiet_calls": captures.quiet_calls,
            "busy_calls": captures.busy_calls,
            "changes": captures.changes,
            "is_measured": captures.is_measured,
        },
        "activities": _activities_json(activities) if activities else None,
    }
    return json.dumps(told, indent=1)


def _plan_json(plan: Plan) -> dict[str, Any]:
    days = {planned.month: planned.day.isoformat() for planned in plan.schedule.exports}
    return {
        "months": [_month_json(month, plan.month_calls[month.month], days.get(month.month)) for month in plan.months],
        "rows": _range(plan.rows),
        "bytes": _range(plan.file_bytes),
        "calls": _range(plan.calls),
        "days": _range(plan.days),
        "pauses": plan.schedule.pauses,
        "finished_at": _moment(plan.schedule.finished_at),
    }


def _activities_json(found: ActivityPlan) -> dict[str, Any]:
    both, sample = found.both, found.sample
    return {
        **_plan_json(found.plan),
        "sample": {"taken_at": _moment(sample.taken_at), "calls": sample.calls, "activities": sample.activities}
        if sample
        else None,
        "after_leads": {"days": both.days, "calls": both.calls, "finished_at": _moment(both.finished_at)},
    }


def _rows(plan: Plan, what: str = "leads") -> list[tuple[str, ...]]:
    days = {day: number for number, day in enumerate(sorted({planned.day for planned in plan.schedule.exports}), 1)}
    on = {
        month.month: _several([days[planned.day] for planned in plan.schedule.exports if planned.month == month.month])
        for month in plan.months
    }
    rows = [("month", what, "MB", "MB range", "calls", "day", "known from")]
    rows += [
        (
            month.month,
            f"{month.rows.likely:,.0f}",
            _mb(month.file_bytes.likely),
            _mb_range(month.file_bytes),
            str(plan.month_calls[month.month]),
            on[month.month],
            _SOURCES[month.source],
        )
        for month in plan.months
    ]
    total = ("in all", f"{plan.rows.likely:,.0f}", _mb(plan.file_bytes.likely), _mb_range(plan.file_bytes))
    return [*rows, (*total, f"{plan.schedule.calls:,}", _span(plan.days), "")]


def _show_table(rows: list[tuple[str, ...]], screen: Screen) -> None:
    lines = table(rows, right=frozenset({1, 2, 3, 4, 5}))
    if max(map(len, lines)) > screen.width:  # the range is the column that is missed least
        lines = table([(*row[:3], *row[4:]) for row in rows], right=frozenset({1, 2, 3, 4}))
    for number, (row, line) in enumerate(zip(rows, lines, strict=True)):
        is_edge = number in (0, len(lines) - 1)
        screen.say(line, style="bold" if is_edge else "dim" if row[-1] == _SOURCES["landed"] else "")


def _several(days: Sequence[int]) -> str:
    """Return on which days a month is exported, which are several where no day has room for all of it."""
    return "-" if not days else str(days[0]) if days[0] == days[-1] else f"{days[0]}-{days[-1]}"


_SOURCES = {
    "landed": "here already, nothing to pay",
    "measured": "its last export",
    "rows measured": "its last export, other fields",
    "sampled": "the sample",
    "assumed": "other months (assumed)",
}


def _known_from(plan: Plan) -> str:
    taken = plan.calibration
    if taken is None:
        return "Known from months that were exported before; no ids were sampled."
    return (
        f"Known from a sample of {taken.leads:,} leads, taken {taken.taken_at:%Y-%m-%d %H:%M} UTC for {taken.calls} "
        "calls and no export quota."
    )


def _pace_text(plan: Plan) -> str:
    if plan.pace.is_measured:
        return (
            f"Marketo takes {plan.pace.seconds:,.0f} s for an export here, {plan.pace.at_once} are under way at once."
        )
    return (
        f"Until one was made, {plan.pace.seconds:,.0f} s are assumed for an export and {plan.pace.at_once} at once; "
        "slower ones cost more status calls."
    )


def _sample_json(plan: Plan) -> dict[str, Any] | None:
    taken = plan.calibration
    if taken is None:
        return None
    return {"taken_at": _moment(taken.taken_at), "calls": taken.calls, "leads": taken.leads}


def _month_json(month: MonthEstimate, calls: int, day: str | None) -> dict[str, Any]:
    return {
        "month": month.month,
        "rows": _range(month.rows),
        "bytes": _range(month.file_bytes),
        "calls": calls,
        "day": day,
        "source": month.source,
    }


def _range(value: Range) -> dict[str, int]:
    return {"likely": round(value.likely), "low": round(value.low), "high": round(value.high)}


def _span(value: Range) -> str:
    likely, low, high = round(value.likely), round(value.low), round(value.high)
    return f"{likely:,}" if low == high else f"{likely:,} ({low:,}-{high:,})"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.{1 if size >= 1e7 else 3}f}"


def _mb_range(size: Range) -> str:
    return "" if size.low == size.high else f"{_mb(size.low)}-{_mb(size.high)}"


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
