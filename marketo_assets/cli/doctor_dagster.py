"""What `doctor` looks at in DAGSTER_HOME: whether Dagster there treats runs as this project counts on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with Dagster, its stubs do not

from marketo_assets.cli.findings import Findings
from marketo_assets.cli.project import shown

_SUBJECT = "Dagster"
_FILE = "dagster.yaml"
# What is missing without each part of the clone's file.
_PARTS = {
    "run_monitoring": "a run that is killed counts as running for ever, and keeps its place among the exports",
    "run_retries": "a run that is killed, or waits for a quota, is not started again",
    "concurrency": "more months wait at Marketo than its queue has places for, or fewer are exported than may be",
    "run_coordinator": "backfills begin with the oldest month",
}
_SWITCHED = ("run_monitoring", "run_retries")


def check_dagster(root: Path, environ: Mapping[str, str], findings: Findings) -> None:
    """Add what DAGSTER_HOME lacks of the `dagster.yaml` in *root*, the clone; nothing where it is not set.

    Without it Dagster reads the file of the folder in which it starts, which is the clone's.
    """
    if not (told := environ.get("DAGSTER_HOME", "")):
        return
    home, expected = Path(told), root / _FILE
    if not home.is_absolute() or not home.is_dir():
        findings.add(
            "problem",
            _SUBJECT,
            f"DAGSTER_HOME is {told!r}, which is {'no folder' if home.is_absolute() else 'not an absolute path'}, and "
            "Dagster does not start.",
            f"Set it to {root}, or unset it.",
        )
        return
    lacking = [part for part in _PARTS if not _has(_read(home / _FILE), part)]
    if lacking:
        costs = "; ".join(f"without {part} {_PARTS[part]}" for part in lacking)
        findings.add(
            "warning",
            _SUBJECT,
            f"{shown(home)}/{_FILE}, which DAGSTER_HOME names, lacks {', '.join(lacking)}: {costs}.",
            f"Set DAGSTER_HOME to {root}, or take these parts over from {shown(expected)}, and restart Dagster.",
        )
    else:
        findings.add("ok", _SUBJECT, f"DAGSTER_HOME is {shown(home)}, where killed runs are noticed and started again.")


def _has(told: Mapping[str, Any], part: str) -> bool:
    section = told.get(part)
    if part in _SWITCHED:
        return isinstance(section, Mapping) and section.get("enabled") is True
    return isinstance(section, Mapping)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return told if isinstance(told, Mapping) else {}
