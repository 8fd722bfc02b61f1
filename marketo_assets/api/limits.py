"""How much may be asked of Marketo, counted together with every other process of this project.

Why reservations: a caller takes the next free moment and waits for it, so calls are served in the order they came, one
short transaction each, and nobody polls. Moments are spread over a window a little longer than Marketo's, because
the calls themselves drift by milliseconds (101 calls were seen in a window of exactly 20 s, 100 with 20.5 s).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marketo_assets.api import leases
from marketo_assets.api.closings import What, close, closed_seconds, reopen, reopening
from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.export_quota import ExportQuota
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.rate_window import RateWindow, Slot
from marketo_assets.clock import Clock, quota_day, quota_days, quota_reset
from marketo_assets.settings import Settings

WINDOW_STRETCH = 0.025
"""Part of the rate window that is added to it."""
_LEAST_STRETCH_SECONDS = 0.1
_LEASE_MARGIN_SECONDS = 45.0
_POLL_SECONDS = 0.03
_TICKET_SECONDS = 2.0


@dataclass(frozen=True)
class Limits:
    """What this project may use: its share of the instance's limits."""

    rate_calls: int = 50
    """Calls in any `rate_seconds`."""
    rate_seconds: float = 20.0
    """Length of the rate window."""
    concurrency: int = 5
    """Calls at once."""
    daily_calls: int = 25_000
    """Calls in a quota day."""
    daily_export_bytes: int = 250_000_000
    """Bytes of export files in a quota day."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """Return the share of the instance's limits that *settings* allow; at least one of each."""
        share = settings.quota_share
        return cls(
            rate_calls=max(1, int(settings.rate_calls * share)),
            rate_seconds=settings.rate_seconds,
            concurrency=max(1, int(settings.concurrency * share)),
            daily_calls=max(1, int(settings.daily_calls * share)),
            daily_export_bytes=max(1, int(settings.daily_export_mb * 1_000_000 * share)),
        )


@dataclass(frozen=True)
class Reservation:
    """A call that may be made now; it ends with the `with` block of `Ledger.call`."""

    ledger: Ledger
    route: str
    lease: int
    days: tuple[str, ...]
    slot: Slot

    def renew(self) -> None:
        """Keep the place among the concurrent calls for as long again; for downloads that outlast one timeout."""
        with self.ledger.transaction() as db:
            leases.extend(db, self.lease, self.ledger.clock.now().timestamp())

    def refund(self) -> None:
        """Give the call back to the day: Marketo does not count this answer. Its place in the rate window stays."""
        with self.ledger.transaction() as db:
            db.executemany(
                "UPDATE spent_calls SET calls = calls - 1 WHERE day = ? AND route = ?",
                [(day, self.route) for day in self.days],
            )


