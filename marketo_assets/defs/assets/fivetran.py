"""Show: the views in the layout that dbt_marketo reads. Each release has them; no run ever materializes them."""

import dagster as dg

from marketo_assets.defs.assets.sources import OWNERS
from marketo_assets.defs.privacy import personal_tags
from marketo_assets.models.fivetran_layout import LAYOUT, SCHEMA, Layout

GROUP = "fivetran"


def _spec(name: str, layout: Layout) -> dg.AssetSpec:
    # dbt's own assets, made by dagster-dbt, hang on these keys; an event for each release would tell nobody more.
    columns = [
        dg.TableColumn(column.name, column.type, column.comment, tags=personal_tags(name, column.name))
        for column in layout.columns
    ]
    sources = [f"marketo/{source}" for source in layout.sources]
    return dg.AssetSpec(
        ["marketo", SCHEMA, name],
        deps=[dg.AssetKey(source.split("/")) for source in sources],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "view"},
        metadata={
            "dagster/table_name": f"marketo.{SCHEMA}.{name}",
            "dagster/column_schema": dg.TableSchema(columns=columns),
        },
        description=f"{layout.told} As Fivetran's Marketo connector names and types it, for dbt_marketo.\n\n"
        f"**Grain:** as the sentence above says. **Source:** {', '.join(sources)}. **Refresh:** with every release; a "
        "view, empty where nothing was read. **Cost:** no call. What differs from Fivetran: docs/fivetran_layout.md.",
    )


FIVETRAN_TABLES = tuple(_spec(name, layout) for name, layout in LAYOUT.items())
