"""The ids of the leads of a month, exported and landed: all that an audit needs to know who is missing."""

from __future__ import annotations

from datetime import timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ExportRequest
from marketo_assets.extract.windows import month_window
from marketo_assets.land.landing import land_request
from marketo_assets.land.manifest import LandedFile
from marketo_assets.settings import Settings

IDS = "lead_ids"
# An audit wants to know how things are now; what an audit that was killed has landed just before is good enough.
_KEPT = timedelta(hours=12)


def land_lead_ids(
    client: MarketoClient,
    settings: Settings,
    month: str,
    *,
    described: LeadField,
    likely_bytes: int,
    deadline_hours: float,
    log: Log,
) -> LandedFile:
    """Return the landed ids of the leads created in *month*; *described* is the field `id`.

    **Cost:** 3 calls and one status call a minute at most; some ten bytes a lead.
    Raises: ExportError after *deadline_hours*, the job being kept; LandingError, MarketoError.
    """
    exporter = Exporter(client, client.ledger, settings.clock, log, settings.status_poll_seconds, deadline_hours)
    request = ExportRequest(IDS, month, month_window(month), (described.name,), likely_bytes=likely_bytes)
    folder = settings.landing_dir / IDS / month
    landed = land_request(exporter, request, folder, fields=[described], described=[described])
    if settings.clock.now() - landed.as_of < _KEPT:
        return landed
    return land_request(exporter, request, folder, fields=[described], described=[described], is_refresh=True)
