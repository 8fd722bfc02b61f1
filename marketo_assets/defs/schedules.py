"""What happens by the clock: sweeps and reference objects every night, audits every week, once switched on.

Why off at first: they spend calls and export bytes that other integrations share, before the first month is loaded they
have nothing to do, and how much they may spend is for their owner to say (`marketo-assets plan` tells what is left).
"""

import dagster as dg

from marketo_assets.defs.jobs import (
    lead_audit_job,
    lead_sweep_job,
    list_members_job,
    program_members_job,
    reference_job,
)
from marketo_assets.defs.looking import UNDER_WAY


@dg.schedule(
    name="lead_sweep_nightly",
    job=lead_sweep_job,
    # The quota day ends at 05:00 or 06:00 UTC: what it leaves over is lost then, and a sweep before takes of it.
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night, before the quotas are reset: finds what no activity tells. Switch it on beside "
    "lead_changes_sensor, once months are loaded.",
)
def lead_sweep_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start a sweep, unless the last one has not ended."""
    return _one_at_a_time(context, lead_sweep_job.name)


@dg.schedule(
    name="lead_audit_weekly",
    job=lead_audit_job,
    cron_schedule="30 2 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every Sunday: compares ids of some months and a sample of leads with Marketo, within "
    "MARKETO_AUDIT_CALLS and MARKETO_AUDIT_EXPORT_MB. Off until somebody decides to spend them.",
)
def lead_audit_weekly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start an audit, unless the last one has not ended."""
    return _one_at_a_time(context, lead_audit_job.name)


@dg.schedule(
    name="reference_daily",
    job=reference_job,
    cron_schedule="15 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night: reads programs, campaigns, emails, lists and their like (MARKETO_OBJECTS) whole, so that "
    "what was removed shows as well. One call for each 200 records, begun or whole.",
)
def reference_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start a reading, unless the last one has not ended."""
    return _one_at_a_time(context, reference_job.name)


@dg.schedule(
    name="program_members_nightly",
    job=program_members_job,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night, after reference_daily and before the quotas are reset: exports the members of programs "
    "that changed, and once a week all of them.",
)
def program_members_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start a capture of program members, unless the last one has not ended."""
    return _one_at_a_time(context, program_members_job.name)


@dg.schedule(
    name="list_members_nightly",
    job=list_members_job,
    cron_schedule="45 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night: tells from activities who is on which static list, and reads lists where they cannot "
    "tell. Switch it on beside activities_sensor, without which every list is read each time.",
)
def list_members_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start a capture of list members, unless the last one has not ended."""
    return _one_at_a_time(context, list_members_job.name)


def _one_at_a_time(context: dg.ScheduleEvaluationContext, job_name: str) -> dg.RunRequest | dg.SkipReason:
    found = context.instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNDER_WAY), limit=1)
    if found:
        return dg.SkipReason(
            f"the last run of {job_name} waits or runs still ({found[0].run_id}); the next goes on from it"
        )
    return dg.RunRequest()


SCHEDULES = (lead_sweep_nightly, lead_audit_weekly, reference_daily, program_members_nightly, list_members_nightly)
