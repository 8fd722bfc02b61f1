"""How many calls may still be made today: by this project's account, and by what Marketo tells of everybody's.

Why not only this project's share: others may have spent more than theirs, and then the instance's day ends before the
share does. Marketo's own statistics tell; they cost a call, so they are asked for rarely.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from marketo_assets.api.closings import closed_seconds
from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.ledger_file import LedgerFile
from marketo_assets.api.marks import note, noted
from marketo_assets.clock import Clock, quota_day, quota_days, quota_reset

USAGE_HOLDS = timedelta(hours=1)
"""For how long Marketo's statistics are taken for good while calls are made."""
CROWDED_HOLDS = timedelta(minutes=15)
"""The same once Marketo said 606 or 615, which this project does not cause: somebody else is busy."""
_REMEMBERED = timedelta(days=7)
# What others may call between two looks at the statistics.
_SPARED_CALLS = 100
_LEARNT = "(learnt from Marketo)"


class CallQuota:
    """The day's account of calls in the ledger's *file*.

    *daily_calls* is what its user may spend of this project's share, *kept_calls* what that user leaves of it to
    others, *instance_calls* what all integrations together may make.
    """

    def __init__(
        self, file: LedgerFile, clock: Clock, *, daily_calls: int, instance_calls: int, kept_calls: int = 0
    ) -> None:
        self._file = file
        self._clock = clock
        self.daily_calls = daily_calls
        self.instance_calls = instance_calls
        self.kept_calls = kept_calls

    def spent(self) -> int:
        """Return how many calls this project made today."""
        with self._file.transaction() as db:
            return self._spent(db, self._clock.now())

    def remaining(self) -> int:
        """Return how many calls may still be made today, others' spending considered; 0 while Marketo's 607 stands."""
        with self._file.transaction() as db:
            now = self._clock.now()
            if closed_seconds(db, "calls", now):
                return 0
            return max(0, min(self.daily_calls - self._spent(db, now), self._instance_left(db, now)))

    def by_route(self) -> dict[str, int]:
        """Return the calls of today per route."""
        with self._file.transaction() as db:
            query = "SELECT route, calls FROM spent_calls WHERE day = ? ORDER BY route"
            return dict(db.execute(query, (quota_day(self._clock.now()).isoformat(),)).fetchall())

    def others(self) -> int | None:
        """Return how many of today's calls others made, as Marketo told last; None when it told nothing today."""
        with self._file.transaction() as db:
            return self._others(db, self._clock.now())

    def is_short_of_others(self) -> bool:
        """Say whether others' spending leaves less than this project's own share does."""
        with self._file.transaction() as db:
            now = self._clock.now()
            return self._instance_left(db, now) < self.daily_calls - self._spent(db, now)

    def may_end_early(self) -> bool:
        """Say whether others may end the day before this project's share is spent: they did this week, or soon will."""
        with self._file.transaction() as db:
            now = self._clock.now()
            refused = noted(db, "calls_refused", now)
        return now.timestamp() - refused < _REMEMBERED.total_seconds() or self.is_short_of_others()

    def note_usage(self, date: str, calls: int, *, own: int | None = None) -> None:
        """Remember what Marketo's statistics of *date* say: *calls* of everybody, *own* of them by this API user.

        An account that was begun today and knows of fewer takes *own* over: an older one was lost. The zone of *date*
        is not documented, so a day that has ended in every reading is not taken for today.
        """
        with self._file.transaction() as db:
            now = self._clock.now()
            note(db, "usage_asked", now)
            today = quota_day(now).isoformat()
            if date < today:
                return
            spent, missing = self._spent(db, now), (own or 0) - self._spent(db, now)
            begun = db.execute("SELECT min(day) FROM spent_calls").fetchone()[0]
            if missing > 0 and (begun is None or begun >= today):
                self._count(db, [today], _LEARNT, missing)
                spent += missing
            # The statistics may lag behind; what was told before stands where it means more.
            db.execute(
                "INSERT INTO instance_calls VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET calls = excluded.calls, "
                "own = excluded.own WHERE excluded.calls - excluded.own >= calls - own",
                (today, calls, spent),
            )

    def note_silence(self) -> None:
        """Remember that the statistics were asked for and told nothing."""
        with self._file.transaction() as db:
            note(db, "usage_asked", self._clock.now())

    def is_usage_due(self) -> bool:
        """Say whether Marketo's statistics should be asked for: after an hour of use; sooner if others crowd us."""
        with self._file.transaction() as db:
            now = self._clock.now()
            newest = "SELECT max(at) FROM (SELECT at FROM call_slot UNION ALL SELECT at FROM kept_slot)"
            last = min(float(db.execute(newest).fetchone()[0] or 0.0), now.timestamp())
            asked = noted(db, "usage_asked", now)
            # Nothing is to be learnt for a day in which nothing was asked.
            is_used = last > asked and quota_day(datetime.fromtimestamp(last, UTC)) == quota_day(now)
            is_old = now.timestamp() - asked >= USAGE_HOLDS.total_seconds()
            return (is_used and is_old) or self._is_wanted(db, now)

    def is_usage_wanted(self) -> bool:
        """Say whether something happened that only the statistics explain: 606, 615, or a ledger that was lost."""
        with self._file.transaction() as db:
            return self._is_wanted(db, self._clock.now())

    def check(self, db: sqlite3.Connection, now: datetime) -> None:
        """Return when a call may be made. Raises: DailyQuotaSpent."""
        self.check_open(db, now)
        if closed_seconds(db, "overruled", now):
            return
        spent = self._spent(db, now)
        if spent >= self.daily_calls:
            kept = f"; {self.kept_calls:,} more are kept for captures of changes" if self.kept_calls else ""
            raise _day_spent(
                f"This project's share of the day's calls is spent: {spent:,} of {self.daily_calls:,}{kept}",
                quota_reset(now),
            )
        if self._instance_left(db, now) <= 0:
            raise _day_spent(
                f"All integrations together made about {spent + (self._others(db, now) or 0):,} of the instance's "
                f"{self.instance_calls:,} calls today, and what is left is not for this",
                quota_reset(now),
            )

    def check_open(self, db: sqlite3.Connection, now: datetime) -> None:
        """Return when Marketo has not called the day's calls spent. Raises: DailyQuotaSpent."""
        closed = closed_seconds(db, "calls", now)
        if closed:
            raise _day_spent("Marketo said earlier that the day's calls are spent", now + timedelta(seconds=closed))

    def spend(self, db: sqlite3.Connection, now: datetime, route: str) -> tuple[str, ...]:
        """Count a call of *route*, and return the days on which it counts."""
        days = tuple(day.isoformat() for day in quota_days(now))
        self._count(db, days, route, 1)
        return days

    def refund(self, db: sqlite3.Connection, route: str, days: tuple[str, ...]) -> None:
        """Take a call of *route* back from *days*."""
        self._count(db, days, route, -1)

    def _count(self, db: sqlite3.Connection, days: list[str] | tuple[str, ...], route: str, calls: int) -> None:
        db.executemany(
            "INSERT INTO spent_calls VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls",
            [(day, route, calls) for day in days],
        )

    def _spent(self, db: sqlite3.Connection, now: datetime) -> int:
        query = "SELECT coalesce(sum(calls), 0) FROM spent_calls WHERE day = ?"
        return max(int(db.execute(query, (day.isoformat(),)).fetchone()[0]) for day in quota_days(now))

    def _others(self, db: sqlite3.Connection, now: datetime) -> int | None:
        query = "SELECT calls - own FROM instance_calls WHERE day = ?"
        row = db.execute(query, (quota_day(now).isoformat(),)).fetchone()
        return None if row is None else max(0, int(row[0]))

    def _instance_left(self, db: sqlite3.Connection, now: datetime) -> int:
        others = self._others(db, now)
        if others is None:
            return self.instance_calls
        spared = min(_SPARED_CALLS, self.instance_calls // 100)
        return self.instance_calls - others - self._spent(db, now) - spared - self.kept_calls

    def _is_wanted(self, db: sqlite3.Connection, now: datetime) -> bool:
        asked = noted(db, "usage_asked", now)
        is_crowded = noted(db, "crowded", now) > asked
        is_old = now.timestamp() - asked >= CROWDED_HOLDS.total_seconds()
        return (is_crowded and is_old) or noted(db, "lost", now) > asked


def _day_spent(message: str, resets_at: datetime) -> DailyQuotaSpent:
    error = DailyQuotaSpent(message)
    error.resets_at = resets_at
    return error
