"""What was planned beside what came: the estimates of `marketo-assets plan` as metadata of the months."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.estimate.activity_plan import make_activity_plan
from marketo_assets.extract.estimate.activity_sample import read_activity_sample
from marketo_assets.extract.estimate.calibration import read_calibration
from marketo_assets.extract.estimate.months import KnownMonth
from marketo_assets.extract.estimate.plan import Plan, make_plan
from marketo_assets.extract.export_jobs import ACTIVITIES
from marketo_assets.land.known_months import known_months
from marketo_assets.land.manifest import LandedFile
from marketo_assets.settings import Settings

UNKNOWN = "unknown: `marketo-assets plan` samples them, for some calls and no export quota"


_Known = Mapping[str, KnownMonth]
_Planner = Callable[[Sequence[str], _Known], Plan]


def planned_metadata(
    ledger: Ledger, settings: Settings, landed: LandedFile, months: Sequence[str]
) -> Mapping[str, Any]:
    """Return what was planned for the landed month of leads, and what those of *months* not here will cost.

    **Cost:** no call: only the ledger and the manifests are read.
    """
    names, calibration = [field.name for field in landed.fields], read_calibration(ledger)

    def planner(wanted: Sequence[str], known: _Known) -> Plan:
        return make_plan(ledger, settings, wanted, names, known=known, calibration=calibration)

    return _planned(landed, months, known_months(settings.landing_dir, now=settings.clock.now()), planner)


def planned_activities_metadata(
    ledger: Ledger, settings: Settings, landed: LandedFile, months: Sequence[str]
) -> Mapping[str, Any]:
    """Return the same of activities. **Cost:** no call."""
    sample, now = read_activity_sample(ledger), settings.clock.now()

    def planner(wanted: Sequence[str], known: _Known) -> Plan:
        return make_activity_plan(ledger, settings, wanted, known=known, sample=sample)

    return _planned(landed, months, known_months(settings.landing_dir, now=now, exported=ACTIVITIES), planner)


def _planned(landed: LandedFile, months: Sequence[str], known: _Known, planner: _Planner) -> Mapping[str, Any]:
    before = {month: found for month, found in known.items() if month != landed.partition}
    here = _plan(planner, [landed.partition], before)
    missing = [month for month in months if month not in known]
    ahead = _plan(planner, missing, known) if missing else None
    return {**_of_month(here), "planned_months_left": len(missing), **(_of_rest(ahead) if ahead else {})}


def _plan(planner: _Planner, months: Sequence[str], known: _Known) -> Plan | None:
    try:
        return planner(months, known)
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
