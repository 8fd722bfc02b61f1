"""Show: the tables of the published file, materialized together because one release holds them all."""

from collections.abc import Iterator, Sequence

import dagster as dg

from marketo_assets.defs.assets.lead_audit import lead_ids
from marketo_assets.defs.assets.lead_changes import CHANGE_TABLES
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.lead_sweep import lead_updates
from marketo_assets.defs.assets.sources import GROUP, OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.lead_checks import LEADS, LEADS_CHECKS, check_leads
from marketo_assets.defs.metadata import Metadata, megabytes, quota_left, release_metadata, table_metadata
from marketo_assets.defs.preview import preview_table
from marketo_assets.defs.resources import WarehouseResource
from marketo_assets.defs.sensors import AFTER_LOADS
from marketo_assets.defs.table_columns import lineage, lineage_table, read_columns
from marketo_assets.publish import publish
from marketo_assets.warehouse import DuckDBConnection, Release, WarehouseError, connect_readonly

HISTORY = ["marketo", "lead_history"]
_BOOKKEEPING = {
    "loads": (
        "load",
        "What every load did: run, export job, file, checksum, row counts. Rows point here by `_load_id`.",
        "the loads themselves, in the transaction of their rows",
    ),
    "rejected_values": (
        "value",
        "Values that did not fit their column's type, with the text as delivered.",
        "the loads, which keep such a row without the value",
    ),
    "schema_changes": (
        "change of a field",
        "Fields that appeared, were hidden, changed their type or their label.",
        "Describe Lead, Get Activity Types and Describe Program Member, compared with what they showed before",
    ),
    "export_jobs": (
        "export job",
        "Export jobs of this project: state, times, size.",
        "the ledger, which knows a job before Marketo does",
    ),
    "api_usage": ("quota day", "Calls and export bytes that this project spent.", "the ledger, which counts each call"),
    "watermarks": (
        "feed of activities",
        "How far changes and activities were surely read, and since when.",
        "the captures, in the transaction of the rows that they read",
    ),
    "coverage_gaps": (
        "stretch of time",
        "Times of which Marketo had forgotten changes or deletions before they were read.",
        "the captures",
    ),
    "audits": (
        "question and answer",
        "What audits, sweeps and releases asked, what they found, and what to do.",
        "marketo/leads, compared with itself and with Marketo",
    ),
    "repairs": (
        "pause",
        "Pauses after which months have to be exported again, with the moment that repairs them.",
        "the captures",
    ),
}


def _spec(
    key: Sequence[str],
    group: str,
    kind: str,
    description: str,
    deps: Sequence[dg.AssetKey | dg.AssetSpec | dg.AssetsDefinition] = (lead_snapshots,),
) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=deps,
        group_name=group,
        owners=OWNERS,
        kinds={"duckdb", kind},
        code_version="1",
        automation_condition=AFTER_LOADS,
        description=description,
    )


