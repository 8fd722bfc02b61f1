"""An instance that handles no call: waited for with patience, and told apart from a request that it will not have.

Why a probe: 611 is an outage on Adobe's own nights and a bad request in disguise on all others, and only a call that
is known to be good tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    GarbledAnswer,
    InstanceDown,
    MarketoError,
    OutcomeUnknown,
    ServerTrouble,
    TryAgain,
    Unavailable,
    Unreachable,
    UnreadableAnswer,
)
from marketo_assets.api.lead_database import DESCRIBE2
from marketo_assets.api.limits import Ledger
from marketo_assets.clock import Clock
from marketo_assets.extract.export_jobs import recorded_jobs

T = TypeVar("T")

PATIENCE = timedelta(minutes=30)
"""How long a run waits for an instance that handles nothing, before it makes room."""
REST_SECONDS = 1800.0
"""How long nobody tries after that."""
_PAUSES = (30.0, 60.0, 120.0, 240.0)
_TROUBLE = (Unavailable, ServerTrouble, Unreachable, GarbledAnswer, UnreadableAnswer)


@dataclass(frozen=True)
class Endurance:
    """Repeats what an outage prevents; *sleep* waits in the clock's seconds."""

    client: MarketoClient
    ledger: Ledger
    clock: Clock
    log: Callable[[str], None]
    sleep: Callable[[float], None]

    def repeat(self, once: Callable[[], T], *, doing: str) -> T:
        """Return what *once* returns, called again while the instance handles nothing; *doing* is for the log.

        Doing it twice must do no harm. **Cost:** one harmless call for each repetition.
        Raises: InstanceDown after half an hour; the error itself when the instance handles other calls, or when this
        folder has never met it: then a wrong setting is likelier than an outage.
        """
        began, tried, has_answered = self.clock.now(), 0, False
        while True:
            try:
                return once()
            except (*_TROUBLE, OutcomeUnknown) as error:
                if has_answered or not recorded_jobs(self.ledger):
                    raise
                has_answered = self._handles_calls()
                if has_answered:
                    continue  # the trouble may just have passed; if not, it lies in this request
                self._wait(doing, error, tried, self.clock.now() - began)
                tried += 1

    def _wait(self, doing: str, error: MarketoError, tried: int, waited: timedelta) -> None:
        if waited >= PATIENCE:
            down = InstanceDown(
                f"Marketo has handled no call for {waited / timedelta(minutes=1):,.0f} minutes: {error.message}",
                error.code,
                error.request_id,
            )
            down.resets_at = self.ledger.note_outage(REST_SECONDS)
            raise down from error
        pause = _PAUSES[min(tried, len(_PAUSES) - 1)]
        self.log(f"{doing}: Marketo handles no call ({error.message}); trying again in {pause:.0f} s")
        self.sleep(pause)

    def _handles_calls(self) -> bool:
        try:
            self.client.get(DESCRIBE2)
        except _TROUBLE:
            return False
        except TryAgain:
            pass  # 606 and 615 are answers
        return True
