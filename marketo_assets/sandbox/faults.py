"""Trouble on order: each fault names a route, how many calls it lets pass, how many it strikes, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

KINDS: Mapping[str, Mapping[str, Any]] = {
    # kind: its parameters with their defaults
    "error": {"code": "611", "message": None},
    "http": {"status": 502, "body": "<html><body>Bad Gateway</body></html>", "content_type": "text/html"},
    "not_json": {"body": "<html><body>We will be back soon</body></html>"},
    "drop": {"after_bytes": 0},
    "truncate": {"bytes": 0},
    "corrupt": {"offset": 0},
    "slow": {"seconds": 1.0},
    "hold": {"after_bytes": None, "seconds": 60.0},
    "token_revoked": {"code": "601"},
    "job_failed": {"message": "Export failed: internal error"},
    "job_lost": {},
    "job_cancelled": {},
    "job_slow": {"seconds": 3600.0},
    "file_lost": {},
    "range_ignored": {},
    "paging_tokens_void": {},
}
"""What can be ordered.

`error`: a Marketo error instead of the answer. `http`: an HTTP status with a body instead. `not_json`: HTTP 200 with a
body that is no JSON. `drop`: the connection ends after so many bytes of the true answer (the call has had its effect).
`truncate`: the body ends after so many bytes and Content-Length agrees. `corrupt`: one bit of the body's byte at
*offset* is turned. `slow`: the answer takes so many seconds longer (of life, not of the sandbox's time). `hold`: the
call waits before it is carried out, or the body after so many bytes, until the faults are cleared or the seconds are
over. `token_revoked`: every token ends before this call is looked at; 601, or 602 at its first use. `job_failed`: the
job enqueued by this call ends Failed. `job_lost`: the job this call names is gone. `job_cancelled`: somebody has
cancelled it, unless it is over. `job_slow`: the job enqueued by this call takes so many seconds (the sandbox's) longer.
`file_lost`: its file is gone. `range_ignored`: the file comes whole, whatever Range asks. `paging_tokens_void`: no
paging token of the activities that was given before works any longer.
"""
_COUNTS = ("bytes", "after_bytes", "offset", "status")


@dataclass
class Fault:
    """One order of trouble."""

    route: str
    """Pattern for method and path: `GET /bulk/*/file.json`, `* /rest/*`."""
    kind: str
    """One of KINDS."""
    parameters: dict[str, Any]
    """What the kind takes."""
    count: int | None = 1
    """How many calls it strikes; None is all."""
    skip: int = 0
    """How many matching calls pass first."""
    seen: int = 0
    """Matching calls so far."""
    struck: int = 0
    """Calls struck so far."""
    holding: int = 0
    """Calls held back at this moment."""
    released: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when calls held back may go on."""

    def strikes(self, label: str) -> bool:
        """Return whether this call is struck, and count it."""
        if not fnmatchcase(label, self.route):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.count is not None and self.struck >= self.count):
            return False
        self.struck += 1
        return True

    async def hold(self) -> None:
        """Return when the faults are cleared, or when the ordered seconds (of life) are over."""
        self.holding += 1
        try:
            await asyncio.wait_for(self.released.wait(), self.parameters["seconds"])
        except TimeoutError:
            pass
        finally:
            self.holding -= 1

    def describe(self) -> dict[str, Any]:
        """Return the order and how often it struck."""
        names = ("route", "kind", "parameters", "count", "skip", "seen", "struck", "holding")
        return {name: getattr(self, name) for name in names}


def parse_fault(order: Mapping[str, Any]) -> Fault:
    """Return the fault that *order* describes: `route`, `kind`, `count`, `skip` and the kind's parameters.

    Raises: ValueError saying what is wrong with it.
    """
    kind, route = str(order.get("kind")), order.get("route", "*")
    count, skip = order.get("count", 1), order.get("skip", 0)
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    given = {name: value for name, value in order.items() if name not in ("kind", "route", "count", "skip")}
    unknown = sorted(set(given) - set(KINDS[kind]))
    if unknown:
        raise ValueError(f"{kind} takes {', '.join(KINDS[kind]) or 'no parameters'}, not {', '.join(unknown)}")
    if not isinstance(route, str) or not (count is None or _is_count(count)) or not _is_count(skip):
        raise ValueError("route is a text, count a whole number or null, skip a whole number")
    for name in _COUNTS:
        if name in given and not _is_count(given[name]):
            raise ValueError(f"{name} is a whole number of at least 0")
    return Fault(route, kind, {**KINDS[kind], **given}, count, skip)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class Effects:
    """The faults that strike one call."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults

    def first(self, *kinds: str) -> Fault | None:
        """Return the first of these faults that is of one of *kinds*."""
        return next((fault for fault in self._faults if fault.kind in kinds), None)

    def parameters(self, kind: str) -> dict[str, Any] | None:
        """Return the parameters of the fault of *kind*, or None where none strikes."""
        fault = self.first(kind)
        return fault.parameters if fault else None

    async def delay(self) -> None:
        """Return at once, or as late as these faults order."""
        for fault in self._faults:
            if fault.kind == "slow":
                await asyncio.sleep(fault.parameters["seconds"])
            elif fault.kind == "hold" and fault.parameters["after_bytes"] is None:
                await fault.hold()


class Faults:
    """All faults on order."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.weather: Callable[[str], list[Fault]] | None = None
        """What else strikes a call, drawn anew for each; None while the weather is fine."""

    def draw(self, label: str) -> Effects:
        """Return what strikes the call named *label* (method and path)."""
        drawn = self.weather(label) if self.weather else []
        return Effects([*(fault for fault in self.orders if fault.strikes(label)), *drawn])

    def clear(self) -> None:
        """Take every order back and let every call held back go on."""
        for fault in self.orders:
            fault.released.set()
        self.orders.clear()
