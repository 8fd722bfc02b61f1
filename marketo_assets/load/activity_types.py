"""The registry of activity types, `marketo.activity_types` and `marketo.activity_attributes`: what is known of each.

A type keeps its view and an attribute its column for ever, also when Marketo renames or no longer lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from marketo_assets.api.activities import ActivityAttribute, ActivityType
from marketo_assets.load.columns import SchemaChange, text_literal
from marketo_assets.load.lead_fields import ensure_registry
from marketo_assets.load.ledger import record_schema_changes, replace_rows
from marketo_assets.warehouse import DuckDBConnection

_MOMENT = "TIMESTAMP WITH TIME ZONE"
_SEEN = (
    ("is_hidden", "BOOLEAN", "whether Marketo no longer lists it; what was logged stays"),
    ("first_seen_at", _MOMENT, "when Marketo first listed it to us"),
    ("last_seen_at", _MOMENT, "when Marketo last listed it"),
)
_TABLES = {
    "main.activity_types": (
        "One row per activity type that Marketo has ever listed.",
        (
            ("id", "BIGINT", "number of the type in this instance"),
            ("name", "VARCHAR", "name of the type"),
            ("view_name", "VARCHAR", "the view that shows its activities with typed attributes"),
            ("description", "VARCHAR", "as Marketo describes it"),
            ("api_name", "VARCHAR", "of a custom type"),
            ("primary_attribute", "VARCHAR", "what primary_attribute_value is"),
            ("primary_attribute_type", "VARCHAR", "its Marketo dataType, lower case"),
            *_SEEN,
        ),
    ),
    "main.activity_attributes": (
        "One row per attribute that an activity type has ever had.",
        (
            ("activity_type_id", "BIGINT", "the type"),
            ("name", "VARCHAR", "name of the attribute; its key in attributes"),
            ("column_name", "VARCHAR", "its column in the view of the type"),
            ("data_type", "VARCHAR", "Marketo's dataType, lower case"),
            *_SEEN,
        ),
    ),
}
TYPES, ATTRIBUTES = _TABLES
VIEW_COLUMNS = (
    "activity_guid", "lead_id", "activity_date", "activity_type_id", "campaign_id", "primary_attribute_value_id",
    "primary_attribute_value", "attributes", "action_result", "_source", "_as_of", "_load_id",
)  # fmt: skip
"""Columns of every activity; an attribute of one of these names gets a suffix."""
_TAKEN_VIEWS = ("activity_types", "activity_attributes")
_Rows = dict[Any, dict[str, Any]]


def ensure_types(con: DuckDBConnection) -> None:
    """Leave the tables of the registry, commented."""
    # Whoever reads columns looks there for fields of leads, also before any lead is loaded.
    ensure_registry(con)
    for address, (comment, columns) in _TABLES.items():
        if con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [address.split(".")[1]]).fetchone():
            continue
        con.execute(f"CREATE TABLE {address} ({', '.join(f'{name} {kind}' for name, kind, _ in columns)})")
        con.execute(f"COMMENT ON TABLE {address} IS {text_literal(comment)}")
        for name, _, text in columns:
            con.execute(f"COMMENT ON COLUMN {address}.{name} IS {text_literal(text)}")


def types_seen_at(con: DuckDBConnection) -> datetime | None:
    """Return when Marketo last listed its types to us."""
    ensure_types(con)
    row = con.execute(f"SELECT max(last_seen_at) FROM {TYPES}").fetchone()
    return row[0] if row else None


def known_types(con: DuckDBConnection, *, is_listed: bool = False) -> list[ActivityType]:
    """Return every type in the registry, with every attribute it ever had; with *is_listed* only those still listed."""
    ensure_types(con)
    attributes: dict[int, list[ActivityAttribute]] = {}
    for number, name, kind in con.execute(f"SELECT activity_type_id, name, data_type FROM {ATTRIBUTES}").fetchall():
        attributes.setdefault(number, []).append(ActivityAttribute(name, kind))
    rows = con.execute(
        f"SELECT id, name, primary_attribute, primary_attribute_type, description, api_name FROM {TYPES} "
        f"WHERE NOT (is_hidden AND {is_listed}) ORDER BY id"
    ).fetchall()
    return [
        ActivityType(
            number,
            name,
            ActivityAttribute(primary, kind) if primary else None,
            tuple(attributes.get(number, ())),
            description,
            api_name,
        )
        for number, name, primary, kind, description, api_name in rows
    ]


def register_types(
    con: DuckDBConnection, listed: Sequence[ActivityType], seen_at: datetime
) -> tuple[SchemaChange, ...]:
    """Bring the registry up to what Marketo *listed* at *seen_at*, and return what changed.

    Guarantee: an older list takes nothing back.
    """
    ensure_types(con)
    types = {row["id"]: row for row in _rows(con, TYPES)}
    attributes = {(row["activity_type_id"], row["name"]): row for row in _rows(con, ATTRIBUTES)}
    is_newest = all(row["last_seen_at"] <= seen_at for row in types.values())
    types_after = _merged(types, _type_rows(listed, types), seen_at, is_newest)
    attributes_after = _merged(attributes, _attribute_rows(listed, attributes), seen_at, is_newest)
    changes = (*_changes(types, types_after, types_after), *_changes(attributes, attributes_after, types_after))
    if types_after != types or attributes_after != attributes:
        replace_rows(con, TYPES, list(types_after.values()))
        replace_rows(con, ATTRIBUTES, list(attributes_after.values()))
        record_schema_changes(con, seen_at, changes)
    return changes


def underscored(label: str) -> str:
    """Return *label* in lower case with underscores for whatever is neither letter nor digit."""
    return "_".join("".join(sign if sign.isalnum() else " " for sign in label.lower()).split())


def _type_rows(listed: Sequence[ActivityType], known: _Rows) -> _Rows:
    wanted = {kind.id: f"activity_{underscored(kind.name) or f'type_{kind.id}'}" for kind in listed}
    names = _named(wanted, {number: row["view_name"] for number, row in known.items()}, _TAKEN_VIEWS)
    return {
        kind.id: {
            "id": kind.id,
            "name": kind.name,
            "view_name": names[kind.id],
            "description": kind.description,
            "api_name": kind.api_name,
            "primary_attribute": kind.primary_attribute.name if kind.primary_attribute else None,
            "primary_attribute_type": kind.primary_attribute.data_type if kind.primary_attribute else None,
        }
        for kind in listed
    }


def _attribute_rows(listed: Sequence[ActivityType], known: _Rows) -> _Rows:
    found: _Rows = {}
    for kind in listed:
        wanted = {(kind.id, known.name): underscored(known.name) or "attribute" for known in kind.attributes}
        held = {key: row["column_name"] for key, row in known.items() if key[0] == kind.id}
        names = _named(wanted, held, VIEW_COLUMNS)
        for attribute in kind.attributes:
            key = (kind.id, attribute.name)
            found[key] = {
                "activity_type_id": kind.id,
                "name": attribute.name,
                "column_name": names[key],
                "data_type": attribute.data_type,
            }
    return found


def _named(wanted: Mapping[Any, str], held: Mapping[Any, str], reserved: Iterable[str]) -> dict[Any, str]:
    names, used = dict(held), {name.lower() for name in (*held.values(), *reserved)}
    for key, base in wanted.items():
        if key not in names:
            name, number = base, 1
            while name in used:
                number += 1
                name = f"{base}_{number}"
            names[key] = name
            used.add(name)
    return names


def _merged(before: _Rows, listed: _Rows, seen_at: datetime, is_newest: bool) -> _Rows:
    after = dict(before)
    for key, row in listed.items():
        old = before.get(key)
        if is_newest or old is None:
            first = old["first_seen_at"] if old else seen_at
            after[key] = {**row, "is_hidden": not is_newest, "first_seen_at": first, "last_seen_at": seen_at}
    for key in before.keys() - listed.keys() if is_newest else ():
        after[key] = {**before[key], "is_hidden": True}
    return after


def _changes(before: _Rows, after: _Rows, types: _Rows) -> tuple[SchemaChange, ...]:
    found = []
    for key, new in after.items():
        old = before.get(key)
        kind = types[new.get("activity_type_id", new.get("id"))]
        label = f"{kind['name']}: {new['name']}" if "column_name" in new else f"{new['name']}"
        column = str(new.get("column_name", new.get("view_name")))
        if old is None:
            # On the first list everything is new, and a row for each would say nothing.
            found += [SchemaChange(label, column, "appeared", None, new.get("data_type"))] if before else []
            continue
        if old["is_hidden"] != new["is_hidden"]:
            found.append(SchemaChange(label, column, "hidden" if new["is_hidden"] else "shown", None, None))
        if old.get("data_type") != new.get("data_type"):
            found.append(SchemaChange(label, column, "retyped", old["data_type"], new["data_type"]))
        if old["name"] != new["name"]:
            found.append(SchemaChange(label, column, "relabelled", old["name"], new["name"]))
    return tuple(found)


def _rows(con: DuckDBConnection, address: str) -> list[dict[str, Any]]:
    names = [name for name, _, _ in _TABLES[address][1]]
    found = con.execute(f"SELECT {', '.join(names)} FROM {address}").fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]
