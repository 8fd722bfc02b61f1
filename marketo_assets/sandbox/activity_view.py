"""How activities are shown: by Get Lead Activities and Get Deleted Leads, and by Get Lead Changes.

Where samples and pages differ, or an instance may, the switches choose. Nobody documents how Get Lead Activities names
the old and the new value of types 13 and 22: here they are the attributes `Old Value` and `New Value`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from marketo_assets.sandbox.activity import Activity, Told
from marketo_assets.sandbox.activity_numbers import NEW_LEAD
from marketo_assets.sandbox.options import Switches


def activity(line: Activity, switches: Switches, lead_id: int) -> dict[str, Any]:
    """Return *line* as Get Lead Activities shows it, as an activity of *lead_id*."""
    primary = {"primaryAttributeValueId": line.value_id, "primaryAttributeValue": line.value}
    shown = _head(line, switches, lead_id) | {name: value for name, value in primary.items() if value is not None}
    return shown | {"attributes": _attributes(dict(line.attributes), switches)}


def lead_change(line: Activity, switches: Switches, lead_id: int) -> dict[str, Any]:
    """Return *line* as Get Lead Changes shows it: values beside the attributes, under the field's REST name."""
    if line.type_id == NEW_LEAD:
        return activity(line, switches, lead_id)
    told = {name: value for name, value in line.attributes if name not in ("Old Value", "New Value")}
    values = {"newValue": line.new, "oldValue": line.old}
    changed = {"id": line.value_id, "name": line.field, **_spelt(values, switches)}
    attributes = [*_attributes(told, switches), {"name": "Lead ID", "value": lead_id}]
    return _head(line, switches, lead_id) | {"fields": [changed], "attributes": attributes}


def _head(line: Activity, switches: Switches, lead_id: int) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": line.number, "marketoGUID": line.guid, "leadId": lead_id}
    if switches.activity_id == "missing":
        del shown["id"]
    elif switches.activity_id == "repeated":
        # Adobe's Swagger file: it should not be treated as unique.
        shown["id"] = line.number // 3
    zone = {"Z": "Z", "+0000": "+0000", "mixed": ("Z", "+0000")[line.number % 2]}[switches.activity_date]
    date = datetime.fromtimestamp(line.second, UTC)
    shown |= {"activityDate": f"{date:%Y-%m-%dT%H:%M:%S}{zone}", "activityTypeId": line.type_id}
    return shown if line.campaign_id is None else shown | {"campaignId": line.campaign_id}


def _attributes(told: Told, switches: Switches) -> list[dict[str, Any]]:
    if switches.attribute_values == "texts":
        told = {
            name: value if value is None or isinstance(value, str) else json.dumps(value)
            for name, value in told.items()
        }
    # Adobe's guide leaves empty attributes out, its samples carry empty texts; null is for fields[] alone.
    if switches.empty_value == "absent":
        return [{"name": name, "value": value} for name, value in told.items() if value is not None]
    return [{"name": name, "value": "" if value is None else value} for name, value in told.items()]


def _spelt(values: dict[str, str | None], switches: Switches) -> dict[str, str | None]:
    if switches.empty_value == "null":
        return values
    if switches.empty_value == "absent":
        return {name: value for name, value in values.items() if value is not None}
    return {name: value or "" for name, value in values.items()}
