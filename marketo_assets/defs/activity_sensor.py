"""The sensor that looks for new activities, and starts a poll when there are any."""

import json
from typing import Any

import dagster as dg

from marketo_assets.api.activities import feed_start
from marketo_assets.api.client import MarketoClient
from marketo_assets.defs.jobs import activity_polls_job
from marketo_assets.defs.looking import Found, Looking, look_unless_busy, poll_seconds
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.extract.activities import look_for_activities
from marketo_assets.load.activity_polls import ActivityStanding, read_activity_standing


@dg.sensor(
    name="activities_sensor",
    jobs=[activity_polls_job],
    minimum_interval_seconds=poll_seconds(),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description=(
        "Looks every MARKETO_POLL_SECONDS for new activities of ten types, in two calls, and starts job activity_polls "
        "if there are any, which reads all types. The next look takes the next ten, so with sixty types each is looked "
        "at every sixth time; once a day, when the list of types is read again, all are read. Rests when few of the "
        "day's calls are left."
    ),
)
def activities_sensor(
    context: dg.SensorEvaluationContext, marketo: MarketoResource, warehouse: WarehouseResource
) -> Found:
    """Look for activities, and say what was found."""
    return look_unless_busy(context, marketo, warehouse, activity_polls_job.name, _look)


def _look(at: Looking) -> Found:
    standing = read_activity_standing(at.files, at.settings)
    if standing.since is None:
        return _start("the first poll, from which activities are read on")
    if at.last_status == dg.DagsterRunStatus.FAILURE:
        return _start("the last poll failed", cursor=at.context.cursor)
    if not standing.type_ids:
        return _start("activity types were listed more than a day ago", cursor=at.context.cursor)
    return _decide(at.context, at.client, standing)


def _decide(context: dg.SensorEvaluationContext, client: MarketoClient, standing: ActivityStanding) -> dg.SensorResult:
    assert standing.since  # noqa: S101  # the caller has looked
    remembered = _remembered(context.cursor)
    token = feed_start(client, standing.since).token
    look = look_for_activities(client, token, standing.type_ids, turn=remembered["turn"], most_groups=1)
    fresh = look.guids - standing.guids
    # One that a poll does not bring, whyever, starts one poll and not one a look.
    unseen = fresh - set(remembered["seen"])
    cursor = json.dumps({"turn": look.turn, "seen": sorted(fresh)})
    if unseen or (not look.is_whole and fresh):
        return _start(f"{len(unseen):,} new activities{'' if look.is_whole else ' or more'}", cursor=cursor)
    reason = f"nothing new since {standing.since:%Y-%m-%d %H:%M:%S} UTC among the types looked at"
    return dg.SensorResult(
        skip_reason=dg.SkipReason(f"{reason}; {client.ledger.calls_remaining():,} of the day's calls left"),
        cursor=cursor,
    )


def _start(why: str, *, cursor: str | None = None) -> dg.SensorResult:
    return dg.SensorResult(run_requests=[dg.RunRequest(tags={"marketo/why": why[:255]})], cursor=cursor)


def _remembered(cursor: str | None) -> dict[str, Any]:
    try:
        found = json.loads(cursor or "{}")
        return {"turn": int(found.get("turn", 0)), "seen": list(found.get("seen", []))}
    except (ValueError, TypeError, AttributeError):
        return {"turn": 0, "seen": []}
