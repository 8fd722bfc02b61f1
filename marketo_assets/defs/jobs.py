"""Jobs: what people start by name."""

import dagster as dg

from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.published import published_tables

lead_snapshots_job = dg.define_asset_job(
    "lead_snapshots",
    selection=[lead_exports, lead_snapshots, published_tables],
    description="Export, load and publish the leads created in a month. Backfill it for more months.",
)
JOBS = (lead_snapshots_job,)
