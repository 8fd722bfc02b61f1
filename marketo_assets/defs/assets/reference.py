"""Land and load: readings of what gives ids a name become versions of each record."""

import dagster as dg
from pydantic import Field

from marketo_assets.api.errors import MarketoError
from marketo_assets.api.limits import Ledger
from marketo_assets.defs.assets.sources import MARKETO_REFERENCE, OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import Metadata, quota_left, release_metadata, table_metadata
from marketo_assets.defs.reference_checks import REFERENCE_CHECKS, VERSIONS, check_reference
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.land.reference import Landing, land_reference
from marketo_assets.load.reference import ReadingLoad, load_reference, read_known
from marketo_assets.publish import publish
from marketo_assets.settings import Settings
from marketo_assets.warehouse import Release, Warehouse

GROUP = "reference"


class ReferenceConfig(dg.Config):
    """How reference objects are read."""

    refresh: bool = Field(default=False, description="Read every object whole, and all details again.")


@dg.asset(
    key=["landing", "reference"],
    deps=[MARKETO_REFERENCE],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"json", "file"},
    code_version="1",
    description=(
        "Reference objects as Marketo answered them, of the kinds in MARKETO_OBJECTS: compressed and checksummed.\n\n"
        "**Grain:** one file per object and reading. **Source:** the browse endpoints of the asset API, and the lead "
        "database. **Refresh:** by job `reference` (schedule reference_daily). Where an endpoint tells what was "
        "updated it is asked for that, and once a day for everything, which alone shows what was removed. A reading "
        "that was landed within the hour and not loaded is taken up. What the credentials may not read is left out, "
        "with a message. **Cost:** one call for each 200 records (300 campaigns), begun or whole."
    ),
)
def reference(
    context: dg.AssetExecutionContext, config: ReferenceConfig, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.MaterializeResult[None]:
    """Land a reading of each chosen object."""
    with explained():
        settings, files = marketo.settings(), warehouse.warehouse()
        known = read_known(files)
        with marketo.open_client(settings) as client:
            try:
                landing = land_reference(
                    client, settings, known, log=lambda line: context.log.info(line), is_refresh=config.refresh
                )
            except MarketoError:
                # The step that loads is left out then; what was landed of other objects must not wait for this one.
                _load(context, files, client.ledger, settings)
                raise
            calls, left = client.calls, quota_left(client.ledger)
    kinds = len({landed.object for landed in landing.readings})
    context.log.info(f"read {kinds} kinds of records in {calls:,} calls; {len(landing.skipped)} were left out")
    return dg.MaterializeResult[None](metadata={**_landed(landing, calls), **left})


@dg.asset(
    key=VERSIONS,
    deps=[reference],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"duckdb", "table"},
    code_version="1",
    check_specs=REFERENCE_CHECKS,
    description=(
        "What each reference object was, and when: the record as Marketo answered it. Each kind has a typed table of "
        "its own with the newest (`marketo.programs`, `marketo.emails`, …).\n\n"
        "**Grain:** one row per object, id and content found by readings. **Source:** landing/reference. **Refresh:** "
        "loads what was landed and not loaded, then publishes; append-only but for `read_until` and `removed_at`, "
        "which only a reading of everything sets. **Cost:** no call; can be repeated at will."
    ),
)
def reference_versions(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster does not take the generic form beside checks
    """Load what was landed, and publish."""
    with explained(), warehouse.ledger() as ledger:
        settings, files = warehouse.settings(), warehouse.warehouse()
        with files.held() as con:
            loads, release = _load(context, files, ledger, settings)
            results = list(check_reference(con, settings, settings.clock.now()))
            told = {**_loaded(loads), **release_metadata(release), **table_metadata(con, "raw", "reference_versions")}
        left = quota_left(ledger)
    return dg.MaterializeResult(check_results=results, metadata={**told, **left})


def _load(
    context: dg.AssetExecutionContext, files: Warehouse, ledger: Ledger, settings: Settings
) -> tuple[list[ReadingLoad], Release | None]:
    now = settings.clock.now()
    with files.held():
        loads = load_reference(
            files, settings.landing_dir, run_id=context.run.run_id, now=now, log=lambda line: context.log.info(line)
        )
        return loads, publish(files, ledger, now=now, min_seconds=settings.publish_min_seconds)


def _landed(landing: Landing, calls: int) -> Metadata:
    rows = [
        dg.TableRecord(
            {
                "object": landed.object,
                "records": landed.records,
                "read": "everything" if landed.is_whole else "what was updated",
                "calls": landed.calls,
                "removed": len(landed.removed),
                "taken_up": landed.was_adopted,
            }
        )
        for landed in landing.readings
    ]
    return {
        "dagster/row_count": sum(landed.records for landed in landing.readings),
        "removed": sum(len(landed.removed) for landed in landing.readings),
        "calls": calls,
        "details_left_to_next_run": sum(landing.postponed.values()),
        "left_out": " ".join(f"{name}: {why}" for name, why in landing.skipped.items()) or "none",
        "warnings": " ".join(text for landed in landing.readings for text in landed.warnings) or "none",
        **({"readings": dg.MetadataValue.table(rows)} if rows else {}),
    }


def _loaded(loads: list[ReadingLoad]) -> Metadata:
    return {
        "readings_loaded": len(loads),
        "added": sum(load.added for load in loads),
        "changed": sum(load.changed for load in loads),
        "removed": sum(load.removed for load in loads),
        "calls": 0,
        "worked_seconds": round(sum(load.seconds for load in loads), 2),
    }
