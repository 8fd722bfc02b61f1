"""What an audit may ask within its budget: ids of some months, and a sample of leads in full.

Why by chance: an audit that always asked for the same would never find what happens elsewhere. The choice follows from
the date, so that an audit that was killed asks for the same again, and takes up what it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent
from marketo_assets.api.lead_database import BATCH, LeadField
from marketo_assets.extract.bulk import ExportError
from marketo_assets.extract.lead_changes import Log
from marketo_assets.extract.rereading import EXPORT_CALLS
from marketo_assets.land.lead_ids import land_lead_ids
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.lead_versions import SHOWN
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection

SHOWN_NOW = (
    f"(SELECT * FROM {SHOWN} AS version WHERE NOT EXISTS (SELECT 1 FROM meta.superseded_rows AS past "
    "WHERE past.lead_id = version.id AND past.load_id = version._load_id))"
)
"""The versions that are shown."""
_ID_BYTES = 12
# Create, enqueue and file; and the last status, which is asked for after the time is over.
_CALLS_BESIDE_STATUS = 5
# Part of the budget that is left for leads whose ids do not agree.
_KEPT_FOR_REPAIRS = 0.2


@dataclass(frozen=True)
class Held:
    """A month that was loaded, and how many of its leads are shown."""

    month: str
    leads: int

    @property
    def likely_bytes(self) -> int:
        """How large an export of its ids will be."""
        return 3 + _ID_BYTES * self.leads


class Budget:
    """The calls and bytes that an audit may spend, and what it has spent of them."""

    def __init__(self, client: MarketoClient, settings: Settings) -> None:
        self.calls = min(settings.audit_calls, client.ledger.calls_remaining())
        self.export_bytes = min(round(settings.audit_export_mb * 1e6), client.ledger.exports.remaining())
        self._client, self._began, self._others = client, client.calls, 0
        self._spent_bytes = 0

    @property
    def calls_spent(self) -> int:
        """How many calls the audit made."""
        return self._client.calls - self._began - self._others

    @property
    def calls_left(self) -> int:
        """How many calls it may still make."""
        return max(0, self.calls - self.calls_spent)

    @property
    def bytes_left(self) -> int:
        """How many bytes it may still export."""
        return max(0, self.export_bytes - self._spent_bytes)

    @property
    def leads_left(self) -> int:
        """How many leads it may still read."""
        return BATCH * self.calls_left

    @property
    def sample(self) -> int:
        """How many leads may be read as a sample, when something is left for those whose ids do not agree."""
        return BATCH * round(self.calls_left * (1 - _KEPT_FOR_REPAIRS))

    def spend_bytes(self, file_bytes: int) -> None:
        """Count an export."""
        self._spent_bytes += file_bytes

    def pass_by(self, calls: int) -> None:
        """Leave *calls* out of the account: they were made for something else."""
        self._others += calls


def held_months(con: DuckDBConnection) -> list[Held]:
    """Return the months that were loaded."""
    rows = con.execute(
        "SELECT partition, count(version.id) FROM (SELECT DISTINCT partition FROM meta.loads "
        "WHERE table_name = 'raw.lead_snapshots') AS loaded LEFT JOIN "
        f"(SELECT id, strftime(createdAt AT TIME ZONE 'UTC', '%Y-%m') AS month FROM {SHOWN_NOW}) AS version "
        "ON version.month = partition GROUP BY partition ORDER BY partition"
    ).fetchall()
    return [Held(*row) for row in rows]


def sample_ids(con: DuckDBConnection, count: int, today: date) -> list[int]:
    """Return the ids of at most *count* leads that are shown, drawn by the date."""
    if count <= 0:
        return []
    # By a hash of id and date: a reservoir depends on the order of rows, which nobody promises.
    rows = con.execute(
        f"SELECT id FROM {SHOWN_NOW} ORDER BY hash(concat(id, ?)) LIMIT ?", [f" {today.isoformat()}", count]
    ).fetchall()
    return [row[0] for row in rows]


def land_some_ids(
    client: MarketoClient,
    settings: Settings,
    months: Sequence[Held],
    budget: Budget,
    *,
    described: LeadField,
    today: date,
    log: Log,
) -> list[LandedFile]:
    """Return the landed ids of as many of *months* as half of the budget's calls and its bytes allow, at least.

    An export that does not come in time is let be. **Cost:** some seven calls and twelve bytes a lead, for each month.
    """
    landed: list[LandedFile] = []
    least_left = budget.calls_left // 2
    for held in Random(today.isoformat()).sample(list(months), len(months)):  # noqa: S311  # chance, not secrecy
        if budget.calls_left - EXPORT_CALLS < least_left:
            break
        if held.likely_bytes > budget.bytes_left:
            log(f"{held.month}: its ids are {held.likely_bytes:,} bytes, and the audit has {budget.bytes_left:,} left")
            continue
        try:
            found = land_lead_ids(
                client,
                settings,
                held.month,
                described=described,
                likely_bytes=held.likely_bytes,
                deadline_hours=_patience_hours(settings, budget),
                log=log,
            )
        except (ExportError, ExportQuotaSpent) as error:
            log(f"{held.month}: not audited: {error}")
            continue
        if not found.was_adopted:
            budget.spend_bytes(found.file_bytes)
        landed.append(found)
    return landed


def _patience_hours(settings: Settings, budget: Budget) -> float:
    # A status is asked for once a poll at most: what is waited for longer would cost calls that are not there.
    polls = max(1, budget.calls_left - _CALLS_BESIDE_STATUS)
    return min(settings.capture_export_minutes / 60, polls * settings.status_poll_seconds / 3600)
