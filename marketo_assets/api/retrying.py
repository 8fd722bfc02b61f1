"""The one retry loop of the house: what may be repeated, after which pause, and when it is enough."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import tenacity

from marketo_assets.api.errors import TryAgain
from marketo_assets.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long one call is repeated; an error may allow fewer tries, and asks for its own least pause."""

    seconds: float = 900.0
    """No new try begins later than this after the first, save that one repetition is always allowed."""
    first_pause_seconds: float = 1.0
    """The pause before the second try; it doubles from try to try, and up to a second of jitter is added."""
    longest_pause_seconds: float = 60.0
    """The pause no longer grows beyond this."""

    def repeat(self, once: Callable[[], T], *, clock: Clock, doing: str) -> T:
        """Return what *once* returns, called again while it raises TryAgain and patience lasts; *doing* is for the log.

        Raises: the last error, noting how often it was tried.
        """
        started = clock.now()
        backoff = tenacity.wait_exponential_jitter(self.first_pause_seconds, self.longest_pause_seconds, jitter=1.0)

        def is_enough(state: tenacity.RetryCallState) -> bool:
            error, tried = _error_of(state), state.attempt_number
            waited = clock.now() - started
            enough = tried >= error.tries or (tried > 1 and waited >= timedelta(seconds=self.seconds))
            if enough and tried > 1:
                error.add_note(f"Tried {tried} times in {waited.total_seconds():.0f} s.")
            return enough

        def tell(state: tenacity.RetryCallState) -> None:
            log.info("%s, try %d: %s", doing, state.attempt_number, _error_of(state))

        loop = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TryAgain),
            stop=is_enough,
            wait=lambda state: _error_of(state).after_seconds + backoff(state),
            sleep=clock.sleep,
            before_sleep=tell,
            reraise=True,
        )
        return loop(once)


def _error_of(state: tenacity.RetryCallState) -> TryAgain:
    error = state.outcome.exception() if state.outcome is not None else None
    # The loop asks only after it has found TryAgain.
    return error if isinstance(error, TryAgain) else TryAgain("no outcome")
