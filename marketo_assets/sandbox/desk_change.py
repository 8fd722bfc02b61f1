"""One change as the control desk is told of it, carried out on the world."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marketo_assets.sandbox.changes import Why
from marketo_assets.sandbox.desk import DeskError
from marketo_assets.sandbox.world import World

_KINDS = "a change is add, edit with values, delete, merge with losers, or company with values"


def carry_out(
    world: World, change: Mapping[str, Any], at: datetime, reported_as: int | None, *, moves_stamps: bool = True
) -> int:
    """Return the id of the lead that *change* made or changed; of a company, how many leads it changed.

    Raises: DeskError for what is no change, and whatever the world raises.
    """
    why = Why(**{name: str(change[name]) for name in ("reason", "source") if change.get(name) is not None})
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


def _is_id(told: object) -> bool:
    return isinstance(told, int) and not isinstance(told, bool)
