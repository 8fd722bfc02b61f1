"""The command line's surface: help, exit codes, and how light it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marketo_assets_tests.unit.cli.checkout import MODULE, call, make_checkout

COMMANDS = ["demo", "dev", "sandbox", "doctor", "plan", "notebook"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    """`--help` of each command ends with exit code 0 and says how it is used."""
    answer = call(tmp_path, command, "--help")
    assert (0, "") == (answer.returncode, answer.stderr)
    assert f"marketo-assets {command}" in answer.stdout


def test_help_lists_every_command(tmp_path: Path) -> None:
    """The first help names every command there is."""
    answer = call(tmp_path, "--help")
    assert [] == [command for command in COMMANDS if command not in answer.stdout]


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["demo", "--leads", "many"],
        ["demo", "--months", "0"],
        ["dev", "--port", "99999"],
        ["sandbox", "--bogus"],
        ["plan", "--calls", "many"],
        ["plan", "--from", "2026-13"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    """What cannot be understood ends with exit code 2 and something on standard error."""
    answer = call(tmp_path, *arguments)
    assert 2 == answer.returncode
    assert answer.stderr


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help answers without importing Dagster, DuckDB, Polars or the HTTP client."""
    script = (
        "import runpy, sys, atexit\n"
        "heavy = {'dagster', 'duckdb', 'polars', 'httpx', 'starlette'}\n"
        "atexit.register(lambda: print('LOADED', sorted(heavy & set(sys.modules))))\n"
        f"sys.argv[1:] = {[argument for argument in arguments if arguments[0] != 'sandbox'] or ['--help']!r}\n"
        "runpy.run_module('marketo_assets.cli', run_name='__main__')\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "LOADED []" == answer.stdout.strip().splitlines()[-1]


def test_a_command_outside_a_clone_works_on_the_clone_it_came_from(tmp_path: Path) -> None:
    """`doctor` called anywhere looks at the data folder of the checkout that it runs from."""
    answer = call(tmp_path, "doctor")
    assert 1 == answer.returncode
    assert f"{Path(__file__).parents[3]}/data" in answer.stdout


def test_the_script_is_the_module() -> None:
    """`marketo-assets` and `python -m marketo_assets.cli` are the same command line."""
    script = Path(sys.executable).with_name("marketo-assets")
    if not script.exists():
        pytest.skip("the package is not installed in this environment")
    both = [
        subprocess.run([*command, "--help"], capture_output=True, timeout=60, check=True).stdout
        for command in ([str(script)], [sys.executable, *MODULE])
    ]
    assert both[0] == both[1]


def test_the_sandbox_gets_every_option(tmp_path: Path) -> None:
    """`sandbox` passes options on unread, and serves until its standard input ends."""
    answer = call(tmp_path, "sandbox", "--port", "0", "--leads", "3", "--months", "1", "--stop-with-stdin")
    assert (0, "") == (answer.returncode, answer.stderr)
    assert "export MARKETO_BASE_URL=http://127.0.0.1:" in answer.stdout


def test_a_folder_that_is_a_clone_is_found_from_below(tmp_path: Path) -> None:
    """A command called in a folder of the clone works on the clone."""
    below = make_checkout(tmp_path / "clone") / "some" / "where"
    below.mkdir(parents=True)
    assert f"{tmp_path / 'clone' / 'data'} does not exist yet" in call(below, "doctor").stdout
