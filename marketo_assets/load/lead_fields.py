"""The registry of lead fields, `marketo.lead_fields`: Describe, with when each field was first and last seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.lead_fields import ALWAYS
from marketo_assets.load.columns import Column, SchemaChange, column_type, name_columns, text_literal
from marketo_assets.load.ledger import append_rows, record_schema_changes
from marketo_assets.warehouse import DuckDBConnection

# Columns of ours in every table of leads; a field of one of these names gets a suffix.
OWN_COLUMNS = {
    "_partition": "VARCHAR",
    "_as_of": "TIMESTAMP WITH TIME ZONE",
    "_source": "VARCHAR",
    "_load_id": "BIGINT",
}
# DuckDB's own name for the place of a row, and what our statements call something beside the columns of leads.
_RESERVED = (*OWN_COLUMNS, "rowid", "read_load", "held_load", "_is_known", "_read_at", "_late_at")

_COLUMNS = (
    ("name", "VARCHAR", "REST name"),
    ("column_name", "VARCHAR", "its column: the REST name, with a suffix where two fields differ in case only"),
    ("display_name", "VARCHAR", "label in Marketo"),
    ("data_type", "VARCHAR", "Marketo's dataType, lower case"),
    ("length", "BIGINT", "most characters, where Marketo gives it"),
    ("id", "BIGINT", "numeric field id, where known; activities refer to it"),
    ("is_read_only", "BOOLEAN", "whether the API may not write it"),
    ("is_crm_managed", "BOOLEAN", "whether a native CRM sync owns it"),
    ("is_copied", "BOOLEAN", "whether the settings copy it"),
    ("is_hidden", "BOOLEAN", "whether Describe no longer shows it; its column and values stay"),
    ("first_seen_at", "TIMESTAMP WITH TIME ZONE", "when Describe first showed it to us"),
    ("last_seen_at", "TIMESTAMP WITH TIME ZONE", "when Describe last showed it"),
)


@dataclass(frozen=True)
class Registry:
    """What is known of the fields after a describe: a column for each, and what changed."""

    columns: Mapping[str, Column]
    """By REST name; hidden fields included."""
    changes: tuple[SchemaChange, ...]
    hidden: frozenset[str]


def ensure_registry(con: DuckDBConnection) -> None:
    """Leave the table `main.lead_fields`, commented."""
    if con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'lead_fields'").fetchone():
        return
    con.execute(f"CREATE TABLE main.lead_fields ({', '.join(f'{name} {kind}' for name, kind, _ in _COLUMNS)})")
    comments = ["COMMENT ON TABLE main.lead_fields IS 'One row per lead field that Describe has ever shown.'"]
    comments += [f"COMMENT ON COLUMN main.lead_fields.{name} IS {text_literal(text)}" for name, _, text in _COLUMNS]
    con.execute("; ".join(comments))


def register_fields(
    con: DuckDBConnection, described: Sequence[LeadField], copied: Sequence[LeadField], seen_at: datetime
) -> Registry:
    """Return the columns of every field ever seen, after bringing the registry up to *described*.

    Guarantee: a field keeps its column for ever. Reading an older describe again takes nothing back.
    """
    ensure_registry(con)
    names = [name for name, _, _ in _COLUMNS]
    before = {
        row[0]: dict(zip(names, row, strict=True))
        for row in con.execute(f"SELECT {', '.join(names)} FROM main.lead_fields").fetchall()
    }
    is_newest = all(row["last_seen_at"] <= seen_at for row in before.values())
    # The SQL here names id and the two stamps, so no field that differs from them in case comes first.
    names_to_give = sorted((field.name for field in described), key=lambda name: name not in ALWAYS)
    column_names = name_columns(names_to_give, {name: row["column_name"] for name, row in before.items()}, _RESERVED)
    after = {name: dict(row) for name, row in before.items()}
    copied_names = {field.name for field in copied}
    for field in described:
        old = before.get(field.name)
        if is_newest or old is None:
            after[field.name] = _row(field, column_names[field.name], field.name in copied_names, old, seen_at)
            # A later describe, read before this one, no longer showed it.
            after[field.name]["is_hidden"] = not is_newest
    if is_newest:
        for name in before.keys() - {field.name for field in described}:
            after[name]["is_hidden"] = True
    changes = _changes(before, after)
    if _without_time(before) == _without_time(after):
        con.execute(
            "UPDATE main.lead_fields SET last_seen_at = ? WHERE NOT is_hidden AND last_seen_at < ?", [seen_at] * 2
        )
    else:
        con.execute("DELETE FROM main.lead_fields")
        append_rows(con, "main.lead_fields", list(after.values()))
        record_schema_changes(con, seen_at, changes)
    return Registry(
        columns={
            name: Column(name, row["column_name"], column_type(name, row["data_type"])) for name, row in after.items()
        },
        changes=changes,
        hidden=frozenset(name for name, row in after.items() if row["is_hidden"]),
    )


def _row(
    field: LeadField, column: str, is_copied: bool, old: Mapping[str, Any] | None, seen_at: datetime
) -> dict[str, Any]:
    return {
        "name": field.name,
        "column_name": column,
        "display_name": field.display_name,
        "data_type": field.data_type,
        "length": field.length,
        "id": field.id if field.id is not None else (old["id"] if old else None),
        "is_read_only": field.is_read_only,
        "is_crm_managed": field.is_crm_managed,
        "is_copied": is_copied,
        "is_hidden": False,
        "first_seen_at": old["first_seen_at"] if old else seen_at,
        "last_seen_at": seen_at,
    }


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[SchemaChange, ...]:
    found = []
    for name, new in after.items():
        old, column = before.get(name), new["column_name"]
        if old is None:
            # On the first describe every field is new, and a row for each would say nothing.
            if before:
                found.append(SchemaChange(name, column, "appeared", None, new["data_type"]))
            if column != name:
                found.append(SchemaChange(name, column, "suffixed", name, column))
            continue
        if old["is_hidden"] != new["is_hidden"]:
            kind = "hidden" if new["is_hidden"] else "shown"
            found.append(SchemaChange(name, column, kind, old["data_type"], new["data_type"]))
        if old["is_copied"] != new["is_copied"]:
            kind = "copied" if new["is_copied"] else "left out"
            found.append(SchemaChange(name, column, kind, old["data_type"], new["data_type"]))
        if old["data_type"] != new["data_type"]:
            found.append(SchemaChange(name, column, "retyped", old["data_type"], new["data_type"]))
        if old["display_name"] != new["display_name"]:
            found.append(SchemaChange(name, column, "relabelled", old["display_name"], new["display_name"]))
    return tuple(found)


def _without_time(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {k: v for k, v in row.items() if not k.endswith("_seen_at")} for name, row in rows.items()}