LEAD_TABLES = (
    _spec(
        LEADS.path,
        GROUP,
        "table",
        "Leads that exist now, every field typed under its REST name.\n\n**Grain:** one row per lead. "
        "**Source:** marketo/raw/lead_snapshots and what changes made us read again, of each lead the reading that was "
        "made last. **Refresh:** by itself after loads; materializing it audits and publishes. **Cost:** no call; one "
        "copy of the database file.",
        (lead_snapshots, *CHANGE_TABLES, lead_updates, lead_ids),
    ),
    _spec(
        ["marketo", "deleted_leads"],
        GROUP,
        "view",
        "Leads that are no more, with their last known values.\n\n**Grain:** one row per lead that was deleted or "
        "merged away; `merged_into_id` is the lead at the end of all merges. **Source:** marketo/raw/lead_deletions, "
        "marketo/raw/lead_merges. **Refresh:** with every release. **Cost:** no call.",
        (lead_snapshots, *CHANGE_TABLES),
    ),
    _spec(
        HISTORY,
        GROUP,
        "view",
        "What each field of a lead was, and when; the table macro `marketo.leads_as_of(ts)` shows whole leads as they "
        "were: `SELECT * FROM marketo.leads_as_of(TIMESTAMPTZ '2026-08-11 09:00:00Z')`.\n\n**Grain:** one row per "
        "lead, field and interval in which the field had a value, for fields that changed while changes were captured; "
        "gap-free and non-overlapping, to the second. `_is_disputed` where two changes contradict each other, "
        "`_has_gap` where Marketo had forgotten changes before they were read, `_evidence` says whether an activity or "
        "a reading told it. **Source:** marketo/raw/lead_changes, and what readings found changed without an activity. "
        "**Refresh:** with every release; worked out when somebody asks. **Cost:** no call. The macro works where the "
        "file is opened directly, not where it is attached.",
        (lead_snapshots, *CHANGE_TABLES),
    ),
    _spec(
        ["marketo", "lead_fields"],
        GROUP,
        "table",
        "Lead fields that Describe has ever shown, with column, type, and when each was first and last seen.\n\n"
        "**Grain:** one row per field. **Source:** Describe Lead, read with every export. **Refresh:** with every "
        "release. **Cost:** no call.",
    ),
)
META_TABLES = tuple(
    _spec(
        ["marketo", "meta", name],
        "bookkeeping",
        "table",
        f"{what}\n\n**Grain:** one row per {grain}. **Source:** {source}. **Refresh:** with every release. "
        "**Cost:** no call.",
        # What every load and capture left there is shown by the release that shows their leads.
        (LEADS,),
    )
    for name, (grain, what, source) in _BOOKKEEPING.items()
)


@dg.multi_asset(name="published_tables", specs=[*LEAD_TABLES, *META_TABLES], check_specs=LEADS_CHECKS)
def published_tables(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Audit what is committed, publish it, and tell what readers see."""
    with explained():
        release = _publish(context, warehouse)
        with connect_readonly(release.path) as con, warehouse.ledger() as ledger:
            results = _results(con, {**release_metadata(release), "calls": 0, **quota_left(ledger)})
    yield from results


def _publish(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Release:
    files = warehouse.warehouse()
    with files.held() as con, warehouse.ledger() as ledger:
        if not con.execute("SELECT 1 FROM duckdb_columns() WHERE table_name = 'lead_snapshots'").fetchone():
            raise WarehouseError(
                "No month has been loaded yet. Materialize landing/lead_exports and marketo/raw/lead_snapshots first, "
                "or run job lead_snapshots for a month."
            )
        release = publish(files, ledger, now=warehouse.settings().clock.now(), force=True)
    assert release is not None  # noqa: S101  # nothing holds back a forced one
    context.log.info(
        f"audited, published release {release.number}: {megabytes(release.file_bytes)} in {release.seconds:.2f} s"
    )
    return release


def _results(con: DuckDBConnection, told: Metadata) -> list[dg.MaterializeResult[None]]:
    results: list[dg.MaterializeResult[None]] = []
    for spec in (*LEAD_TABLES, *META_TABLES):
        schema, table = ("main", *spec.key.path[1:])[-2:]
        # History is worked out when it is asked for: counting it would cost more than the release.
        metadata = table_metadata(
            con, schema, table, unique="id" if spec.key == LEADS else None, is_counted=table != HISTORY[-1]
        )
        if spec.key == LEADS:
            metadata = {**metadata, **told, **_leads_metadata(con)}
        checks = list(check_leads(con)) if spec.key == LEADS else []
        results.append(dg.MaterializeResult(asset_key=spec.key, metadata=metadata, check_results=checks))
    return results


def _leads_metadata(con: DuckDBConnection) -> Metadata:
    columns = read_columns(con, "main", "leads")
    return {
        "dagster/column_lineage": lineage({column.name: column.name for column in columns}, lead_snapshots.key),
        "preview": dg.MetadataValue.md(preview_table(con, "main.leads", columns)),
        "columns": lineage_table(columns),
    }
