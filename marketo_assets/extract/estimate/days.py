"""What is to be exported, what may be spent, how fast it goes, and what comes of that: the nouns of a plan's days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import count

from marketo_assets.extract.filling import Filling

SLOTS = 2
"""Export jobs that Marketo processes at once."""
_STATUS_SECONDS = 60.0
_PATIENT_AFTER, _PATIENCE, _MOST_PATIENCE, _MOST_PATIENT = 5, 1.25, 5.0, 20
_DESCRIBE = 1
CALLS_OF_HERE = _DESCRIBE
"""Calls of a month that is here already."""
_CREATE_ENQUEUE = 2
_FILE = 1


@dataclass(frozen=True)
class Pace:
    """How long an export takes at Marketo, and how many are under way."""

    seconds: float = 95.0
    """From the queue to the file, with a place free at once."""
    queue_seconds: float = 5.0
    """What of that a job is in the queue."""
    seconds_per_mb: float = 1.0
    """More of it for each 1,000,000 bytes."""
    at_once: int = 4
    """Runs under way together; more than two wait for each other at Marketo."""
    poll_seconds: float = _STATUS_SECONDS
    """Shortest pause between two status calls."""
    is_measured: bool = False

    def processing(self, file_bytes: float) -> float:
        """Return the seconds that Marketo works on a file."""
        return self.seconds + self.seconds_per_mb * file_bytes / 1e6


@dataclass(frozen=True)
class Allotment:
    """What may be spent."""

    daily_bytes: int
    daily_calls: int
    used_bytes: int = 0
    """Today already, and set aside for exports under way."""
    used_calls: int = 0
    not_before: datetime | None = None
    """Until when exports rest anyway."""
    recent_bytes: tuple[int, ...] = ()
    """How large the months were that were exported last, the newest export first: what the gate takes for usual."""


@dataclass(frozen=True)
class Planned:
    """One export, of a month or a piece of it, as it will go."""

    month: str
    day: date
    """The quota day that it is counted on."""
    finished_at: datetime
    file_bytes: float
    calls: int


@dataclass(frozen=True)
class Wanted:
    """One month that is to be exported."""

    month: str
    file_bytes: float
    reserved_bytes: float
    """What is set aside for it before its size is known."""
    is_here: bool = False
    is_empty: bool = False
    is_foreseen: bool = False
    """Whether the gate knows what is set aside for it, and not only what months of late took."""
    filling: Filling | None = None
    """How its bytes lie in its time, where that is known."""


@dataclass(frozen=True)
class Schedule:
    """All of them."""

    exports: tuple[Planned, ...]
    pauses: int
    """How often the quota will be waited for."""
    calls: int
    finished_at: datetime

    @property
    def days(self) -> int:
        """Quota days on which something is exported."""
        return len({planned.day for planned in self.exports})


def calls_but_status(month: Wanted) -> int:
    """Return the calls of one export beside those for its status: create, enqueue, and the file if it has rows."""
    return _CREATE_ENQUEUE + (0 if month.is_empty else _FILE)


def status_calls(seconds: float, poll_seconds: float = _STATUS_SECONDS) -> int:
    """Return how often a job is asked for until it is seen to be ready, *seconds* after it was queued."""
    return next(number for number, passed in _looks(poll_seconds) if passed >= seconds)


def status_seconds(seconds: float, poll_seconds: float = _STATUS_SECONDS) -> float:
    """Return when that is, in seconds after it was queued."""
    return next(passed for _, passed in _looks(poll_seconds) if passed >= seconds)


def _looks(poll_seconds: float) -> Iterator[tuple[int, float]]:
    passed = 0.0
    for number in count():
        patience = 1.0 if number < _PATIENT_AFTER else _PATIENCE ** min(number - 4, _MOST_PATIENT)
        passed += poll_seconds * min(_MOST_PATIENCE, patience)
        yield number + 1, passed
