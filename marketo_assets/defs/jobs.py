"""Jobs: what people start by name."""

import dagster as dg

from marketo_assets.defs.assets.lead_changes import captured_lead_changes
from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.published import published_tables

lead_snapshots_job = dg.define_asset_job(
    "lead_snapshots",
    selection=[lead_exports, lead_snapshots, published_tables],
    description="Export, load and publish the leads created in a month. Backfill it for more months.",
)
lead_changes_job = dg.define_asset_job(
    "lead_changes",
    selection=[captured_lead_changes, published_tables],
    description="Read what happened to leads since the last time, and publish. Started by lead_changes_sensor.",
)
JOBS = (lead_snapshots_job, lead_changes_job)
