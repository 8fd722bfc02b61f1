"""Sweep: leads are exported by when they changed, and what no activity told of is shown as it is."""

import dagster as dg

from marketo_assets.defs.assets.lead_audit import audit_metadata, tell_audit
from marketo_assets.defs.assets.sources import GROUP, MARKETO_LEAD_FIELDS, MARKETO_LEADS, OWNERS
from marketo_assets.defs.export_pool import POOL
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, megabytes, quota_left
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.load.lead_audit import audit_leads
from marketo_assets.load.lead_sweep import Sweep, sweep_leads


@dg.asset(
    key=["landing", "lead_updates"],
    deps=[MARKETO_LEADS, MARKETO_LEAD_FIELDS],
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    code_version="1",
    description=(
        "Leads that changed since the last sweep, whatever changed them, as Marketo exported them; what no activity "
        "told of (company values that leads inherit, for example) is loaded into marketo/leads.\n\n"
        "**Grain:** one file for each 31 days, one row per lead. **Source:** Bulk Lead Extract, `updatedAt` filter; "
        "where the subscription does not have it, an audit is made instead (`landing/lead_ids`). **Refresh:** job "
        "`lead_sweep`, nightly. **Cost:** 4 calls, one status call a minute, the file's size of the daily export "
        "quota, and a capture of changes."
    ),
)
def lead_updates(
    context: dg.AssetExecutionContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Export what changed since the last sweep, and load what nobody told of."""
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings, is_backfill=True) as client:
            log, run_id = context.log.info, context.run.run_id
            sweep = sweep_leads(client, files, settings, run_id=run_id, log=log)
            if sweep is not None:
                _tell(context, sweep)
                return dg.MaterializeResult(metadata={**_metadata(sweep), **quota_left(client.ledger)})
            context.log.info("This subscription has no updatedAt filter, so an audit is made in the sweep's place")
            audit = audit_leads(client, files, settings, run_id=run_id, log=log)
            tell_audit(context, audit)
            told = {"swept_by": "audit", **audit_metadata(audit), **quota_left(client.ledger)}
            return dg.MaterializeResult(metadata=told)


def _tell(context: dg.AssetExecutionContext, sweep: Sweep) -> None:
    records, size = (sum(landed.records or 0 for landed in sweep.landed), sum(f.file_bytes for f in sweep.landed))
    context.log.info(
        f"swept what changed from {sweep.since:%Y-%m-%d %H:%M:%S} to {sweep.until:%Y-%m-%d %H:%M:%S} UTC in "
        f"{sweep.calls} calls, {megabytes(size)} and {sweep.seconds:.1f} s: "
        f"{records:,} leads were exported. {sweep.finding}"
    )


def _metadata(sweep: Sweep) -> Metadata:
    found = sweep.differing
    return {
        "dagster/row_count": sum(landed.records or 0 for landed in sweep.landed),
        "swept_by": "updatedAt export",
        "since": dg.MetadataValue.timestamp(sweep.since),
        "watermark": dg.MetadataValue.timestamp(sweep.until),
        "export_ids": ", ".join(landed.export_id for landed in sweep.landed),
        "file_bytes": sum(landed.file_bytes for landed in sweep.landed),
        "leads_differing": found.leads,
        "leads_unknown": found.unknown,
        "fields_differing": dict(found.fields),
        "finding": sweep.finding,
        "changes_captured": sweep.capture.changes,
        "calls": sweep.calls,
        "worked_seconds": round(sweep.seconds, 2),
    }
