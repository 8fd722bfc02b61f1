"""An audit: ids of some months and a sample of leads are compared with Marketo, within a budget of calls and bytes.

Why the order ask, poll, compare: what an activity tells of is read again by the poll, later than the audit asked. So
whatever is then still other than the audit found it, nobody told of.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.lead_database import LeadField, describe_lead_fields
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.lead_changes import Log
from marketo_assets.extract.lead_fields import choose_lead_fields
from marketo_assets.load.audit_questions import SHOWN_NOW, Budget, held_months, land_some_ids, sample_ids
from marketo_assets.load.current_leads import GONE, settle
from marketo_assets.load.differing_leads import Differing, keep_differing
from marketo_assets.load.lead_changes import capture_lead_changes
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_readings import TABLE, Reading, append_readings
from marketo_assets.load.lead_rereading import read_by_id
from marketo_assets.load.lead_updates import UpdateFile, readable_updates
from marketo_assets.load.lead_versions import fit_lead_tables, has_lead_tables
from marketo_assets.load.ledger import ensure_tables, insert_row, next_load_id, record_schema_changes
from marketo_assets.settings import Settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse, WarehouseError

MONTH_IDS, SAMPLE = "month_ids", "lead_sample"
_SHOWN_MONTHS = 24


@dataclass(frozen=True)
class MonthIds:
    """The ids of one month, at Marketo and here."""

    month: str
    at_marketo: int
    missing_here: frozenset[int]
    """Leads that Marketo has, and that are neither shown nor known to be gone."""
    gone_there: frozenset[int]
    """Leads that are shown, and that Marketo no longer has."""

    @property
    def found(self) -> int:
        """How many ids do not agree."""
        return len(self.missing_here) + len(self.gone_there)


@dataclass(frozen=True)
class Audit:
    """What one audit asked, found and did."""

    months: tuple[MonthIds, ...]
    sampled: int
    differing: Differing
    """Leads that are shown with other values than Marketo has, though no activity told of it; now they are as there."""
    disappeared: int
    """Leads of the sample that Marketo no longer has; they are asked for again, and then taken for gone."""
    unread: int
    """Leads whose ids do not agree, and that the budget did not allow to read."""
    export_bytes: int
    calls: int
    seconds: float

    @property
    def found(self) -> int:
        """How many leads were not as they are shown."""
        return sum(month.found for month in self.months) + self.differing.leads + self.disappeared

    @property
    def stale_months(self) -> tuple[str, ...]:
        """The partitions of `lead_snapshots` to start, with refresh switched on."""
        return tuple(sorted({month.month for month in self.months if month.found} | {*self.differing.months}))

    @property
    def advice(self) -> str:
        """What to do, naming the exact partitions."""
        if not self.stale_months:
            return "Nothing is to be done."
        named = ", ".join(self.stale_months[-_SHOWN_MONTHS:])
        read = (
            f"{self.unread:,} leads are still to be read. " if self.unread else "These leads are as at Marketo again. "
        )
        return f"{read}To have all others of their months too, run job lead_snapshots with refresh on for {named}."


def audit_leads(client: MarketoClient, warehouse: Warehouse, settings: Settings, *, run_id: str, log: Log) -> Audit:
    """Return what an audit found, after leads that it found to be otherwise were read and its findings recorded.

    **Cost:** at most `audit_calls` calls and `audit_export_mb` megabytes, some seven calls and twelve bytes a lead for
    each month's ids and one call for each 300 leads in full; and one capture.
    **Guarantee:** a lead that changed meanwhile is no finding; after a kill the next audit of the day asks the same.
    Raises: WarehouseError before the first load; MarketoError, LandingError, LoadError.
    """
    began, now = time.monotonic(), settings.clock.now()
    claim_folder(client.ledger, settings)
    with warehouse.transaction() as con:
        ensure_tables(con)
        held = held_months(con) if has_lead_tables(con) else []
    if not held:
        raise WarehouseError(
            "No month has been loaded yet, so there is nothing to audit. Run job lead_snapshots first."
        )
    budget = Budget(client, settings)
    described = describe_lead_fields(client, has_numbers=False)
    fields = choose_lead_fields(described, settings)
    ids_landed = land_some_ids(client, settings, held, budget, described=fields[0], today=now.date(), log=log)
    with warehouse.transaction() as con:
        ids = sample_ids(con, budget.sample, now.date())
    sample = read_by_id(client, ids, fields)
    before = client.calls
    capture_lead_changes(client, warehouse, settings, run_id=run_id, log=log)
    budget.pass_by(client.calls - before)
    with readable_updates(warehouse, ids_landed) as files, warehouse.transaction() as con:
        months = tuple(compare_ids(con, file) for file in files)
    doubtful = {lead_id for month in months for lead_id in month.missing_here | month.gone_there} - set(ids)
    asked = sorted(doubtful)[: budget.leads_left]
    readings = [*sample, *read_by_id(client, asked, fields)]
    audit = Audit(
        months=months,
        sampled=len(ids),
        differing=Differing(),
        disappeared=0,
        unread=len(doubtful) - len(asked),
        export_bytes=sum(landed.file_bytes for landed in ids_landed if not landed.was_adopted),
        calls=budget.calls_spent,
        seconds=time.monotonic() - began,
    )
    with warehouse.transaction() as con:
        return _commit(con, audit, readings, described, fields, set(ids), run_id, settings.clock.now())


def compare_ids(con: DuckDBConnection, file: UpdateFile) -> MonthIds:
    """Return how the ids of a month in *file* agree with those that are shown; what was read later than it counts."""
    landed = file.landed
    con.execute("CREATE OR REPLACE TEMP TABLE there AS SELECT unnest(?::BIGINT[]) AS id", [sorted(file.ids)])
    missing = con.execute(
        f"SELECT id FROM there ANTI JOIN {SHOWN_NOW} AS here USING (id) ANTI JOIN ({GONE}) AS gone USING (id) "
        "ANTI JOIN (SELECT lead_id AS id FROM meta.missing_leads WHERE missed_at >= ?) AS missing USING (id)",
        [landed.as_of],
    ).fetchall()
    gone = con.execute(
        f"SELECT id FROM {SHOWN_NOW} AS here ANTI JOIN there USING (id) "
        "WHERE createdAt >= $1 AND createdAt < least($2, $3) AND _as_of < $3",
        [landed.window.start, landed.window.end, landed.as_of],
    ).fetchall()
    con.execute("DROP TABLE there")
    return MonthIds(landed.partition, len(file.ids), _only(missing), _only(gone))


def _only(rows: Sequence[tuple[int]]) -> frozenset[int]:
    return frozenset(row[0] for row in rows)


def _commit(
    con: DuckDBConnection,
    audit: Audit,
    readings: Sequence[Reading],
    described: Sequence[LeadField],
    fields: Sequence[LeadField],
    sampled: Collection[int],
    run_id: str,
    now: datetime,
) -> Audit:
    registry = register_fields(con, described, fields, now)
    columns = [registry.columns[known.name] for known in fields]
    record_schema_changes(con, now, fit_lead_tables(con, columns))
    load_id = next_load_id(con)
    _, rejected = append_readings(con, readings, fields, registry, load_id)
    differing = keep_differing(con, load_id, columns)
    settle(con)
    missing = {lead_id for reading in readings for lead_id in reading.missing}
    (disappeared,) = con.execute(
        "SELECT count(*) FROM meta.missing_leads WHERE lead_id IN (SELECT unnest(?::BIGINT[]))",
        [sorted(missing & set(sampled))],
    ).fetchone() or (0,)
    row = {"load_id": load_id, "table_name": TABLE, "run_id": run_id, "rows": differing.found}
    insert_row(con, "meta.loads", {**row, "rejected_values": rejected, "as_of": now, "loaded_at": now})
    audit = replace(audit, differing=differing, disappeared=disappeared)
    for name, found, what in _findings(audit):
        finding = {"audited_at": now, "audit": name, "is_passed": not found, "found": found}
        insert_row(con, "meta.audits", {**finding, "finding": f"{what} {audit.advice}" if found else what})
    return audit


def _findings(audit: Audit) -> list[tuple[str, int, str]]:
    asked = f"{len(audit.months)} months of {sum(month.at_marketo for month in audit.months):,} leads"
    wrong = "; ".join(
        f"{month.month}: {len(month.missing_here):,} missing here, {len(month.gone_there):,} gone there"
        for month in audit.months
        if month.found
    )
    fields = ", ".join(f"{name} ({count:,})" for name, count in list(audit.differing.fields.items())[:10])
    differ = f"{audit.differing.leads:,} differed{f' in {fields}' if fields else ''}, {audit.disappeared:,} disappeared"
    return [
        (
            MONTH_IDS,
            sum(month.found for month in audit.months),
            f"Asked for the ids of {asked}. {wrong or 'All agree'}.",
        ),
        (SAMPLE, audit.differing.leads + audit.disappeared, f"Of {audit.sampled:,} leads {differ}."),
    ]
