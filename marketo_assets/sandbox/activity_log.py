"""The log of activities: what each change of a lead leaves in it, and who may see it by now.

Sorted by second and, within a second, by number. The New Lead of a lead that the seed made is worked out when somebody
reads it, so a million leads cost nothing here.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import NamedTuple

import polars as pl

from marketo_assets.sandbox.activity_types import (
    CHANGE_DATA_VALUE,
    CHANGE_SCORE,
    DELETE_LEAD,
    KEPT_90_DAYS,
    MERGE_LEADS,
    NEW_LEAD,
)
from marketo_assets.sandbox.changes import Change
from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.fields import Texts
from marketo_assets.sandbox.options import Limits, Switches
from marketo_assets.sandbox.world import World

FIRST_NUMBER = 4_000_000_001
"""Activity ids are int64, and these do not fit 32 bits."""
_BIRTHS = 2_000
_DAY = 86_400

Told = dict[str, str | bool | None]


class Activity(NamedTuple):
    """One line of the log."""

    second: int
    number: int
    type_id: int
    lead_id: int
    value_id: int
    value: str | None
    attributes: tuple[tuple[str, str | bool | None], ...]
    visible_from: float = 0
    """Second since which the API shows it."""
    field: str | None = None
    """REST name of the field that changed."""
    old: str | None = None
    new: str | None = None
    filled: frozenset[str] | None = None
    """The fields a new lead came with; None for one of the seed."""
    campaign_id: int | None = None

    @property
    def guid(self) -> str:
        """The marketoGUID."""
        return str(self.number)


@dataclass(frozen=True)
class Report:
    """Which activities tell of a change: of the whole, and of each field with its old and new value."""

    whole: Activity | None = None
    fields: dict[str, Activity] = field(default_factory=dict)


class ActivityLog:
    """All activities of one instance."""

    def __init__(
        self,
        world: World,
        clock: SandboxClock,
        *,
        limits: Callable[[], Limits],
        switches: Callable[[], Switches],
        seed: int,
    ) -> None:
        self._world, self._clock, self._limits, self._switches = world, clock, limits, switches
        self._lines: dict[int, list[Activity]] = {}
        self._births = world.first.select("id", "created")
        self._next_number = FIRST_NUMBER + self._births.height
        self._lateness = Random(f"{seed}/late")  # noqa: S311 (how late an activity shows is no secret)

    def record(self, change: Change) -> Report:
        """Write down what Marketo would of *change*, and return that."""
        if not change.is_reported:
            return Report()
        if change.kind == "edit":
            return self._edited(change)
        if change.kind == "add":
            told: Told = {"Created Date": f"{change.at:%Y-%m-%d}", "Source Type": change.why.source}
            return Report(self._log(change, NEW_LEAD, name_of(change.new), told, filled=frozenset(change.new)))
        if change.kind == "win":
            merged = f"[{', '.join(map(str, change.losers))}]"
            told = {"Merge IDs": merged, "Merge Source": "leaddb", "Merged in Sales": False}
            return Report(self._log(change, MERGE_LEADS, None, told | {"Master Updated": change.took_values}))
        if change.kind == "delete" or self._switches().merge_losers_deleted:
            # The samples disagree on what this number is.
            value_id = change.lead_id if self._next_number % 2 else self._next_number
            return Report(self._log(change, DELETE_LEAD, name_of(change.old), _why(change), value_id=value_id))
        return Report()

    def read(self, type_ids: Collection[int], since: tuple[int, int], lead_ids: Sequence[int]) -> Iterator[Activity]:
        """Yield the activities of these types that are visible now and not pruned, from the position *since* on.

        A position is a second and the lowest number within it. Without *lead_ids* those of all leads are yielded.
        """
        now = self._clock.now().timestamp()
        merged = heapq.merge(*(self._of_type(type_id, since, lead_ids, now) for type_id in set(type_ids)))
        return (line for line in merged if line.visible_from <= now and (not lead_ids or line.lead_id in lead_ids))

    def _of_type(self, type_id: int, since: tuple[int, int], lead_ids: Sequence[int], now: float) -> Iterator[Activity]:
        since = max(since, (self._oldest(type_id, now), 0))
        if type_id == NEW_LEAD:
            yield from self._read_births(since, lead_ids)
        lines = self._lines.get(type_id, [])
        # By index, so that lines which come in while this is read harm nobody.
        for place in range(bisect_left(lines, since), len(lines)):
            yield lines[place]

    def _oldest(self, type_id: int, now: float) -> int:
        limits = self._limits()
        days = limits.changes_days if type_id in KEPT_90_DAYS else limits.activities_days
        return int(now - _DAY * (limits.deletions_days if type_id == DELETE_LEAD else days)) + 1

    def _read_births(self, since: tuple[int, int], lead_ids: Sequence[int]) -> Iterator[Activity]:
        births = self._births.with_row_index()
        if lead_ids:
            births = births.filter(pl.col("id").is_in(list(lead_ids)))
        start = int(births["created"].search_sorted(since[0], side="left")) if births.height else 0
        for rows in births.slice(start).iter_slices(_BIRTHS):
            for index, lead_id, second in rows.iter_rows():
                if (second, FIRST_NUMBER + index) >= since:
                    yield self._birth(second, FIRST_NUMBER + index, lead_id)

    def _birth(self, second: int, number: int, lead_id: int) -> Activity:
        created = datetime.fromtimestamp(second, self._clock.now().tzinfo)
        told = (("Created Date", f"{created:%Y-%m-%d}"), ("Source Type", "New lead"))
        return Activity(second, number, NEW_LEAD, lead_id, lead_id, "New Person", told)

    def _edited(self, change: Change) -> Report:
        switches = self._switches()
        if change.reported_as is None:
            fields = {name: self._value_changed(change, name, with_13=switches.score_as_13) for name in change.new}
            return Report(None, fields)
        # A merge is reported by its last step.
        is_own = change.reported_as != MERGE_LEADS
        whole = self._log(change, change.reported_as, None, _why(change)) if is_own else None
        names = change.new if switches.others_as_13 else ()
        return Report(whole, {name: self._value_changed(change, name, with_13=True, with_22=False) for name in names})

    def _value_changed(self, change: Change, name: str, *, with_13: bool, with_22: bool = True) -> Activity:
        known = self._world.fields[name]
        old, new = change.old.get(name), change.new[name]
        told: Told = {"Old Value": old, "New Value": new, **_why(change)}
        types = [CHANGE_SCORE] if with_22 and known.data_type == "score" else []
        types += [CHANGE_DATA_VALUE] if with_13 or not types else []
        lines = [
            self._log(change, type_id, known.display_name, told, value_id=known.id, field=name, old=old, new=new)
            for type_id in types
        ]
        return lines[0]

    def _log(
        self,
        change: Change,
        type_id: int,
        value: str | None,
        told: Told,
        *,
        value_id: int | None = None,
        field: str | None = None,
        old: str | None = None,
        new: str | None = None,
        filled: frozenset[str] | None = None,
    ) -> Activity:
        second, lead_id = int(change.at.timestamp() // 1), change.lead_id
        late = self._lateness.random() * self._switches().activities_late_seconds
        visible_from = max(second, self._clock.now().timestamp()) + late
        line = Activity(
            second=second,
            number=self._next_number,
            type_id=type_id,
            lead_id=lead_id,
            value_id=lead_id if value_id is None else value_id,
            value=value,
            attributes=tuple(told.items()),
            visible_from=visible_from,
            field=field,
            old=old,
            new=new,
            filled=filled,
            campaign_id=change.why.campaign_id,
        )
        self._next_number += 1
        insort(self._lines.setdefault(type_id, []), line, key=lambda known: known[:2])
        return line


def name_of(texts: Texts) -> str:
    """Return what a lead with these values is called."""
    names = [text for name in ("firstName", "lastName") if (text := texts.get(name))]
    return " ".join(names) or texts.get("email") or "New Person"


def _why(change: Change) -> Told:
    return {"Reason": change.why.reason, "Source": change.why.source}
