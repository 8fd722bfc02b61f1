"""The log of activities: what each change of a lead leaves in it, and what the control desk puts in.

Sorted by second and, within a second, by number. What the seed made stands in activity_seed.py, and who reads both
together in activity_reader.py.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from random import Random

from marketo_assets.sandbox.activity import FIRST_NUMBER, Activity, Report, Told
from marketo_assets.sandbox.activity_numbers import (
    CHANGE_DATA_VALUE,
    CHANGE_SCORE,
    DELETE_LEAD,
    MERGE_LEADS,
    NEW_LEAD,
)
from marketo_assets.sandbox.changes import Change
from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.fields import Texts
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.world import World


class ActivityLog:
    """The activities of one instance that were written down since it was made."""

    def __init__(self, world: World, clock: SandboxClock, *, switches: Callable[[], Switches], seed: int) -> None:
        self._world, self._clock, self._switches = world, clock, switches
        self._lines: dict[int, list[Activity]] = {}
        self._next_number = FIRST_NUMBER + world.first.height
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

    def add(
        self,
        type_id: int,
        lead_id: int,
        at: datetime,
        *,
        value_id: int | None = None,
        value: str | None = None,
        told: Told | None = None,
        campaign_id: int | None = None,
        result: str = "succeeded",
    ) -> Activity:
        """Return a new activity, logged as one that happened *at*."""
        number = self._next_number
        values, attributes = (type_id, lead_id, value_id, value), tuple((told or {}).items())
        line = Activity(int(at.timestamp() // 1), number, *values, attributes, campaign_id=campaign_id, result=result)
        return self._keep(line)

    def since(self, type_id: int, position: tuple[int, int]) -> Iterator[Activity]:
        """Yield the activities of a type from a position (second and number) on."""
        lines = self._lines.get(type_id, [])
        # By index, so that lines which come in while this is read harm nobody.
        for place in range(bisect_left(lines, position), len(lines)):
            yield lines[place]

    def between(self, first: int, last: int, type_ids: Collection[int] | None = None) -> list[Activity]:
        """Return the activities from second *first* to *last*, both included; without *type_ids* those of all types."""
        chosen = self._lines if type_ids is None else [type_id for type_id in self._lines if type_id in type_ids]
        found = (self._lines[type_id] for type_id in chosen)
        parts = (lines[bisect_left(lines, (first, 0)) : bisect_left(lines, (last + 1, 0))] for lines in found)
        return sorted((line for part in parts for line in part), key=lambda line: line[:2])

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
        line = Activity(
            second=second,
            number=self._next_number,
            type_id=type_id,
            lead_id=lead_id,
            value_id=lead_id if value_id is None else value_id,
            value=value,
            attributes=tuple(told.items()),
            field=field,
            old=old,
            new=new,
            filled=filled,
            campaign_id=change.why.campaign_id,
        )
        return self._keep(line)

    def _keep(self, line: Activity) -> Activity:
        late = self._lateness.random() * self._switches().activities_late_seconds
        line = line._replace(visible_from=max(line.second, self._clock.now().timestamp()) + late)
        self._next_number += 1
        insort(self._lines.setdefault(line.type_id, []), line, key=lambda known: known[:2])
        return line


def name_of(texts: Texts) -> str:
    """Return what a lead with these values is called."""
    names = [text for name in ("firstName", "lastName") if (text := texts.get(name))]
    return " ".join(names) or texts.get("email") or "New Person"


def _why(change: Change) -> Told:
    return {"Reason": change.why.reason, "Source": change.why.source}
