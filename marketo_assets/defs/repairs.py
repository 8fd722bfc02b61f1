"""Months that have to be exported again after a pause: their runs, each of which is asked for once."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from marketo_assets.defs.jobs import lead_snapshots_job
from marketo_assets.defs.partitions import MONTHS
from marketo_assets.load.repairs import StaleMonth

REPAIR = "marketo/repair"
"""Tag of the runs: for which moment's sake the month is exported again."""
_REFRESH = {"ops": {"landing__lead_exports": {"config": {"refresh": True}}}}
_SHOWN_MONTHS = 24


@dataclass(frozen=True)
class Asked:
    """Runs that repair months, and how that stands in a sentence; both empty when nothing is stale."""

    run_requests: Sequence[dg.RunRequest]
    told: str


def ask_for_repairs(instance: dg.DagsterInstance, stale: Sequence[StaleMonth]) -> Asked:
    """Return a run of job lead_snapshots, with refresh on, for each stale month that none was asked for yet."""
    if not stale:
        return Asked((), "")
    moment = stale[0].needed_since.isoformat()
    runs = instance.get_runs(dg.RunsFilter(job_name=lead_snapshots_job.name, tags={REPAIR: moment}))
    asked, known = {run.tags.get("dagster/partition") for run in runs}, set(MONTHS.get_partition_keys())
    due = [found.month for found in stale if found.month in known and found.month not in asked]
    named = ", ".join(found.month for found in stale[:_SHOWN_MONTHS])
    requests = [
        dg.RunRequest(
            run_key=f"repair {month} {moment}",
            job_name=lead_snapshots_job.name,
            partition_key=month,
            run_config=_REFRESH,
            tags={REPAIR: moment, "marketo/why": "changes were read too late; the month is exported again"},
        )
        for month in due
    ]
    return Asked(
        requests,
        f"{len(stale):,} months are exported again, because changes were read too late: {named}"
        + (
            ""
            if due
            else "; their runs were asked for: a run that failed is to be started again by hand, with refresh on"
        ),
    )
