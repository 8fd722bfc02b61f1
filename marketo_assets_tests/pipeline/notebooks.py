"""Runs notebooks in a process of its own: `notebooks FOLDER NOTEBOOK …` leaves them in FOLDER as they are after it.

Why a process: kernels leave sockets and event loops behind, which tests must not inherit. What stopped a notebook is
printed as JSON, a sentence for each; an empty list is a success.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_SECONDS = 60


def run(path: Path, folder: Path) -> str:
    """Leave the notebook at *path* in *folder* as it is after a run there; return what stopped it, or nothing."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    stopped = ""
    try:
        client.execute()
    except CellExecutionError as error:
        stopped = f"{path.name}: {error.ename}: {error.evalue}"
    nbformat.write(notebook, folder / path.name)
    return stopped


def main() -> int:
    folder, *paths = (Path(argument) for argument in sys.argv[1:])
    stopped = [said for path in paths if (said := run(path, folder))]
    sys.stdout.write(json.dumps(stopped))
    return 0


if __name__ == "__main__":
    sys.exit(main())
