"""What the documents inside the package promise can be found: tests, settings, commands, sensors and checks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketo_assets.definitions import defs
from marketo_assets_tests.test_architecture import PACKAGE, ROOT, TESTS, sources

PAGE = PACKAGE / "docs" / "when_things_go_wrong.md"
TEXT = PAGE.read_text("utf-8")
PAGES = sorted((PACKAGE / "docs").glob("*.md"))
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def rows() -> Iterator[list[str]]:
    """The faults of the page: what happens, what is seen, what may repeat, what to do, what proves it."""
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0] not in ("what happens", "---"):
            yield cells


def test_every_fault_has_a_test_that_exists() -> None:
    """Each row names at least one test, and each test that is named is there to be run."""
    existing = {name for path in sources(TESTS) for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))}

    assert [] == [cells[0] for cells in rows() if not re.findall(r"`test_\w+`", cells[4])]
    assert set() == set(re.findall(r"`(test_\w+)`", TEXT)) - existing


def test_there_are_the_faults_to_be_told() -> None:
    """Codes and troubles that a person meets are looked up on this page."""
    told = TEXT.lower()
    codes = ("601", "602", "603", "604", "606", "607", "608", "611", "614", "615", "713", "502", "1029")
    troubles = (
        "reboot",
        "disk is full",
        "ledger",
        "clock",
        "network file system",
        "certificate",
        "html",
        "two dagsters",
    )
    assert [] == [word for word in (*codes, *troubles) if word not in told]
    assert 40 <= len(list(rows()))


@every_page
def test_settings_that_it_names_exist(page: Path) -> None:
    """Each MARKETO_ variable is one that the settings read."""
    known = (PACKAGE / "settings.py").read_text("utf-8") if (PACKAGE / "settings.py").exists() else ""
    known += "".join(path.read_text("utf-8") for path in (PACKAGE / "settings").glob("*.py"))
    named = set(re.findall(r"MARKETO_([A-Z_]+)", page.read_text("utf-8")))
    assert set() == {name for name in named if f'"{name.lower()}"' not in known}


@every_page
def test_what_happens_by_itself_has_the_name_that_it_says(page: Path) -> None:
    """Each sensor, schedule and job that looks like one is one, and each test and page that is named is there."""
    text = page.read_text("utf-8")
    automation = {each.name for each in (*(defs.sensors or ()), *(defs.schedules or ()))}
    named = set(re.findall(r"`(\w+_(?:sensor|nightly|weekly|daily|gate|alerts))`", text))
    assert set() == named - automation
    assert set() == set(re.findall(r"job `(\w+)`", text)) - {job.name for job in defs.jobs or ()}
    assert [] == [name for name in re.findall(r"`(test_\w+\.py)`", text) if not list(TESTS.rglob(name))]
    assert [] == [link for link in re.findall(r"\]\((\w+\.md)\)", text) if not (page.parent / link).exists()]


@every_page
def test_commands_that_it_names_exist(page: Path) -> None:
    """Each `marketo-assets` command is one of the program's."""
    from marketo_assets.cli.app import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set() == set(re.findall(r"marketo-assets (\w+)[` \n']", page.read_text("utf-8"))) - known


@pytest.mark.parametrize("name", ["export_quota_gate", "failure_alerts"])
def test_sensors_that_it_names_exist(name: str) -> None:
    """A reader who looks for a sensor finds it."""
    assert name in TEXT
    assert name in [sensor.name for sensor in defs.sensors or ()]


@every_page
def test_it_is_part_of_the_package(page: Path) -> None:
    """Whoever installs the package has the page too."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = told["tool"]["setuptools"]["package-data"]["marketo_assets"]
    assert page in {path for pattern in patterns for path in PACKAGE.glob(pattern)}
