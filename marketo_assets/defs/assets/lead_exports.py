"""Land: one verified export file per month."""

from urllib.parse import urlsplit

import dagster as dg
from pydantic import Field

from marketo_assets.defs.assets.sources import GROUP, MARKETO_LEAD_FIELDS, MARKETO_LEADS, OWNERS
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import POOL
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, landed_metadata, megabytes, quota_left
from marketo_assets.defs.partitions import DEFAULT_START_ADVICE, MONTHS, START
from marketo_assets.defs.pausing import pausing
from marketo_assets.defs.planned import planned_metadata
from marketo_assets.defs.preview import preview_export
from marketo_assets.defs.resources import MarketoResource
from marketo_assets.defs.table_columns import export_schema, lineage
from marketo_assets.defs.wait_checks import check_waits, no_long_waits
from marketo_assets.extract.waits import Waits
from marketo_assets.extract.windows import month_window
from marketo_assets.land.lead_exports import land_lead_export
from marketo_assets.land.manifest import LandedFile
from marketo_assets.settings import Settings


class MonthExportConfig(dg.Config):
    """How to export a month."""

    refresh: bool = Field(
        default=False,
        description="Ask Marketo for a new export even if a file of the same request is there. Costs export quota.",
    )


KEY = dg.AssetKey(["landing", "lead_exports"])


@dg.asset(
    key=KEY,
    deps=[MARKETO_LEADS, MARKETO_LEAD_FIELDS],
    partitions_def=MONTHS,
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    code_version="1",
    check_specs=[no_long_waits(KEY)],
    metadata={"first_partition": START.month, **({"start_month": DEFAULT_START_ADVICE} if START.is_default else {})},
    description=(
        "Leads created in a calendar month (UTC), as Marketo exported them: compressed and checksummed.\n\n"
        "**Grain:** one file per month, one row per lead. **Source:** Bulk Lead Extract, `createdAt` filter. "
        "**Refresh:** by backfill or job `lead_snapshots`; a file or export job of the same request is taken up, not "
        "paid for again. **Cost:** 4 calls, one status call a minute, and the file's size of the daily export quota."
    ),
)
def lead_exports(
    context: dg.AssetExecutionContext, config: MonthExportConfig, marketo: MarketoResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Land the export of one month."""
    with explained():
        settings = marketo.settings()
        window = month_window(context.partition_key)
        context.log.info(
            f"{context.partition_key}: exporting leads created from {window.start:%Y-%m-%d %H:%M:%S} "
            f"to {window.last_second:%Y-%m-%d %H:%M:%S} UTC from {_host(settings)}"
        )
        if START.is_default:
            context.log.warning(DEFAULT_START_ADVICE)
        waits = Waits()
        with marketo.open_client(settings, is_backfill=True) as client, pausing(context, client.ledger):
            landed = land_lead_export(
                client,
                settings,
                context.partition_key,
                log=context.log.info,
                is_refresh=config.refresh,
                # What Marketo has queued ends, whatever others spend, so one run more may ask.
                on_accepted=lambda: look(context.instance, client.ledger),
                waits=waits,
            )
            left = quota_left(client.ledger)
            planned = planned_metadata(client.ledger, settings, landed, MONTHS.get_partition_keys())
    _tell(context, settings, landed, left)
    names = {field.name: field.name for field in landed.fields}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(landed.sha256),
        metadata={
            **landed_metadata(landed),
            **planned,
            **left,
            "dagster/column_schema": export_schema(landed.fields, of="lead_exports"),
            "dagster/column_lineage": lineage(names, MARKETO_LEADS.key),
            "preview": dg.MetadataValue.md(preview_export(landed.path, landed.fields)),
        },
        check_results=[check_waits(waits)],
    )


def _tell(context: dg.AssetExecutionContext, settings: Settings, landed: LandedFile, left: Metadata) -> None:
    context.log.info(
        f"{landed.partition}: landed {landed.records or 0:,} leads of {len(landed.fields)} fields, "
        f"{megabytes(landed.file_bytes)}, for {landed.calls} calls; waited {landed.waited_seconds:,.0f} s for Marketo, "
        f"worked {landed.worked_seconds:.1f} s; this project may still make {left['calls_left_today']:,} calls and "
        f"export {left['export_mb_left_today']:,} MB today"
    )
    context.log_event(
        dg.AssetObservation(
            MARKETO_LEADS.key,
            metadata={
                "host": _host(settings),
                "month": landed.partition,
                "records": landed.records,
                "as_of": dg.MetadataValue.timestamp(landed.as_of),
            },
        )
    )


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).netloc
