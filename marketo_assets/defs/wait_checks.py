"""An asset check that tells of waits which were longer than they should be."""

import dagster as dg

from marketo_assets.extract.waits import EXPECTED, Waits

NO_LONG_WAITS = dg.AssetCheckSpec(
    "no_long_waits",
    asset=dg.AssetKey(["landing", "lead_exports"]),
    description="The export waited for Marketo, its queue and other runs no longer than it should.",
)


def check_waits(waits: Waits) -> dg.AssetCheckResult:
    """Return how long was waited for what; it warns of each wait that was too long."""
    found = waits.too_long()
    return dg.AssetCheckResult(
        check_name=NO_LONG_WAITS.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(found) or "Nothing found.",
        metadata={f"waited_seconds_{reason}": round(waits.seconds.get(reason, 0.0), 1) for reason in EXPECTED},
    )
