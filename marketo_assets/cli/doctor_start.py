"""The part of `doctor` that finds the first month to copy, and stores it for the partitions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from marketo_assets.api.asset_api import oldest_folder_created_at
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError
from marketo_assets.cli.findings import Findings
from marketo_assets.settings import SettingsError, StartMonth, read_start_month, read_variables, store_start_month

_SUBJECT = "start month"
_RESTART = "Restart Dagster if it is running: partitions are read when it starts."


def check_start(data_dir: Path, client: MarketoClient | None, environ: Mapping[str, str], findings: Findings) -> None:
    """Add which month is the first, and store it if the instance's oldest folder tells.

    A month that is stored already is only ever replaced by an earlier one, so that no partition vanishes.

    **Cost:** one call for each 200 top-level folders; none without *client*.
    """
    values = read_variables(environ)
    try:
        known = read_start_month(values)
    except SettingsError as error:
        said, _, todo = f"{error}".partition("; ")
        findings.add("problem", _SUBJECT, f"{said}.", todo[:1].upper() + todo[1:] or "Correct it.")
        return
    found = _oldest_month(client, findings) if client else None
    if values.get("start_month"):
        findings.add("ok", _SUBJECT, f"{known.month}, from MARKETO_START_MONTH." + _beside(found))
    elif found is None:
        _tell_known(known, findings, was_asked=client is not None)
    elif known.is_default or found < known.month:
        store_start_month(data_dir, found)
        findings.add("ok", _SUBJECT, f"{found}, from the oldest top-level folder; stored.", _RESTART)
    else:
        findings.add("ok", _SUBJECT, f"{known.month}, as stored." + _beside(found))


def _oldest_month(client: MarketoClient, findings: Findings) -> str | None:
    try:
        moment = oldest_folder_created_at(client)
    except MarketoError as error:
        findings.add("warning", "folders", f"{error}".removesuffix(error.advice).strip(), error.advice)
        return None
    return f"{moment.astimezone(UTC):%Y-%m}" if moment else None


def _tell_known(known: StartMonth, findings: Findings, *, was_asked: bool) -> None:
    if not known.is_default:
        findings.add("ok", _SUBJECT, f"{known.month}, as stored.")
        return
    why = "the API user may not read folders, or there are none" if was_asked else "Marketo could not be asked"
    findings.add(
        "warning",
        _SUBJECT,
        f"not known ({why}), so partitions begin in {known.month} and leads created earlier are not copied.",
        "Set MARKETO_START_MONTH to the month of your first lead (YYYY-MM), or give the API user's role the permission "
        "Read-Only Assets and run this again.",
    )


def _beside(found: str | None) -> str:
    return f" The oldest top-level folder dates from {found}." if found else ""
