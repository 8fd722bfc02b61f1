"""SHOW: audit what is committed, then give readers a new release, or none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.export_jobs import recorded_jobs
from marketo_assets.load.compaction import close_gaps, compact
from marketo_assets.load.lead_versions import lead_columns
from marketo_assets.load.ledger import append_rows, ensure_tables, replace_rows
from marketo_assets.models.activities import refresh_activities
from marketo_assets.models.fivetran import refresh_fivetran
from marketo_assets.models.members import refresh_members
from marketo_assets.models.reference import refresh_reference
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection, Release, Warehouse


@dataclass(frozen=True)
class Finding:
    """One question an audit asked, and what it found."""

    audit: str
    found: int
    finding: str


def publish(
    warehouse: Warehouse, ledger: Ledger, *, now: datetime, min_seconds: float = 0.0, force: bool = False
) -> Release | None:
    """Return a release of the committed state after auditing it, or None if one is younger than *min_seconds*.

    The release holds `meta.export_jobs` and `meta.api_usage` as the ledger has them now.

    **Cost:** no call; one copy of the file.
    **Guarantee:** readers never see a state that failed its audit; the release before it stays.
    Raises: ReleaseError, WarehouseError.
    """
    if not force and _seconds_since_release(warehouse.published_path) < min_seconds:
        return None

    def prepare(con: DuckDBConnection) -> str | None:
        ensure_tables(con)
        compact(con)
        close_gaps(con, now)
        refresh_models(con)
        types = refresh_activities(con)
        refresh_reference(con)
        refresh_members(con)
        refresh_fivetran(con, types)
        replace_rows(con, "meta.export_jobs", [vars(job) for job in recorded_jobs(ledger)])
        replace_rows(con, "meta.api_usage", ledger.usage_by_day())
        findings = audit_leads(con)
        append_rows(con, "meta.audits", [_audit_row(finding, now) for finding in findings])
        failed = [f"{finding.audit}: {finding.finding}" for finding in findings if finding.found]
        return (
            f"Nothing was published, because the data does not agree with itself. {' '.join(failed)}"
            if failed
            else None
        )

    return warehouse.publish(prepare)


def audit_leads(con: DuckDBConnection) -> list[Finding]:
    """Return what the standing audits of `main.leads` found; a count of zero is a pass."""
    if not lead_columns(con):
        return []
    repeated = _count(con, "SELECT count(*) - count(DISTINCT id) FROM main.leads")
    strayed = _count(
        con,
        "SELECT count(*) FROM (SELECT _load_id, count(*) AS rows FROM raw.lead_snapshots GROUP BY _load_id) AS held "
        "FULL JOIN (SELECT arg_max(load_id, load_id) AS load_id, arg_max(rows, load_id) AS rows FROM meta.loads "
        "WHERE table_name = 'raw.lead_snapshots' GROUP BY partition) AS said ON held._load_id = said.load_id "
        "WHERE coalesce(held.rows, 0) <> coalesce(said.rows, 0)",
    )
    return [
        Finding(
            "unique_leads", repeated, f"{repeated:,} ids occur more than once in marketo.leads; reload the months."
        ),
        Finding(
            "rows_as_loaded", strayed, f"{strayed:,} months hold other rows than their load recorded; reload them."
        ),
    ]


def _audit_row(finding: Finding, now: datetime) -> dict[str, object]:
    return {
        "audited_at": now,
        "audit": finding.audit,
        "is_passed": finding.found == 0,
        "found": finding.found,
        "finding": finding.finding,
    }


def _count(con: DuckDBConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _seconds_since_release(published: Path) -> float:
    try:
        return time.time() - published.stat().st_mtime
    except OSError:
        return float("inf")
