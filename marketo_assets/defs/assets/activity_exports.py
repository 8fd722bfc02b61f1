"""Land: one verified file of activities per month, of all chosen types."""

from urllib.parse import urlsplit

import dagster as dg

from marketo_assets.defs.assets.lead_exports import MonthExportConfig
from marketo_assets.defs.assets.sources import MARKETO_ACTIVITIES, OWNERS
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import POOL
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import landed_metadata, megabytes, quota_left
from marketo_assets.defs.partitions import MONTHS
from marketo_assets.defs.pausing import pausing
from marketo_assets.defs.planned import planned_activities_metadata
from marketo_assets.defs.preview import preview_export
from marketo_assets.defs.resources import MarketoResource
from marketo_assets.defs.table_columns import export_schema
from marketo_assets.defs.wait_checks import check_waits, no_long_waits
from marketo_assets.extract.waits import Waits
from marketo_assets.land.activity_exports import land_activity_export

GROUP = "activities"


KEY = dg.AssetKey(["landing", "activity_exports"])


@dg.asset(
    key=KEY,
    deps=[MARKETO_ACTIVITIES],
    partitions_def=MONTHS,
    pool=POOL,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"csv"},
    code_version="1",
    check_specs=[no_long_waits(KEY)],
    description=(
        "Activities of a calendar month (UTC), of all types in MARKETO_ACTIVITY_TYPES, as Marketo exported them: "
        "compressed and checksummed.\n\n"
        "**Grain:** one file per month, one row per activity. **Source:** Bulk Activity Extract, one job for all "
        "types; deletions of leads are in none. **Refresh:** by backfill or job `activities`; a file or export job of "
        "the same request is taken up, not paid for again. **Cost:** 4 calls, one status call a minute, and the file's "
        "size of the daily export quota."
    ),
)
def activity_exports(
    context: dg.AssetExecutionContext, config: MonthExportConfig, marketo: MarketoResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Land the activities of one month."""
    with explained():
        settings, waits = marketo.settings(), Waits()
        with marketo.open_client(settings, is_backfill=True) as client, pausing(context, client.ledger):
            landed = land_activity_export(
                client,
                settings,
                context.partition_key,
                log=context.log.info,
                is_refresh=config.refresh,
                on_accepted=lambda: look(context.instance, client.ledger),
                waits=waits,
            )
            left = quota_left(client.ledger)
            planned = planned_activities_metadata(client.ledger, settings, landed, MONTHS.get_partition_keys())
    context.log.info(
        f"{landed.partition}: landed {landed.records or 0:,} activities, {megabytes(landed.file_bytes)}, from "
        f"{urlsplit(settings.base_url).netloc} for {landed.calls} calls; waited {landed.waited_seconds:,.0f} s"
    )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(landed.sha256),
        metadata={
            **landed_metadata(landed),
            "types_known": len(landed.types),
            **planned,
            **left,
            "dagster/column_schema": export_schema(landed.fields, of="activity_exports"),
            "preview": dg.MetadataValue.md(preview_export(landed.path, landed.fields)),
        },
        check_results=[check_waits(waits)],
    )
