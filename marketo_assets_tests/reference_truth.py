"""The judge of reference objects: what the sandbox truly has, compared with what is published, value by value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from marketo_assets.warehouse import DuckDBConnection

Row = dict[str, Any]
# The table of each kind of asset, and the members that the asset API tells of each beside the asset's own values.
TABLES = {
    "programs": "program",
    "campaigns": "smart_campaign",
    "emails": "email",
    "static_lists": "static_list",
}
_MOMENTS = frozenset({"created_at", "updated_at", "start_date", "end_date"})
_OWN = frozenset({"removed_at", "_as_of", "_load_id"})


def reference_differences(con: DuckDBConnection, control: httpx.Client, *, most: int = 20) -> list[str]:
    """Return what differs between the published tables and what the sandbox has, at most *most* sentences."""
    found: list[str] = []
    folders = {("Folder", item["id"]): item["name"] for item in control.get("/folders").json()}
    programs = {item["id"]: item for item in control.get("/assets/program").json()["assets"]}
    names = folders | {("Program", key): item["name"] for key, item in programs.items()}
    for table, kind in TABLES.items():
        told = control.get(f"/assets/{kind}").raise_for_status().json()
        shown = {
            item["id"]: _campaign(item, programs) if table == "campaigns" else _as_it_is(item, names)
            for item in told["assets"]
        }
        found += _compared(con, table, shown, {item["id"] for item in told["gone"]})
    return found[:most]


def _compared(con: DuckDBConnection, table: str, expected: Mapping[Any, Row], gone: set[Any]) -> Iterator[str]:
    cursor = con.execute(f"SELECT * FROM main.{table}")
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    held = {row["id"]: row for row in rows}
    if len(held) != len(rows):
        yield f"{table}: {len(rows) - len(held)} ids are there twice"
    for key in sorted(expected.keys() - {key for key, row in held.items() if row["removed_at"] is None}, key=str):
        yield f"{table}: {key} is missing"
    for key, row in sorted(held.items(), key=str):
        if key not in expected:
            if row["removed_at"] is None or key not in gone:
                yield f"{table}: {key} does not exist"
            continue
        for name in row.keys() & expected[key].keys() - _OWN:
            if row[name] != _typed(name, expected[key][name]):
                yield f"{table} {key}: {name} is {row[name]!r}, expected {expected[key][name]!r}"
        if unknown := row.keys() - expected[key].keys() - _OWN - {name for name, value in row.items() if value is None}:
            yield f"{table} {key}: nobody knows {sorted(unknown)}"


def _as_it_is(asset: Row, names: Mapping[tuple[str, int], str]) -> Row:
    place = asset["folder"]
    own = {name: value for name, value in asset.items() if name not in ("kind", "draft", "folder", "tags", "costs")}
    own["status"] = "approved" if asset["status"] == "approved with draft" else asset["status"]
    flat = {_snake(name): value for name, value in own.items()}
    for name in ("subject", "from_name", "from_email", "reply_email"):
        if isinstance(flat.get(name), dict):
            flat |= {name: flat[name]["value"], f"{name}_type": flat[name]["type"]}
    if place:
        flat |= {"folder_type": place["type"], "folder_id": place["id"]}
        flat |= {"folder_name": names.get((place["type"], place["id"]))}
    url = f"https://app.example.com/#{asset['kind'].upper()}{asset['id']}A1"
    return {"workspace": "Default", "url": url, **flat}


def _campaign(asset: Row, programs: Mapping[int, Row]) -> Row:
    place = asset["folder"]
    program = programs.get(place["id"]) if place and place["type"] == "Program" else None
    kept = {name: asset[name] for name in ("id", "name", "description", "createdAt", "updatedAt")}
    return {
        **{_snake(name): value for name, value in kept.items()},
        "type": "trigger" if asset["type"] == "trigger" else "batch",
        "active": asset["isActive"],
        "program_id": program["id"] if program else None,
        "program_name": program["name"] if program else None,
        "workspace_name": "Default",
    }


def _typed(name: str, value: Any) -> Any:
    if value in ("", None):
        return None
    return datetime.fromisoformat(value.replace("Z+0000", "Z")).astimezone(UTC) if name in _MOMENTS else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
