"""Show: what lies beside the activities in the published file."""

from collections.abc import Iterator

import dagster as dg

from marketo_assets.defs.assets.activities import activities, activity_polls
from marketo_assets.defs.assets.activity_exports import GROUP
from marketo_assets.defs.assets.sources import OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.lead_checks import LEADS
from marketo_assets.defs.metadata import table_metadata
from marketo_assets.defs.resources import WarehouseResource
from marketo_assets.defs.sensors import AFTER_LOADS
from marketo_assets.warehouse import connect_readonly

WITH_LEADS = "activities_with_leads"
_TOLD = {
    "activity_types": "Activity types that Marketo has ever listed, and the view of each.\n\n"
    "**Grain:** one row per type. **Source:** Get Activity Types, read with every export and poll. ",
    "activity_attributes": "Attributes of activity types, and the column of each in its type's view.\n\n"
    "**Grain:** one row per type and attribute. **Source:** Get Activity Types. ",
    WITH_LEADS: "Activities with the lead as it is now, its fields as `lead_…`.\n\n"
    "**Grain:** one row per activity of a lead that exists; those of deleted leads are in marketo.activities. "
    "**Source:** marketo/activities and marketo/leads, joined when somebody asks. ",
}
ACTIVITY_TABLES = tuple(
    dg.AssetSpec(
        ["marketo", name],
        deps=[activities, activity_polls, *([LEADS] if name == WITH_LEADS else [])],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "view" if name == WITH_LEADS else "table"},
        code_version="1",
        # The view joins leads as they are when somebody asks, so news of them changes nothing here.
        automation_condition=AFTER_LOADS.ignore(dg.AssetSelection.assets(LEADS)),
        skippable=True,
        description=f"{told}**Refresh:** with every release. **Cost:** no call.",
    )
    for name, told in _TOLD.items()
)


@dg.multi_asset(name="published_activities", specs=ACTIVITY_TABLES)
def published_activities(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Tell what readers see of the tables beside the activities, in the release that the load has published."""
    results = []
    with explained(), connect_readonly(warehouse.warehouse().published_path) as con:
        for spec in ACTIVITY_TABLES:
            name = spec.key.path[-1]
            if told := table_metadata(con, "main", name):
                results.append(dg.MaterializeResult[None](asset_key=spec.key, metadata=told))
            else:
                context.log.info(f"marketo.{name} is not there yet; it needs a month of leads as well")
    yield from results
