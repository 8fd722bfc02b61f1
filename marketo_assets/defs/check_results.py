"""The result of a check that counts what should not be there: what was found, and what to do about it."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def counted(
    name: str,
    found: int,
    advice: str,
    *,
    asset: dg.AssetKey | None = None,
    severity: dg.AssetCheckSeverity = WARN,
    is_passed: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    """Return that check *name* found so many, with *advice* as its description; without any, it has passed.

    A check that only counts has passed whatever it found: *is_passed*. Of *facts*, numbers are plotted.
    """
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=is_passed or not found,
        severity=severity,
        description=advice if found else "Nothing found.",
        metadata={"found": found, **(facts or {})},
    )
