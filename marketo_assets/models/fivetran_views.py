"""How a view of the layout is put together: its columns, and the expression that fills each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from marketo_assets.load.columns import quoted, table_columns
from marketo_assets.models.fivetran_layout import LAYOUT, LaidOut
from marketo_assets.warehouse import DuckDBConnection

MOMENT = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True)
class FivetranView:
    """A view of the layout as it is to be."""

    name: str
    comment: str
    columns: tuple[LaidOut, ...]
    query: str


@dataclass(frozen=True)
class Published:
    """What the file that is to be published has."""

    con: DuckDBConnection

    def columns(self, schema: str, table: str) -> dict[str, str]:
        """Return the columns of a table or view with their types; empty if there is none."""
        return table_columns(self.con, schema, table)

    @cached_property
    def names(self) -> frozenset[str]:
        """Which tables and views there are, as `schema.name`."""
        return frozenset(
            f"{schema}.{name}"
            for schema, name in self.con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal "
                "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        )


def empty(name: str) -> FivetranView:
    """Return the view of a table of which nothing was ever read."""
    layout = LAYOUT[name]
    query = f"{select(layout.columns, {})} WHERE false"
    return FivetranView(name, f"{layout.told} Nothing was read yet.", layout.columns, query)


def laid_out(name: str, values: Mapping[str, str], source: str) -> FivetranView:
    """Return the view of a table of the layout whose columns are *values*, read from *source*."""
    layout = LAYOUT[name]
    return FivetranView(name, layout.told, layout.columns, f"{select(layout.columns, values)} {source}")


def select(columns: Iterable[LaidOut], values: Mapping[str, str]) -> str:
    """Return the SELECT list that fills *columns* in order; those without a value are NULL."""
    listed = (f"({values.get(column.name, 'NULL')})::{column.type} AS {quoted(column.name)}" for column in columns)
    return f"SELECT {', '.join(listed)}"


def in_utc(moment: str) -> str:
    """Return the SQL expression of *moment* without its time zone, as UTC has it."""
    return f"make_timestamp(epoch_us({moment}))"
