"""The judge of reference objects: what the sandbox truly has, compared with what is published, value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from marketo_assets.warehouse import DuckDBConnection

Row = dict[str, Any]
Rows = dict[Any, Row]
# The table of each kind of asset that has a row for each.
KINDS = {
    "programs": "program",
    "smart_campaigns": "smart_campaign",
    "emails": "email",
    "email_templates": "email_template",
    "static_lists": "static_list",
    "smart_lists": "smart_list",
    "forms": "form",
    "landing_pages": "landing_page",
    "landing_page_templates": "landing_page_template",
    "channels": "channel",
    "segmentations": "segmentation",
}
_MOMENTS = frozenset({"created_at", "updated_at", "start_date", "end_date"})
_OWN = frozenset({"removed_at", "_as_of", "_load_id"})
_NOT_ROWS = frozenset({"kind", "draft", "folder", "tags", "costs", "progressionStatuses", "segments"})


@dataclass(frozen=True)
class Truth:
    """What one table has to show."""

    rows: Rows
    """By key, what is there now."""
    gone: frozenset[Any] = frozenset()
    """Keys of what was there once."""
    key: tuple[str, ...] = ("id",)


class World:
    """What the control desk tells of everything."""

    def __init__(self, control: httpx.Client) -> None:
        self._control = control
        kinds = {*KINDS.values(), "tag_type"}
        told = {kind: self.desk(f"/assets/{kind}") for kind in kinds}
        self.now = {kind: {item["id"]: item for item in told[kind]["assets"]} for kind in kinds}
        self.gone = {kind: {item["id"]: item for item in told[kind]["gone"]} for kind in kinds}
        self.folders = {item["id"]: item for item in self.desk("/folders")}
        self.names = {("Folder", key): item["name"] for key, item in self.folders.items()}
        self.names |= {("Program", key): item["name"] for key, item in self.now["program"].items()}

    def desk(self, path: str) -> Any:
        """Return what the control desk says."""
        return self._control.get(path).raise_for_status().json()

    def tables(self) -> dict[str, Truth]:
        """Return what each table has to show."""
        found = {
            table: Truth({key: self.shown(item) for key, item in self.now[kind].items()}, frozenset(self.gone[kind]))
            for table, kind in KINDS.items()
        }
        now, gone = self.now["smart_campaign"], frozenset(self.gone["smart_campaign"])
        found["campaigns"] = Truth({key: self.campaign(item) for key, item in now.items()}, gone)
        found["tags"] = Truth(
            {item["tagType"]: _tag(item) for item in self.now["tag_type"].values()},
            frozenset(item["tagType"] for item in self.gone["tag_type"].values()),
            ("tag_type",),
        )
        found["program_tags"] = self.inside("program", "tags", ("program_id", "tag_type", "tag_value"))
        costs = self.inside("program", "costs", ("program_id", "start_date", "cost"))
        # Marketo tells costs by name only, and cannot search a name with a comma.
        named = {key: row for key, row in costs.rows.items() if "," not in row["program_name"]}
        found["program_costs"] = Truth(named, key=costs.key)
        found["channel_statuses"] = self.inside("channel", "progressionStatuses", ("channel_id", "name"))
        segments = self.inside("segmentation", "segments", ("segmentation_id", "id"))
        found["segments"] = Truth({row["id"]: row for row in segments.rows.values()})
        found["folders"] = Truth(
            {("Folder", key): self.folder(item) for key, item in self.folders.items()}, key=("type", "id")
        )
        found["lead_partitions"] = Truth({item["id"]: item for item in self.desk("/partitions")})
        return found

    def shown(self, asset: Row) -> Row:
        """Return the row of an asset as its table has to show it."""
        # A draft that was never approved is shown as it stands.
        flat = _snaked({**asset, **asset["draft"]} if asset["status"] == "draft" else asset)
        if asset["status"] == "approved with draft":
            flat["status"] = "approved"
        for name in ("subject", "from_name", "from_email", "reply_email"):
            if isinstance(flat.get(name), dict):
                flat |= {name: flat[name]["value"], f"{name}_type": flat[name]["type"]}
        if place := asset["folder"]:
            flat |= {"folder_type": place["type"], "folder_id": place["id"]}
            flat |= {"folder_name": self.names.get((place["type"], place["id"]))}
        if asset["kind"] == "landing_page":
            flat["url"] = asset["URL"]
        url = f"https://app.example.com/#{asset['kind'].upper()}{asset['id']}A1"
        return {"workspace": "Default", "url": url, **flat}

    def campaign(self, asset: Row) -> Row:
        """Return a smart campaign as the lead database tells it."""
        place = asset["folder"]
        program = self.now["program"].get(place["id"]) if place and place["type"] == "Program" else None
        kept = {name: asset[name] for name in ("id", "name", "description", "createdAt", "updatedAt")}
        return {
            **_snaked(kept),
            "type": "trigger" if asset["type"] == "trigger" else "batch",
            "active": asset["isActive"],
            "program_id": program["id"] if program else None,
            "program_name": program["name"] if program else None,
            "workspace_name": "Default",
        }

    def inside(self, kind: str, member: str, key: tuple[str, ...]) -> Truth:
        """Return the rows of what stands in a list of each asset."""
        rows: Rows = {}
        for asset in self.now[kind].values():
            for item in asset[member]:
                owner = {f"{kind}_id": asset["id"], f"{kind}_name": asset["name"]}
                stamps = {"createdAt": asset["createdAt"], "updatedAt": asset["updatedAt"]} if kind[0] == "s" else {}
                row = owner | _snaked(stamps | item)
                rows[tuple(typed(name, row[name]) for name in key)] = row
        return Truth(rows, frozenset(), key)

    def folder(self, item: Row) -> Row:
        """Return the row of a folder."""
        above = {"parent_id": item["parent"]["id"], "parent_type": item["parent"]["type"]}
        own = {name: value for name, value in item.items() if name not in ("folderId", "parent")}
        return {**_snaked(own), **above, "type": item["folderId"]["type"]}


def reference_differences(
    con: DuckDBConnection, control: httpx.Client, *, tables: Collection[str] = (), most: int = 20
) -> list[str]:
    """Return what differs between *tables*, or all, and what the sandbox has, at most *most* sentences."""
    found: list[str] = []
    for table, truth in World(control).tables().items():
        found += _compared(con, table, truth) if not tables or table in tables else ()
    return found[:most]


def _compared(con: DuckDBConnection, table: str, truth: Truth) -> Iterator[str]:
    cursor = con.execute(f"SELECT * FROM main.{table}")
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    held = {_key(row, truth.key): row for row in rows}
    if len(held) != len(rows):
        yield f"{table}: {len(rows) - len(held)} keys are there twice"
    here = {key for key, row in held.items() if row["removed_at"] is None}
    yield from (f"{table}: {key} is missing" for key in sorted(truth.rows.keys() - here, key=str))
    yield from (f"{table}: {key} does not exist" for key in sorted(here - truth.rows.keys(), key=str))
    for key in sorted(here & truth.rows.keys(), key=str):
        yield from _differing(f"{table} {key}", held[key], truth.rows[key])


def _differing(what: str, row: Row, expected: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name in _OWN:
            continue
        if name not in expected and value is not None:
            yield f"{what}: nobody knows {name}, which is {value!r}"
        told = typed(name, expected.get(name))
        if isinstance(told, dict | list):
            value = value and json.loads(value)
        if value != told:
            yield f"{what}: {name} is {value!r}, expected {told!r}"


def _key(row: Row, names: tuple[str, ...]) -> Any:
    return row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)


def typed(name: str, value: Any) -> Any:
    """Return *value* as the column *name* has it."""
    if value in ("", None):
        return None
    if name in _MOMENTS:
        return datetime.fromisoformat(value.replace("Z+0000", "Z")).astimezone(UTC)
    return Decimal(str(value)) if name == "cost" else value


def _tag(item: Row) -> Row:
    # Marketo tells values by name only, and cannot search a name with a comma.
    return _snaked(item) | ({"allowable_values": None} if "," in item["tagType"] else {})


def _snaked(item: Row) -> Row:
    kept = {name: value for name, value in item.items() if name not in _NOT_ROWS}
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): value for name, value in kept.items()}
