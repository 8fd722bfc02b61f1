"""The public package dbt_marketo runs on the published file, where somebody has it at hand."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from marketo_assets_tests.test_architecture import PACKAGE as SOURCES
from marketo_assets_tests.tools.run_dbt_marketo import VARIABLES, main, run, why_not

PACKAGE = "DBT_MARKETO_PACKAGE"
"""Environment variable: the package's folder."""
DBT = "DBT_MARKETO_DBT"
"""Environment variable: dbt's command, where it is not the `dbt` on PATH."""


@pytest.mark.slow
def test_every_model_and_test_succeeds(tmp_path: Path) -> None:
    """All models build, twice, all tests pass, and what they say of leads and emails is true."""
    package, dbt = Path(os.environ.get(PACKAGE, "dbt_marketo")), os.environ.get(DBT, "dbt")
    if reason := why_not(package, dbt):
        pytest.skip(f"{reason} {PACKAGE} and {DBT} name them.")
    outcome = run(package, dbt, tmp_path)

    assert ((), ()) == (outcome.failed, outcome.differing)
    assert outcome.models >= 40
    assert outcome.tests >= 19


def test_where_it_cannot_be_run_it_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the package, or without dbt, nothing is begun and nothing fails."""
    assert 0 == main([str(tmp_path)])
    (tmp_path / "dbt_project.yml").touch()
    assert 0 == main([str(tmp_path), "--dbt", str(tmp_path / "dbt")])

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("skipped: No dbt package")
    assert second.startswith("skipped: There is no dbt")


def test_the_page_tells_what_the_tool_does() -> None:
    """Whoever follows the page sets the variables and attaches the file as the run that is proved does."""
    text = (SOURCES / "docs" / "fivetran_layout.md").read_text("utf-8")
    packages, project, profiles = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))

    assert project["vars"].items() <= VARIABLES.items()
    target = profiles[project["profile"]]["outputs"]["dev"]
    assert ("duckdb", "marketo", True) == (
        target["type"],
        target["attach"][0]["alias"],
        target["attach"][0]["read_only"],
    )
    assert ["fivetran/marketo"] == [package["package"] for package in packages["packages"]]
