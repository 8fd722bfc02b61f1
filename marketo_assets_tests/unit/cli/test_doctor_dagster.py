"""What `doctor` says of the folder in which Dagster keeps its own settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from marketo_assets.cli.doctor_dagster import check_dagster
from marketo_assets.cli.findings import Finding, Findings
from marketo_assets.cli.screen import Screen
from marketo_assets_tests.unit.cli.checkout import make_checkout

PARTS = ("run_monitoring", "run_retries", "concurrency", "run_coordinator")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone."""
    return make_checkout(tmp_path / "clone")


def told(root: Path, home: object) -> list[Finding]:
    findings = Findings(Screen(is_terminal=False))
    check_dagster(root, {"DAGSTER_HOME": str(home)}, findings)
    return findings.items


def test_the_clones_own_file_is_as_it_should_be(root: Path, tmp_path: Path) -> None:
    """The clone, and a folder with a copy of its file, have everything; nothing is said where nothing is set."""
    shutil.copy(root / "dagster.yaml", tmp_path / "dagster.yaml")
    assert ["ok", "ok"] == [finding.level for home in (root, tmp_path) for finding in told(root, home)]
    assert [] == told(root, "")


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        (None, PARTS),
        ("", PARTS),
        ("]:[", PARTS),
        ("run_monitoring: {enabled: false}\nrun_retries: {enabled: true}", ("run_monitoring", *PARTS[2:])),
        ("run_coordinator: {}\nrun_monitoring: {enabled: true}\nconcurrency: {}", ("run_retries",)),
    ],
    ids=["no file", "empty", "no YAML", "switched off", "all but one"],
)
def test_what_a_file_lacks_is_named(root: Path, tmp_path: Path, text: str | None, lacking: tuple[str, ...]) -> None:
    """A warning says which parts are missing, what that costs, and where they stand."""
    if text is not None:
        (tmp_path / "dagster.yaml").write_text(text)
    (finding,) = told(root, tmp_path)

    assert "warning" == finding.level
    assert lacking == tuple(part for part in PARTS if f"without {part} " in finding.text)
    assert str(root) in finding.todo


@pytest.mark.parametrize("home", ["somewhere", "/nowhere/at/all"], ids=["relative", "not there"])
def test_a_home_with_which_dagster_does_not_start(root: Path, home: str) -> None:
    """It prevents work, and the finding says what to set."""
    (finding,) = told(root, home)
    assert ("problem", f"Set it to {root}, or unset it.") == (finding.level, finding.todo)
