"""The sensor that looks for changes of leads, and starts a capture when there are any."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from marketo_assets.api.activities import ActivityType, activity_types
from marketo_assets.api.client import MarketoClient
from marketo_assets.defs.jobs import lead_changes_job, lead_snapshots_job
from marketo_assets.defs.looking import Found, Looking, look_unless_busy, poll_seconds
from marketo_assets.defs.repairs import ask_for_repairs
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.extract.activities import type_groups
from marketo_assets.extract.change_looks import Place, look_for_changes
from marketo_assets.extract.lead_changes import types_that_tell
from marketo_assets.load.activity_polls import read_fresh_types
from marketo_assets.load.lead_changes import Standing, read_standing
from marketo_assets.settings import Settings

_MOST_CALLS = 3
_MOST_SEEN = 3_000


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
) -> Found:
    """Look for changes, and say what was found."""
    return look_unless_busy(context, marketo, warehouse, lead_changes_job.name, _look)


def _look(at: Looking) -> Found:
    context, standing = at.context, read_standing(at.files, at.settings)
    types = read_fresh_types(at.files, at.settings)
    found = _decide(context, at.settings, at.client, standing, types, at.last_status)
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
    memory = _read_memory(context.cursor).as_of(standing.since, last)
    listed = types or activity_types(client)
    groups = type_groups(types_that_tell(listed, settings.change_activity_types, context.log.info))
    turn = memory.turn % len(groups)
    look = look_for_changes(
        client,
        standing.since,
        standing.since + timedelta(seconds=settings.lookback_seconds),
        groups[turn],
        place=memory.places.get(str(turn)),
        most_calls=_MOST_CALLS if types else _MOST_CALLS - 1,
    )
    fresh = look.guids - standing.guids
    # A run that somebody cancelled did not take what was news then.
    fresh -= frozenset() if last == dg.DagsterRunStatus.CANCELED else memory.seen
    after = memory.after(standing.since, look.guids - standing.guids, look.place, turn, len(groups))
    cursor = replace(after, asked=bool(fresh)).text()
    if fresh:
        return _start(f"{len(fresh):,} new activities", cursor=cursor)
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


@dataclass(frozen=True)
class _Memory:
    """What looks leave to the next one."""

    seen: frozenset[str] = frozenset()
    """Activities that are not stored, as changes of fields that are not copied never are: they start one capture."""
    places: dict[str, Place] = field(default_factory=dict)
    turn: int = 0
    """The group of types to look at; nearly always there is one group."""
    since: datetime | None = None
    """From when on the last look looked."""
    asked: bool = False
    """Whether it asked for a capture."""

    def as_of(self, since: datetime, last: dg.DagsterRunStatus | None) -> "_Memory":
        """Return what holds of a warehouse that is to be looked at from *since* on, its *last* run having ended so."""
        if self.since is None:
            return self
        # It was further once, or the capture that was asked for moved nothing on though it ended well: an older copy
        # was put back, of which nothing is known, whatever was seen before.
        is_older = since < self.since or (since == self.since and self.asked and last == dg.DagsterRunStatus.SUCCESS)
        return _Memory() if is_older else self

    def after(self, since: datetime, unstored: frozenset[str], place: Place, turn: int, groups: int) -> "_Memory":
        """Return the memory after a look at group *turn* of so many."""
        # Of a crowded window each look shows a part; forgetting the others costs a capture now and then, and no more.
        kept = self.seen if (place.is_crowded or groups > 1) and len(self.seen) < _MOST_SEEN else frozenset()
        return _Memory(kept | unstored, {**self.places, str(turn): place}, (turn + 1) % groups, since)

    def text(self) -> str:
        """Return the cursor that keeps it."""
        places = {turn: asdict(place) for turn, place in self.places.items()}
        since = self.since.isoformat() if self.since else None
        told = {"seen": sorted(self.seen), "places": places, "turn": self.turn, "since": since, "asked": self.asked}
        return json.dumps(told)


def _read_memory(cursor: str | None) -> _Memory:
    try:
        told: Any = json.loads(cursor or "{}")
        if isinstance(told, list):  # as it was kept before windows could be crowded
            return _Memory(frozenset(told))
        places = {turn: Place(**place) for turn, place in told.get("places", {}).items()}
        since = datetime.fromisoformat(told["since"]) if told.get("since") else None
        seen, turn = frozenset(told.get("seen", ())), int(told.get("turn", 0))
        return _Memory(seen, places, turn, since, bool(told.get("asked")))
    except (ValueError, TypeError, AttributeError):
        return _Memory()
