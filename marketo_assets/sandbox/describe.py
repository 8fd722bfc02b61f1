"""Describe Lead and Describe Lead2: what fields a lead has."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox.fields import Field
from marketo_assets.sandbox.routing import Call, Route


def routes() -> list[Route]:
    """Return both describe operations."""
    lead = frozenset({"Read-Only Lead", "Read-Write Lead"})
    return [
        Route("GET", "/rest/v1/leads/describe.json", describe, lead),
        Route("GET", "/rest/v1/leads/describe2.json", describe2, lead),
    ]


async def describe(call: Call) -> Response:
    """Answer one item per visible field; only here is the numeric field id."""
    return call.success(_attribute(field) for field in call.sandbox.world.fields.values() if not field.hidden)


async def describe2(call: Call) -> Response:
    """Answer one item: the fields that REST may use, and which of them may be searched by."""
    fields = [field for field in call.sandbox.world.fields.values() if field.rest and not field.hidden]
    searchable = [[field.name] for field in fields if field.searchable]
    shown = [_field(field) for field in fields]
    return call.success([{"name": "API Lead", "searchableFields": searchable, "fields": shown}])


def _attribute(field: Field) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": field.id, "displayName": field.display_name, "dataType": field.data_type}
    if field.length is not None:
        shown["length"] = field.length
    if field.rest:
        shown["rest"] = {"name": field.name, "readOnly": field.read_only}
    if field.soap_name:
        shown["soap"] = {"name": field.soap_name, "readOnly": field.read_only}
    return shown


def _field(field: Field) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": field.name, "displayName": field.display_name, "dataType": field.data_type}
    if field.length is not None:
        shown["length"] = field.length
    return {**shown, "updateable": not field.read_only, "crmManaged": field.crm_managed}
