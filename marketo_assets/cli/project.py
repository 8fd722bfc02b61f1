"""Where a command works: in the checkout, whose `dagster.yaml` keeps the history and whose `data` keeps the leads."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from marketo_assets.cli.endings import WrongUse
from marketo_assets.settings import SettingsError, read_data_dir, read_variables

_WORKSPACE = "workspace.yaml"


@dataclass(frozen=True)
class Project:
    """The folders that a command works with, both absolute."""

    root: Path
    data_dir: Path


def find_root(start: Path) -> Path | None:
    """Return the checkout around *start*, else the one this package runs from, or None."""
    package = Path(__file__).parents[2]
    return next((folder for folder in (start, *start.parents, package) if _is_root(folder)), None)


def locate(environ: MutableMapping[str, str]) -> Project:
    """Return the project's folders after adding the checkout's `.env` to *environ*, as `dagster dev` does.

    `MARKETO_DATA_DIR` counts from where the command is called; the default is `data` in the checkout.

    Raises: SettingsError when `MARKETO_CONFIG` cannot be read.
    """
    start = Path.cwd()
    root = find_root(start) or start
    _read_env_file(root / ".env", environ)
    values = read_variables(environ)
    return Project(root, read_data_dir(values) if "data_dir" in values else root / "data")


def enter(environ: MutableMapping[str, str]) -> Project:
    """Return the project's folders, with this process standing in the checkout and *environ* naming what it names.

    Raises: WrongUse when there is no checkout, or a setting cannot be read.
    """
    try:
        project = locate(environ)
    except SettingsError as error:
        raise WrongUse(str(error)) from error
    if not _is_root(project.root):
        raise WrongUse(
            f"There is no {_WORKSPACE} of this project here or above. Change into your clone of the repository first."
        )
    os.chdir(project.root)
    environ["MARKETO_DATA_DIR"] = str(project.data_dir)
    return project


def find_data_dir() -> Path:
    """Return the data folder that a command called here would use; the environment stays as it is. For notebooks.

    Raises: SettingsError when `MARKETO_CONFIG` cannot be read.
    """
    return locate(dict(os.environ)).data_dir


def shown(path: Path) -> str:
    """Return *path* as a person in the present folder would write it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def is_on_this_machine(base_url: str) -> bool:
    """Say whether *base_url* names a sandbox here rather than an instance of Marketo's."""
    return urlsplit(base_url).hostname in ("localhost", "127.0.0.1", "::1")


def _is_root(folder: Path) -> bool:
    try:
        return "marketo_assets.definitions" in (folder / _WORKSPACE).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _read_env_file(path: Path, environ: MutableMapping[str, str]) -> None:
    if path.exists():
        from dotenv import dotenv_values

        environ.update({name: text for name, text in dotenv_values(path).items() if text is not None})
