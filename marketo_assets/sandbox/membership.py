"""Who is on which static list and in which program: what the seed put there, and what has happened since.

Each membership of the seed left activities (Add to List, Remove from List, Change Status in Progression) at the moments
at which it came about; all of it is arithmetic on the leads, worked out when somebody asks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import polars as pl

from marketo_assets.sandbox.activity_numbers import ADD_TO_LIST, CHANGE_STATUS, REMOVE_FROM_LIST
from marketo_assets.sandbox.generate import pick, salt
from marketo_assets.sandbox.reference import CHANNELS, LISTS, NOT_IN_PROGRAM, PROGRAMS, SeedList, SeedProgram, Status
from marketo_assets.sandbox.world import World

FIRST_NUMBER = 2_500_000_001
"""Numbers of the activities that memberships of the seed left."""
_PARTS = 65_536
_EVENTS = {"second": pl.Int64, "type_id": pl.Int32, "lead_id": pl.Int64, "hash": pl.UInt64, "scene": pl.Int32}


class Scene(NamedTuple):
    """What an activity of a membership tells, but for the number of the membership."""

    value_id: int
    value: str
    attributes: str
    """Members of a JSON object, without its braces."""


class MembershipSeed:
    """The memberships that the seed made. Same seed and leads, same memberships."""

    def __init__(self, world: World, seed: int) -> None:
        self._leads = world.first
        self._seed, self._last = seed, world.edges[-1] - 1
        self._members: dict[int, pl.DataFrame] = {}
        self._events: pl.DataFrame | None = None

    def members(self, of: SeedList | SeedProgram) -> pl.DataFrame:
        """Return everybody who ever was a member: lead_id, hash, joined, moved (null: never), final.

        All join with status 0; the final one is the place of their status, and -1 of those who have left.
        """
        if of.id not in self._members:
            self._members[of.id] = self._made(of)
        return self._members[of.id]

    def events(self) -> pl.DataFrame:
        """Return every activity of a membership: second, number, type_id, lead_id, hash, scene; by second.

        **Cost:** about one row for each lead and a half, kept.
        """
        if self._events is None:
            parts = [*map(self._events_of, LISTS), *map(self._events_of, PROGRAMS)]
            rows = pl.concat(parts).sort("second", "lead_id", "scene")
            number = pl.int_range(FIRST_NUMBER, FIRST_NUMBER + rows.height, dtype=pl.Int64, eager=True)
            self._events = rows.with_columns(number=number)
        return self._events

    def _made(self, of: SeedList | SeedProgram) -> pl.DataFrame:
        key = salt(self._seed, "member", of.id)
        chosen = self._leads.filter(pick(self._leads["hash"], key, 1000) < of.share)
        hashes, created = chosen["hash"], chosen["created"]
        joined = created + (self._last - created) * self._part(hashes, of, "joined") // _PARTS
        moved = joined + (self._last - joined) * self._part(hashes, of, "moved") // _PARTS
        final, has_moved = self._final(hashes, of)
        return pl.DataFrame(
            {
                "lead_id": chosen["id"],
                "hash": hashes,
                "joined": joined,
                "moved": moved.zip_with(has_moved, pl.Series([None], dtype=pl.Int64).new_from_index(0, len(moved))),
                "final": final,
            }
        )

    def _final(self, hashes: pl.Series, of: SeedList | SeedProgram) -> tuple[pl.Series, pl.Series]:
        drawn = pick(hashes, salt(self._seed, "status", of.id), 100).cast(pl.Int32)
        if isinstance(of, SeedList):
            # One in eight has been taken off the list again.
            left = drawn < 12
            return left.cast(pl.Int32) * -1, left
        steps = len(statuses_of(of)) - 1
        onward = drawn % steps + 1 if steps else drawn * 0
        final = onward.zip_with(drawn >= 45, drawn * 0)
        final = final.zip_with(drawn >= 5, drawn * 0 - 1)
        return final, final != 0

    def _part(self, hashes: pl.Series, of: SeedList | SeedProgram, what: str) -> pl.Series:
        return pick(hashes, salt(self._seed, what, of.id), _PARTS).cast(pl.Int64)

    def _events_of(self, of: SeedList | SeedProgram) -> pl.DataFrame:
        members = self.members(of)
        came = members.select(second="joined", lead_id="lead_id", hash="hash", old=pl.lit(-1), new=pl.lit(0))
        went = members.drop_nulls("moved").select(
            second="moved", lead_id="lead_id", hash="hash", old=pl.lit(0), new="final"
        )
        rows = pl.concat([came.cast({"old": pl.Int32, "new": pl.Int32}), went.cast({"old": pl.Int32})])
        scenes = rows.select("old", "new").unique()
        places = {row: _place(of.id, *row) for row in scenes.iter_rows()}
        told = pl.DataFrame(
            {
                "old": [old for old, _ in places],
                "new": [new for _, new in places],
                "scene": list(places.values()),
                "type_id": [_type_of(of, new) for _, new in places],
            },
            schema={"old": pl.Int32, "new": pl.Int32, "scene": pl.Int32, "type_id": pl.Int32},
        )
        return rows.join(told, on=["old", "new"], how="left").select(*_EVENTS)


def statuses_of(program: SeedProgram) -> tuple[Status, ...]:
    """Return the statuses of the channel that a program of the seed has."""
    return CHANNELS[program.channel][1]


def status_id(status: str) -> int:
    """Return the number under which activities tell a status; 0 is not in the program."""
    named = [item.name for _, statuses in CHANNELS.values() for item in statuses]
    return named.index(status) + 21 if status in named else 0


def progress(old: str, new: str, *, success: bool) -> dict[str, str | int | bool]:
    """Return what Change Status in Progression tells of a change from *old* to *new*."""
    return {
        "Reason": "Web service API" if old == NOT_IN_PROGRAM else "Changed by Smart Campaign, step 2",
        "Old Status": old,
        "Old Status ID": status_id(old),
        "New Status": new,
        "New Status ID": status_id(new),
        "Success": success,
    }


@cache
def scenes() -> dict[int, Scene]:
    """Return what every activity of a membership of the seed can tell, by the place that stands in its row."""
    found: dict[int, Scene] = {}
    for static_list in LISTS:
        for old, new, source in ((-1, 0, "Web service API"), (0, -1, 'Smart Campaign "clean, up"')):
            name = json.dumps(source)[1:-1]
            told = Scene(static_list.id, static_list.name, f'"Source":"{name}"')
            found[_place(static_list.id, old, new)] = told
    for program in PROGRAMS:
        names = [status.name for status in statuses_of(program)]
        for old, new in [(-1, 0), (0, -1), *((0, place) for place in range(1, len(names)))]:
            success = new >= 0 and statuses_of(program)[new].success
            told_of = progress(_name(names, old), _name(names, new), success=success)
            text = json.dumps(told_of, ensure_ascii=False, separators=(",", ":"))[1:-1]
            found[_place(program.id, old, new)] = Scene(program.id, program.name, text)
    return found


def _name(names: Sequence[str], place: int) -> str:
    return NOT_IN_PROGRAM if place < 0 else names[place]


def _place(container_id: int, old: int, new: int) -> int:
    return container_id * 100 + (old + 1) * 10 + new + 1


def _type_of(of: SeedList | SeedProgram, new: int) -> int:
    if isinstance(of, SeedProgram):
        return CHANGE_STATUS
    return REMOVE_FROM_LIST if new < 0 else ADD_TO_LIST
