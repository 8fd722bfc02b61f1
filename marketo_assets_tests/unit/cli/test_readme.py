"""The README is held to the truth: commands are whole, settings and tables are those that exist."""

from __future__ import annotations

import re

from marketo_assets_tests.unit.cli.checkout import ROOT

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_there_are_exactly_two_set_up_commands() -> None:
    """One line runs the demo, one runs the tests, and each makes its own environment on a fresh clone."""
    set_up = [line.split(" && ") for line in COMMANDS if "venv " in line]
    assert [
        ["python3.11 -m venv .venv", ".venv/bin/pip install -q -e .", ".venv/bin/marketo-assets demo"],
        ["python3.11 -m venv .venv", ".venv/bin/pip install -q -e '.[dev]'", ".venv/bin/pytest"],
    ] == set_up


def test_the_first_screen_works_without_an_account() -> None:
    """Before the map of the road, nothing asks for credentials."""
    first_screen = README.partition("## The road")[0]
    assert "MARKETO_" not in first_screen
    assert len(first_screen.splitlines()) <= 30


def test_the_settings_are_those_that_are_read() -> None:
    """Every setting that is read stands in the table, and no other."""
    source = (ROOT / "marketo_assets" / "settings.py").read_text("utf-8")
    read = {f"MARKETO_{name.upper()}" for name in re.findall(r'values(?:, |\.get\()"(\w+)"', source)}
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    shown = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert read == shown


def test_every_room_is_on_the_map() -> None:
    """The map has a line for each room of the package that holds work of its own."""
    rooms = {
        path.name for path in (ROOT / "marketo_assets").iterdir() if path.is_dir() and (path / "__init__.py").exists()
    }
    road = README.partition("## The road")[2].partition("\n## ")[0]
    assert set() == rooms - set(re.findall(r"`(\w+)/`", road))


def test_no_host_and_no_machine_is_named() -> None:
    """The README names no package registry and no folder of anybody's machine."""
    assert [] == re.findall(r"/home/|/Users/|/tmp/|/opt/|pypi|index-url|badge", README)
