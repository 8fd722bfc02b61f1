"""Load: a landed month, or what a poll tells, becomes rows of the one table of activities."""

import dagster as dg

from marketo_assets.defs.activity_checks import ACTIVITIES, ACTIVITY_CHECKS, check_activities
from marketo_assets.defs.assets.activity_exports import GROUP, activity_exports
from marketo_assets.defs.assets.sources import MARKETO_ACTIVITIES, OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, megabytes, quota_left, release_metadata, table_metadata
from marketo_assets.defs.partitions import MONTHS
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.land.activity_exports import read_landed_activities
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.activities import ActivityLoad, load_activities
from marketo_assets.load.activity_polls import ActivityCapture, capture_activities
from marketo_assets.publish import publish


@dg.asset(
    key=ACTIVITIES,
    deps=[activity_exports],
    partitions_def=MONTHS,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb", "table"},
    code_version="1",
    check_specs=ACTIVITY_CHECKS,
    description=(
        "Activities of every type, attributes as JSON. Each type has a view with its attributes typed and named "
        "(`marketo.activity_click_email`, …).\n\n"
        "**Grain:** one row per activity (marketoGUID). **Source:** the landed files and landing/activity_polls; both "
        "bring the same rows. **Refresh:** a file adds what is not here, and replaces what was read earlier and "
        "differs; nothing is removed because Marketo forgot it (MARKETO_ACTIVITY_KEEP_MONTHS removes). Then a release "
        "is published. **Cost:** no call, seconds of work; can be repeated at will."
    ),
)
def activities(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Load the landed activities of one month, and publish."""
    partition = context.partition_key
    with explained(), warehouse.ledger() as ledger:
        settings = warehouse.settings()
        landed = read_landed_activities(settings.landing_dir, partition)
        files, now = warehouse.warehouse(), settings.clock.now()
        with files.held() as con:
            load = load_activities(
                files, landed, run_id=context.run.run_id, now=now, keep_months=settings.activity_keep_months
            )
            release = publish(files, ledger, now=now, min_seconds=settings.publish_min_seconds)
            results = list(check_activities(con, landed.as_of, now))
            told = {
                **_loaded(load, landed),
                **release_metadata(release),
                **table_metadata(con, "main", "activities", unique="activity_guid"),
            }
        left = quota_left(ledger)
    context.log.info(
        f"{partition}: loaded {megabytes(landed.file_bytes)} of export job {landed.export_id}: {load.rows:,} "
        f"activities were new or different, {load.duplicates:,} were here, "
        f"{load.rejected_values:,} values did not fit; {load.seconds:.2f} s as load {load.load_id}"
    )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(landed.sha256), check_results=results, metadata={**told, **left}
    )


@dg.asset(
    key=["landing", "activity_polls"],
    deps=[MARKETO_ACTIVITIES],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"marketo", "duckdb"},
    code_version="1",
    description=(
        "Activities since the last time, as Get Lead Activities tells of them; no file is kept, the rows are in "
        "marketo/activities.\n\n"
        "**Grain:** one poll. **Source:** Get Lead Activities, ten types a feed. **Refresh:** by activities_sensor; "
        "each poll begins MARKETO_LOOKBACK_SECONDS before the watermark, in one transaction with the rows. **Cost:** "
        "two calls and one for each 300 activities of each ten types, begun or whole."
    ),
)
def activity_polls(
    context: dg.AssetExecutionContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Poll Marketo for activities, commit and publish them."""
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings) as client:
            capture = capture_activities(
                client, files, settings, run_id=context.run.run_id, log=lambda line: context.log.info(line)
            )
            release = publish(files, client.ledger, now=settings.clock.now(), min_seconds=settings.publish_min_seconds)
            left = quota_left(client.ledger)
    context.log.info(
        f"read from {capture.since:%Y-%m-%d %H:%M:%S} to {capture.until:%Y-%m-%d %H:%M:%S} UTC in {capture.calls} "
        f"calls: {capture.activities:,} activities were new or different, {capture.repeated:,} were known"
    )
    told = {**_captured(capture), **release_metadata(release), **left}
    facts = ("since", "watermark", "load_id", "new_or_different", "calls")
    context.log_event(dg.AssetObservation(ACTIVITIES, metadata={name: told[name] for name in facts}))
    return dg.MaterializeResult[None](metadata=told)


def _loaded(load: ActivityLoad, landed: LandedFile) -> Metadata:
    return {
        "dagster/partition_row_count": landed.records,
        "load_id": load.load_id,
        "export_id": landed.export_id,
        "file_bytes": landed.file_bytes,
        "as_of": dg.MetadataValue.timestamp(landed.as_of),
        "new_or_different": load.rows,
        "duplicates": load.duplicates,
        "rejected_values": load.rejected_values,
        "outside_window": load.outside_window,
        "forgotten": load.forgotten,
        "types_changed": len(load.schema_changes),
        "calls": 0,
        "worked_seconds": round(load.seconds, 2),
    }


def _captured(capture: ActivityCapture) -> Metadata:
    seen = capture.last_activity_at
    return {
        "dagster/row_count": capture.activities + capture.repeated,
        "since": dg.MetadataValue.timestamp(capture.since),
        "watermark": dg.MetadataValue.timestamp(capture.until),
        "load_id": capture.load_id,
        "new_or_different": capture.activities,
        "repeated": capture.repeated,
        "rejected_values": capture.rejected_values,
        "forgotten": capture.forgotten,
        "types_changed": len(capture.schema_changes),
        "warnings": " ".join(capture.warnings) or "none",
        "lag_seconds": (capture.until - seen).total_seconds() if seen else 0.0,
        "calls": capture.calls,
        "worked_seconds": round(capture.seconds, 2),
    }
