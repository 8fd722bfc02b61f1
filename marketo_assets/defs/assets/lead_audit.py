"""Audit: ids of some months, and a sample of leads in full, are compared with what Marketo has."""

import dagster as dg

from marketo_assets.defs.assets.sources import GROUP, MARKETO_LEADS, OWNERS
from marketo_assets.defs.export_pool import POOL
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, quota_left
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.load.lead_audit import Audit, audit_leads

IDS = dg.AssetKey(["landing", "lead_ids"])
AGREES = dg.AssetCheckSpec(
    "agrees_with_marketo",
    asset=IDS,
    description="What the audit asked for is shown as Marketo has it. Ids that do not agree are an error, values that "
    "nobody told of a warning; either names the partitions of lead_snapshots to start.",
)


@dg.asset(
    key=IDS,
    deps=[MARKETO_LEADS],
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    code_version="1",
    check_specs=[AGREES],
    description=(
        "Ids of the leads of some months, as Marketo exported them, compared with those that are shown; beside them a "
        "sample of leads is read in full and compared cell by cell. Findings stand in marketo/meta/audits; leads that "
        "were found to be otherwise are read again at once.\n\n"
        "**Grain:** one file per audited month, one id per row. **Source:** Bulk Lead Extract and Get Leads by Filter "
        "Type. **Refresh:** job `lead_audit`, weekly. **Cost:** at most MARKETO_AUDIT_CALLS calls and "
        "MARKETO_AUDIT_EXPORT_MB megabytes, and a capture of changes."
    ),
)
def lead_ids(
    context: dg.AssetExecutionContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Audit some months and a sample, within the budget."""
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings, is_backfill=True) as client:
            audit = audit_leads(client, files, settings, run_id=context.run.run_id, log=context.log.info)
            left = quota_left(client.ledger)
    tell_audit(context, audit)
    return dg.MaterializeResult(metadata={**audit_metadata(audit), **left}, check_results=[_check(audit)])


def tell_audit(context: dg.AssetExecutionContext, audit: Audit) -> None:
    """Log what the audit asked, found and advises."""
    months = ", ".join(month.month for month in audit.months) or "no month"
    context.log.info(
        f"audited the ids of {months} and {audit.sampled:,} leads in full, in {audit.calls} calls and "
        f"{audit.export_bytes:,} bytes: {audit.found:,} leads were not as they are shown. {audit.advice}"
    )


def audit_metadata(audit: Audit) -> Metadata:
    """Return what an audit asked, found, and cost."""
    return {
        "dagster/row_count": sum(month.at_marketo for month in audit.months),
        "months": ", ".join(month.month for month in audit.months) or "none",
        "ids_at_marketo": sum(month.at_marketo for month in audit.months),
        "ids_missing_here": sum(len(month.missing_here) for month in audit.months),
        "ids_gone_there": sum(len(month.gone_there) for month in audit.months),
        "leads_sampled": audit.sampled,
        "leads_differing": audit.differing.leads,
        "leads_disappeared": audit.disappeared,
        "leads_unread": audit.unread,
        "fields_differing": dict(audit.differing.fields),
        "partitions_to_start": ", ".join(audit.stale_months) or "none",
        "advice": audit.advice,
        "file_bytes": audit.export_bytes,
        "calls": audit.calls,
        "worked_seconds": round(audit.seconds, 2),
    }


def _check(audit: Audit) -> dg.AssetCheckResult:
    has_wrong_ids = audit.disappeared or any(month.found for month in audit.months)
    return dg.AssetCheckResult(
        asset_key=IDS,
        check_name=AGREES.name,
        passed=not audit.found,
        severity=dg.AssetCheckSeverity.ERROR if has_wrong_ids else dg.AssetCheckSeverity.WARN,
        description=f"{audit.found:,} leads were not as they are shown. {audit.advice}"
        if audit.found
        else "All agree.",
        metadata={"found": audit.found, "partitions": ", ".join(audit.stale_months) or "none"},
    )
