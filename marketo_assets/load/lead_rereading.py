"""Leads that activities tell of, read again in full: by id, or by an updatedAt export where that is the cheaper way."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent, UnsupportedFilter
from marketo_assets.api.lead_database import BATCH, LeadField, lead_batches
from marketo_assets.extract.bulk import ExportError
from marketo_assets.extract.lead_changes import LeadPoll, Log
from marketo_assets.extract.rereading import EXPORT_CALLS, Bargain, weigh
from marketo_assets.extract.subscription import ASKED_AGAIN, UPDATED_AT, is_refused
from marketo_assets.land.lead_updates import is_paid, land_lead_updates, update_requests
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.lead_readings import Reading
from marketo_assets.load.lead_updates import UpdateFile, readable_updates
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse

REFUSED = f"this subscription does not have the filter (asked again every {ASKED_AGAIN.days} days)"


@dataclass(frozen=True)
class Wanted:
    """Leads that are to be read again, and what is known of them."""

    ids: Collection[int]
    poll: LeadPoll
    """What told of them."""
    fields: Sequence[LeadField]
    described: Sequence[LeadField]
    lead_bytes: float | None
    """What a lead has in a file, as far as files were loaded."""


@dataclass(frozen=True)
class Reread:
    """Leads as they are now."""

    bargain: Bargain
    files: Sequence[UpdateFile]
    from_files: frozenset[int]
    """Those of the leads that the files show late enough."""
    readings: Sequence[Reading]
    """Of all others."""


def mean_lead_bytes(con: DuckDBConnection) -> float | None:
    """Return what a lead had in the files of the newest 24 loads; None before the first month was loaded."""
    row = con.execute(
        "SELECT sum(file_bytes) / sum(records) FROM (SELECT file_bytes, records FROM meta.loads "
        "WHERE table_name = 'raw.lead_snapshots' AND records > 0 ORDER BY load_id DESC LIMIT 24)"
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else None


@contextmanager
def read_again(
    client: MarketoClient, warehouse: Warehouse, settings: Settings, wanted: Wanted, log: Log
) -> Iterator[Reread]:
    """Yield the *wanted* leads as Marketo shows them now; what they were exported into can be read inside the block.

    An export that takes longer than `capture_export_minutes` is kept for whoever asks next, and the leads are read by
    id as far as the day's calls allow.

    **Cost:** one call for each 300 leads; or an export's calls and bytes, and one call for each 300 leads that it
    does not show. **Guarantee:** no lead is taken from a file that was read before the activity that tells of it.
    Raises: ExportError when there is time for neither; MarketoError, LandingError, LoadError.
    """
    bargain, landed = _export(client, settings, wanted, log)
    with readable_updates(warehouse, landed) as files:
        from_files = frozenset(_shown_late_enough(files, wanted))
        rest = sorted(set(wanted.ids) - from_files)
        yield Reread(bargain, files, from_files, read_by_id(client, rest, wanted.fields))


def read_by_id(client: MarketoClient, ids: Sequence[int], fields: Sequence[LeadField]) -> list[Reading]:
    """Return the leads with these *ids* as Marketo shows them now. **Cost:** one call for each 300 of them."""
    readings, asked_at = [], client.clock.now()
    for batch in lead_batches(client, ids, [known.name for known in fields]):
        readings.append(Reading(batch.asked, batch.read_at or asked_at, batch.leads))
        asked_at = client.clock.now()
    return readings


def _export(
    client: MarketoClient, settings: Settings, wanted: Wanted, log: Log
) -> tuple[Bargain, Sequence[LandedFile]]:
    ledger, now = client.ledger, settings.clock.now()
    told = {found.lead_id for found in wanted.poll.activities} | set(wanted.ids)
    requests = list(update_requests(wanted.poll.since, now, wanted.fields, round(len(told) * (wanted.lead_bytes or 0))))
    bargain = weigh(
        ledger,
        len(wanted.ids),
        exported=len(told),
        windows=len(requests),
        lead_bytes=wanted.lead_bytes,
        # A few leads are never read by export, and the ledger need not be asked.
        is_paid=len(wanted.ids) > BATCH * EXPORT_CALLS and all(is_paid(ledger, request, now) for request in requests),
        obstacle=REFUSED if is_refused(ledger, UPDATED_AT) else None,
    )
    if wanted.ids:
        log(bargain.told)
    if not bargain.is_export:
        return bargain, ()
    try:
        return bargain, land_lead_updates(
            client,
            settings,
            requests,
            fields=wanted.fields,
            described=wanted.described,
            deadline_hours=settings.capture_export_minutes / 60,
            log=log,
        )
    except UnsupportedFilter:
        bargain = replace(bargain, obstacle=REFUSED)
        log(bargain.told)
    except (ExportError, ExportQuotaSpent) as error:
        # Calls that are not there cannot be spent instead, and the next capture takes the job up where it stands.
        if bargain.share_by_id > 1:
            raise
        bargain = replace(bargain, obstacle=f"it did not come in time: {error}")
        log(bargain.told)
    return bargain, ()


def _shown_late_enough(files: Sequence[UpdateFile], wanted: Wanted) -> Iterator[int]:
    last = _last_activities(wanted.poll)
    for file in files:
        for lead_id in file.ids.intersection(wanted.ids):
            if lead_id not in last or file.landed.as_of > last[lead_id]:
                yield lead_id


def _last_activities(poll: LeadPoll) -> Mapping[int, datetime]:
    # Whole seconds: a file that was read in the second of an activity may have been read before it.
    last: dict[int, datetime] = {}
    told = [(found.lead_id, found.at) for found in poll.activities]
    for lead_id, at in [*told, *((merge.winner_id, merge.at) for merge in poll.merges)]:
        last[lead_id] = max(at, last.get(lead_id, at))
    return last
