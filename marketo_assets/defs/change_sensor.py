"""The sensor that looks for changes of leads, and starts a capture when there are any."""

import json
from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError
from marketo_assets.clock import quota_reset
from marketo_assets.defs.jobs import lead_changes_job, lead_snapshots_job
from marketo_assets.defs.repairs import ask_for_repairs
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.extract.lead_changes import look_for_changes
from marketo_assets.load.activity_polls import read_fresh_types
from marketo_assets.load.lead_changes import Standing, read_standing
from marketo_assets.settings import Settings, SettingsError, read_variables
from marketo_assets.warehouse import Warehouse, WarehouseError

RESERVE = 0.02
"""Part of the day's calls that is left to captures under way and to people; exports leave far more."""
_LOCK_SECONDS = 5.0
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def poll_seconds() -> int:
    """Return how often sensors look."""
    # Dagster asks for it when definitions load; a value that is wrong is told at the first look.
    try:
        return max(1, round(float(read_variables().get("poll_seconds", "300"))))
    except (ValueError, OverflowError):
        return 300


@dg.sensor(
    name="lead_changes_sensor",
    jobs=[lead_changes_job, lead_snapshots_job],
    minimum_interval_seconds=poll_seconds(),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description=(
        "Looks every MARKETO_POLL_SECONDS whether anything happened to leads, in three calls at most, and starts job "
        "lead_changes if so. Rests when few of the day's calls are left. After a pause of weeks it has every month "
        "exported again, which costs export quota once."
    ),
)
def lead_changes_sensor(
    context: dg.SensorEvaluationContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> dg.SensorResult | dg.SkipReason:
    """Look for changes, and say what was found."""
    try:
        settings = marketo.settings()
        with marketo.open_client(settings) as client:
            files = Warehouse(warehouse.settings().data_dir, lock_seconds=_LOCK_SECONDS)
            return _look(context, settings, client, files)
    except (SettingsError, MarketoError, WarehouseError) as error:
        return dg.SkipReason(f"not looked at: {error}")


def _look(
    context: dg.SensorEvaluationContext, settings: Settings, client: MarketoClient, files: Warehouse
) -> dg.SensorResult | dg.SkipReason:
    runs = context.instance.get_runs(dg.RunsFilter(job_name=lead_changes_job.name), limit=10)
    if any(run.status in UNDER_WAY for run in runs):
        return dg.SkipReason("a capture is under way; nothing is looked at until it has ended")
    left, now = client.ledger.calls_remaining(), settings.clock.now()
    reserve = round(client.ledger.limits.daily_calls * RESERVE)
    if left <= reserve:
        return dg.SkipReason(
            f"resting: {left:,} of the day's calls are left, and {reserve:,} are kept in reserve; "
            f"looking again after {quota_reset(now):%Y-%m-%d %H:%M} UTC"
        )
    standing = read_standing(files, settings)
    types = read_fresh_types(files, settings)
    found = _decide(context, settings, client, standing, types, runs[0].status if runs else None)
    asked = ask_for_repairs(context.instance, standing.stale_months)
    if asked.run_requests:
        context.log.info(asked.told)
        return dg.SensorResult(run_requests=[*(found.run_requests or ()), *asked.run_requests], cursor=found.cursor)
    if found.skip_reason and asked.told:
        told = dg.SkipReason(f"{found.skip_reason.skip_message}; {asked.told}")
        return dg.SensorResult(skip_reason=told, cursor=found.cursor)
    return found


def _decide(
    context: dg.SensorEvaluationContext,
    settings: Settings,
    client: MarketoClient,
    standing: Standing,
    types: Sequence[ActivityType],
    last: dg.DagsterRunStatus | None,
) -> dg.SensorResult:
    if standing.since is None:
        return _start("the first capture, from which changes are read on")
    if last == dg.DagsterRunStatus.FAILURE:
        return _start("the last capture failed", cursor=context.cursor)
    names = settings.change_activity_types
    look = look_for_changes(client, standing.since, more_types=names, types=types, log=context.log.info)
    fresh = look.guids - standing.guids
    # A run that somebody cancelled did not take what was news then.
    fresh -= frozenset() if last == dg.DagsterRunStatus.CANCELED else _looked_at(context.cursor)
    # Changes of fields that are not copied are never stored; remembered, they start one capture and not one a look.
    cursor = json.dumps(sorted(look.guids - standing.guids))
    if fresh or not look.is_whole:
        return _start(f"{len(fresh):,} new activities{'' if look.is_whole else ' or more'}", cursor=cursor)
    if standing.leads_missing:
        return _start(f"{standing.leads_missing:,} leads that were not found are asked for again", cursor=cursor)
    return dg.SensorResult(
        skip_reason=_nothing(standing.since, settings, client.ledger.calls_remaining()), cursor=cursor
    )


def _nothing(since: datetime, settings: Settings, left: int) -> dg.SkipReason:
    return dg.SkipReason(
        f"nothing new since {since:%Y-%m-%d %H:%M:%S} UTC, {settings.lookback_seconds:.0f} s before the watermark; "
        f"{left:,} of the day's calls left"
    )


def _start(why: str, *, cursor: str | None = None) -> dg.SensorResult:
    request = dg.RunRequest(job_name=lead_changes_job.name, tags={"marketo/why": why[:255]})
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def _looked_at(cursor: str | None) -> frozenset[str]:
    try:
        return frozenset(json.loads(cursor or "[]"))
    except (ValueError, TypeError):
        return frozenset()
