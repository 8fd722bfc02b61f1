"""A sweep: every lead that changed since the last one, whatever changed it, is exported and compared with ours.

Why the order export, poll, compare: what an activity tells of is read again by the poll, and later than the export was.
So whatever of the export is then still newer than what is shown, and other, no activity told of.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent, UnsupportedFilter
from marketo_assets.api.lead_database import describe_lead_fields
from marketo_assets.clock import quota_reset
from marketo_assets.extract.export_jobs import ExportRequest
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_changes import Log
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.extract.subscription import UPDATED_AT, is_refused
from marketo_assets.land.lead_updates import is_paid, land_lead_updates, update_requests
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.differing_leads import Differing
from marketo_assets.load.lead_changes import Capture, capture_lead_changes
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_rereading import mean_lead_bytes
from marketo_assets.load.lead_updates import load_update, readable_updates
from marketo_assets.load.lead_versions import fit_lead_tables
from marketo_assets.load.ledger import ensure_tables, insert_row, record_schema_changes
from marketo_assets.load.position import Position, read_position, write_position
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse, WarehouseError

STREAM = "lead_sweep"
_LEAST_BYTES = 100_000


@dataclass(frozen=True)
class Sweep:
    """What one sweep found and did."""

    since: datetime
    until: datetime
    """When Marketo was read: the next sweep begins a lookback before."""
    landed: Sequence[LandedFile]
    capture: Capture
    """The poll after the export."""
    differing: Differing
    """What was found although no activity told of it; it is shown as it is from now on."""
    calls: int
    seconds: float

    @property
    def finding(self) -> str:
        """What was found, in a sentence."""
        found = self.differing
        if not found.found:
            return "Every lead that changed is shown as it is."
        fields = ", ".join(f"{name} ({count:,})" for name, count in list(found.fields.items())[:10])
        return (
            f"{found.leads:,} leads differed although no activity told of it{': ' + fields if fields else ''}; "
            f"{found.unknown:,} leads were not known here. They are shown as they are now; nothing is to be done."
        )


@dataclass(frozen=True)
class _Plan:
    since: datetime
    covered_from: datetime
    likely_bytes: int


def sweep_leads(
    client: MarketoClient, warehouse: Warehouse, settings: Settings, *, run_id: str, log: Log
) -> Sweep | None:
    """Return what a sweep since the last one found, after it is in the warehouse; None where there is no such export.

    Leads are exported by the updatedAt filter, changes are captured, and what is still other than it is shown becomes
    versions of leads, committed with the sweep's own watermark.

    **Cost:** one call; 3 calls, one status call a minute and the file's bytes for each 31 days; and one capture.
    **Guarantee:** after a kill at any moment the next sweep begins where this one did, and takes up its export.
    Raises: WarehouseError before the first load; ExportQuotaSpent, ExportError, LandingError, LoadError, MarketoError.
    """
    began, calls, now = time.monotonic(), client.calls, settings.clock.now()
    claim_folder(client.ledger, settings)
    with warehouse.transaction() as con:
        plan = _plan(con, settings)
    if is_refused(client.ledger, UPDATED_AT):
        return None
    described = describe_lead_fields(client, has_numbers=False)
    fields = choose_lead_fields(described, settings)
    requests = list(update_requests(plan.since, now, fields, plan.likely_bytes))
    _check_quota(client, requests, now)
    log(f"exporting leads that changed since {plan.since:%Y-%m-%d %H:%M:%S} UTC, in {len(requests)} export jobs")
    try:
        landed = land_lead_updates(
            client,
            settings,
            requests,
            fields=fields,
            described=described,
            deadline_hours=settings.export_deadline_hours,
            log=log,
        )
    except UnsupportedFilter as error:
        log(str(error))
        return None
    capture = capture_lead_changes(client, warehouse, settings, run_id=run_id, log=log)
    with readable_updates(warehouse, landed) as files, warehouse.transaction() as con:
        differing = Differing()
        for file in files:
            registry = register_fields(con, file.landed.described, file.landed.fields, file.landed.as_of)
            widened = fit_lead_tables(con, [registry.columns[known.name] for known in file.landed.fields])
            record_schema_changes(con, file.landed.as_of, widened)
            differing += load_update(con, file, registry, run_id=run_id, now=now).differing
        until = landed[-1].as_of
        write_position(con, Position(until, plan.covered_from), now, STREAM)
        sweep = Sweep(plan.since, until, landed, capture, differing, client.calls - calls, time.monotonic() - began)
        insert_row(
            con,
            "meta.audits",
            {
                "audited_at": now,
                "audit": STREAM,
                "is_passed": differing.found == 0,
                "found": differing.found,
                "finding": sweep.finding,
            },
        )
    return sweep


def _plan(con: DuckDBConnection, settings: Settings) -> _Plan:
    ensure_tables(con)
    position, own, now = read_position(con), read_position(con, STREAM), settings.clock.now()
    if position is None:
        raise WarehouseError(
            "No month has been loaded and no change captured yet, so that there is nothing to sweep. Run job "
            "lead_snapshots for a month, or switch lead_changes_sensor on, first."
        )
    # A month that was read before the first sweep, and loaded after it, takes the next one back to its own moment.
    is_first = own is None or position.covered_from < own.covered_from
    since = min(position.covered_from if own is None or is_first else own.watermark, now)
    since -= timedelta(seconds=settings.lookback_seconds)
    (told,) = con.execute(
        "SELECT count(DISTINCT lead_id) FROM raw.lead_changes WHERE activity_date >= ?", [since]
    ).fetchone() or (0,)
    return _Plan(since, position.covered_from, max(_LEAST_BYTES, round(told * (mean_lead_bytes(con) or 0.0))))


def _check_quota(client: MarketoClient, requests: Sequence[ExportRequest], now: datetime) -> None:
    # The ledger would say so too, and make every month wait until the reset.
    due = [request for request in requests if not is_paid(client.ledger, request, now)]
    needed, left = sum(request.likely_bytes or 0 for request in due), client.ledger.exports.remaining()
    if min(needed, client.ledger.exports.daily_bytes) > left:
        error = ExportQuotaSpent(
            f"A sweep needs about {needed:,} bytes, and {left:,} are left of this project's share of the day's exports"
        )
        error.resets_at = quota_reset(now)
        raise error
