"""`notebook`: JupyterLab on copies of the package's notebooks, which are the reader's own from then on.

Why copies: what somebody writes into a notebook must survive an upgrade, and the package stay as it was installed.
Why in the data folder: what a notebook shows is personal data, and that folder is private and in no repository.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from marketo_assets.cli.endings import WrongUse
from marketo_assets.cli.project import enter, shown
from marketo_assets.cli.screen import Screen
from marketo_assets.land.store import write_atomically

PACKAGE_NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
"""The notebooks as they are shipped: without outputs."""
MODULES = ("jupyterlab", "matplotlib", "pandas", "pyarrow")
"""What the extra `notebook` installs and a notebook needs."""
_OURS = "marketo_assets"
_SECRETS = ("MARKETO_CLIENT_ID", "MARKETO_CLIENT_SECRET", "MARKETO_ALERT_WEBHOOK")


def run_notebook(
    port: int | None = None, *, has_browser: bool = True, more: Sequence[str] = (), screen: Screen | None = None
) -> NoReturn:
    """Become a JupyterLab on the notebooks in the data folder, so that signals and exit code are its own.

    *more* are options of JupyterLab.

    Its kernels read the data folder that commands use, and know no secret of the settings.

    **Guarantee:** no notebook that somebody edited is written to. Raises: WrongUse when the extra is missing.
    """
    screen = screen or Screen()
    check_installed()
    project = enter(os.environ)
    folder = project.data_dir / "notebooks"
    for line in place_notebooks(folder):
        screen.say(line)
    if not (project.data_dir / "marketo.duckdb").exists():
        screen.say(
            "Nothing is published yet: run `marketo-assets demo`, or materialize a month, and run a notebook then."
        )
    screen.say(f"JupyterLab on {shown(folder)}; Ctrl-C ends it. Begin with first_look.ipynb.", style="bold")
    forget_secrets(os.environ)
    options = [f"--ServerApp.root_dir={folder}", *([f"--port={port}"] if port else [])]
    options += [*([] if has_browser else ["--no-browser"]), *more]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *options])  # noqa: S606 - no shell is wanted


def check_installed(modules: tuple[str, ...] = MODULES) -> None:
    """Raise WrongUse naming what is missing of *modules*, and how it is installed."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise WrongUse(
            f"Notebooks need {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f"Run in your clone: {shown(Path(sys.executable))} -m pip install -e '.[notebook]'"
        )


def place_notebooks(folder: Path, source: Path = PACKAGE_NOTEBOOKS) -> Iterator[str]:
    """Leave a copy of each notebook of *source* in *folder* that is as new, and yield what there is to say of it.

    A copy whose cells nobody changed gives way to a newer one. An edited one stays, and the newer one is laid beside
    it under the next free number. A copy that was removed comes again.
    """
    for folder_above in (folder.parent, folder):
        folder_above.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in sorted(source.glob("*.ipynb")):
        shipped = json.loads(path.read_text("utf-8"))
        name, said = _place(folder, path.stem, shipped)
        if said:
            yield f"{name}: {said}"


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Leave in *environ* no credential: a notebook asks Marketo nothing, and shows whatever its reader prints."""
    for name in _SECRETS:
        environ.pop(name, None)


def _place(folder: Path, stem: str, shipped: dict[str, Any]) -> tuple[str, str]:
    digest, is_first = _digest(shipped), True
    for name in _names(stem):
        target = folder / name
        held = _read(target)
        if held is not None and held.get("copied") == digest:
            return name, ""
        if held is None or held["copied"] == held["digest"]:
            shipped["metadata"][_OURS] = digest  # an editor keeps what it does not know in there
            write_atomically(target, (json.dumps(shipped, indent=1, ensure_ascii=False) + "\n").encode())
            if held is not None:
                return name, "a newer one is here; nobody had edited the old one."
            return name, "copied." if is_first else "a newer one; yours stays beside it, as you left it."
        is_first = False
    raise AssertionError("names never end")


def _names(stem: str) -> Iterator[str]:
    yield f"{stem}.ipynb"
    yield from (f"{stem}-{number}.ipynb" for number in count(2))


def _read(path: Path) -> dict[str, str | None] | None:
    """Return what a copy was made of, and what its cells are now; None where there is none."""
    try:
        notebook = json.loads(path.read_text("utf-8"))
        return {"copied": notebook["metadata"].get(_OURS), "digest": _digest(notebook)}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"copied": None, "digest": ""}  # whatever it is, it is somebody's


def _digest(notebook: dict[str, Any]) -> str:
    # Running a notebook changes outputs and counts, and an editor may split lines elsewhere: neither is an edit.
    cells = [[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()[:16]
