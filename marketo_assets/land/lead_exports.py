"""One month of leads, exported and landed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.lead_database import describe_lead_fields
from marketo_assets.extract.bulk import Log
from marketo_assets.extract.estimate.plan import bytes_to_set_aside, filling_of
from marketo_assets.extract.export_jobs import LEADS, ExportRequest
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.waits import Waits
from marketo_assets.extract.windows import month_window
from marketo_assets.land.landing import read_newest
from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.month_exports import month_dir, month_exporter
from marketo_assets.land.pieces import land_month
from marketo_assets.settings import Settings


def land_lead_export(
    client: MarketoClient,
    settings: Settings,
    partition: str,
    *,
    log: Log,
    is_refresh: bool = False,
    on_accepted: Callable[[], object] | None = None,
    waits: Waits | None = None,
) -> LandedFile:
    """Return the landed export of the leads created in *partition* (a month, `YYYY-MM`).

    A landed file or a job of the same request is taken up as long as it can stand for the month and nothing newer
    was landed; with *is_refresh*, only a job that was never fetched is. *on_accepted* hears that an export is in
    Marketo's queue; *waits* is left holding how long was waited for what.

    **Cost:** 4 calls (describe, create, enqueue, file) and one status call a minute at most.
    **Guarantee:** the file is complete and undamaged, or there is none; a kill costs at most the bytes in flight.
    Raises: LandingError, ExportError, SettingsError, MarketoError.
    """
    exporter = month_exporter(client, settings, log=log, on_accepted=on_accepted, waits=waits)
    described = exporter.endure(
        lambda: describe_lead_fields(client, has_numbers=False), doing=f"{partition}: asking for the fields"
    )
    fields = choose_lead_fields(described, settings)
    names = tuple(field.name for field in fields)
    request = ExportRequest(
        LEADS,
        partition,
        month_window(partition),
        names,
        likely_bytes=bytes_to_set_aside(client.ledger, partition, names),
        filling=filling_of(client.ledger, partition),
    )
    folder = lead_export_dir(settings.landing_dir, partition)
    return land_month(exporter, request, folder, fields=fields, described=described, is_refresh=is_refresh)


def lead_export_dir(landing_dir: Path, partition: str) -> Path:
    """Return the folder that holds the landed exports of *partition*."""
    return month_dir(landing_dir, LEADS, partition)


def read_landed(landing_dir: Path, partition: str) -> LandedFile:
    """Return the newest landed export of *partition*, its bytes checked against the manifest.

    Raises: LandingError when there is none, or when it is damaged.
    """
    return read_newest(lead_export_dir(landing_dir, partition))
