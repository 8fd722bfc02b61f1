"""The views over `main.activities`: one for each type with its attributes typed and named, and one with the leads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marketo_assets.load.activity_rows import TABLE, has_activities
from marketo_assets.load.activity_types import ATTRIBUTES, TYPES, ensure_types
from marketo_assets.load.columns import column_type, quoted, text_literal
from marketo_assets.load.parse import lenient_cast
from marketo_assets.warehouse import DuckDBConnection

WITH_LEADS = "activities_with_leads"
_HEAD = ("activity_guid", "lead_id", "activity_date", "campaign_id", "primary_attribute_value_id")
_TAIL = ("action_result", "_source", "_as_of", "_load_id")
_PRIMARY = "primary_attribute_value"
_UNKNOWN = "activity_type_{}"


@dataclass(frozen=True)
class TypedColumn:
    """A column of a type's view, and the attribute that fills it."""

    name: str
    attribute: str
    data_type: str
    is_hidden: bool

    @property
    def type(self) -> str:
        """The column's type."""
        return column_type("", self.data_type)

    @property
    def value(self) -> str:
        """The SQL expression of its text in `attributes`."""
        return f"(attributes ->> {text_literal('$.' + json.dumps(self.attribute, ensure_ascii=False))})"

    @property
    def comment(self) -> str:
        """What the column says of itself."""
        return f"{self.attribute} (Marketo {self.data_type}{', no longer listed' if self.is_hidden else ''})"


