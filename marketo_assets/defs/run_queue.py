"""The order in which waiting months run: the newest first, so that people have recent data on day one.

Of activities, what Marketo is about to forget goes first: it would be lost while a backfill waits for its quotas.

Why a coordinator: Dagster launches a backfill's partitions sorted by their key, the oldest first, and offers nothing
per partition but the queue's own `dagster/priority`, which has to be on a run before the queue looks at it.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from marketo_assets.extract.retention import is_urgent

PRIORITY = "dagster/priority"
_MONTH = "dagster/partition"
_BACKFILL = "dagster/backfill"
_ACTIVITIES_JOB = "activities"
_ACTIVITIES = dg.AssetKey(["landing", "activity_exports"])
FILLING_SECONDS = 5.0
"""A backfill puts its runs into the queue one after the other, the oldest first, each within this time of the last."""
_LOOKED_AT = 5


class NewestMonthsFirst(dg.QueuedRunCoordinator):
    """The run queue of dagster.yaml: a run of a month comes after all that is no month, and after newer months.

    A run that somebody gave a `dagster/priority` keeps it. Runs of a backfill wait until all of them are in the queue,
    a few seconds, for else the first to come, which are the oldest, would go first.
    """

    now: Callable[[], float] = staticmethod(time.time)
    """Tells the machine's time, in which Dagster's storage writes when a run came."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Return the run, queued at its month's place."""
        run = context.dagster_run
        now = datetime.fromtimestamp(self.now(), UTC)
        place = priority_of(run.tags.get(_MONTH), now=now, is_of_activities=_exports_activities(run))
        if place is not None and PRIORITY not in run.tags:
            self._instance.add_run_tags(run.run_id, {PRIORITY: str(place)})
        return super().submit_run(context)

    def get_run_queue_config(self):  # type: ignore[no-untyped-def]  # its type is no public name of Dagster's
        """Return the queue's limits; while a backfill is filling it, no run of a backfill may leave it."""
        config = super().get_run_queue_config()
        if not self._is_filling():
            return config
        held = {"key": _BACKFILL, "limit": 0}
        return config._replace(tag_concurrency_limits=[*config.tag_concurrency_limits, held])

    def _is_filling(self) -> bool:
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        records = self._instance.get_run_records(queued, limit=_LOOKED_AT)
        since = self.now() - FILLING_SECONDS
        return any(
            _BACKFILL in record.dagster_run.tags and record.create_timestamp.timestamp() > since for record in records
        )


def _exports_activities(run: dg.DagsterRun) -> bool:
    # A run of the whole job names no assets.
    return run.job_name == _ACTIVITIES_JOB or _ACTIVITIES in (run.asset_selection or ())


def priority_of(partition: str | None, *, now: datetime, is_of_activities: bool = False) -> int | None:
    """Return the place of a month in the queue: 0 for the running one, -1 for the one before; None for no month.

    Activities that Marketo is about to forget have the place of the running month.
    """
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", partition or "")
    if not found:
        return None
    if is_of_activities and is_urgent(found[0], now):
        return 0
    return min(0, (int(found[1]) - now.year) * 12 + int(found[2]) - now.month)
