"""Copies of the notebooks: what a reader wrote is never lost, and what the package brings is there."""

from __future__ import annotations

import json
import shutil
import stat
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.cli.endings import WrongUse
from marketo_assets.cli.notebook import PACKAGE_NOTEBOOKS, check_installed, forget_secrets, place_notebooks
from marketo_assets_tests.unit.cli.checkout import call, make_checkout

NAME = "first_look.ipynb"


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A package with one notebook."""
    folder = tmp_path / "package"
    folder.mkdir()
    shutil.copy(PACKAGE_NOTEBOOKS / NAME, folder)
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder of the copies, which does not exist yet."""
    return tmp_path / "data" / "notebooks"


def change(path: Path, text: str) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][0]["source"] = [text]
    path.write_text(json.dumps(notebook))


def run(path: Path) -> None:
    """Leave what running and saving a notebook leaves: outputs, counts, another spelling of the same JSON."""
    notebook = json.loads(path.read_text("utf-8"))
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    code |= {"execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": "7"}]}
    code["source"] = "".join(code["source"])
    path.write_text(json.dumps(notebook))


def first_cell(path: Path) -> str:
    notebook: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return "".join(notebook["cells"][0]["source"])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_are_copied_and_only_their_owner_reads_them(kept: Path) -> None:
    """Every notebook of the package is copied into a private folder, since what it shows is personal data."""
    said = list(place_notebooks(kept))

    assert names(PACKAGE_NOTEBOOKS) == names(kept)
    assert [f"{name}: copied." for name in names(kept)] == said
    assert {0o700, 0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (kept, *kept.iterdir())}
    assert [] == list(place_notebooks(kept))


def test_a_copy_that_was_only_run_gives_way_to_a_newer_one(shipped: Path, kept: Path) -> None:
    """Outputs are no edit: the copy is replaced, and nothing is left beside it."""
    list(place_notebooks(kept, shipped))
    run(kept / NAME)
    change(shipped / NAME, "# Newer")

    assert [f"{NAME}: a newer one is here; nobody had edited the old one."] == list(place_notebooks(kept, shipped))
    assert ([NAME], "# Newer") == (names(kept), first_cell(kept / NAME))


def test_an_edited_copy_is_never_written_to(shipped: Path, kept: Path) -> None:
    """What somebody wrote stays to the byte through upgrades; each newer notebook is laid beside it."""
    list(place_notebooks(kept, shipped))
    change(kept / NAME, "# Mine")
    mine = (kept / NAME).read_bytes()
    assert [] == list(place_notebooks(kept, shipped))

    for text in ("# Newer", "# Newest"):
        change(shipped / NAME, text)
        list(place_notebooks(kept, shipped))
        assert ([NAME, "first_look-2.ipynb"], text) == (
            sorted(names(kept))[::-1],
            first_cell(kept / "first_look-2.ipynb"),
        )
    change(kept / "first_look-2.ipynb", "# Mine too")
    change(shipped / NAME, "# Newest of all")
    list(place_notebooks(kept, shipped))

    assert mine == (kept / NAME).read_bytes()
    assert "# Mine too" == first_cell(kept / "first_look-2.ipynb")
    assert "# Newest of all" == first_cell(kept / "first_look-3.ipynb")


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '{"metadata": {}}'], ids=["empty", "text", "list", "no cells"])
def test_a_file_that_is_no_notebook_is_somebodys_too(shipped: Path, kept: Path, text: str) -> None:
    """A file of that name that cannot be read is left alone."""
    kept.mkdir(parents=True)
    (kept / NAME).write_text(text)
    list(place_notebooks(kept, shipped))

    assert text == (kept / NAME).read_text()
    assert "# A first look" in first_cell(kept / "first_look-2.ipynb")


def test_what_is_missing_is_named_with_the_command_that_installs_it() -> None:
    """Without the extra, the command says what is missing and what to run."""
    check_installed(("json", "pathlib"))
    with pytest.raises(WrongUse, match=r"no_such_module, which is not installed.*pip install -e '\.\[notebook\]'"):
        check_installed(("json", "no_such_module"))


def test_a_notebook_knows_no_secret() -> None:
    """Kernels get the settings but the credentials."""
    environ = {
        "MARKETO_CLIENT_ID": "a",
        "MARKETO_CLIENT_SECRET": "b",
        "MARKETO_ALERT_WEBHOOK": "c",
        "MARKETO_QUOTA_SHARE": "1",
    }
    forget_secrets(environ)
    assert {"MARKETO_QUOTA_SHARE": "1"} == environ


@pytest.mark.skipif(find_spec("jupyterlab") is not None, reason="JupyterLab is installed, and would start")
def test_without_jupyterlab_nothing_begins(tmp_path: Path) -> None:
    """From a shell, a missing extra is wrong use: exit code 2, one sentence, no folder made."""
    folder, data_dir = make_checkout(tmp_path / "clone"), tmp_path / "data"
    answer = call(folder, "notebook", MARKETO_DATA_DIR=str(data_dir))

    assert (2, False) == (answer.returncode, data_dir.exists())
    assert answer.stderr.startswith("Notebooks need jupyterlab")
    assert answer.stderr.endswith("-m pip install -e '.[notebook]'\n")
