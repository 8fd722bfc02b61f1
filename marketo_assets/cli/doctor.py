"""`doctor`: looks at everything that can prevent work, and says what to do about it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.cli.doctor_choices import check_choices
from marketo_assets.cli.doctor_dagster import check_dagster
from marketo_assets.cli.doctor_instance import check_instance
from marketo_assets.cli.doctor_machine import check_folder, check_mixing, check_space
from marketo_assets.cli.doctor_quotas import check_pauses
from marketo_assets.cli.doctor_start import check_start
from marketo_assets.cli.endings import Failed, WrongUse
from marketo_assets.cli.findings import Findings
from marketo_assets.cli.project import Project, locate
from marketo_assets.cli.screen import Screen
from marketo_assets.settings import SANDBOX_HINT, Settings, SettingsError, load_settings, read_variables

_CREDENTIALS = {
    "MARKETO_BASE_URL": "Put https://<munchkin id>.mktorest.com there (Marketo: Admin, Integration, Web Services).",
    "MARKETO_CLIENT_ID": "It stands in Marketo under Admin, LaunchPoint, your custom service, View Details.",
    "MARKETO_CLIENT_SECRET": "It stands beside the client id. Export it, or keep it in a file only you can read.",
}

# Read before the settings, or beside them.
_OTHER_NAMES = {"MARKETO_CONFIG", "MARKETO_START_MONTH"}


def run_doctor(*, screen: Screen | None = None, transport: httpx.BaseTransport | None = None) -> None:
    """Print every finding; the start month is stored when it was found.

    **Cost:** about a dozen calls, no export quota: the two jobs that are created are cancelled before they run.
    Raises: Failed when something prevents work.
    """
    screen = screen or Screen()
    findings = Findings(screen)
    try:
        project = locate(os.environ)
    except SettingsError as error:
        raise WrongUse(str(error)) from error
    examine(project, {**os.environ, "MARKETO_DATA_DIR": str(project.data_dir)}, findings, transport=transport)
    problems, warnings = findings.count("problem"), findings.count("warning")
    if problems:
        raise Failed(f"{_counted(problems, 'problem')} and {_counted(warnings, 'warning')}; see what to do above.")
    screen.say(f"No problem and {_counted(warnings, 'warning')}: months can be copied.", style="bold")
    screen.paragraph("Next: `marketo-assets plan` tells what that costs, `marketo-assets dev` opens the Dagster UI.")


def examine(
    project: Project, environ: Mapping[str, str], findings: Findings, *, transport: httpx.BaseTransport | None = None
) -> None:
    """Add to *findings* what there is to say about Dagster, machine, settings, instance and start month."""
    check_dagster(project.root, environ, findings)
    is_writable = check_folder(project.data_dir, findings)
    settings = _settings(environ, findings)
    check_space(project.data_dir, settings, findings)
    if settings is None:
        check_start(project.data_dir, None, environ, findings)
        return
    if not is_writable:
        findings.add(
            "note",
            "Marketo",
            "not asked, because the ledger of its limits cannot be kept.",
            "Correct the folder first.",
        )
        return
    check_mixing(project.data_dir, settings, findings)
    with MarketoClient.open(settings, transport=transport) as client:
        check_pauses(client.ledger, findings)
        is_open = check_instance(client, settings, findings, transport=transport)
        check_start(project.data_dir, client if is_open else None, environ, findings)
        findings.add("note", "cost", f"this examination made {client.calls} calls and spent no export quota.")


def _settings(environ: Mapping[str, str], findings: Findings) -> Settings | None:
    _check_names(environ, findings)
    try:
        given = read_variables(environ)
        # The first that is missing would hide the others, so they are named before the rest is read.
        missing = [name for name in _CREDENTIALS if name.removeprefix("MARKETO_").lower() not in given]
        for name in missing:
            findings.add("problem", "settings", f"{name} is not set.", _CREDENTIALS[name])
        if missing:
            findings.add("note", "settings", "there is no instance to ask.", SANDBOX_HINT)
        settings = load_settings(environ, is_local=bool(missing))
    except SettingsError as error:
        findings.add("problem", "settings", *_parted(str(error)))
        return None
    check_choices(settings, findings)
    if missing:
        return None
    kept = f"{settings.urgent_reserve:.0%} of that is kept for captures of changes"
    findings.add(
        "ok", "settings", f"read; this project uses {settings.quota_share:.0%} of the instance's limits, {kept}."
    )
    return settings


def _check_names(environ: Mapping[str, str], findings: Findings) -> None:
    known = {f"MARKETO_{setting.name.upper()}" for setting in fields(Settings)} | _OTHER_NAMES
    for name in sorted(name for name in environ if name.startswith("MARKETO_") and name not in known):
        near = get_close_matches(name, known, n=1)
        todo = f"Did you mean {near[0]}?" if near else "The README lists them all."
        findings.add("warning", "settings", f"{name} is no setting and changes nothing.", todo)


def _parted(text: str) -> tuple[str, str]:
    # What is wrong, and what to put there: the first sentence and the rest.
    said, stop, todo = text.partition(". ")
    return (f"{said}.", todo) if stop else (text, "Correct it.")


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'s' * (number != 1)}"
