"""The registry of member fields, `meta.program_member_fields`: Describe Program Member, and the column of each field.

A field keeps its column for ever, also when Marketo hides or renames it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marketo_assets.api.lead_database import LeadField
from marketo_assets.load.columns import Column, SchemaChange, column_type, snake_case, table_columns, text_literal
from marketo_assets.load.ledger import record_schema_changes, replace_rows
from marketo_assets.warehouse import DuckDBConnection

FIELDS = "meta.program_member_fields"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
_COLUMNS = (
    ("name", "VARCHAR", "REST name"),
    ("column_name", "VARCHAR", "its column in marketo.program_members"),
    ("display_name", "VARCHAR", "label in Marketo"),
    ("data_type", "VARCHAR", "Marketo's dataType, lower case"),
    ("is_hidden", "BOOLEAN", "whether Describe no longer shows it; its column and values stay"),
    ("first_seen_at", _MOMENT, "when Describe first showed it to us"),
    ("last_seen_at", _MOMENT, "when Describe last showed it"),
)
_Rows = dict[str, dict[str, Any]]


def register_member_fields(
    con: DuckDBConnection, described: Sequence[LeadField], seen_at: datetime, *, reserved: Sequence[str]
) -> dict[str, Column]:
    """Return the column of each field ever described, after bringing the registry up to *described*.

    What changed is recorded in `meta.schema_changes`; no field gets a column named as one of *reserved*.

    **Guarantee:** an older describe takes nothing back.
    """
    before = member_fields(con)
    is_newest = all(row["last_seen_at"] <= seen_at for row in before.values())
    names = _name_columns(described, before, reserved)
    after = dict(before)
    for field in described:
        old = before.get(field.name)
        if is_newest or old is None:
            after[field.name] = {
                "name": field.name,
                "column_name": names[field.name],
                "display_name": field.display_name,
                "data_type": field.data_type,
                "is_hidden": not is_newest,
                "first_seen_at": old["first_seen_at"] if old else seen_at,
                "last_seen_at": seen_at,
            }
    for name in before.keys() - {field.name for field in described} if is_newest else ():
        after[name] = {**before[name], "is_hidden": True}
    if after != before:
        replace_rows(con, FIELDS, list(after.values()))
        record_schema_changes(con, seen_at, _changes(before, after))
    return {name: Column(name, row["column_name"], column_type(name, row["data_type"])) for name, row in after.items()}


def member_fields(con: DuckDBConnection) -> _Rows:
    """Return what is known of each field, by its REST name."""
    if not table_columns(con, "meta", "program_member_fields"):
        con.execute(f"CREATE TABLE {FIELDS} ({', '.join(f'{name} {kind}' for name, kind, _ in _COLUMNS)})")
        con.execute(f"COMMENT ON TABLE {FIELDS} IS 'One row per field of program members ever described.'")
        for name, _, told in _COLUMNS:
            con.execute(f"COMMENT ON COLUMN {FIELDS}.{name} IS {text_literal(told)}")
    names = [name for name, _, _ in _COLUMNS]
    rows = con.execute(f"SELECT {', '.join(names)} FROM {FIELDS}").fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _name_columns(described: Sequence[LeadField], before: _Rows, reserved: Sequence[str]) -> dict[str, str]:
    names = {name: str(row["column_name"]) for name, row in before.items()}
    used = {*names.values(), *reserved}
    for field in described:
        if field.name not in names:
            base = name = snake_case(field.name) or "field"
            number = 1
            while name in used:
                number += 1
                name = f"{base}_{number}"
            names[field.name] = name
            used.add(name)
    return names


def _changes(before: _Rows, after: _Rows) -> list[SchemaChange]:
    found = []
    for name, new in after.items():
        old: Mapping[str, Any] | None = before.get(name)
        label, column = f"program member: {name}", new["column_name"]
        if old is None:
            # On the first describe every field is new, and a row for each would say nothing.
            found += [SchemaChange(label, column, "appeared", None, new["data_type"])] if before else []
            continue
        if old["is_hidden"] != new["is_hidden"]:
            found.append(SchemaChange(label, column, "hidden" if new["is_hidden"] else "shown", None, None))
        if old["data_type"] != new["data_type"]:
            found.append(SchemaChange(label, column, "retyped", old["data_type"], new["data_type"]))
        if old["display_name"] != new["display_name"]:
            found.append(SchemaChange(label, column, "relabelled", old["display_name"], new["display_name"]))
    return found
