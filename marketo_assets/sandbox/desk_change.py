"""One change as the control desk is told of it, carried out on the world."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketo_assets.sandbox.activity_numbers import (
    CHANGE_DATA_VALUE,
    CHANGE_SCORE,
    DELETE_LEAD,
    MERGE_LEADS,
    NEW_LEAD,
)
from marketo_assets.sandbox.changes import Why
from marketo_assets.sandbox.desk import DeskError
from marketo_assets.sandbox.world import World

_KINDS = "a change is add, edit with values, delete, merge with losers, or company with values"
_MEMBERS = frozenset(
    {
        "add",
        "edit",
        "values",
        "as",
        "delete",
        "merge",
        "losers",
        "company",
        "by",
        "at",
        "reason",
        "source",
        "campaign_id",
    }
)
_TOLD_OTHERWISE = frozenset({NEW_LEAD, CHANGE_DATA_VALUE, CHANGE_SCORE, MERGE_LEADS, DELETE_LEAD})


def carry_out(
    world: World, change: Mapping[str, Any], at: datetime, reported_as: int | None, *, moves_stamps: bool = True
) -> int:
    """Return the id of the lead that *change* made or changed; of a company, how many leads it changed.

    Raises: DeskError for what is no change, and whatever the world raises.
    """
    if set(change) - _MEMBERS:
        raise DeskError(f"unknown: {', '.join(sorted(set(change) - _MEMBERS))}; known: {', '.join(sorted(_MEMBERS))}")
    if reported_as is not None and ("edit" not in change or reported_as in _TOLD_OTHERWISE):
        raise DeskError("an edit may be reported as another activity type; what has activities of its own may not")
    why = _why(change)
    values = change.get("values", {} if reported_as is not None else None)
    if isinstance(change.get("add"), dict):
        return world.add(change["add"], at, why)
    if _is_id(change.get("edit")) and isinstance(values, dict):
        world.edit(change["edit"], values, at, why, reported_as=reported_as)
        return int(change["edit"])
    if _is_id(change.get("delete")):
        world.delete(change["delete"], at, why)
        return int(change["delete"])
    losers = change.get("losers")
    if _is_id(change.get("merge")) and isinstance(losers, list) and all(map(_is_id, losers)):
        world.merge(change["merge"], losers, at, why)
        return int(change["merge"])
    if isinstance(change.get("company"), str) and isinstance(values, dict):
        by = str(change.get("by", "externalCompanyId"))
        return len(world.edit_company(by, change["company"], values, at, why, moves_stamps=moves_stamps))
    raise DeskError(_KINDS)


def _why(change: Mapping[str, Any]) -> Why:
    campaign_id = change.get("campaign_id")
    if campaign_id is not None and not _is_id(campaign_id):
        raise DeskError("campaign_id is a whole number")
    texts = {name: str(change[name]) for name in ("reason", "source") if change.get(name) is not None}
    return Why(**texts, campaign_id=campaign_id)


def _is_id(told: object) -> bool:
    return isinstance(told, int) and not isinstance(told, bool)
