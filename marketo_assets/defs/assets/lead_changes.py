"""Capture: changes, deletions and merges of leads become rows, and the leads they tell of are read again."""

from collections.abc import Iterator

import dagster as dg

from marketo_assets.defs.assets.sources import GROUP, MARKETO_LEAD_FIELDS, MARKETO_LEADS, OWNERS
from marketo_assets.defs.change_checks import CHANGES, CHANGES_CHECKS, DELETIONS, MERGES, check_changes
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, quota_left, table_metadata
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.load.lead_changes import Capture, capture_lead_changes

_REFRESH = (
    "**Refresh:** a poll appends what is not here yet, in one transaction with the leads that are read again, and "
    "moves the watermark. **Cost:** at most ceil(c/300) + ceil(n/300) + 6 calls for c activities that tell of n leads; "
    "where an updatedAt export takes less of what is left of the day, its calls and bytes instead of ceil(n/300)."
)
_TOLD = {
    CHANGES: "Changes of leads as Marketo logged them, with old and new value, reason and source.\n\n"
    "**Grain:** one row per changed field per activity; activities without a field have one row. "
    "**Source:** Get Lead Changes, and Get Lead Activities for scores, owners, merges and the like. ",
    DELETIONS: "Deletions of leads.\n\n**Grain:** one row per deletion. **Source:** Get Deleted Leads. ",
    MERGES: "Merges of leads.\n\n**Grain:** one row per lead that was merged away. **Source:** activities of "
    "type Merge Leads. ",
}
CHANGE_TABLES = tuple(
    dg.AssetSpec(
        key,
        deps=[MARKETO_LEADS, MARKETO_LEAD_FIELDS] if key == CHANGES else [MARKETO_LEADS],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "table"},
        code_version="1",
        description=told + _REFRESH,
    )
    for key, told in _TOLD.items()
)


@dg.multi_asset(name="captured_lead_changes", specs=CHANGE_TABLES, check_specs=CHANGES_CHECKS)
def captured_lead_changes(
    context: dg.AssetExecutionContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Poll Marketo for changes, and commit them with the leads as they are now."""
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        with marketo.open_client(settings) as client:
            capture = capture_lead_changes(
                client, files, settings, run_id=context.run.run_id, log=lambda line: context.log.info(line)
            )
            told = {**_metadata(capture), **quota_left(client.ledger)}
        _tell(context, capture)
        with files.transaction() as con:
            results = [
                dg.MaterializeResult[None](
                    asset_key=spec.key,
                    metadata={**table_metadata(con, "raw", spec.key.path[-1]), **told},
                    check_results=list(check_changes(con, spec.key, capture)),
                )
                for spec in CHANGE_TABLES
            ]
    yield from results


def _tell(context: dg.AssetExecutionContext, capture: Capture) -> None:
    context.log.info(
        f"read what happened from {capture.since:%Y-%m-%d %H:%M:%S} to {capture.until:%Y-%m-%d %H:%M:%S} UTC in "
        f"{capture.calls} calls and {capture.seconds:.2f} s: {capture.changes:,} changes, {capture.deletions:,} "
        f"deletions, {capture.merged_leads:,} leads merged away; {capture.leads_read:,} leads read again, "
        f"{capture.leads_missing:,} not found; {capture.repeated:,} activities were known"
    )


def _metadata(capture: Capture) -> Metadata:
    seen, bargain = capture.last_activity_at, capture.bargain
    return {
        "since": dg.MetadataValue.timestamp(capture.since),
        "watermark": dg.MetadataValue.timestamp(capture.until),
        "load_id": capture.load_id,
        "changes": capture.changes,
        "deletions": capture.deletions,
        "merged_leads": capture.merged_leads,
        "leads_read": capture.leads_read,
        "leads_missing": capture.leads_missing,
        "read_by": "updatedAt export" if bargain.is_export else "id",
        "bargain": bargain.told,
        "calls_by_id": bargain.calls_by_id,
        "calls_by_export": bargain.calls_by_export,
        "bytes_by_export": bargain.export_bytes,
        # What takes all that is left, and more, is infinitely much, which the UI cannot show.
        "share_by_id": min(bargain.share_by_id, 1.0),
        "share_by_export": min(bargain.share_by_export, 1.0),
        "rejected_values": capture.rejected_values,
        "repeated": capture.repeated,
        "fields_changed": len(capture.schema_changes),
        "last_activity_at": dg.MetadataValue.timestamp(seen) if seen else "none",
        "lag_seconds": (capture.until - seen).total_seconds() if seen else 0.0,
        "calls": capture.calls,
        "worked_seconds": round(capture.seconds, 2),
    }
