"""What exports of months have in common, whatever is exported: who sees them through, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marketo_assets.api.client import MarketoClient
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ACTIVITIES, LEADS
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.waits import Waits
from marketo_assets.land.recovery import recover_jobs
from marketo_assets.settings import Settings

FOLDERS = {LEADS: "lead_exports", ACTIVITIES: "activity_exports"}
"""The folder in which the months of an object lie, each in its own."""


def month_exporter(
    client: MarketoClient,
    settings: Settings,
    *,
    log: Log,
    on_accepted: Callable[[], object] | None = None,
    waits: Waits | None = None,
) -> Exporter:
    """Return who sees exports of months through, after a ledger that was lost has learnt again what was exported.

    *on_accepted* hears that an export is in Marketo's queue; *waits* is left holding how long was waited
    for what.

    **Cost:** no call, but two where the ledger was lost. Raises: SettingsError for the folder of
    another instance.
    """
    ledger = client.ledger
    claim_folder(ledger, settings)
    exporter = Exporter(
        client, ledger, settings.clock, log, settings.status_poll_seconds, settings.export_deadline_hours
    )
    exporter.on_accepted = on_accepted or exporter.on_accepted
    exporter.waits = exporter.waits if waits is None else waits
    recover_jobs(exporter, {name: settings.landing_dir / folder for name, folder in FOLDERS.items()})
    return exporter


def month_dir(landing_dir: Path, exported: str, partition: str) -> Path:
    """Return the folder that holds the landed exports of *partition*, of the object *exported*."""
    return landing_dir / FOLDERS[exported] / partition