@dataclass(frozen=True)
class TypedView:
    """The view of one activity type."""

    name: str
    type_id: int
    comment: str
    primary: str | None
    columns: tuple[TypedColumn, ...]

    def comments(self, shared: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return its columns in order with their comments; *shared* are those of the table."""
        head = {name: shared[name] for name in _HEAD}
        typed = {column.name: column.comment for column in self.columns}
        tail = {name: shared[name] for name in _TAIL}
        return {**head, _PRIMARY: self.primary or shared[_PRIMARY], **typed, **tail}


def refresh_activities(con: DuckDBConnection) -> list[TypedView]:
    """Leave a view for each activity type, listed or only met, and `activities_with_leads`; what is current stays.

    Returns what the views of the types are.
    """
    if not has_activities(con):
        return []
    wanted, found = typed_views(con), _comments(con)
    shared = found["activities"]
    for view in wanted:
        if found.get(view.name) != view.comments(shared):
            _make(con, view, shared)
    # A type that was met before Marketo listed it has had a view by its number.
    for name in _views_of_types(con) - {view.name for view in wanted}:
        con.execute(f"DROP VIEW main.{quoted(name)}")
    _join_leads(con, found)
    return wanted


def typed_views(con: DuckDBConnection) -> list[TypedView]:
    """Return what the view of each type is to be, those of unlisted types that occur included."""
    ensure_types(con)
    columns: dict[int, list[TypedColumn]] = {}
    for number, *told in con.execute(
        f"SELECT activity_type_id, column_name, name, data_type, is_hidden FROM {ATTRIBUTES} ORDER BY ALL"
    ).fetchall():
        columns.setdefault(number, []).append(TypedColumn(*told))
    listed = con.execute(
        f"SELECT id, view_name, name, description, primary_attribute, primary_attribute_type FROM {TYPES} ORDER BY id"
    ).fetchall()
    views = [
        TypedView(
            name,
            number,
            f"Activities of type {label} ({number}), one row each. {description or ''}".strip(),
            f"{primary} (Marketo {kind})" if primary else None,
            tuple(columns.get(number, ())),
        )
        for number, name, label, description, primary, kind in listed
    ]
    for (number,) in con.execute(
        f"SELECT DISTINCT activity_type_id FROM {TABLE} ANTI JOIN {TYPES} ON id = activity_type_id "
        "WHERE activity_type_id IS NOT NULL ORDER BY 1"
    ).fetchall():
        name = _UNKNOWN.format(str(number).replace("-", "minus_"))
        views.append(TypedView(name, number, f"Activities of type {number}, which Marketo does not list.", None, ()))
    return views


def count_misfits(con: DuckDBConnection, since: datetime | None = None) -> dict[str, int]:
    """Return how many values did not fit the column of their attribute, by view and column; `attributes` has them.

    *since* leaves out what was read from Marketo before. **Cost:** a scan of all activities whose types declare more
    than texts.
    """
    found: dict[str, int] = {}
    where = "_as_of >= $1" if since else "true"
    for view in typed_views(con):
        checked = [column for column in view.columns if column.type != "VARCHAR"]
        if not checked:
            continue
        texts = ", ".join(f"{column.value} AS {quoted(column.name)}" for column in checked)
        counts = ", ".join(
            f"count(*) FILTER ({quoted(c.name)} IS NOT NULL AND {lenient_cast(quoted(c.name), c.type)} IS NULL)"
            for c in checked
        )
        row = con.execute(
            f"SELECT {counts} FROM (SELECT {texts} FROM {TABLE} WHERE activity_type_id = {view.type_id} AND {where})",
            [since] if since else [],
        ).fetchone()
        named = {f"{view.name}.{c.name}": int(count) for c, count in zip(checked, row or (), strict=False)}
        found |= {name: count for name, count in named.items() if count}
    return found


def _make(con: DuckDBConnection, view: TypedView, shared: Mapping[str, str | None]) -> None:
    # The inner query takes each text out of its object once, however often the cast around it looks at it.
    texts = [f"{column.value} AS {quoted(column.name)}" for column in view.columns]
    typed = [f"{lenient_cast(quoted(c.name), c.type)} AS {quoted(c.name)}" for c in view.columns]
    inner = ", ".join([*_HEAD, _PRIMARY, *texts, *_TAIL])
    con.execute(
        f"CREATE OR REPLACE VIEW main.{quoted(view.name)} AS SELECT {', '.join([*_HEAD, _PRIMARY, *typed, *_TAIL])} "
        f"FROM (SELECT {inner} FROM {TABLE} WHERE activity_type_id = {view.type_id})"
    )
    _comment(con, view.name, view.comment, view.comments(shared))


def _join_leads(con: DuckDBConnection, found: Mapping[str, Mapping[str, str | None]]) -> None:
    if "leads" not in found:
        return
    lead = {f"lead_{name}": (name, told) for name, told in found["leads"].items() if name.lower() != "id"}
    wanted = {**found["activities"], **{name: told for name, (_, told) in lead.items()}}
    if found.get(WITH_LEADS) == wanted:
        return
    columns = [f"activity.{quoted(name)}" for name in found["activities"]]
    columns += [f"lead.{quoted(name)} AS {quoted(alias)}" for alias, (name, _) in lead.items()]
    con.execute(
        f"CREATE OR REPLACE VIEW main.{WITH_LEADS} AS SELECT {', '.join(columns)} "
        f"FROM {TABLE} AS activity JOIN main.leads AS lead ON lead.id = activity.lead_id"
    )
    _comment(con, WITH_LEADS, "One row per activity of a lead that exists now, with the lead as it is now.", wanted)


def _comment(con: DuckDBConnection, view: str, told: str, columns: Mapping[str, str | None]) -> None:
    con.execute(f"COMMENT ON VIEW main.{quoted(view)} IS {text_literal(told)}")
    for name, comment in columns.items():
        if comment is not None:
            con.execute(f"COMMENT ON COLUMN main.{quoted(view)}.{quoted(name)} IS {text_literal(comment)}")


def _comments(con: DuckDBConnection) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for table, column, comment in con.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' "
        "AND NOT internal AND (table_name IN ('activities', 'leads') OR starts_with(table_name, 'activit')) "
        "ORDER BY table_name, column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = comment
    return found


def _views_of_types(con: DuckDBConnection) -> set[str]:
    rows = con.execute(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal "
        "AND starts_with(view_name, 'activity_')"
    ).fetchall()
    return {row[0] for row in rows}
