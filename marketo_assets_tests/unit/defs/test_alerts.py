"""A webhook of the user's choice hears of runs that failed; nobody's data, and no secret, goes with it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from marketo_assets.api.errors import AccessDenied
from marketo_assets.defs.alerts import WebhookFailed, failure_alerts, send_alert
from marketo_assets.defs.failures import explained
from marketo_assets.defs.pausing import PAUSED_FOR, RESUMED
from marketo_assets.settings import Secret, SettingsError, load_settings
from marketo_assets_tests.unit.defs.history import open_history

PERSON = "jane.doe@example.com"
PATH = "/services/T000/B000/a-secret-part"


@dataclass
class Hook:
    """What a chat program would be: a server that keeps what it was sent."""

    url: str = ""
    status: int = 200
    pause: float = 0.0
    heard: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def listening(hook: Hook) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert (PATH, "application/json") == (self.path, self.headers["content-type"])
            time.sleep(hook.pause)
            hook.heard.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        hook.url = f"http://127.0.0.1:{server.server_port}{PATH}"
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    with listening(Hook()) as made:
        monkeypatch.setenv("MARKETO_ALERT_WEBHOOK", made.url)
        yield made


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_history(tmp_path) as made:
        yield made


@dg.op
def refused() -> None:
    with explained():
        raise AccessDenied("Access denied", "603", "8f2#1")


@dg.op
def mistaken() -> None:
    raise KeyError(PERSON)


def alert(instance: dg.DagsterInstance, op: dg.OpDefinition = refused, **tags: str) -> dg.SkipReason | None:
    """Let a run fail, and the sensor look at it."""

    @dg.job(name="lead_snapshots", tags=tags)
    def job() -> None:
        op()

    result = job.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="failure_alerts",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
    ).for_run_failure()
    found = failure_alerts(context)
    assert found is None or isinstance(found, dg.SkipReason)
    return found


def test_a_failed_run_is_told(instance: dg.DagsterInstance, hook: Hook) -> None:
    """One JSON with a text that chat programs show, and Marketo's code, request id and the next step."""
    assert alert(instance, **{"dagster/partition": "2026-07"}) is None

    (heard,) = hook.heard
    (run,) = instance.get_runs()
    assert (run.run_id, "lead_snapshots", "2026-07", "603", "8f2#1") == tuple(
        heard[name] for name in ("run_id", "job", "partition", "code", "request_id")
    )
    assert heard["next_step"].startswith("Give the API user's role the permission")
    assert heard["text"].startswith(
        f"Marketo run failed: lead_snapshots of 2026-07, run {run.run_id[:8]}. Access denied (code 603, requestId 8f2#1"
    )


def test_a_mistake_is_told_without_its_words(instance: dg.DagsterInstance, hook: Hook) -> None:
    """What an unknown error quotes stays on this machine."""
    assert alert(instance, mistaken) is None

    assert PERSON not in json.dumps(hook.heard)
    assert "An unexpected KeyError; its log is in the Dagster UI" in hook.heard[0]["text"]


def test_a_pause_is_not_told(instance: dg.DagsterInstance, hook: Hook) -> None:
    """A quota that ends is no failure; a run that went on after one and failed is."""
    skipped = alert(instance, **{PAUSED_FOR: "export_quota"})
    assert skipped is not None
    assert [] == hook.heard
    assert alert(instance, **{PAUSED_FOR: RESUMED}) is None
    assert 1 == len(hook.heard)


def test_nobody_is_told_without_the_setting(instance: dg.DagsterInstance) -> None:
    """It is off until somebody names a webhook."""
    skipped = alert(instance)

    assert skipped is not None
    assert "MARKETO_ALERT_WEBHOOK is not set" in str(skipped.skip_message)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_webhook_that_refuses_breaks_nothing(instance: dg.DagsterInstance, hook: Hook, status: int) -> None:
    """The sensor goes on, and its tick says what to check."""
    hook.status = status
    skipped = alert(instance)

    assert skipped is not None
    assert f"answered HTTP {status}" in str(skipped.skip_message)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/a-secret-part", "a-secret-part", "ftp://host/a-secret-part", "http://[bad/a-secret-part"],
    ids=["nobody there", "no address", "no web address", "broken"],
)
def test_a_webhook_that_cannot_be_reached_breaks_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    """The sensor goes on, and the address appears nowhere."""
    monkeypatch.setenv("MARKETO_ALERT_WEBHOOK", url)
    with caplog.at_level(logging.DEBUG):
        skipped = alert(instance)

    assert skipped is not None
    assert "did not take the alert" in str(skipped.skip_message)
    assert "a-secret-part" not in f"{skipped.skip_message}{caplog.text}"


def test_a_webhook_that_hangs_is_given_up(hook: Hook) -> None:
    """An answer that does not come is waited for as long as it was said, not for ever."""
    hook.pause = 1.0
    with pytest.raises(WebhookFailed, match="ReadTimeout"):
        send_alert(Secret(hook.url), {"text": "a"}, timeout_seconds=0.1)


def test_the_address_is_a_secret(instance: dg.DagsterInstance, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs nor settings show it, and no file may hold it."""
    with caplog.at_level(logging.DEBUG):
        assert alert(instance) is None
    settings = load_settings(is_local=True)

    assert hook.url == settings.alert_webhook
    assert "a-secret-part" not in f"{caplog.text}{settings!r}"


def test_a_file_may_not_name_it(tmp_path: Path) -> None:
    """Secrets come from the environment only."""
    config = tmp_path / "marketo.toml"
    config.write_text('alert_webhook = "https://example.com/a-secret-part"\n', "utf-8")

    with pytest.raises(SettingsError, match="alert_webhook"):
        load_settings({"MARKETO_CONFIG": str(config)}, is_local=True)
