"""Where commands work: which folder is the clone, and which holds the data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marketo_assets.cli.endings import WrongUse
from marketo_assets.cli.project import enter, find_data_dir, find_root, is_on_this_machine, locate
from marketo_assets_tests.unit.cli.checkout import ROOT, make_checkout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_checkout(tmp_path / "clone")
    monkeypatch.chdir(folder)
    return folder


def test_the_clone_is_where_the_workspace_is(clone: Path) -> None:
    """A folder in the clone belongs to it; elsewhere it is the clone this package runs from."""
    assert clone == find_root(clone / "some" / "where")
    assert ROOT == find_root(Path("/"))


def test_another_projects_workspace_is_not_taken(clone: Path) -> None:
    """A `workspace.yaml` that does not name this package is no sign of a clone."""
    (clone / "workspace.yaml").write_text("load_from:\n  - python_module: something_else\n")
    assert ROOT == find_root(clone)


def test_data_lies_in_the_clone(clone: Path) -> None:
    """Without a setting, data is kept in `data` of the clone, and the environment says so to every process."""
    environ: dict[str, str] = {}
    assert clone / "data" == enter(environ).data_dir
    assert str(clone / "data") == environ["MARKETO_DATA_DIR"]


def test_a_notebook_finds_the_data_from_anywhere_in_the_clone(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a setting it is `data` of the clone, or what its `.env` says; no secret of that file is left behind."""
    monkeypatch.delenv("MARKETO_DATA_DIR")
    below = clone / "data" / "notebooks"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert clone / "data" == find_data_dir()

    (clone / ".env").write_text(f"MARKETO_DATA_DIR={clone}/other\nMARKETO_CLIENT_SECRET=secret\n")
    assert clone / "other" == find_data_dir()
    assert {"MARKETO_DATA_DIR", "MARKETO_CLIENT_SECRET"}.isdisjoint(os.environ)


def test_a_relative_setting_counts_from_where_the_command_is_called(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`MARKETO_DATA_DIR=elsewhere` means the folder that a shell would mean, and stays it after changing folders."""
    below = clone / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    environ = {"MARKETO_DATA_DIR": "elsewhere"}
    assert below / "elsewhere" == enter(environ).data_dir
    assert (clone, str(below / "elsewhere")) == (Path.cwd(), environ["MARKETO_DATA_DIR"])


def test_the_env_file_counts_as_it_does_for_dagster(clone: Path) -> None:
    """What stands in the clone's `.env` wins, since `dagster dev` reads it the same way."""
    (clone / ".env").write_text("MARKETO_BASE_URL=https://123-abc-456.mktorest.com\n")
    environ = {"MARKETO_BASE_URL": "https://999-zzz-999.mktorest.com"}
    locate(environ)
    assert "https://123-abc-456.mktorest.com" == environ["MARKETO_BASE_URL"]


@pytest.mark.usefixtures("clone")
def test_a_configuration_that_cannot_be_read_is_wrong_use() -> None:
    """A missing `MARKETO_CONFIG` stops a command before it begins, with what to do."""
    with pytest.raises(WrongUse, match="Correct the path or the file"):
        enter({"MARKETO_CONFIG": "no-such-file.toml"})


@pytest.mark.parametrize(
    ("base_url", "is_local"),
    [
        ("http://127.0.0.1:8600", True),
        ("http://localhost:8600", True),
        ("http://[::1]:8600", True),
        ("https://123-abc-456.mktorest.com", False),
    ],
    ids=["IPv4", "name", "IPv6", "Marketo"],
)
def test_an_address_says_whether_it_is_a_sandbox(base_url: str, is_local: bool) -> None:
    """Only an address of this machine can be a sandbox."""
    assert is_local == is_on_this_machine(base_url)
