"""A folder that a command takes for a clone, and the command line in a process of its own there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
MODULE = ["-m", "marketo_assets.cli"]
_PATIENCE_SECONDS = 300


def make_checkout(folder: Path) -> Path:
    """Return *folder* with what makes a clone one: where Dagster finds definitions and history."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("workspace.yaml", "dagster.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def quiet_environment(**variables: str) -> dict[str, str]:
    """Return the machine's environment without any setting of Dagster's or ours, and with *variables*."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MARKETO_", "DAGSTER_"))}
    return {**kept, "PYTHONWARNINGS": "", **variables}


def call(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Return what the command line did, called in *folder* with *variables* as its only settings."""
    return subprocess.run(
        [sys.executable, *MODULE, *arguments],
        cwd=folder,
        env=quiet_environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
