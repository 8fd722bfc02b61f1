"""An asset check that tells of waits which were longer than they should be."""

import dagster as dg

from marketo_assets.defs.check_results import counted
from marketo_assets.extract.waits import EXPECTED, Waits

_NAME = "no_long_waits"


def no_long_waits(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """Return the check of an *asset* that exports."""
    told = "The export waited for Marketo, its queue and other runs no longer than it should."
    return dg.AssetCheckSpec(_NAME, asset=asset, description=told)


def check_waits(waits: Waits) -> dg.AssetCheckResult:
    """Return how long was waited for what; it warns of each wait that was too long."""
    found = waits.too_long()
    seconds = {f"waited_seconds_{reason}": round(waits.seconds.get(reason, 0.0), 1) for reason in EXPECTED}
    return counted(_NAME, len(found), " ".join(found), facts=seconds)
