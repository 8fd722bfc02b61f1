"""The judge of activities: what the sandbox really logged, compared with `marketo.activities`, value by value."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import httpx

from marketo_assets.warehouse import DuckDBConnection

DELETE_LEAD = 37
_QUERY = (
    "SELECT activity_guid, lead_id, activity_date, activity_type_id, campaign_id, primary_attribute_value_id, "
    "primary_attribute_value, attributes, action_result, _source FROM main.activities"
)


def true_activities(control: httpx.Client) -> Iterator[dict[str, Any]]:
    """Yield every activity that the sandbox shows now."""
    with control.stream("GET", "/activities", params={"format": "ndjson"}) as answer:
        answer.raise_for_status()
        text = b"".join(answer.iter_bytes()).decode()
    for line in text.split("\n"):
        told = json.loads(line) if line else None
        if told and told["is_visible"] and not told["is_pruned"]:
            yield told


def activity_differences(
    con: DuckDBConnection, control: httpx.Client, *, leave_out: Collection[int] = (), most: int = 20
) -> list[str]:
    """Return what differs between `main.activities` and what the sandbox shows, at most *most* sentences.

    Types in *leave_out* are not expected. The result of an action that only REST told of may be missing.
    """
    rows = con.execute(_QUERY).fetchall()
    held = {row[0]: row for row in rows}
    found = [f"{len(rows) - len(held)} activities are there twice"] if len(rows) != len(held) else []
    for told in true_activities(control):
        row = held.pop(told["guid"], None)
        if told["type_id"] in leave_out:
            continue
        if row is None:
            found.append(f"activity {told['guid']} of type {told['type_id']} is missing")
        else:
            found += _compared(told, row)
    return (found + [f"activity {guid} does not exist" for guid in held])[:most]


def _compared(told: dict[str, Any], row: tuple[Any, ...]) -> Iterator[str]:
    expected = (
        told["shown_lead_id"],
        datetime.fromisoformat(told["at"]),
        told["type_id"],
        told["campaign_id"],
        told["primary_id"],
        told["primary"] or None,
    )
    if expected != row[1:7]:
        yield f"activity {told['guid']}: expected {expected}, found {row[1:7]}"
    attributes = {name: value for name, value in told["attributes"].items() if value not in (None, "")}
    if attributes != json.loads(row[7]):
        yield f"activity {told['guid']} ({told['type']}): expected {attributes}, found {row[7]}"
    if list(json.loads(row[7])) != sorted(attributes, key=str.encode):
        yield f"activity {told['guid']}: attributes are not in order: {row[7]}"
    if row[8] != told["result"] and not (row[8] is None and row[9] == "rest"):
        yield f"activity {told['guid']}: expected result {told['result']}, found {row[8]} by {row[9]}"
