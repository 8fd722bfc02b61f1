"""The asset check that says which months are still to be exported again after a pause."""

import dagster as dg

from marketo_assets.load.repairs import stale_months
from marketo_assets.warehouse import DuckDBConnection

_SHOWN_MONTHS = 24


def months_repaired(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """Return the check on the table *key* that says how many months are still to be exported again."""
    return dg.AssetCheckSpec(
        "months_repaired",
        asset=key,
        description="No month shows what Marketo had forgotten when changes were read: after a pause of weeks every "
        "month is exported again.",
    )


def check_repairs(con: DuckDBConnection, key: dg.AssetKey) -> dg.AssetCheckResult:
    """Return the result of `months_repaired`, of the release that *con* reads."""
    stale = stale_months(con)
    named = ", ".join(found.month for found in stale[:_SHOWN_MONTHS])
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="months_repaired",
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(stale):,} months are still to be exported again, and may show leads that were deleted and "
        f"values that changed: {named}. lead_changes_sensor starts job lead_snapshots for them; where it is off, or "
        "a run failed, start the job for these partitions with refresh switched on."
        if stale
        else "No month is to be exported again.",
        metadata={"months": len(stale), "partitions": named or "none"},
    )
