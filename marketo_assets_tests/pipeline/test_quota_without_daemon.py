"""A quota that ends while no daemon runs: the command says why and until when, and ends with exit code 1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from marketo_assets_tests.doors import RunningSandbox
from marketo_assets_tests.unit.cli.checkout import ROOT, make_checkout, quiet_environment

PATIENCE_SECONDS = 120


def materialize(folder: Path, environment: dict[str, str], month: str) -> subprocess.CompletedProcess[str]:
    """Return what Dagster's own command did on a checkout's folder."""
    command = ["-m", "dagster", "asset", "materialize", "-m", "marketo_assets.definitions"]
    return subprocess.run(
        [sys.executable, *command, "--select", "landing/lead_exports", "--partition", month],
        cwd=folder,
        env=quiet_environment(**{**environment, "DAGSTER_HOME": str(folder), "PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_materialize_says_when_to_come_back(
    process: RunningSandbox, environment: dict[str, str], tmp_path: Path
) -> None:
    """`dagster asset materialize` meets 1029: the reason, when to run it again, exit code 1."""
    folder = make_checkout(tmp_path / "checkout")
    fault = {"route": "POST */create.json", "kind": "error", "code": "1029", "message": "Export daily quota exceeded"}
    process.control.post("/faults", json=fault).raise_for_status()

    answer = materialize(folder, environment, "2026-07")

    assert 1 == answer.returncode
    said = answer.stdout + answer.stderr
    assert "Paused, not failed: 2026-07 run it again after 2026-08-16 06:00 UTC, in " in said
    assert "Export daily quota exceeded" in said
