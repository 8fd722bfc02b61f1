"""The law of the house: which room may import which, how long a file may be, and that words and checks hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE, TESTS = ROOT / "marketo_assets", ROOT / "marketo_assets_tests"
# A room may import itself and what stands to the left of it.
ORDER = [
    "clock",
    "settings",
    "warehouse",
    "api",
    "extract",
    "land",
    "load",
    "models",
    "publish",
    "writeback",
    "data_streams",
    "defs",
    "definitions",
    "cli",
]
CEILING = 350


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("marketo_assets.")}


def rule_breakers(breaks_rule: Callable[[Path], object], folder: Path = PACKAGE) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in sources(folder) if breaks_rule(path)]


def test_there_is_something_to_check() -> None:
    """The law is applied to the whole package, so a moved folder cannot make it pass."""
    assert {"settings", "api", "extract", "load", "defs", "sandbox"} <= {room_of(path) for path in sources(PACKAGE)}


def test_every_room_has_its_place() -> None:
    """A file of the package lies in a room of the order, or in the sandbox."""
    assert set() == {room_of(path) for path in sources(PACKAGE)} - {*ORDER, "sandbox", "__init__"}


def test_imports_point_one_way() -> None:
    """A room imports itself and rooms to its left, inside functions too."""
    wrong = {
        f"{path.relative_to(ROOT)} imports {other}"
        for path in sources(PACKAGE)
        if room_of(path) in ORDER
        for other in rooms_imported(path) & set(ORDER)
        if ORDER.index(other) > ORDER.index(room_of(path))
    }
    assert set() == wrong


def test_the_sandbox_is_an_island() -> None:
    """The sandbox imports nothing of the package, and nothing of the package imports it."""
    assert [] == rule_breakers(lambda path: rooms_imported(path) - {"sandbox"}, PACKAGE / "sandbox")
    assert [] == rule_breakers(lambda path: room_of(path) != "sandbox" and "sandbox" in rooms_imported(path))


def test_dagster_stays_in_front() -> None:
    """Only `defs/` and `definitions.py` import Dagster."""
    behind = [path for path in sources(PACKAGE) if room_of(path) not in ("defs", "definitions")]
    assert [] == [p.name for p in behind if any(name.startswith("dagster") for name in imports(p))]


def test_one_file_opens_databases() -> None:
    """`duckdb.connect` appears in `warehouse.py` only."""
    assert ["marketo_assets/warehouse.py"] == rule_breakers(lambda path: "duckdb.connect" in path.read_text("utf-8"))


def test_annotations_in_defs_are_real() -> None:
    """No file in `defs/` postpones its annotations: Dagster reads them when an asset is defined."""
    assert [] == rule_breakers(lambda path: "__future__.annotations" in imports(path), PACKAGE / "defs")


def test_no_file_is_longer_than_the_ceiling() -> None:
    """No file, of package or tests, has more than 350 lines."""
    files = [*sources(PACKAGE), *PACKAGE.rglob("*.sql"), *sources(TESTS)]
    long = {path.name: lines for path in files if (lines := len(path.read_text("utf-8").splitlines())) > CEILING}
    assert {} == long


def test_what_is_public_is_explained() -> None:
    """Every module, public class and public function has a docstring."""
    missing = []
    for path in sources(PACKAGE):
        tree = ast.parse(path.read_text("utf-8"))
        bodies = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
        public = [
            node
            for body in bodies
            for node in body.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_"
        ]
        missing += [f"{path.name}: {node.name}" for node in public if not ast.get_docstring(node)]
        missing += [path.name] * (not ast.get_docstring(tree))
    assert [] == missing


def test_readme_names_tests_that_exist() -> None:
    """Every test that the README names exists, as a file or as a function."""
    named = set(re.findall(r"\btest_\w+", (ROOT / "README.md").read_text("utf-8")))
    existing = {path.stem for path in sources(TESTS)}
    for path in sources(TESTS):
        existing |= set(re.findall(r"def (test_\w+)", path.read_text("utf-8")))
    assert set() == named - existing


def test_readme_names_commands_that_exist() -> None:
    """Every `marketo-assets ...` command that the README names is one that the command line has."""
    named = set(re.findall(r"marketo-assets ([a-z]+)", (ROOT / "README.md").read_text("utf-8")))
    for name in sorted(named):
        answer = subprocess.run(
            [sys.executable, "-m", "marketo_assets.cli", name, "--help"], capture_output=True, timeout=60, check=False
        )
        assert 0 == answer.returncode, name


@pytest.mark.parametrize(
    "command",
    [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_the_checks_pass(command: list[str]) -> None:
    """Linting, formatting and strict typing, as configured in pyproject.toml, find nothing."""
    answer = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert 0 == answer.returncode, answer.stdout[-3000:] + answer.stderr[-1000:]
