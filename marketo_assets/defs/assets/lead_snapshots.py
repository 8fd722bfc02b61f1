"""Load: a landed month becomes typed rows, and a release that people can read."""

import dagster as dg

from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.sources import GROUP, OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.lead_checks import SNAPSHOT_CHECKS, SNAPSHOTS, check_snapshots
from marketo_assets.defs.metadata import (
    loaded_metadata,
    megabytes,
    quota_left,
    release_metadata,
    schema_changes_text,
)
from marketo_assets.defs.partitions import MONTHS
from marketo_assets.defs.preview import preview_table
from marketo_assets.defs.resources import WarehouseResource
from marketo_assets.defs.table_columns import lineage, read_columns, table_schema
from marketo_assets.land.lead_exports import read_landed
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.lead_snapshots import SnapshotLoad, load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.warehouse import Release


@dg.asset(
    key=SNAPSHOTS,
    deps=[lead_exports],
    partitions_def=MONTHS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb", "table"},
    code_version="1",
    check_specs=SNAPSHOT_CHECKS,
    description=(
        "Leads as exported, every field typed under its REST name.\n\n"
        "**Grain:** one row per lead per month of creation. **Source:** the landed file. **Refresh:** the month's rows "
        "are replaced in one transaction, verified before COMMIT; then a release is published. **Cost:** no call, "
        "seconds of work; can be repeated at will."
    ),
)
def lead_snapshots(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Load the landed export of one month, and publish."""
    partition = context.partition_key
    with explained(), warehouse.ledger() as ledger:
        settings = warehouse.settings()
        landed = read_landed(settings.landing_dir, partition)
        files, now = warehouse.warehouse(), settings.clock.now()
        with files.held() as con:
            load = load_lead_snapshot(files, landed, run_id=context.run.run_id, now=now)
            _tell_load(context, load, landed)
            release = publish(files, ledger, now=now, min_seconds=settings.publish_min_seconds)
            _tell_release(context, release)
            columns = read_columns(con, "raw", "lead_snapshots")
            results = list(check_snapshots(con, partition, columns))
            preview = preview_table(con, "raw.lead_snapshots", columns, f"_partition = '{partition}'")
        left = quota_left(ledger)
    filled = {column.name: column.field for column in columns if column.field}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(landed.sha256),
        check_results=results,
        metadata={
            **loaded_metadata(load, landed),
            **release_metadata(release),
            **left,
            "dagster/column_schema": table_schema(columns),
            "dagster/column_lineage": lineage(filled, lead_exports.key),
            "preview": dg.MetadataValue.md(preview),
        },
    )


def _tell_load(context: dg.AssetExecutionContext, load: SnapshotLoad, landed: LandedFile) -> None:
    if load.newer_as_of:
        context.log.info(
            f"{load.partition}: nothing loaded, because the month has rows that were read later, at "
            f"{load.newer_as_of:%Y-%m-%d %H:%M:%S} UTC (load {load.load_id})"
        )
        return
    context.log.info(
        f"{load.partition}: loaded {load.rows:,} rows, {megabytes(landed.file_bytes)} of export job "
        f"{landed.export_id}, in {load.seconds:.2f} s as load {load.load_id}; "
        f"{load.duplicates:,} repeated rows left out, {load.rejected_values:,} values did not fit their type, "
        f"{load.outside_window:,} rows outside the month"
    )
    if load.schema_changes:
        context.log.info(f"{load.partition}: fields changed: {schema_changes_text(load)}")


def _tell_release(context: dg.AssetExecutionContext, release: Release | None) -> None:
    context.log.info(
        f"published release {release.number}: {megabytes(release.file_bytes)} in {release.seconds:.2f} s; "
        "people read it as marketo.duckdb"
        if release
        else "not published yet: the newest release is younger than MARKETO_PUBLISH_MIN_SECONDS; "
        "marketo/leads follows by itself"
    )
