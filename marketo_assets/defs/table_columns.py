"""What the columns of a table are and where they come from, read from the table itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from marketo_assets.api.lead_database import LeadField
from marketo_assets.defs.privacy import may_show, personal_tags
from marketo_assets.load.columns import table_columns
from marketo_assets.warehouse import DuckDBConnection

# Where the columns of a table say which field fills them, and what stands before the field's own column name.
_LEAD_FIELDS, _MEMBER_FIELDS = ("main", "lead_fields"), ("meta", "program_member_fields")
_FILLED_FROM = {
    "leads": (_LEAD_FIELDS, ""),
    "deleted_leads": (_LEAD_FIELDS, ""),
    "lead_snapshots": (_LEAD_FIELDS, ""),
    "activities_with_leads": (_LEAD_FIELDS, "lead_"),
    "program_members": (_MEMBER_FIELDS, ""),
}


@dataclass(frozen=True)
class TableColumn:
    """A column as DuckDB has it, and the Marketo field that fills it, if one does."""

    name: str
    type: str
    comment: str | None
    field: str | None = None
    data_type: str | None = None
    table: str = ""

    @property
    def may_show(self) -> bool:
        """Whether values may stand in a preview; columns of ours (`_as_of`, `_load_id`, …) and ids may."""
        if self.field is None or self.data_type is None:
            return True
        return self.field == "id" or may_show(self.field, self.data_type)


def read_columns(con: DuckDBConnection, schema: str, table: str) -> list[TableColumn]:
    """Return the columns of a table, in order, with the Marketo field that fills them; none if it is not there."""
    rows = con.execute(
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? AND NOT internal ORDER BY column_index",
        [schema, table],
    ).fetchall()
    filled, found = _filled(con, table), []
    for name, type_, comment in rows:
        field, data_type = filled.get(name, (None, None))
        found.append(TableColumn(name, type_, comment, field, data_type, table))
    return found


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
                tags=personal_tags(column.table, column.name, column.field, column.data_type),
            )
            for column in columns
        ]
    )


def export_schema(fields: Sequence[LeadField], *, of: str) -> dg.TableSchema:
    """Return the columns of a landed export, *of* `lead_exports` or another, as Dagster shows them: Marketo's types."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=field.data_type,
                description=field.display_name,
                tags=personal_tags(of, field.name, *((field.name, field.data_type) if of == "lead_exports" else ())),
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


def _filled(con: DuckDBConnection, table: str) -> dict[str, tuple[str, str]]:
    (schema, registry), before = _FILLED_FROM.get(table, (("", ""), ""))
    if not registry or not table_columns(con, schema, registry):
        return {}
    rows = con.execute(f"SELECT column_name, name, data_type FROM {schema}.{registry}").fetchall()
    return {before + column: (name, data_type) for column, name, data_type in rows}
