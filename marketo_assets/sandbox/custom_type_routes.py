"""Custom activity types as those who define them see them: the list, and one described."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox.activity_catalogue import ActivityType, Attribute
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.member_fields import moment
from marketo_assets.sandbox.routing import Call, Route

_DRAFT = ActivityType(
    100_900,
    "Planned Call",
    Attribute("Subject", "string", api_name="subject"),
    (Attribute("Minutes", "integer", api_name="minutes"),),
    api_name="plannedCall_c",
)
"""A type that was never approved: Get Activity Types does not know it, and no activity is of it."""


def routes() -> list[Route]:
    """Return the two operations."""
    base = "/rest/v1/activities/external"
    may = frozenset({"Read-Only Activity Metadata", "Read-Write Activity Metadata"})
    return [
        Route("GET", f"{base}/types.json", types, may),
        Route("GET", f"{base}/type/{{apiName}}/describe.json", describe, may, frozenset({"draft"})),
    ]


async def types(call: Call) -> Response:
    """Answer every custom type, one that is only a draft too."""
    own = [kind for kind in call.sandbox.activity_types.by_id.values() if kind.api_name]
    return call.success(_shown(call, kind) for kind in [*own, _DRAFT])


async def describe(call: Call) -> Response:
    """Answer one custom type; a draft only where drafts are asked for.

    Raises: ApiError 1013 for a type that there is not in that state.
    """
    told = call.parameters.text("draft", "false")
    if told not in ("true", "false"):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'Boolean'")
    kinds = [_DRAFT] if told == "true" else call.sandbox.activity_types.by_id.values()
    for kind in kinds:
        if kind.api_name == call.path["apiName"]:
            return call.success([_shown(call, kind)])
    raise ApiError("1013", "Object not found")


def _shown(call: Call, kind: ActivityType) -> dict[str, Any]:
    start = moment(call.sandbox.world.edges[0])
    return {
        "id": kind.id,
        "apiName": kind.api_name,
        "name": kind.name,
        "description": f"{kind.name} activity",
        "triggerName": f"Has {kind.name}",
        "filterName": f"Had {kind.name}",
        "status": "draft" if kind is _DRAFT else "approved",
        "createdAt": start,
        "updatedAt": start,
        "primaryAttribute": _attribute(kind.primary),
        "attributes": [_attribute(attribute) for attribute in kind.attributes],
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    return {
        "apiName": attribute.api_name or "".join(filter(str.isalnum, attribute.name)),
        "name": attribute.name,
        "description": None,
        "dataType": attribute.data_type,
    }
