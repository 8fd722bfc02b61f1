"""Show: the table of each reference object in the published file."""

from collections.abc import Iterator

import dagster as dg

from marketo_assets.defs.assets.reference import GROUP, reference_versions
from marketo_assets.defs.assets.sources import OWNERS
from marketo_assets.defs.failures import explained
from marketo_assets.defs.metadata import table_metadata
from marketo_assets.defs.resources import WarehouseResource
from marketo_assets.defs.sensors import AFTER_LOADS
from marketo_assets.models.reference import told_of
from marketo_assets.models.reference_tables import TABLES
from marketo_assets.warehouse import connect_readonly

REFERENCE_TABLES = tuple(
    dg.AssetSpec(
        ["marketo", name],
        deps=[reference_versions],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "view"},
        code_version="1",
        automation_condition=AFTER_LOADS,
        skippable=True,
        description=f"{told_of(table)}\n\n**Grain:** one row each. **Source:** marketo/raw/reference_versions. "
        "**Refresh:** with every release. **Cost:** no call.",
    )
    for name, table in TABLES.items()
)


@dg.multi_asset(name="published_reference", specs=REFERENCE_TABLES)
def published_reference(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Tell what readers see of the reference objects, in the release that the load has published."""
    results = []
    with explained(), connect_readonly(warehouse.warehouse().published_path) as con:
        for spec in REFERENCE_TABLES:
            name = spec.key.path[-1]
            if told := table_metadata(con, "main", name):
                removed = con.execute(f"SELECT count(removed_at) FROM main.{name}").fetchone()
                told = {**told, "removed": removed[0] if removed else 0}
                results.append(dg.MaterializeResult[None](asset_key=spec.key, metadata=told))
            else:
                context.log.info(f"marketo.{name} is not there yet; the next release has it")
    yield from results
