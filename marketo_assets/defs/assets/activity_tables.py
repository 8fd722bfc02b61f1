"""Show: what lies beside the activities in the published file."""

from collections.abc import Iterator

import dagster as dg

from marketo_assets.defs.assets.activities import activities
from marketo_assets.defs.assets.activity_exports import GROUP
from marketo_assets.defs.assets.sources import OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import table_metadata
from marketo_assets.defs.resources import WarehouseResource
from marketo_assets.warehouse import connect_readonly

_TOLD = {
    "activity_types": "Activity types that Marketo has ever listed, and the view of each.\n\n"
    "**Grain:** one row per type. **Source:** Get Activity Types, read with every export and poll. ",
    "activity_attributes": "Attributes of activity types, and the column of each in its type's view.\n\n"
    "**Grain:** one row per type and attribute. **Source:** Get Activity Types. ",
    "activities_with_leads": "Activities with the lead as it is now, its fields as `lead_…`.\n\n"
    "**Grain:** one row per activity of a lead that exists; those of deleted leads are in marketo.activities. "
    "**Source:** marketo/activities and marketo/leads, joined when somebody asks. ",
}
ACTIVITY_TABLES = tuple(
    dg.AssetSpec(
        ["marketo", name],
        deps=[activities],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "view" if name == "activities_with_leads" else "table"},
        code_version="1",
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
