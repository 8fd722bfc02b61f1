"""A sandbox in a process of its own, and its control desk. It ends with whoever started it, however that ends."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from marketo_assets.cli.endings import Failed
from marketo_assets.cli.sandbox_record import SandboxRecord

MODULE = "marketo_assets.sandbox"
_READY_SECONDS = 300.0
_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 120.0
# Quick enough to watch, at the machine's own time: nothing drifts while somebody works for hours.
BRISK = ("--queue-seconds", "1", "--export-seconds", "4", "--status-refresh-seconds", "2")


@dataclass(frozen=True)
class LocalMarketo:
    """A sandbox that runs, and what a client of it finds in its environment."""

    variables: Mapping[str, str]

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return self.variables["MARKETO_BASE_URL"]

    def ask(self, path: str) -> Any:
        """Return what the control desk tells at *path*. Raises: Failed when the sandbox does not answer."""
        return self._desk("GET", path)

    def tell(self, path: str, order: Mapping[str, Any]) -> Any:
        """Return the control desk's answer to *order*. Raises: Failed when it refuses."""
        return self._desk("POST", path, order)

    def now(self) -> datetime:
        """Return the sandbox's present moment."""
        return datetime.fromisoformat(self.ask("/time")["now"])

    def _desk(self, method: str, path: str, order: Mapping[str, Any] | None = None) -> Any:
        try:
            with httpx.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
                answer = http.request(method, f"{self.base_url}/sandbox{path}", json=order)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Failed(f"The sandbox's control desk did not answer {path} ({type(error).__name__}).") from error
        return answer.json()


@contextmanager
def running_sandbox(record: SandboxRecord, *options: str, moment: datetime) -> Iterator[LocalMarketo]:
    """Yield the sandbox of *record* on a free port, with its changes made again and its clock at *moment* or later.

    Guarantee: when the block ends, or this process dies, the sandbox ends: its standard input does.
    Raises: Failed when it does not start.
    """
    command = [sys.executable, "-m", MODULE, "--port", "0", "--stop-with-stdin", *record.arguments, *options]
    # A session of its own: Ctrl-C is for the command, which then stops the sandbox when nothing needs it any more.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            sandbox = LocalMarketo(_read_variables(process))
            if record.changes:
                sandbox.tell("/changes", {"changes": list(record.changes)})
            begin = max(moment, record.moment, sandbox.now())
            clock = sandbox.tell("/time", {"to": begin.astimezone(UTC).isoformat()})["marketo_clock"]
            yield replace(sandbox, variables={**sandbox.variables, "MARKETO_CLOCK": clock})
        finally:
            _stop(process)


def point_environment(environ: MutableMapping[str, str], sandbox: LocalMarketo, data_dir: Path) -> None:
    """Leave in *environ* the settings of a client of *sandbox*, and no other setting of this project."""
    for name in [name for name in environ if name.startswith("MARKETO_")]:
        del environ[name]
    environ.update(sandbox.variables)
    environ["MARKETO_DATA_DIR"] = str(data_dir)


def _read_variables(process: subprocess.Popen[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    watchdog = threading.Timer(_READY_SECONDS, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        # `export NAME=value`, and a comment as the last line.
        while line := (process.stdout.readline() if process.stdout else ""):
            if line.startswith("#"):
                return variables
            name, _, value = shlex.split(line)[1].partition("=")
            variables[name] = value
    finally:
        watchdog.cancel()
    raise Failed(
        "The sandbox ended before it was ready; what it said stands above. Run `marketo-assets sandbox` alone."
    )


def _stop(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
