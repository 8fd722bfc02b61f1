"""The part of `doctor` that tells how much is left, what others spend, and what exports and runs wait for."""

from __future__ import annotations

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.limits import Ledger
from marketo_assets.api.open_waits import open_waits
from marketo_assets.api.pauses import how_long, pauses
from marketo_assets.api.usage import errors_last_7_days, learn_usage, usage_last_7_days
from marketo_assets.cli.findings import Findings
from marketo_assets.cli.screen import megabytes
from marketo_assets.extract.estimate.next_export import next_bytes
from marketo_assets.settings import Settings

_REFUSALS = {"606": "too fast", "607": "the day's calls spent", "615": "too many at once", "1029": "exports refused"}
_CALM = "Nothing to correct: while Dagster runs, sensor export_quota_gate lets waiting runs go on by itself."


def check_pauses(ledger: Ledger, findings: Findings) -> None:
    """Add whether exports rest, why and until when, and what runs wait for. **Cost:** no call."""
    now = ledger.clock.now()
    # Exports leave a reserve to captures, so they rest earlier than whoever else uses the ledger.
    backfill = Ledger(ledger.path, ledger.limits, ledger.clock, is_backfill=True)
    try:
        found = pauses(backfill, next_bytes=next_bytes(backfill))
    finally:
        backfill.shut()
    for pause in found:
        findings.add("warning", "exports", f"paused: {pause.told(now)}.", _CALM)
    if not found:
        findings.add("ok", "exports", "not paused.")
    for wait in open_waits(ledger):
        findings.add(
            "note",
            "waiting",
            f"{wait.subject} has waited {how_long((now - wait.since).total_seconds())} for {wait.what}; "
            f"it gives up at {wait.until:%Y-%m-%d %H:%M} UTC.",
        )


def check_others(client: MarketoClient, settings: Settings, findings: Findings) -> None:
    """Add what all integrations spend by Marketo's count, today and this week, and remember it. **Cost:** three calls.

    Raises: MarketoError.
    """
    usage = learn_usage(client)
    if usage is None:
        findings.add("note", "others", "Marketo tells nothing of today's calls.")
    else:
        others = client.ledger.day.others() or 0
        said = (
            f"by Marketo's count all integrations made {usage.total:,} of {settings.daily_calls:,} calls today; "
            f"{others:,} of them are not this project's."
        )
        if others > settings.daily_calls * (1 - settings.quota_share):
            todo = "If others need so many, lower MARKETO_QUOTA_SHARE; if there are more, raise MARKETO_DAILY_CALLS."
            findings.add("warning", "others", said, todo)
        else:
            findings.add("ok", "others", said)
    _check_week(client, settings, findings)


def check_quotas(ledger: Ledger, findings: Findings) -> None:
    """Add what is left of the day to this project, others' spending considered. **Cost:** no call."""
    calls, export_bytes = ledger.calls_remaining(), ledger.exports.remaining()
    text = (
        f"this project may still make {calls:,} of {ledger.limits.daily_calls:,} calls "
        f"({ledger.limits.kept_calls:,} of them are kept for captures of changes) and export "
        f"{megabytes(max(export_bytes, 0))} of {megabytes(ledger.limits.daily_export_bytes)} today."
    )
    if ledger.day.is_short_of_others():
        text += " Others' calls leave it less than its share."
    if calls <= 0 or export_bytes <= 0:
        findings.add("warning", "quotas", text, "Wait: both are full again at 06:00 UTC at the latest.")
    else:
        findings.add("ok", "quotas", text)


def _check_week(client: MarketoClient, settings: Settings, findings: Findings) -> None:
    week, errors = usage_last_7_days(client), errors_last_7_days(client)
    if not week:
        return
    busiest = max(week, key=lambda day: day.total)
    text = f"in the past week the busiest day was {busiest.date}, with {busiest.total:,} calls of all integrations"
    refused = {code: sum(day.by_code.get(code, 0) for day in errors) for code in _REFUSALS}
    told = [f"{count:,} times {code} ({_REFUSALS[code]})" for code, count in refused.items() if count]
    if told or busiest.total > settings.daily_calls:
        findings.add(
            "note",
            "past week",
            f"{text}; Marketo answered {', '.join(told) or 'no refusal'}.",
            "Such refusals are waited out; if they cost too much time, slow the other integrations down or lower "
            "MARKETO_QUOTA_SHARE.",
        )
    else:
        findings.add("ok", "past week", f"{text}, and Marketo refused none for its limits.")
