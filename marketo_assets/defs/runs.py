"""Materializing from the command line: in this process, on the instance whose history `dagster dev` shows.

Why in this process: a run that the daemon launches is a process of its own, and starting one costs more than a small
month does. The events are the same; only the run queue and its pools are passed by, and the ledger keeps the limits.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from marketo_assets.defs.assets.lead_exports import lead_exports
from marketo_assets.defs.assets.lead_snapshots import lead_snapshots
from marketo_assets.defs.jobs import lead_snapshots_job
from marketo_assets.defs.partitions import MONTHS

# The job's page in the UI lists runs that carry the mark of their code location.
_TAGS = {".dagster/repository": "__repository__@marketo_assets", "started_by": "marketo-assets"}
# A run's log belongs to its history; the command line tells what became of it.
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailed(RuntimeError):  # noqa: N818 - a run that failed is what it is
    """A run failed; the text is its failed step's own, which says what to do."""


@dataclass(frozen=True)
class MonthRun:
    """What materializing a month did and cost."""

    month: str
    run_id: str
    leads: int
    file_bytes: int
    calls: int
    was_adopted: bool
    """Whether a file or export job of an earlier run was taken up, so that no export quota was spent."""


@contextmanager
def open_history() -> Iterator[dg.DagsterInstance]:
    """Yield the Dagster instance of `DAGSTER_HOME`, which keeps what was run."""
    with dg.DagsterInstance.get() as instance:
        yield instance


def months() -> Sequence[str]:
    """Return every month there is to copy, `YYYY-MM`, the earliest first."""
    return MONTHS.get_partition_keys()


def run_month(
    definitions: dg.Definitions, instance: dg.DagsterInstance, month: str, *, is_refresh: bool = False
) -> MonthRun:
    """Export, land, load and publish *month*, and return what that did.

    With *is_refresh*, Marketo is asked for a new export although a file of the same request is there.

    **Cost:** as `landing/lead_exports` says. Raises: RunFailed; KeyboardInterrupt when interrupted.
    """
    config = {"ops": {"landing__lead_exports": {"config": {"refresh": is_refresh}}}}
    result = _run(
        definitions.resolve_job_def(lead_snapshots_job.name),
        instance,
        [lead_exports.key, lead_snapshots.key],
        config,
        partition_key=month,
    )
    told = result.asset_materializations_for_node("landing__lead_exports")[0].metadata
    return MonthRun(
        month=month,
        run_id=result.run_id,
        leads=int(str(told["dagster/partition_row_count"].value or 0)),
        file_bytes=int(str(told["file_bytes"].value)),
        calls=int(str(told["calls"].value)),
        was_adopted=bool(told["was_adopted"].value),
    )


def run_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, month: str | None = None
) -> dict[str, dict[str, object]]:
    """Run the job *name* as a sensor or person would, of a partitioned one *month*; return what each step told last.

    **Cost:** as the job's assets say. Raises: RunFailed; KeyboardInterrupt when interrupted.
    """
    result = _run(definitions.resolve_job_def(name), instance, None, {}, partition_key=month)
    return {
        str(event.node_name): {label: value.value for label, value in event.materialization.metadata.items()}
        for event in result.all_events
        if event.is_step_materialization
    }


def _run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    keys: Sequence[dg.AssetKey] | None,
    config: Mapping[str, Any],
    partition_key: str | None = None,
) -> dg.ExecuteInProcessResult:
    try:
        result = job.execute_in_process(
            run_config={**_QUIET, **config},
            instance=instance,
            partition_key=partition_key,
            asset_selection=keys,
            tags=_TAGS,
            raise_on_error=False,
        )
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    if _was_interrupted(result):
        raise KeyboardInterrupt
    if not result.success:
        raise RunFailed(_reason(result))
    return result


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    errors = [event.step_failure_data.error for event in result.get_step_failure_events()]
    return any(error is not None and error.cls_name == _INTERRUPTED for error in errors)


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        if failure.user_failure_data and failure.user_failure_data.description:
            return failure.user_failure_data.description
        if failure.error:
            return failure.error.message.strip()
    return f"Run {result.run_id} failed; its log is in the Dagster UI."
