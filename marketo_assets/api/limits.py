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
from marketo_assets.api.call_quota import CallQuota
from marketo_assets.api.closings import What, close, closed_seconds, reopen, reopening
from marketo_assets.api.export_quota import ExportQuota
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.marks import note
from marketo_assets.api.rate_window import RateWindow, Slot, reserve_earliest
from marketo_assets.clock import Clock, quota_reset
from marketo_assets.settings import Settings

WINDOW_STRETCH = 0.025
"""Part of the rate window that is added to it."""
_LEAST_STRETCH_SECONDS = 0.1
_LEASE_MARGIN_SECONDS = 45.0
_POLL_SECONDS = 0.03
_TICKET_SECONDS = 2.0


@dataclass(frozen=True)
class Limits:
    """What this project may use: its share of the instance's limits, and what backfills leave of it to urgent work."""

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
    instance_calls: int = 50_000
    """Calls in a quota day of all integrations together."""
    reserve: float = 0.1
    """Part of rate, concurrency and calls that backfills leave to work that cannot wait."""

    @property
    def kept_rate(self) -> int:
        """Calls of each rate window that backfills leave; where there are two at all, at least one."""
        return self._kept(self.rate_calls)

    @property
    def kept_places(self) -> int:
        """Calls at once that backfills leave; where there are two at all, at least one."""
        return self._kept(self.concurrency)

    @property
    def kept_calls(self) -> int:
        """Calls of the day that backfills leave."""
        return int(self.daily_calls * self.reserve)

    def _kept(self, whole: int) -> int:
        return max(1, int(whole * self.reserve)) if self.reserve and whole > 1 else 0

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
            instance_calls=settings.daily_calls,
            reserve=settings.urgent_reserve,
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
            self.ledger.day.refund(db, self.route, self.days)


class Ledger:
    """The shared account of calls and export bytes, in the file at *path*.

    Whoever asks for a backfill says so with *is_backfill*, and leaves `limits.reserve` to everybody else.

    **Guarantee:** over all processes that use the file, never more than `limits.rate_calls` in any
    `limits.rate_seconds`, `limits.concurrency` at once, and `limits.daily_calls` in a quota day. A process that is
    killed gives its place back when its lease expires.
    """

    def __init__(self, path: Path, limits: Limits, clock: Clock, *, is_backfill: bool = False) -> None:
        self.limits = limits
        self.clock = clock
        self.path = path
        self.is_backfill = is_backfill
        self._file = LedgerFile(path)
        # HTTP timeouts and the machine's hiccups are real seconds; a scaled clock counts more of its own meanwhile.
        self._scale = float(getattr(clock, "scale", 1.0))
        stretch = max(WINDOW_STRETCH * limits.rate_seconds, _LEAST_STRETCH_SECONDS * self._scale)
        seconds, kept = limits.rate_seconds + stretch, limits.kept_rate
        self._windows = [RateWindow(limits.rate_calls - kept, seconds, limits.concurrency)]
        if kept and not is_backfill:
            self._windows.append(RateWindow(kept, seconds, limits.concurrency, "kept_slot"))
        self._places = limits.concurrency - (limits.kept_places if is_backfill else 0)
        self._tolerance = stretch / 2
        self.day = CallQuota(
            self._file,
            clock,
            daily_calls=limits.daily_calls - (limits.kept_calls if is_backfill else 0),
            instance_calls=limits.instance_calls,
            kept_calls=limits.kept_calls if is_backfill else 0,
        )
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
        """Let no process make a call for *seconds*: Marketo said 606 or 615, so others are busy too."""
        with self.transaction() as db:
            now = self.clock.now()
            close(db, "rate", now + timedelta(seconds=seconds))
            note(db, "crowded", now)

    def close_day(self) -> datetime:
        """Remember that Marketo called the day's calls spent (607); return when to try again."""
        with self.transaction() as db:
            until = reopening(self.clock.now())
            close(db, "calls", until)
            reopen(db, "overruled")
            note(db, "refused", self.clock.now())
            note(db, "calls_refused", self.clock.now())
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
        return self.day.spent()

    def calls_remaining(self) -> int:
        """Return how many calls may still be made in the quota day, as far as known; 0 while Marketo's 607 stands."""
        return self.day.remaining()

    def calls_by_route(self) -> dict[str, int]:
        """Return the calls of the quota day per route."""
        return self.day.by_route()

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
                self.day.check(db, now)
                pause = closed_seconds(db, "rate", now)
                lease = None if pause else self._take_place(db, now, route, seconds, ticket)
                if lease is not None:
                    days = self.day.spend(db, now, route)
                    slot = reserve_earliest(self._windows, db, now.timestamp())
                    leases.extend(db, lease, slot.at)
                    return Reservation(self, route, lease, days, slot)
                if not pause:
                    patience = _TICKET_SECONDS * self._scale
                    ticket = leases.stand_in_line(
                        db, now.timestamp(), seconds=patience, ticket=ticket, can_wait=self.is_backfill
                    )
            self.clock.sleep(pause or _POLL_SECONDS * self._scale)

    def _take_place(
        self, db: sqlite3.Connection, now: datetime, route: str, seconds: float, ticket: int | None
    ) -> int | None:
        return leases.take(
            db,
            now.timestamp(),
            places=self._places,
            route=route,
            seconds=seconds,
            ticket=ticket,
            can_wait=self.is_backfill,
        )

    def _await_slot(self, reservation: Reservation) -> None:
        slot = reservation.slot
        while (left := slot.at - self.clock.now().timestamp()) > 0:
            self.clock.sleep(left)
            with self.transaction() as db:
                now = self.clock.now()
                self.day.check_open(db, now)
                pause = closed_seconds(db, "rate", now)
                # A caller that wakes late, or after Marketo said 606, would crowd a window counted for another time.
                if pause or now.timestamp() - slot.at > self._tolerance:
                    least = now.timestamp() + pause
                    slot = reserve_earliest(self._windows, db, now.timestamp(), not_before=least, instead_of=slot)
                    leases.extend(db, reservation.lease, slot.at)
