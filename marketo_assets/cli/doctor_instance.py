"""What `doctor` asks Marketo: who we are, what we may read and export, and how much of the quotas is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from marketo_assets.api.bulk_extract import cancel, create_export
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent, MarketoError, UnsupportedFilter
from marketo_assets.api.lead_database import DESCRIBE2, LeadField, describe_lead_fields
from marketo_assets.api.wire import open_http, translated
from marketo_assets.cli.doctor_choices import check_activity_types
from marketo_assets.cli.doctor_quotas import check_others, check_quotas
from marketo_assets.cli.findings import Findings
from marketo_assets.clock import SystemClock
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.windows import Window
from marketo_assets.settings import Settings, SettingsError

_TOLERATED_SECONDS = 30
_SHOWN_NAMES = 12


def check_instance(
    client: MarketoClient, settings: Settings, findings: Findings, *, transport: httpx.BaseTransport | None = None
) -> bool:
    """Add what Marketo answers; return whether it accepted the credentials. **Cost:** ten calls at most."""
    check_clock(settings, findings, transport=transport)
    try:
        client.sign_in()
    except MarketoError as error:
        findings.add("problem", "credentials", f"{error}".removesuffix(error.advice).strip(), error.advice)
        return False
    findings.add("ok", "credentials", "accepted.")
    with findings.explaining("leads"):
        check_fields(client, settings, findings)
    with findings.explaining("activities"):
        check_activity_types(client, settings, findings)
    check_exports(client, findings)
    with findings.explaining("quotas", "warning"):
        check_others(client, settings, findings)
        check_quotas(client.ledger, findings)
    return True


def check_clock(settings: Settings, findings: Findings, *, transport: httpx.BaseTransport | None = None) -> None:
    """Compare this machine's clock with the date in Marketo's answer. **Cost:** no call: nobody is signed in."""
    if not isinstance(settings.clock, SystemClock):
        findings.add("note", "clock", "the sandbox's (MARKETO_CLOCK), so there is nothing to compare.")
        return
    try:
        with open_http(settings.base_url, connections=1, transport=transport) as http, translated("reading the date"):
            asked = datetime.now(UTC)
            text = http.get("/identity/oauth/token").headers.get("date", "")
        difference = _seconds_apart(text, asked + (datetime.now(UTC) - asked) / 2)
    except MarketoError:
        return  # signing in meets the same fault, and explains it
    if difference is None:
        findings.add("note", "clock", "Marketo's answer carries no date to compare with.")
    elif abs(difference) > _TOLERATED_SECONDS:
        findings.add(
            "warning",
            "clock",
            f"this machine's is {abs(difference):,.0f} s {'behind' if difference > 0 else 'ahead of'} Marketo's, "
            "so quota days and the running month begin at the wrong moment.",
            "Let the operating system keep the time (NTP).",
        )
    else:
        findings.add("ok", "clock", f"this machine's agrees with Marketo's to {_TOLERATED_SECONDS} s.")


def check_fields(client: MarketoClient, settings: Settings, findings: Findings) -> None:
    """Add how many fields are copied, which are not and why. **Cost:** two calls. Raises: MarketoError."""
    described = describe_lead_fields(client, has_numbers=False)
    try:
        chosen = choose_lead_fields(described, settings)
    except SettingsError as error:
        said, _, todo = f"{error}".partition(". ")
        findings.add("problem", "fields", f"{said}.", todo)
        return
    names = {field.name for field in chosen}
    left_out = [field.name for field in described if field.name not in names]
    formulas = _formula_fields(client, described)
    text = f"{len(chosen)} of {len(described) + len(formulas)} lead fields will be copied."
    if left_out:
        text += f" Left out by the settings: {_listed(left_out)}."
    if formulas:
        text += f" Left out because no export holds them (formula): {_listed(formulas)}."
    findings.add("ok", "fields", text)
    for twins in _twins(chosen):
        findings.add(
            "note",
            "fields",
            f"{' and '.join(twins)} differ in case only, which DuckDB does not tell apart.",
            "Look up their columns in marketo.lead_fields: one of them carries a suffix.",
        )


def check_exports(client: MarketoClient, findings: Findings) -> None:
    """Create a job of one second for each filter and cancel it at once. **Cost:** four calls, no export quota."""
    if _probe(client, findings, "createdAt"):
        findings.add("ok", "bulk export", "jobs can be created; the one of this check was cancelled before it ran.")
    try:
        if _probe(client, findings, "updatedAt"):
            findings.add("ok", "updatedAt filter", "this subscription has it: changed leads can be exported in bulk.")
    except UnsupportedFilter:
        findings.add(
            "note",
            "updatedAt filter",
            "this subscription does not have it: changed leads have to be read 300 to a call.",
            "Nothing to do for months; ask Adobe to enable it if many leads change every day.",
        )


def _probe(client: MarketoClient, findings: Findings, name: str) -> bool:
    second = (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0)
    window = Window(second, second + timedelta(seconds=1))
    subject = "bulk export" if name == "createdAt" else "updatedAt filter"
    try:
        job = create_export(client, filter={name: window.as_filter()}, fields=["id"])
        cancel(client, job.export_id)
    except UnsupportedFilter:
        raise
    except ExportQuotaSpent as error:
        findings.add("warning", subject, "not checked: the day's export quota is spent.", error.advice)
        return False
    except MarketoError as error:
        findings.add("problem", subject, f"{error}".removesuffix(error.advice).strip(), error.advice)
        return False
    return True


def _formula_fields(client: MarketoClient, described: Sequence[LeadField]) -> list[str]:
    readable = {field.name for field in described}
    records = [record for lead in client.get(DESCRIBE2).result for record in lead.get("fields") or ()]
    return [str(record["name"]) for record in records if record.get("name") and record["name"] not in readable]


def _twins(fields: Sequence[LeadField]) -> list[list[str]]:
    by_case: dict[str, list[str]] = defaultdict(list)
    for field in fields:
        by_case[field.name.lower()].append(field.name)
    return [names for names in by_case.values() if len(names) > 1]


def _seconds_apart(text: str, moment: datetime) -> float | None:
    try:
        return (parsedate_to_datetime(text) - moment).total_seconds()
    except (ValueError, TypeError):
        return None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(names[:_SHOWN_NAMES]) + more
