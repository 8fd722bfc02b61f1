"""Bad weather: every fault strikes, one call at a time and in spells, at moments that a seed decides.

Same seed and same calls in the same order, same faults. Only what Adobe's pages document, or what any network does.
A code that means a mistake of the caller's (603, 610, 1003 for a value) never comes by itself: no page says that
Marketo gives it to a good call.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from marketo_assets.sandbox.clock import SandboxClock, spell
from marketo_assets.sandbox.faults import Fault, parse_fault

STRIKES_IN_A_HUNDRED = 10.0
"""Calls that a fault which any call may meet strikes."""
OWN_STRIKES_IN_A_HUNDRED = 15.0
"""Calls that a fault strikes which only calls like them may meet."""
SPELLS_IN_A_HUNDRED = 1.0
"""Calls with which a spell begins."""
API, CREATE, ENQUEUE = "* /[rb]*", "POST */export/create.json", "POST */enqueue.json"
STATUS, FILE, FEED = "GET */status.json", "GET */file.json", "GET /rest/v1/activities*"
_QUEUE, _QUOTA = "Too many jobs in queue", "Export daily quota exceeded"
_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"

Order = Mapping[str, Any]


def _page(status: int, title: str) -> Order:
    return {"kind": "http", "status": status, "body": _HTML.format(f"{status} {title}")}


ANYWHERE: tuple[tuple[str, Order], ...] = (
    *((API, {"kind": "error", "code": code}) for code in ("604", "606", "608", "611", "614", "615", "713")),
    (API, {"kind": "token_revoked", "code": "601"}),
    (API, {"kind": "token_revoked", "code": "602"}),
    ("*", _page(500, "Internal Server Error")),
    ("*", _page(502, "Bad Gateway")),
    ("*", _page(503, "Service Unavailable")),
    ("*", _page(504, "Gateway Time-out")),
    ("*", {"kind": "drop", "after_bytes": 0}),
    ("*", {"kind": "drop", "after_bytes": 40}),
    ("*", {"kind": "slow", "seconds": 0.002}),
)
"""Trouble that any call may meet."""
SOMEWHERE: tuple[tuple[str, Order], ...] = (
    (ENQUEUE, {"kind": "error", "code": "1029", "message": _QUEUE}),
    (ENQUEUE, {"kind": "job_failed"}),
    (ENQUEUE, {"kind": "job_slow", "seconds": 600.0}),
    (ENQUEUE, {"kind": "job_slow", "seconds": 9_000.0}),
    (STATUS, {"kind": "job_lost"}),
    (STATUS, {"kind": "job_cancelled"}),
    (FILE, {"kind": "file_lost"}),
    (FILE, {"kind": "range_ignored"}),
    *((FILE, {"kind": "truncate", "bytes": size}) for size in (0, 700, 4_000)),
    *((FILE, {"kind": "drop", "after_bytes": size}) for size in (1, 900, 5_000)),
    *((FILE, {"kind": "corrupt", "offset": offset}) for offset in (0, 500, 3_000)),
    (FEED, {"kind": "paging_tokens_void"}),
    (FEED, {"kind": "paging_tokens_void"}),
)
"""Trouble that has its place."""
MINUTES = (1, 5, 20, 45, 100)
"""How long a spell may last."""
SPELLS: tuple[tuple[str, Order], ...] = (
    *((API, {"kind": "error", "code": code}) for code in ("608", "611", "614", "713")),
    ("*", _page(502, "Bad Gateway")),
    ("*", _page(503, "Service Unavailable")),
    (ENQUEUE, {"kind": "error", "code": "1029", "message": _QUEUE}),
)
"""What every call meets for a while: Adobe's own night, or a queue that others have filled."""
SPENT: tuple[tuple[str, Order], ...] = (
    (API, {"kind": "error", "code": "607"}),
    (CREATE, {"kind": "error", "code": "1029", "message": _QUOTA}),
    (ENQUEUE, {"kind": "error", "code": "1029", "message": _QUOTA}),
)
"""What every call meets until the day is over: others have spent the allotment."""
MOODS: Mapping[str, tuple[Any, ...]] = {
    "repeated_rows": (0, 0, 3),
    "activity_page": (300, 300, 7, 2),
    "activity_scan": (0, 0, 5),
    "empty_pages": (0, 1, 2),
    "page_overlap": (0, 0, 2),
    "unordered_pages": (True, False),
    "activities_late_seconds": (0.0, 0.0, 300.0),
    "activity_id": ("unique", "repeated", "missing"),
    "readable_after_seconds": (0.0, 0.0, 200.0),
}
"""Switches that the seed turns, with the positions it chooses from."""


@dataclass(frozen=True)
class Spell:
    """An order that holds until a moment."""

    route: str
    order: Order
    until: datetime


class Chaos:
    """Draws the faults of each call, and remembers them."""

    def __init__(self, seed: int, clock: SandboxClock, day_end: Callable[[datetime], datetime]) -> None:
        self.seed = seed
        self.thrown: list[dict[str, Any]] = []
        """Every fault drawn: when, for which call, and which; a spell at each call that met it."""
        self._rng = random.Random(seed)  # noqa: S311 - trouble is to be repeatable
        self._clock, self._day_end = clock, day_end
        self._spells: list[Spell] = []
        self.moods = {name: self._rng.choice(choices) for name, choices in MOODS.items()}
        """How this seed turns the switches."""

    def draw(self, label: str) -> list[Fault]:
        """Return what strikes the call named *label* (method and path)."""
        now = self._clock.now()
        self._spells = [begun for begun in self._spells if begun.until > now]
        if self._rng.random() * 100 < SPELLS_IN_A_HUNDRED:
            self._spells.append(self._begin(now))
        orders = [begun.order for begun in self._spells if fnmatchcase(label, begun.route)][:1]
        for among, hundredths in ((SOMEWHERE, OWN_STRIKES_IN_A_HUNDRED), (ANYWHERE, STRIKES_IN_A_HUNDRED)):
            choices = _matching(among, label)
            if not orders and choices and self._rng.random() * 100 < hundredths:
                orders = [self._rng.choice(choices)]
        self.thrown += [{"at": spell(now), "call": label, **order} for order in orders]
        return [parse_fault(order) for order in orders]

    def _begin(self, now: datetime) -> Spell:
        if self._rng.random() < 0.5:
            return Spell(*self._rng.choice(SPENT), self._day_end(now))
        minutes = self._rng.choice(MINUTES) * self._rng.uniform(0.5, 1.5)
        return Spell(*self._rng.choice(SPELLS), now + timedelta(minutes=minutes))


def _matching(orders: tuple[tuple[str, Order], ...], label: str) -> list[Order]:
    return [order for route, order in orders if fnmatchcase(label, route)]