class Ledger:
    """The shared account of calls and export bytes, in the file at *path*.

    **Guarantee:** over all processes that use the file, never more than `limits.rate_calls` in any
    `limits.rate_seconds`, `limits.concurrency` at once, and `limits.daily_calls` in a quota day. A process that is
    killed gives its place back when its lease expires.
    """

    def __init__(self, path: Path, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self.clock = clock
        self._file = LedgerFile(path)
        # HTTP timeouts and the machine's hiccups are real seconds; a scaled clock counts more of its own meanwhile.
        self._scale = float(getattr(clock, "scale", 1.0))
        stretch = max(WINDOW_STRETCH * limits.rate_seconds, _LEAST_STRETCH_SECONDS * self._scale)
        self._window = RateWindow(limits.rate_calls, limits.rate_seconds + stretch, limits.concurrency)
        self._tolerance = stretch / 2
        self.exports = ExportQuota(self._file, limits.daily_export_bytes, clock)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Give a connection inside BEGIN IMMEDIATE … COMMIT/ROLLBACK, for tables that others keep in this file.

        Keep it short, and make no call inside it. Raises: LedgerUnusable when the file cannot be written.
        """
        return self._file.transaction()

    def shut(self) -> None:
        """Close the file; using the ledger again opens it again."""
        self._file.close()

    @contextmanager
    def call(self, *, route: str, timeout_seconds: float = 60.0) -> Iterator[Reservation]:
        """Wait until a call may be made, and hold its place until the block ends, however it ends.

        *timeout_seconds* is the longest the call itself may take, in the machine's seconds: if this process dies, its
        place is free again that long (and a margin) after. **Cost:** one call of the day's; no request.
        Raises: DailyQuotaSpent when the day's calls are used up.
        """
        reservation = self._reserve(route, (timeout_seconds + _LEASE_MARGIN_SECONDS) * self._scale)
        try:
            self._await_slot(reservation)
            yield reservation
        finally:
            with self.transaction() as db:
                leases.give_back(db, reservation.lease)

    def back_off(self, seconds: float) -> None:
        """Let no process make a call for *seconds*: Marketo said 606 or 615."""
        with self.transaction() as db:
            close(db, "rate", self.clock.now() + timedelta(seconds=seconds))

    def close_day(self) -> datetime:
        """Remember that Marketo called the day's calls spent (607); return when to try again."""
        with self.transaction() as db:
            until = reopening(self.clock.now())
            close(db, "calls", until)
            reopen(db, "overruled")
            return until

    def note_outage(self, seconds: float) -> datetime:
        """Remember that the instance handled no call for long; return when to look again, *seconds* from now."""
        with self.transaction() as db:
            until = self.clock.now() + timedelta(seconds=seconds)
            close(db, "instance", until)
            return until

    def overrule(self) -> None:
        """Forget what is closed, and let this project's share be exceeded until the reset: somebody said so.

        Marketo's next refusal ends it.
        """
        with self.transaction() as db:
            reopen(db, "calls", "exports", "share", "instance")
            close(db, "overruled", quota_reset(self.clock.now()))

    def closed_until(self, what: What) -> datetime | None:
        """Return until when *what* is closed, or None."""
        with self.transaction() as db:
            now = self.clock.now()
            left = closed_seconds(db, what, now)
            return now + timedelta(seconds=left) if left else None

    def calls_spent(self) -> int:
        """Return how many calls this project made in the quota day."""
        with self.transaction() as db:
            return self._spent(db, self.clock.now())

    def calls_remaining(self) -> int:
        """Return how many calls this project may still make in the quota day; 0 while Marketo's 607 stands."""
        with self.transaction() as db:
            now = self.clock.now()
            return 0 if closed_seconds(db, "calls", now) else max(0, self.limits.daily_calls - self._spent(db, now))

    def calls_by_route(self) -> dict[str, int]:
        """Return the calls of the quota day per route."""
        with self.transaction() as db:
            query = "SELECT route, calls FROM spent_calls WHERE day = ? ORDER BY route"
            return dict(db.execute(query, (quota_day(self.clock.now()).isoformat(),)).fetchall())

    def usage_by_day(self) -> list[dict[str, object]]:
        """Return what was spent on each quota day, the newest first: `day`, `calls`, `export_bytes`."""
        query = (
            "SELECT day, sum(calls), sum(bytes) FROM ("
            "SELECT day, calls, 0 AS bytes FROM spent_calls UNION ALL SELECT day, 0, bytes FROM export_spent"
            ") GROUP BY day ORDER BY day DESC"
        )
        with self.transaction() as db:
            return [{"day": day, "calls": calls, "export_bytes": size} for day, calls, size in db.execute(query)]

    def _reserve(self, route: str, seconds: float) -> Reservation:
        ticket: int | None = None
        while True:
            with self.transaction() as db:
                now = self.clock.now()
                self._check_day(db, now)
                pause = closed_seconds(db, "rate", now)
                lease = None if pause else self._take_place(db, now, route, seconds, ticket)
                if lease is not None:
                    days = self._spend(db, now, route)
                    slot = self._window.reserve(db, now.timestamp())
                    leases.extend(db, lease, slot.at)
                    return Reservation(self, route, lease, days, slot)
                if not pause:
                    patience = _TICKET_SECONDS * self._scale
                    ticket = leases.stand_in_line(db, now.timestamp(), seconds=patience, ticket=ticket)
            self.clock.sleep(pause or _POLL_SECONDS * self._scale)

    def _take_place(
        self, db: sqlite3.Connection, now: datetime, route: str, seconds: float, ticket: int | None
    ) -> int | None:
        places = self.limits.concurrency
        return leases.take(db, now.timestamp(), places=places, route=route, seconds=seconds, ticket=ticket)

    def _await_slot(self, reservation: Reservation) -> None:
        slot = reservation.slot
        while (left := slot.at - self.clock.now().timestamp()) > 0:
            self.clock.sleep(left)
            with self.transaction() as db:
                now = self.clock.now()
                self._check_open(db, now)
                pause = closed_seconds(db, "rate", now)
                # A caller that wakes late, or after Marketo said 606, would crowd a window counted for another time.
                if pause or now.timestamp() - slot.at > self._tolerance:
                    least = now.timestamp() + pause
                    slot = self._window.reserve(db, now.timestamp(), not_before=least, instead_of=slot)
                    leases.extend(db, reservation.lease, slot.at)

    def _check_open(self, db: sqlite3.Connection, now: datetime) -> None:
        closed = closed_seconds(db, "calls", now)
        if closed:
            raise _day_spent("Marketo said earlier that the day's calls are spent", now + timedelta(seconds=closed))

    def _check_day(self, db: sqlite3.Connection, now: datetime) -> None:
        self._check_open(db, now)
        spent = self._spent(db, now)
        if spent >= self.limits.daily_calls and not closed_seconds(db, "overruled", now):
            raise _day_spent(
                f"This project's share of the day's calls is spent: {spent:,} of {self.limits.daily_calls:,}",
                quota_reset(now),
            )

    def _spend(self, db: sqlite3.Connection, now: datetime, route: str) -> tuple[str, ...]:
        days = tuple(day.isoformat() for day in quota_days(now))
        db.executemany(
            "INSERT INTO spent_calls VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET calls = calls + 1",
            [(day, route) for day in days],
        )
        return days

    def _spent(self, db: sqlite3.Connection, now: datetime) -> int:
        query = "SELECT coalesce(sum(calls), 0) FROM spent_calls WHERE day = ?"
        return max(int(db.execute(query, (day.isoformat(),)).fetchone()[0]) for day in quota_days(now))


def _day_spent(message: str, resets_at: datetime) -> DailyQuotaSpent:
    error = DailyQuotaSpent(message)
    error.resets_at = resets_at
    return error
