"""Who is on which static list and in which program now: the seed's memberships and what has happened since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from marketo_assets.sandbox.membership import MembershipSeed, statuses_of
from marketo_assets.sandbox.reference import LISTS, PROGRAMS, SeedList, SeedProgram
from marketo_assets.sandbox.world import World

_SEEDED: dict[int, SeedList | SeedProgram] = {
    **{item.id: item for item in LISTS},
    **{item.id: item for item in PROGRAMS},
}


@dataclass(frozen=True)
class Member:
    """One lead on one list or in one program."""

    lead_id: int
    status: str
    """Its status in the program; empty on a list."""
    joined: int
    updated: int
    number: int
    """The Program Member ID."""
    acquired: bool = False
    hash: int | None = None
    """What the rest of a membership of the seed is drawn by."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Member fields that were set since."""


class Memberships:
    """Every membership that there is now. A loser's go to the winner, unless it has one of its own."""

    def __init__(self, world: World, seed: MembershipSeed) -> None:
        self._world, self._seed = world, seed
        self._since: dict[int, dict[int, Member | None]] = {}

    def members(self, container_id: int) -> list[Member]:
        """Return the members of a list or a program, by lead id. **Cost:** grows with all that ever were."""
        found = self._seeded(container_id)
        winners = self._winners()
        since = self._since.get(container_id, {})
        for lead_id in since:
            found.pop(lead_id, None)
        for lead_id, member in since.items():
            if member is not None:
                found[lead_id] = member
        for loser in [lead_id for lead_id in found if lead_id in winners]:
            member = found.pop(loser)
            winner = winners[loser]
            found.setdefault(winner, Member(**{**vars(member), "lead_id": winner}))
        return [found[lead_id] for lead_id in sorted(found) if self._world.exists(lead_id)]

    def member(self, container_id: int, lead_id: int) -> Member | None:
        """Return one lead's membership."""
        return next((member for member in self.members(container_id) if member.lead_id == lead_id), None)

    def put(self, container_id: int, member: Member) -> None:
        """Make a lead a member, or change its membership."""
        self._since.setdefault(container_id, {})[member.lead_id] = member

    def remove(self, container_id: int, lead_id: int) -> None:
        """End a membership."""
        self._since.setdefault(container_id, {})[lead_id] = None

    def _seeded(self, container_id: int) -> dict[int, Member]:
        of = _SEEDED.get(container_id)
        if of is None:
            return {}
        names = [status.name for status in statuses_of(of)] if isinstance(of, SeedProgram) else [""]
        rows = self._seed.members(of).filter(pl.col("final") >= 0)
        return {
            lead_id: Member(
                lead_id,
                names[final],
                joined,
                joined if moved is None else moved,
                hashed // 2**33,
                hashed % 4 == 0,
                hashed,
            )
            for lead_id, hashed, joined, moved, final in rows.iter_rows()
        }

    def _winners(self) -> dict[int, int]:
        merged, found = self._world.counts.merged, {}
        for loser in merged:
            winner = merged[loser]
            while winner in merged:
                winner = merged[winner]
            found[loser] = winner
        return found
