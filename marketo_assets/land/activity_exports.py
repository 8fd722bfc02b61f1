"""One month of activities of every chosen type, exported by one job and landed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marketo_assets.api.activities import activity_types
from marketo_assets.api.client import MarketoClient
from marketo_assets.extract.activity_fields import EXPORTED, choose_activity_types, exportable_ids
from marketo_assets.extract.bulk import Log
from marketo_assets.extract.estimate.activity_plan import activity_bytes_to_set_aside, activity_filling_of
from marketo_assets.extract.export_jobs import ACTIVITIES, ExportRequest
from marketo_assets.extract.waits import Waits
from marketo_assets.extract.windows import month_window
from marketo_assets.land.landing import read_newest
from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.month_exports import month_dir, month_exporter
from marketo_assets.land.pieces import land_month
from marketo_assets.settings import Settings


def land_activity_export(
    client: MarketoClient,
    settings: Settings,
    partition: str,
    *,
    log: Log,
    is_refresh: bool = False,
    on_accepted: Callable[[], object] | None = None,
    waits: Waits | None = None,
) -> LandedFile:
    """Return the landed export of the activities of *partition* (a month, `YYYY-MM`).

    As `land_lead_export`, with the same arguments. Deletions of leads are in no export; changes tell of them.

    **Cost:** 4 calls (types, create, enqueue, file) and one status call a minute at most, whatever the types.
    **Guarantee:** the file is complete and undamaged, or there is none; a kill costs at most the bytes in flight.
    Raises: LandingError, ExportError, SettingsError, MarketoError.
    """
    exporter = month_exporter(client, settings, log=log, on_accepted=on_accepted, waits=waits)
    types = exporter.endure(lambda: activity_types(client), doing=f"{partition}: asking for the activity types")
    chosen = choose_activity_types(types, settings)
    request = ExportRequest(
        ACTIVITIES,
        partition,
        month_window(partition),
        tuple(field.name for field in EXPORTED),
        likely_bytes=activity_bytes_to_set_aside(client.ledger, partition),
        filling=activity_filling_of(client.ledger, partition),
        type_ids=exportable_ids(chosen, is_all=not settings.activity_types),
    )
    folder = activity_export_dir(settings.landing_dir, partition)
    return land_month(
        exporter, request, folder, fields=EXPORTED, described=EXPORTED, types=types, is_refresh=is_refresh
    )


def activity_export_dir(landing_dir: Path, partition: str) -> Path:
    """Return the folder that holds the landed activities of *partition*."""
    return month_dir(landing_dir, ACTIVITIES, partition)


def read_landed_activities(landing_dir: Path, partition: str) -> LandedFile:
    """Return the newest landed activities of *partition*. Raises: LandingError when there are none, or damaged ones."""
    return read_newest(activity_export_dir(landing_dir, partition))
