"""What commands look like: on terminals of some widths, without colours where nobody wants any, and in files."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from marketo_assets.cli.screen import Screen, wrapped
from marketo_assets_tests.unit.cli.checkout import MODULE, call, make_checkout, quiet_environment

COLOURS = re.compile(r"\x1b\[[\d;]*m")
_PATIENCE_SECONDS = 60


def call_on_terminal(folder: Path, columns: int, *arguments: str, **variables: str) -> str:
    """Return what the command line showed on a terminal of so many *columns*, escape sequences included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = quiet_environment(TERM="xterm-256color", **variables)
    for name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"} - set(variables):
        environment.pop(name, None)
    command = [sys.executable, *MODULE, *arguments]
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while read := os.read(ours, 65536):
                shown += read
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        finally:
            os.close(ours)
        process.wait(_PATIENCE_SECONDS)
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone without any setting, in which `doctor` finds two problems and makes no call."""
    return make_checkout(tmp_path / "clone")


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_findings_stand_in_columns_that_fit(clone: Path, columns: int) -> None:
    """On a terminal, levels are coloured, texts are wrapped within a hundred columns, and steps stand behind arrows."""
    shown = call_on_terminal(clone, columns, "doctor")
    lines = COLOURS.sub("", shown).splitlines()

    assert "\x1b[1;31mproblem" in shown
    assert [] == [line for line in lines if len(line) > min(columns, 100)]
    problems = [number for number, line in enumerate(lines) if line.startswith("problem")]
    assert len(problems) >= 3
    steps = [line for line in lines if line.strip().startswith("→")]
    assert len(steps) >= len(problems)
    assert any(line.startswith(" " * 27 + "→ Put https://<munchkin id>") for line in steps)


def test_no_color_is_respected(clone: Path) -> None:
    """Where NO_COLOR is set, a terminal gets the same columns and no colour."""
    with_colours = call_on_terminal(clone, 90, "doctor")
    without = call_on_terminal(clone, 90, "doctor", NO_COLOR="1")

    assert [] == re.findall(r"\x1b\[[\d;]*3\d[\d;]*m", without)
    assert COLOURS.sub("", with_colours) == COLOURS.sub("", without)


def test_a_file_gets_plain_lines(clone: Path) -> None:
    """Elsewhere each finding is one line that says its step, without any escape sequence."""
    answer = call(clone, "doctor")

    assert 1 == answer.returncode
    assert "\x1b" not in answer.stdout + answer.stderr
    (line,) = [line for line in answer.stdout.splitlines() if "MARKETO_BASE_URL is not set" in line]
    assert line.startswith("problem  settings: ")
    assert "Put https://<munchkin id>.mktorest.com there" in line


@pytest.mark.parametrize(("shell", "words"), [("bash", "complete "), ("zsh", "compdef"), ("fish", "complete ")])
def test_shells_complete_commands(tmp_path: Path, shell: str, words: str) -> None:
    """Each shell gets a script that asks this program, and the program answers with commands and options."""
    environment = quiet_environment(_MARKETO_ASSETS_COMPLETE=f"source_{shell}")
    script = subprocess.run(
        [sys.executable, *MODULE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (script.returncode, script.stderr)
    assert words in script.stdout
    assert "_MARKETO_ASSETS_COMPLETE" in script.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["d"], {"demo", "dev", "doctor"}), (["plan", "--a"], {"--again", "--at-once"})],
    ids=["commands", "options"],
)
def test_what_is_typed_is_completed(tmp_path: Path, typed: list[str], offered: set[str]) -> None:
    """Asked as bash asks, the program offers what begins with what was typed."""
    environment = quiet_environment(
        _MARKETO_ASSETS_COMPLETE="complete_bash",
        COMP_WORDS=" ".join(["marketo-assets", *typed]),
        COMP_CWORD=f"{len(typed)}",
    )
    answer = subprocess.run(
        [sys.executable, *MODULE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert offered <= set(answer.stdout.split())
    assert all(word.startswith(typed[-1]) for word in answer.stdout.split())


def test_words_are_kept_whole() -> None:
    """Lines break between words only, and one that is too long stands alone, so that it can be copied."""
    assert ["one two", "three", "a-word-that-is-long", "four"] == wrapped("one two three a-word-that-is-long four", 8)
    assert [""] == wrapped("", 8)
    assert 100 == Screen(is_terminal=True, columns=300).width
