"""Everything that ever happened to a lead, as it truly happened: what a checker compares a copy's history with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from marketo_assets.sandbox.activity import Report
from marketo_assets.sandbox.activity_log import ActivityLog
from marketo_assets.sandbox.changes import Change
from marketo_assets.sandbox.fields import Json, Texts
from marketo_assets.sandbox.world import World


@dataclass(frozen=True, slots=True)
class Step:
    """One value of one lead that changed, or the lead itself that came, went or won a merge (then without field)."""

    change: Change
    field: str | None = None
    guid: str | None = None
    """The activity that tells of it: for a value, the one that carries the old and the new one."""
    type_id: int | None = None
    """That activity's type."""

    def shown(self, number: int) -> dict[str, Any]:
        """Return the step as the control desk tells it, as the one of that *number*."""
        change = self.change
        return {
            "number": number,
            "at": _spell(change.at),
            "lead_id": change.lead_id,
            "kind": change.kind,
            "field": self.field,
            "old": change.old.get(self.field) if self.field else None,
            "new": change.new[self.field] if self.field else None,
            "reason": change.why.reason,
            "source": change.why.source,
            "guid": self.guid,
            "type_id": self.type_id,
            "into": change.into,
            "losers": list(change.losers),
            "reported_as": change.reported_as,
        }


class History:
    """Every step since the start, in the order in which they were taken."""

    def __init__(self, log: ActivityLog) -> None:
        self._log = log
        self.changes: list[Change] = []
        self.steps: list[Step] = []

    def record(self, change: Change) -> None:
        """Log the activities of *change* and keep it, whether or not one tells of it."""
        told = self._log.record(change)
        self.changes.append(change)
        if change.kind != "edit" or told.whole:
            self.steps.append(_step(change, None, told))
        self.steps += [_step(change, name, told) for name in change.new]

    def page(self, after: int, limit: int) -> Sequence[dict[str, Any]]:
        """Return up to *limit* steps after the one numbered *after*; the first has number 1."""
        return [step.shown(after + place) for place, step in enumerate(self.steps[after : after + limit], start=1)]


def leads_as_of(
    world: World, changes: Iterable[Change], moment: datetime, names: Sequence[str] | None, after_id: int, limit: int
) -> list[dict[str, Json]]:
    """Return what `World.truth` would have returned at *moment*, not before the instance began.

    Changes count in the order in which they were made, each from its own moment on; fields are those of now.
    **Cost:** grows with all changes and all leads.
    """
    second = int(moment.timestamp() // 1)
    past = [change for change in changes if change.at.timestamp() // 1 <= second]
    gone = [change.lead_id for change in past if change.kind in ("delete", "merge")]
    rows = world.ever.filter((pl.col("id") > after_id) & (pl.col("created") <= second) & ~pl.col("id").is_in(gone))
    rows = rows.head(limit)
    here, since, moved = set(rows["id"]), dict[int, Texts](), dict[int, int]()
    for change in past:
        if change.lead_id in here and change.new:
            since.setdefault(change.lead_id, {}).update(change.new)
            if (
                change.kind == "edit"
                and change.moves_stamps
                and any(not world.fields[name].custom for name in change.new)
            ):
                moved[change.lead_id] = max(int(change.at.timestamp() // 1), moved.get(change.lead_id, 0))
    return world.spell_out(_with_updated(rows, world.first, moved), names, since)


def _is_standard(world: World, change: Change) -> bool:
    return any(not world.fields[name].custom for name in change.new)


def _with_updated(rows: pl.DataFrame, first: pl.DataFrame, moved: Mapping[int, int]) -> pl.DataFrame:
    stamps = pl.DataFrame(
        {"id": list(moved), "moved": list(moved.values())}, schema={"id": pl.Int64, "moved": pl.Int64}
    )
    known = rows.drop("updated").join(first.select("id", "updated"), on="id", how="left", maintain_order="left")
    known = known.join(stamps, on="id", how="left", maintain_order="left")
    return known.with_columns(updated=pl.max_horizontal(pl.coalesce("updated", "created"), "moved"))


def _step(change: Change, name: str | None, told: Report) -> Step:
    line = told.fields.get(name) if name else told.whole
    return Step(change, name, line.guid, line.type_id) if line else Step(change, name)


def _spell(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
