"""`dev`: the Dagster UI on this checkout, against a real instance or a sandbox that comes and goes with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from marketo_assets.cli.endings import Failed, WrongUse
from marketo_assets.cli.project import Project, enter, is_on_this_machine, shown
from marketo_assets.cli.sandbox_process import BRISK, point_environment, running_sandbox
from marketo_assets.cli.sandbox_record import LEAVE_SANDBOX, World, claim, held, later, read_record, write_record
from marketo_assets.cli.screen import Screen
from marketo_assets.settings import SettingsError, check_base_url, read_start_month, read_variables, store_start_month

USUAL_PORT = 3000
_PORTS_TRIED = 20
_READY_SECONDS = 180.0
_STOP_SECONDS = 60.0
_RUN_STOP_SECONDS = 5.0
# `dg dev`, which this warning asks for, belongs to the extra `dev` and may not be installed.
_NOT_OURS = "ignore:Function `dev_command` is superseded"


def run_dev(port: int | None = None, *, screen: Screen | None = None) -> None:
    """Serve the Dagster UI until Ctrl-C. Without `MARKETO_BASE_URL`, a sandbox is there for as long.

    The sandbox is the one that the data folder was filled from, at the machine's own time; exports take seconds.

    **Guarantee:** webserver, daemon, runs and sandbox have ended when this returns.
    Raises: WrongUse, Failed.
    """
    screen = screen or Screen()
    project = enter(os.environ)
    chosen = choose_port(port)
    if _names_instance(project):
        # Two daemons on one history would start every run twice.
        with held(project.data_dir):
            serve(project, chosen, screen)
        return
    with held(project.data_dir):
        now = datetime.now(UTC).replace(microsecond=0)
        record = claim(project.data_dir, World(), begin=now)
        with running_sandbox(record, *BRISK, moment=now) as sandbox:
            point_environment(os.environ, sandbox, project.data_dir)
            os.environ["MARKETO_STATUS_POLL_SECONDS"] = "2"
            store_start_month(project.data_dir, sandbox.variables["MARKETO_START_MONTH"])
            screen.say(
                f"A sandbox with {record.leads:,} leads listens on {sandbox.base_url}: MARKETO_BASE_URL is not set."
            )
            screen.say(
                f"Change it at its control desk, {sandbox.base_url}/sandbox/state; it forgets that when it ends."
            )
            try:
                serve(project, chosen, screen)
            finally:
                with suppress(Failed):
                    write_record(project.data_dir, later(record, sandbox.now()))


def choose_port(port: int | None) -> int:
    """Return *port* if it is free; without one, the first free one from 3000 on. Raises: WrongUse."""
    if port is not None:
        if not _is_free(port):
            raise WrongUse(f"Port {port} is in use. Choose another with --port, or leave it out to have one found.")
        return port
    for candidate in range(USUAL_PORT, USUAL_PORT + _PORTS_TRIED):
        if _is_free(candidate):
            return candidate
    raise WrongUse(f"No port from {USUAL_PORT} to {USUAL_PORT + _PORTS_TRIED - 1} is free. Name one with --port.")


def serve(project: Project, port: int, screen: Screen) -> None:
    """Run `dagster dev` on *port* until it is interrupted; its warnings and errors are shown as they come.

    Raises: Failed when it ends by itself; KeyboardInterrupt.
    """
    url = f"http://127.0.0.1:{port}"
    screen.say(f"Starting Dagster on {shown(project.root)}; data in {shown(project.data_dir)}.")
    with _dagster(project.root, port) as process:
        _await_ready(process, url)
        screen.say(f"Dagster UI: {url}   (Ctrl-C ends everything)", style="bold")
        process.wait()
    raise Failed(f"Dagster ended by itself with exit code {process.returncode}; what it said stands above.")


@contextmanager
def _dagster(root: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-W", _NOT_OURS, "-m", "dagster", "dev", "--workspace", "workspace.yaml"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    # A group of its own: Ctrl-C comes here first, and is passed on once, to the process that ends the others in order.
    with subprocess.Popen(command, cwd=root, start_new_session=True) as process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    # A second Ctrl-C: whoever is there does not want to wait.
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(_STOP_SECONDS)
    # Dagster leaves runs that are under way alone; what they exported so far is taken up again by the next run.
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _signal_group(process.pid, number):
            break
        _await_group(process.pid, _RUN_STOP_SECONDS)
    process.wait()


def _await_group(group: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _signal_group(group, 0) and time.monotonic() < deadline:
        time.sleep(0.05)


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _await_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5.0) as http:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise Failed(
                    f"Dagster did not answer on {url} within {_READY_SECONDS:.0f} s; what it said stands above."
                )
            with suppress(httpx.HTTPError):
                if http.get(f"{url}/server_info").status_code == httpx.codes.OK:
                    return
            time.sleep(0.2)
    raise Failed(f"Dagster ended with exit code {process.returncode} before it was ready; what it said stands above.")


def _names_instance(project: Project) -> bool:
    # Address and folder must belong together: a sandbox's leads and a person's must never meet in one table.
    try:
        text = read_variables(os.environ).get("base_url", "")
        base_url = check_base_url(text) if text else ""
        if base_url:
            read_start_month()  # definitions that do not load would leave a daemon that fails every backfill under way
    except SettingsError as error:
        raise WrongUse(str(error)) from error
    if base_url and not is_on_this_machine(base_url) and read_record(project.data_dir) is not None:
        raise WrongUse(
            f"{project.data_dir} holds a sandbox's leads, and MARKETO_BASE_URL names a real instance. {LEAVE_SANDBOX} "
            "To go on with the sandbox, unset MARKETO_BASE_URL."
        )
    return bool(base_url)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True
