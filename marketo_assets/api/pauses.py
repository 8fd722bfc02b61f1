"""Why exports rest, and until when: what the gate of the export pool, a failed run and `doctor` tell.

Why one place: a pause that three readers worked out for themselves would be three pauses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from marketo_assets.api.limits import Ledger
from marketo_assets.clock import quota_reset

Reason = Literal["export_quota", "daily_calls", "instance"]

_LEAST_CALLS = 100
"""Calls that are left to exports under way, which have to ask how they stand."""
_WHOLE_MEGABYTES = 10_000_000


@dataclass(frozen=True)
class Pause:
    """Something that exports wait for."""

    reason: Reason
    text: str
    """What is so, for example `export quota spent, 24 of 250 MB left`."""
    until: datetime
    """When it is over at the latest, or is looked at again."""

    def told(self, now: datetime) -> str:
        """Return the pause in a line: what is so, when it is over, and how long that is from *now*."""
        moment = f"{self.until.astimezone(UTC):%H:%M} UTC"
        return f"{self.text}, resumes {moment}, in {how_long((self.until - now).total_seconds())}"


def pauses(ledger: Ledger, *, next_bytes: int = 1) -> list[Pause]:
    """Return what exports wait for now, the longest wait first; nothing when a job of *next_bytes* may be created.

    **Cost:** no call: only the ledger is read.
    """
    found = [_export_pause(ledger, next_bytes), _calls_pause(ledger), _outage(ledger)]
    return sorted((pause for pause in found if pause), key=lambda pause: pause.until, reverse=True)


def export_left(ledger: Ledger) -> str:
    """Return what may still be exported today, in words: `24 of 250 MB`."""
    left, share = ledger.exports.remaining(), ledger.exports.daily_bytes
    return f"{_megabytes(left, share)} of {_megabytes(share, share)} MB"


def how_long(seconds: float) -> str:
    """Return a duration in words: `5 h 12 min`, `40 s`."""
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _megabytes(size: int, share: int) -> str:
    return f"{size / 1e6:,.{0 if share >= _WHOLE_MEGABYTES else 2}f}"


def _export_pause(ledger: Ledger, next_bytes: int) -> Pause | None:
    exports = ledger.exports
    left = f"{export_left(ledger)} left"
    if until := ledger.closed_until("exports"):
        return Pause("export_quota", "export quota spent by Marketo's count", until)
    if ledger.closed_until("overruled"):
        return None
    if until := ledger.closed_until("share"):
        return Pause("export_quota", f"export quota spent, {left}", until)
    if exports.remaining() >= min(max(next_bytes, 1), exports.daily_bytes):
        return None
    held = f" ({_megabytes(exports.reserved(), exports.daily_bytes)} MB set aside for exports under way)"
    return Pause(
        "export_quota",
        f"export quota spent, {left}{held if exports.reserved() else ''}",
        quota_reset(ledger.clock.now()),
    )


def _calls_pause(ledger: Ledger) -> Pause | None:
    if until := ledger.closed_until("calls"):
        return Pause("daily_calls", "daily calls spent by Marketo's count", until)
    left, share = ledger.calls_remaining(), ledger.day.daily_calls
    if ledger.closed_until("overruled") or left > min(_LEAST_CALLS, share // 10):
        return None
    text = f"daily calls spent, {left:,} of {share:,} left"
    if ledger.day.is_short_of_others():
        text += (
            f" after what others spent, {ledger.day.others() or 0:,} of the instance's {ledger.day.instance_calls:,}"
        )
    return Pause("daily_calls", text, quota_reset(ledger.clock.now()))


def _outage(ledger: Ledger) -> Pause | None:
    until = ledger.closed_until("instance")
    return Pause("instance", "Marketo does not answer", until) if until else None
