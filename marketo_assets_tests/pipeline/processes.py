"""Processes that run, stop, die and read, as a test tells them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 60.0
"""How long anything may take before a test fails rather than hangs."""


@contextmanager
def child(environment: Mapping[str, str], *arguments: str, module: str = "child") -> Iterator[subprocess.Popen[str]]:
    """Yield a process that runs a module of this folder; it has ended when this returns."""
    command = [sys.executable, "-m", f"marketo_assets_tests.pipeline.{module}", *arguments]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("MARKETO_")}
    with (
        subprocess.Popen(
            command,
            env={**quiet, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        ended(process),
    ):
        yield process


@contextmanager
def ended(process: subprocess.Popen[str], patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Leave no process behind: it is killed when the block ends, and before that if it takes too long."""
    watchdog = threading.Timer(patience_seconds, process.kill)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        process.kill()


def run(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Return the exit code of a child that runs to its end, and what it wrote to stderr."""
    with child(environment, *arguments) as process:
        _, told = process.communicate()
        return process.returncode, told


@contextmanager
def stopped(environment: Mapping[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a child that has said that it has stopped."""
    with child(environment, *arguments) as process:
        said = process.stdout.readline() if process.stdout else ""
        if said != "stopped\n":
            raise AssertionError(f"the child ended before it stopped: {process.communicate()[1][-2000:]}")
        yield process


def is_locked(path: Path) -> bool:
    """Say whether some process holds the lock on a file."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return when *is_so*, which another process brings about."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {PATIENCE_SECONDS:g} s")
        time.sleep(0.01)
