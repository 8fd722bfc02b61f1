"""Who is told when a run fails: a webhook of the user's choice, as chat programs and pagers offer them.

Why no text of unknown errors: what this project raises itself holds no person's data, but the message of a mistake may
quote anything, so of those only the name of the class leaves this machine.
"""

from collections.abc import Mapping, Sequence

import dagster as dg
import httpx

from marketo_assets.defs.pausing import PAUSED_FOR, RESUMED
from marketo_assets.settings import Secret, SettingsError, load_settings

TIMEOUT_SECONDS = 10.0
_PARTITION = "dagster/partition"
_TOLD = ("error", "code", "request_id", "next_step")
_LONGEST_TEXT = 2_000


class WebhookFailed(RuntimeError):  # noqa: N818 - an alert that failed is what it is
    """The webhook did not take an alert; the text never shows its address, which is a secret."""


@dg.run_failure_sensor(
    name="failure_alerts",
    monitor_all_code_locations=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Tells the webhook in MARKETO_ALERT_WEBHOOK of every run that failed, with Marketo's code, the request id and "
        "the next step. Does nothing while that variable is not set. A pause for a quota is no failure."
    ),
)
def failure_alerts(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Tell of one failed run, and never fail over it."""
    try:
        webhook = load_settings(is_local=True).alert_webhook
    except SettingsError as error:
        return dg.SkipReason(f"nobody was told: {error}")
    if not webhook:
        return dg.SkipReason("nobody is told: MARKETO_ALERT_WEBHOOK is not set")
    if context.dagster_run.tags.get(PAUSED_FOR, RESUMED) != RESUMED:
        return dg.SkipReason("a pause, not a failure: sensor export_quota_gate lets it go on by itself")
    try:
        send_alert(webhook, alert_of(context.dagster_run, context.get_step_failure_events()))
    except WebhookFailed as error:
        context.log.warning(f"{error}")
        return dg.SkipReason(f"run {context.dagster_run.run_id}: {error}")
    return None


def alert_of(run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent]) -> dict[str, str]:
    """Return what is told of *run*: `text` for people, and its facts beside it; nothing about any person."""
    facts = {"run_id": run.run_id, "job": run.job_name, "partition": run.tags.get(_PARTITION, "")}
    said = "Its process ended without a word; while Dagster runs, it is started again by itself"
    for event in failures[:1]:
        told = event.step_failure_data.user_failure_data
        if told is not None and told.description:
            said = told.description
            facts |= {name: str(value.value) for name, value in told.metadata.items() if name in _TOLD}
        else:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:  # Dagster wraps what a step raised
                error = error.cause
            said = f"An unexpected {error.cls_name if error else 'error'}; its log is in the Dagster UI"
    of = f" of {facts['partition']}" if facts["partition"] else ""
    text = f"Marketo run failed: {run.job_name}{of}, run {run.run_id[:8]}. {said}"
    return {"text": text[:_LONGEST_TEXT], **{name: value for name, value in facts.items() if value}}


def send_alert(webhook: Secret, alert: Mapping[str, str], *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
    """Return when *webhook* has taken *alert* as JSON. Raises: WebhookFailed."""
    try:
        with httpx.Client(timeout=timeout_seconds, follow_redirects=False) as http:
            request = http.build_request("POST", str(webhook), json=dict(alert))
            request.url = _HiddenURL(request.url)
            status = http.send(request).status_code
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise WebhookFailed(
            f"MARKETO_ALERT_WEBHOOK did not take the alert ({type(error).__name__}). Check its address and the network."
        ) from None
    if not 200 <= status < 300:
        raise WebhookFailed(f"MARKETO_ALERT_WEBHOOK answered HTTP {status}. Check that the webhook still exists.")


class _HiddenURL(httpx.URL):
    """An address that no log shows: httpx writes one line for every request."""

    def __str__(self) -> str:
        return "https://marketo-alert-webhook/***"

    def __repr__(self) -> str:
        return str(self)
