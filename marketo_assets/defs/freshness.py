"""How old an asset may be before its page, and the catalog, say so: a day for what is read daily, a week for audits.

Why none on months: a month that was exported stays as it is, and changes tell what became of its leads since then.
"""

from datetime import timedelta

import dagster as dg

from marketo_assets.defs.assets.fivetran import GROUP as FIVETRAN
from marketo_assets.defs.assets.lead_audit import IDS
from marketo_assets.defs.assets.sources import SOURCES

# Two hours more than the pause between two nights, so that a slow night is no warning.
DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=48), warn_window=timedelta(hours=26))
WEEKLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8))
_WEEKLY_ASSETS = frozenset({IDS})
# Nothing is ever materialized for these.
_AGELESS_GROUPS = frozenset({FIVETRAN, *(source.group_name for source in SOURCES)})


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Return *spec* with the age at which it is told to be stale, unless it is kept by month or never made."""
    if spec.partitions_def is not None or spec.group_name in _AGELESS_GROUPS or spec.freshness_policy is not None:
        return spec
    return spec.replace_attributes(freshness_policy=WEEKLY if spec.key in _WEEKLY_ASSETS else DAILY)
