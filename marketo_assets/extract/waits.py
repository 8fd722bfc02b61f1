"""How long a run waited, and for what; a wait that is longer than it should be is told while it lasts."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from marketo_assets.api.limits import Ledger
from marketo_assets.api.open_waits import end_wait, note_wait
from marketo_assets.api.pauses import how_long

log = logging.getLogger(__name__)

Reason = Literal["queue", "slot", "processing", "set_aside", "outage", "other_run"]


@dataclass(frozen=True)
class Expectation:
    """What is waited for, how long that may take, and what to do about it."""

    what: str
    seconds: float
    advice: str


EXPECTED: dict[Reason, Expectation] = {
    "queue": Expectation(
        "room in Marketo's export queue",
        3600,
        "Ten jobs of all integrations fill it; let them end, or cancel some in the integration that made them.",
    ),
    "slot": Expectation(
        "Marketo to begin with the export",
        3600,
        "It works at two jobs of all integrations at a time; let the others end.",
    ),
    "processing": Expectation(
        "Marketo to write the export file",
        7200,
        "Large months take long; fewer fields (MARKETO_LEAD_FIELDS) make them smaller.",
    ),
    "set_aside": Expectation(
        "export bytes that other runs have set aside",
        1800,
        "They come free when those runs end; MARKETO_QUOTA_SHARE says how many there are.",
    ),
    "outage": Expectation(
        "Marketo to handle calls again",
        900,
        "Look at status.adobe.com; after half an hour the run makes room and goes on by itself.",
    ),
    "other_run": Expectation(
        "another process that exports the same",
        3600,
        "Let it end or stop it; what it exported is taken up.",
    ),
}


@dataclass
class Waits:
    """The waits of one run, in Marketo's seconds."""

    seconds: dict[Reason, float] = field(default_factory=dict)

    def begin(self, ledger: Ledger, subject: str, reason: Reason, seconds: float, *, until: datetime) -> None:
        """Let `doctor` know that *subject* waits for another *seconds*, and gives up at *until*."""
        now = ledger.clock.now()
        note_wait(ledger, subject, EXPECTED[reason].what, until=until, next_look=now + timedelta(seconds=seconds))

    def add(self, subject: str, reason: Reason, seconds: float, *, until: datetime) -> None:
        """Count *seconds* waited; past what is expected, and each time that it doubles, the run's log warns."""
        before = self.seconds.get(reason, 0.0)
        after = self.seconds[reason] = before + seconds
        expected = EXPECTED[reason]
        step = expected.seconds
        while step <= before:
            step *= 2
        if after >= step:
            log.warning(
                "%s has waited %s for %s, longer than it should; it gives up at %s UTC. %s",
                subject,
                how_long(after),
                expected.what,
                f"{until:%Y-%m-%d %H:%M}",
                expected.advice,
            )

    def end(self, ledger: Ledger, subject: str) -> None:
        """Let `doctor` know that *subject* waits no more."""
        if self.seconds:
            end_wait(ledger, subject)

    def too_long(self) -> list[str]:
        """Return a sentence for every wait that was longer than it should be."""
        return [
            f"Waited {how_long(seconds)} for {EXPECTED[reason].what}. {EXPECTED[reason].advice}"
            for reason, seconds in self.seconds.items()
            if seconds >= EXPECTED[reason].seconds
        ]
