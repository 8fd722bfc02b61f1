"""What the columns of a table are and where they come from, read from the table itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from marketo_assets.api.lead_database import LeadField
from marketo_assets.defs.privacy import is_personal, may_show
from marketo_assets.warehouse import DuckDBConnection


@dataclass(frozen=True)
class TableColumn:
    """A column as DuckDB has it, and the Marketo field that fills it, if one does."""

    name: str
    type: str
    comment: str | None
    field: str | None = None
    data_type: str | None = None

    @property
    def may_show(self) -> bool:
        """Whether values may stand in a preview; columns of ours (`_as_of`, `_load_id`, …) and ids may."""
        if self.field is None or self.data_type is None:
            return True
        return self.field == "id" or may_show(self.field, self.data_type)


def read_columns(con: DuckDBConnection, schema: str, table: str) -> list[TableColumn]:
    """Return the columns of a published table, in order; those of lead tables with their Marketo field."""
    rows = con.execute(
        "SELECT found.column_name, found.data_type, found.comment, field.name, field.data_type "
        "FROM duckdb_columns() AS found LEFT JOIN main.lead_fields AS field "
        "ON field.column_name = found.column_name AND found.table_name IN ('leads', 'lead_snapshots') "
        "WHERE found.schema_name = ? AND found.table_name = ? AND NOT found.internal ORDER BY found.column_index",
        [schema, table],
    ).fetchall()
    return [TableColumn(*row) for row in rows]


def quoted_columns(columns: Sequence[TableColumn]) -> str:
    """Return the columns' names for a SELECT."""
    return ", ".join('"' + column.name.replace('"', '""') + '"' for column in columns)


def table_schema(columns: Sequence[TableColumn], *, unique: str | None = None) -> dg.TableSchema:
    """Return the columns as Dagster shows them, personal ones tagged `pii`."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.name != unique, unique=column.name == unique),
                tags=_pii(column.field, column.data_type),
            )
            for column in columns
        ]
    )


def export_schema(fields: Sequence[LeadField]) -> dg.TableSchema:
    """Return the columns of a landed export as Dagster shows them, with Marketo's types."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=field.data_type,
                description=field.display_name,
                tags=_pii(field.name, field.data_type),
            )
            for field in fields
        ]
    )


def lineage(columns: Mapping[str, str], upstream: dg.AssetKey) -> dg.TableColumnLineage:
    """Return the lineage of *columns* (name here -> name in *upstream*)."""
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(asset_key=upstream, column_name=source)] for name, source in columns.items()
        }
    )


def lineage_table(columns: Sequence[TableColumn]) -> dg.TableMetadataValue:
    """Return one row per column with the Marketo field behind it: the open-source UI draws no column lineage."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "column": column.name,
                    "type": column.type,
                    "lead field": column.field or "",
                    "meaning": column.comment or "",
                }
            )
            for column in columns
        ]
    )


def _pii(field: str | None, data_type: str | None) -> dict[str, str]:
    if field is None or data_type is None or field == "id":
        return {}
    if is_personal(field, data_type):
        return {"pii": "yes"}
    return {} if may_show(field, data_type) else {"pii": "possible"}
