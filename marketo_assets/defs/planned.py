"""What was planned beside what came: the estimates of `marketo-assets plan` as metadata of the months."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.estimate.calibration import read_calibration
from marketo_assets.extract.estimate.months import KnownMonth
from marketo_assets.extract.estimate.plan import Plan, make_plan
from marketo_assets.land.known_months import known_months
from marketo_assets.land.manifest import LandedFile
from marketo_assets.settings import Settings

UNKNOWN = "unknown: `marketo-assets plan` samples ids, for some calls and no export quota"


def planned_metadata(
    ledger: Ledger, settings: Settings, landed: LandedFile, months: Sequence[str]
) -> Mapping[str, Any]:
    """Return what was planned for the landed month, and what the months of *months* that are not here will cost.

    **Cost:** no call: only the ledger and the manifests are read.
    """
    known = known_months(settings.landing_dir, now=settings.clock.now())
    before = {month: found for month, found in known.items() if month != landed.partition}
    here = _plan(ledger, settings, [landed.partition], landed, before)
    missing = [month for month in months if month not in known]
    ahead = _plan(ledger, settings, missing, landed, known) if missing else None
    return {**_of_month(here), "planned_months_left": len(missing), **(_of_rest(ahead) if ahead else {})}


def _plan(
    ledger: Ledger, settings: Settings, months: Sequence[str], landed: LandedFile, known: Mapping[str, KnownMonth]
) -> Plan | None:
    names = [field.name for field in landed.fields]
    try:
        return make_plan(ledger, settings, months, names, known=known, calibration=read_calibration(ledger))
    except LookupError:
        return None


def _of_month(plan: Plan | None) -> Mapping[str, Any]:
    if plan is None:
        return {"planned": UNKNOWN}
    (month,) = plan.months
    return {
        "planned_rows": round(month.rows.likely),
        "planned_mb": _megabytes(month.file_bytes.likely),
        "planned_mb_range": f"{_megabytes(month.file_bytes.low)} to {_megabytes(month.file_bytes.high)}",
        "planned_calls": plan.month_calls[month.month],
        "planned_from": month.source,
    }


def _of_rest(plan: Plan) -> Mapping[str, Any]:
    return {
        "planned_mb_left": _megabytes(plan.file_bytes.likely),
        "planned_calls_left": plan.schedule.calls,
        "planned_days_left": plan.schedule.days,
        "planned_to_end": dg.MetadataValue.timestamp(plan.schedule.finished_at),
    }


def _megabytes(size: float) -> float:
    return round(size / 1e6, 3)
