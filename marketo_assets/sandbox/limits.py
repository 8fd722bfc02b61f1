"""The limits that every integration shares: rate (606), concurrency (615) and the day's calls (607).

All in Marketo time. Every call is recorded as it arrives, refused ones too: Adobe marks which codes are free,
and 606, 607 and 615 are not among them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.options import Limits


@dataclass
class Ticket:
    """One call under way."""

    at: datetime
    day: date
    user_id: str


@dataclass
class Tally:
    """What was counted, for the statistics endpoints and for tests."""

    calls_by_route: Counter[str] = field(default_factory=Counter)
    calls_by_day: dict[date, Counter[str]] = field(default_factory=dict)
    errors_by_day: dict[date, Counter[str]] = field(default_factory=dict)
    calls: int = 0
    identity_calls: int = 0
    own_failures: int = 0
    most_in_window: int = 0
    most_at_once: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class Meter:
    """Admits calls, or refuses them as Marketo would."""

    def __init__(self, clock: SandboxClock, limits: Callable[[], Limits], day: Callable[[datetime], date]) -> None:
        self._clock = clock
        self._limits = limits
        self._day = day
        self._window: deque[Ticket] = deque()
        self.at_once = 0
        self.tally = Tally()

    def arrive(self, user_id: str) -> Ticket:
        """Record a call and return its ticket, to be handed to `admit` and at the end to `leave`."""
        now = self._clock.now()
        ticket = Ticket(now, self._day(now), user_id)
        horizon = now - timedelta(seconds=self._limits().rate_seconds)
        while self._window and self._window[0].at <= horizon:
            self._window.popleft()
        self._window.append(ticket)
        self.at_once += 1
        tally = self.tally
        tally.calls += 1
        tally.calls_by_day.setdefault(ticket.day, Counter())[user_id] += 1
        tally.most_in_window = max(tally.most_in_window, len(self._window))
        tally.most_at_once = max(tally.most_at_once, self.at_once)
        return ticket

    def admit(self, ticket: Ticket) -> None:
        """Return if the call that *ticket* stands for is within all limits.

        Raises: ApiError 607, 615 or 606.
        """
        limits = self._limits()
        if self.tally.calls_by_day.get(ticket.day, Counter[str]()).total() > limits.daily_calls:
            raise ApiError("607")
        if self.at_once > limits.concurrency:
            raise ApiError("615")
        if len(self._window) > limits.rate_calls:
            raise ApiError(
                "606", f"Max rate limit '{limits.rate_calls}' exceeded with in '{limits.rate_seconds:g}' secs"
            )

    def refund(self, ticket: Ticket) -> None:
        """Take the call out of the quota and the rate window again: its answer carried a free code."""
        if ticket.day in self.tally.calls_by_day:
            self.tally.calls_by_day[ticket.day][ticket.user_id] -= 1
        if ticket in self._window:
            self._window.remove(ticket)

    def leave(self) -> None:
        """Say that a call is over, its body sent."""
        self.at_once -= 1

    def count_error(self, code: str) -> None:
        """Record an error answer for the error statistics."""
        self.tally.errors_by_day.setdefault(self._day(self._clock.now()), Counter())[code] += 1
        self.tally.refused[code] += 1

    def clear(self) -> None:
        """Forget everything counted so far; the calls under way stay under way."""
        self._window.clear()
        self.tally = Tally(most_at_once=self.at_once)
