"""Schema `fivetran_marketo`: the same data once more, as views in the layout that the public dbt_marketo package reads.

Why views that are always there: dbt asks for each table by name, also when nothing of its kind was ever read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from marketo_assets.load.columns import quoted, text_literal
from marketo_assets.models.activities import TypedView
from marketo_assets.models.fivetran_activities import activity_views
from marketo_assets.models.fivetran_layout import LAYOUT, SCHEMA
from marketo_assets.models.fivetran_leads import lead_views
from marketo_assets.models.fivetran_objects import object_views
from marketo_assets.models.fivetran_views import FivetranView, Published, empty
from marketo_assets.warehouse import DuckDBConnection

_Shape = tuple[str | None, dict[str, tuple[str, str | None]]]


def refresh_fivetran(con: DuckDBConnection, types: Sequence[TypedView]) -> None:
    """Leave a view for each table of the layout and each of the activity *types*, empty where nothing was read.

    **Cost:** nothing is copied; milliseconds where the columns are those of the last time.
    """
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    published = Published(con)
    views = {name: empty(name) for name in LAYOUT}
    for view in (*lead_views(published), *activity_views(published, types), *object_views(published)):
        views[view.name] = view
    found = _shapes(con)
    for view in views.values():
        if found.get(view.name) != (view.comment, _shape(view)):
            _make(con, view)
    for name in found.keys() - views.keys():
        con.execute(f"DROP VIEW {SCHEMA}.{quoted(name)}")


def _make(con: DuckDBConnection, view: FivetranView) -> None:
    address = f"{SCHEMA}.{quoted(view.name)}"
    comments = [f"COMMENT ON VIEW {address} IS {text_literal(view.comment)}"]
    comments += [
        f"COMMENT ON COLUMN {address}.{quoted(column.name)} IS {text_literal(column.comment)}"
        for column in view.columns
    ]
    con.execute(f"CREATE OR REPLACE VIEW {address} AS {view.query}")
    con.execute(";".join(comments))


def _shape(view: FivetranView) -> Mapping[str, tuple[str, str | None]]:
    return {column.name: (column.type, column.comment) for column in view.columns}


def _shapes(con: DuckDBConnection) -> dict[str, _Shape]:
    found: dict[str, _Shape] = {
        name: (comment, {})
        for name, comment in con.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = ?", [SCHEMA]
        ).fetchall()
    }
    for name, column, kind, comment in con.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = ? "
        "ORDER BY table_name, column_index",
        [SCHEMA],
    ).fetchall():
        found[name][1][column] = (kind, comment)
    return found
