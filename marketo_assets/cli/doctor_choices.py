"""What `doctor` says of settings that name something: objects, activity types, and whom to tell of failures."""

from __future__ import annotations

from urllib.parse import urlsplit

from marketo_assets.api.activities import activity_types
from marketo_assets.api.client import MarketoClient
from marketo_assets.cli.findings import Findings
from marketo_assets.extract.activity_fields import choose_activity_types
from marketo_assets.extract.lead_changes import unknown_types
from marketo_assets.extract.objects import choose_objects
from marketo_assets.settings import Settings, SettingsError


def check_choices(settings: Settings, findings: Findings) -> None:
    """Add names of objects that there are none of, and a webhook that nothing can be sent to. Makes no call."""
    try:
        choose_objects(settings)
    except SettingsError as error:
        _add(error, findings)
    if settings.alert_webhook and not _is_address(settings.alert_webhook):
        findings.add(
            "warning",
            "alerts",
            "MARKETO_ALERT_WEBHOOK is no web address, so nobody is told of runs that fail.",
            "Put the https address there that your chat program gives for it, or unset it.",
        )


def check_activity_types(client: MarketoClient, settings: Settings, findings: Findings) -> None:
    """Add names of activity types that this instance does not log. **Cost:** one call, none where none is named.

    Raises: MarketoError.
    """
    if not (settings.activity_types or settings.change_activity_types):
        return
    types = activity_types(client)
    try:
        choose_activity_types(types, settings)
    except SettingsError as error:
        _add(error, findings)
    for name in unknown_types(types, settings.change_activity_types):
        findings.add(
            "warning",
            "settings",
            f"MARKETO_CHANGE_ACTIVITY_TYPES names {name!r}, which this instance does not log; captures leave it out.",
            "Correct the name (see marketo.activity_types), or remove it.",
        )


def _add(error: SettingsError, findings: Findings) -> None:
    said, _, todo = f"{error}".partition(". ")
    findings.add("problem", "settings", f"{said}.", todo)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
