"""Leads that changed since a moment, whatever changed them, exported and landed: what the updatedAt filter finds.

Why windows that are open at the end: the filter knows the time of a lead's latest update only. A lead that changes
between the end of a window and the reading of it would be in none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnsupportedFilter
from marketo_assets.api.lead_database import LeadField
from marketo_assets.api.limits import Ledger
from marketo_assets.extract.bulk import Exporter, Log
from marketo_assets.extract.export_jobs import ExportRequest, find_adoptable
from marketo_assets.extract.subscription import UPDATED_AT, note_feature
from marketo_assets.extract.windows import cut_open
from marketo_assets.land.landing import land_request
from marketo_assets.land.manifest import LandedFile
from marketo_assets.settings import Settings

UPDATES = "lead_updates"


def update_requests(
    since: datetime, now: datetime, fields: Sequence[LeadField], likely_bytes: int
) -> Iterator[ExportRequest]:
    """Yield the requests, in the order in which they are to be exported, for leads that changed since *since*.

    *likely_bytes* is what all files together will probably have.
    """
    names = tuple(known.name for known in fields)
    windows = list(cut_open(since, now))
    for window in windows:
        name = f"since-{window.start:%Y-%m-%dT%H%M%SZ}"
        yield ExportRequest(UPDATES, name, window, names, "updatedAt", max(1, likely_bytes // len(windows)))


def is_paid(ledger: Ledger, request: ExportRequest, now: datetime) -> bool:
    """Say whether a job of *request* is there to be taken up, so that no byte is paid for. Makes no call."""
    return find_adoptable(ledger, request, now=now) is not None


def land_lead_updates(
    client: MarketoClient,
    settings: Settings,
    requests: Sequence[ExportRequest],
    *,
    fields: Sequence[LeadField],
    described: Sequence[LeadField],
    deadline_hours: float,
    log: Log,
) -> list[LandedFile]:
    """Return the landed files of *requests*, in their order; of a lead that is in several, the last is its state.

    Whether the subscription has the filter is remembered.

    **Cost:** for each request 3 calls and one status call a minute at most, and the file's size.
    **Guarantee:** a landed file or job of the same request is taken up; a kill costs at most the bytes in flight.
    Raises: UnsupportedFilter; ExportError after *deadline_hours*, the job being kept; LandingError, MarketoError.
    """
    found = []
    for request in requests:
        exporter = Exporter(client, client.ledger, settings.clock, log, settings.status_poll_seconds, deadline_hours)
        folder = lead_updates_dir(settings.landing_dir, request.partition)
        try:
            found.append(land_request(exporter, request, folder, fields=fields, described=described))
        except UnsupportedFilter:
            note_feature(client.ledger, UPDATED_AT, is_accepted=False)
            raise
    note_feature(client.ledger, UPDATED_AT, is_accepted=True)
    return found


def lead_updates_dir(landing_dir: Path, partition: str) -> Path:
    """Return the folder that holds the landed updates of *partition*, which says since when."""
    return landing_dir / UPDATES / partition
