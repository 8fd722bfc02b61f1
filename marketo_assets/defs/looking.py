"""How a sensor looks at Marketo: one job at a time, only while calls are left, and with a reason where it does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError
from marketo_assets.clock import quota_reset
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.settings import Settings, SettingsError, read_variables
from marketo_assets.warehouse import Warehouse, WarehouseError

Found = dg.SensorResult | dg.SkipReason
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_RESERVE = 0.02
"""Part of the day's calls that is left to captures under way and to people; exports leave far more."""
_LOCK_SECONDS = 5.0


@dataclass(frozen=True)
class Looking:
    """What a look has at hand."""

    context: dg.SensorEvaluationContext
    settings: Settings
    client: MarketoClient
    files: Warehouse
    runs: Sequence[dg.DagsterRun]
    """The last runs of the sensor's job, the newest first; none is under way."""

    @property
    def last_status(self) -> dg.DagsterRunStatus | None:
        """How the last run ended, None before the first."""
        return self.runs[0].status if self.runs else None


def poll_seconds() -> int:
    """Return how often sensors look."""
    # Dagster asks for it when definitions load; a value that is wrong is told at the first look.
    try:
        return max(1, round(float(read_variables().get("poll_seconds", "300"))))
    except (ValueError, OverflowError):
        return 300


def look_unless_busy(
    context: dg.SensorEvaluationContext,
    marketo: MarketoResource,
    warehouse: WarehouseResource,
    job_name: str,
    look: Callable[[Looking], Found],
) -> Found:
    """Return what *look* finds, or why nothing was looked at: *job_name* is under way, few calls are left, an error."""
    try:
        settings = marketo.settings()
        with marketo.open_client(settings) as client:
            runs = context.instance.get_runs(dg.RunsFilter(job_name=job_name), limit=10)
            if any(run.status in UNDER_WAY for run in runs):
                return dg.SkipReason(f"job {job_name} is under way; nothing is looked at until it has ended")
            left, reserve = client.ledger.calls_remaining(), round(client.ledger.limits.daily_calls * _RESERVE)
            if left <= reserve:
                return dg.SkipReason(
                    f"resting: {left:,} of the day's calls are left, and {reserve:,} are kept in reserve; "
                    f"looking again after {quota_reset(settings.clock.now()):%Y-%m-%d %H:%M} UTC"
                )
            files = Warehouse(warehouse.settings().data_dir, lock_seconds=_LOCK_SECONDS)
            return look(Looking(context, settings, client, files, runs))
    except (SettingsError, MarketoError, WarehouseError) as error:
        return dg.SkipReason(f"not looked at: {error}")
