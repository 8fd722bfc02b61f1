"""What can happen to a lead: the fact that the world applies, the activity log reports and the history keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from marketo_assets.sandbox.fields import Texts

Kind = Literal["add", "edit", "delete", "merge", "win"]


@dataclass(frozen=True)
class Why:
    """Why and through which door something changed, as activities tell it."""

    reason: str = "Changed by a user"
    source: str = "Marketo user"
    campaign_id: int | None = None
    """The smart campaign that did it."""


@dataclass(frozen=True)
class Change:
    """One thing that happened to one lead, with the texts it had and has; for an edit only those that differ.

    A merge is one `merge` for each loser, an `edit` of the winner where it took values, and one `win` of the winner.
    """

    kind: Kind
    lead_id: int
    at: datetime
    old: Texts
    new: Texts
    into: int | None = None
    """The winner, of a `merge`."""
    losers: tuple[int, ...] = ()
    """Who was merged in, of a `win`."""
    took_values: bool = False
    """Whether the winner had gaps that the losers filled, of a `win`."""
    why: Why = Why()
    """Reason and source."""
    reported_as: int | None = None
    """The activity type that reports an edit in the place of Change Data Value and Change Score."""
    is_reported: bool = True
    """Whether any activity tells of it; company values reach linked leads without one."""
    moves_stamps: bool = True
    """Whether an edit moves what the updatedAt filter sees."""


@dataclass(frozen=True)
class Counts:
    """How many leads exist, how many were deleted, and which were merged into which."""

    live: int
    deleted: int
    merged: Mapping[int, int]
