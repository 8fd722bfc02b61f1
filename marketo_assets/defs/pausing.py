"""A quota that ends, or an instance that is down, while a run exports: the run makes room and is retried by itself.

Why by run tags: they let this one failure be retried, and no other. A retry takes over the tags of the run before
it, so a run that goes on after a pause takes the permission back first.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from marketo_assets.api.errors import DailyQuotaSpent, ExportQuotaSpent, InstanceDown, WaitForReset
from marketo_assets.api.limits import Ledger
from marketo_assets.api.pauses import Reason, how_long
from marketo_assets.clock import quota_reset
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import POOL, heed_hand, set_pool
from marketo_assets.defs.failures import failure_for
from marketo_assets.defs.run_queue import PRIORITY

PAUSED_FOR = "marketo/paused_for"
RETRY = "dagster/retry_on_asset_or_op_failure"
MAX_RETRIES = "dagster/max_retries"
RESUMED = "nothing any more"
MOST_RUNS = 100
"""Runs that a month may take, pauses and crashes together, before its backfill fails."""


@contextmanager
def pausing(context: dg.AssetExecutionContext, ledger: Ledger) -> Iterator[None]:
    """Turn a spent quota, or an outage, inside the block into a pause of all exports.

    The pool is closed, the run is to be retried, and it fails with the reason and the time of resumption. When the
    block ends well and what is left is too little for another export, the pool is closed ahead of time.

    Raises: dagster.Failure.
    """
    resume(context, ledger)
    try:
        yield
    except (DailyQuotaSpent, ExportQuotaSpent, InstanceDown) as error:
        raise pause(context, ledger, error) from None
    look(context.instance, ledger)


def resume(context: dg.AssetExecutionContext, ledger: Ledger) -> None:
    """Leave the run as if there had been no pause before it: an ordinary failure of it is not retried."""
    heed_hand(context.instance, ledger)
    if context.run.tags.get(PAUSED_FOR, RESUMED) != RESUMED:
        may_retry = context.instance.run_retries_retry_on_asset_or_op_failure
        context.instance.add_run_tags(context.run.run_id, {PAUSED_FOR: RESUMED, RETRY: str(may_retry).lower()})


def pause(context: dg.AssetExecutionContext, ledger: Ledger, error: WaitForReset) -> dg.Failure:
    """Close the pool, mark the run for its retry, and return the failure that says why and until when."""
    reason, now = reason_of(error), ledger.clock.now()
    until = error.resets_at or quota_reset(now)
    set_pool(context.instance, ledger, 0)
    is_resumed = _mark_for_retry(context, reason)
    resumption = (
        f"resumes by itself after {until:%Y-%m-%d %H:%M} UTC, in {how_long((until - now).total_seconds())}"
        if is_resumed
        else f"run it again after {until:%Y-%m-%d %H:%M} UTC, in {how_long((until - now).total_seconds())}"
    )
    failure = failure_for(error)
    facts: dict[str, dg.MetadataValue] = {
        "paused_for": dg.MetadataValue.text(reason),
        "resumes_at": dg.MetadataValue.timestamp(until),
        "resumes_by_itself": dg.MetadataValue.bool(is_resumed),
    }
    month = context.partition_key if context.has_partition_key else None
    context.log_event(dg.AssetObservation(context.asset_key, partition=month, metadata=facts))
    return dg.Failure(
        description=f"Paused, not failed: {month or context.asset_key.path[-1]} {resumption}. {error.message}. "
        f"Other runs wait in the queue; pool {POOL} is closed, and sensor export_quota_gate opens it again. "
        f"Nothing is lost.{'' if is_resumed else ' ' + error.advice}",
        metadata={**failure.metadata, **facts},
        allow_retries=False,
    )


def reason_of(error: WaitForReset) -> Reason:
    """Return what exports rest for, after *error*."""
    if isinstance(error, InstanceDown):
        return "instance"
    return "daily_calls" if isinstance(error, DailyQuotaSpent) else "export_quota"


def _mark_for_retry(context: dg.AssetExecutionContext, reason: Reason) -> bool:
    instance, run = context.instance, context.run
    group = instance.get_run_group(run.run_id)
    runs = len(list(group[1])) if group else 1
    tags: dict[str, str] = {PAUSED_FOR: reason}
    # A run that was not launched through the queue, from the command line for example, cannot be retried by the daemon.
    is_resumed = instance.run_retries_enabled and run.remote_job_origin is not None and runs < MOST_RUNS
    if is_resumed:
        tags |= {
            RETRY: "true",
            # The pauses so far, this one, and what dagster.yaml allows for crashes.
            MAX_RETRIES: str(runs + max(1, instance.run_retries_max_retries)),
            # Whoever waited once goes first, or a month that needs a whole day for itself would never find one.
            PRIORITY: str(max(0, _whole(run.tags.get(PRIORITY))) + 1),
        }
    instance.add_run_tags(run.run_id, tags)
    return is_resumed


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
