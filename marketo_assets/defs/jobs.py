"""Jobs: what people start by name."""

import dagster as dg

from marketo_assets.defs.assets.activities import activities, activity_polls
from marketo_assets.defs.assets.activity_exports import activity_exports
from marketo_assets.defs.assets.activity_tables import published_activities
from marketo_assets.defs.assets.lead_audit import lead_ids
from marketo_assets.defs.assets.lead_changes import captured_lead_changes
from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.lead_sweep import lead_updates
from marketo_assets.defs.assets.lead_tables import published_tables
from marketo_assets.defs.assets.memberships import program_members, static_list_members
from marketo_assets.defs.assets.reference import reference, reference_versions
from marketo_assets.defs.assets.reference_tables import published_reference

lead_snapshots_job = dg.define_asset_job(
    "lead_snapshots",
    selection=[lead_exports, lead_snapshots],
    description="Export, load and publish the leads created in a month. Backfill it for more months. The page of "
    "marketo/leads follows by itself.",
)
lead_changes_job = dg.define_asset_job(
    "lead_changes",
    selection=[captured_lead_changes, published_tables],
    description="Read what happened to leads since the last time, and publish. Started by lead_changes_sensor.",
)
lead_sweep_job = dg.define_asset_job(
    "lead_sweep",
    selection=[lead_updates, published_tables],
    description="Find what changed without any activity telling of it, and publish. Started by lead_sweep_nightly.",
)
lead_audit_job = dg.define_asset_job(
    "lead_audit",
    selection=[lead_ids, published_tables],
    description="Compare ids of some months and a sample of leads with Marketo, and publish. Started by "
    "lead_audit_weekly.",
)
activities_job = dg.define_asset_job(
    "activities",
    selection=[activity_exports, activities],
    description="Export, load and publish the activities of a month, all types at once. Backfill it for more months. "
    "The pages of the tables beside them follow by themselves.",
)
activity_polls_job = dg.define_asset_job(
    "activity_polls",
    selection=[activity_polls, published_activities],
    description="Read activities since the last time, and publish. Started by activities_sensor.",
)
reference_job = dg.define_asset_job(
    "reference",
    selection=[reference, reference_versions, published_reference],
    description="Read what gives ids a name (MARKETO_OBJECTS), load and publish it. Started by reference_daily.",
)
program_members_job = dg.define_asset_job(
    "program_members",
    selection=[program_members],
    description="Export who is in which program, load and publish it. Started by program_members_nightly.",
)
list_members_job = dg.define_asset_job(
    "list_members",
    selection=[static_list_members],
    description="Find out who is on which static list, and publish it. Started by list_members_nightly.",
)
JOBS = (
    lead_snapshots_job,
    lead_changes_job,
    lead_sweep_job,
    lead_audit_job,
    activities_job,
    activity_polls_job,
    reference_job,
    program_members_job,
    list_members_job,
)
