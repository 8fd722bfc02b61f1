"""The door: everything that Dagster shows and runs."""

import dagster as dg

from marketo_assets.defs.activity_sensor import activities_sensor
from marketo_assets.defs.assets.activities import activities, activity_polls
from marketo_assets.defs.assets.activity_exports import activity_exports
from marketo_assets.defs.assets.activity_tables import published_activities
from marketo_assets.defs.assets.fivetran import FIVETRAN_TABLES
from marketo_assets.defs.assets.lead_audit import lead_ids
from marketo_assets.defs.assets.lead_changes import captured_lead_changes
from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.assets.lead_sweep import lead_updates
from marketo_assets.defs.assets.lead_tables import published_tables
from marketo_assets.defs.assets.memberships import program_members, static_list_members
from marketo_assets.defs.assets.reference import reference, reference_versions
from marketo_assets.defs.assets.reference_tables import published_reference
from marketo_assets.defs.assets.sources import SOURCES
from marketo_assets.defs.change_sensor import lead_changes_sensor
from marketo_assets.defs.freshness import with_freshness
from marketo_assets.defs.jobs import JOBS
from marketo_assets.defs.resources import EnvironmentVariable, MarketoResource, WarehouseResource
from marketo_assets.defs.schedules import SCHEDULES
from marketo_assets.defs.sensors import SENSORS

defs = dg.Definitions(
    assets=dg.map_asset_specs(
        with_freshness,
        [
            *SOURCES,
            lead_exports,
            lead_snapshots,
            captured_lead_changes,
            lead_updates,
            lead_ids,
            published_tables,
            activity_exports,
            activities,
            activity_polls,
            published_activities,
            reference,
            reference_versions,
            published_reference,
            program_members,
            static_list_members,
            *FIVETRAN_TABLES,
        ],
    ),
    jobs=JOBS,
    schedules=SCHEDULES,
    sensors=[*SENSORS, lead_changes_sensor, activities_sensor],
    resources={
        "marketo": MarketoResource(
            base_url=EnvironmentVariable(env="MARKETO_BASE_URL"),
            client_id=EnvironmentVariable(env="MARKETO_CLIENT_ID"),
            client_secret=EnvironmentVariable(env="MARKETO_CLIENT_SECRET"),
        ),
        "warehouse": WarehouseResource(),
    },
    # Each run is a process of its own already; one more for each step would cost 1.4 s a step.
    executor=dg.in_process_executor,
)
