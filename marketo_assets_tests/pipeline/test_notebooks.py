"""The notebooks of the package: they run top to bottom while runs write, and hold nothing but text."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest

from marketo_assets.cli.notebook import PACKAGE_NOTEBOOKS
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.processes import PATIENCE_SECONDS
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.small_world import OPTIONS, copy_world
from marketo_assets_tests.unit.cli.checkout import ROOT

NOTEBOOKS = sorted(PACKAGE_NOTEBOOKS.glob("*.ipynb"))
MOST_SECONDS = 60.0
"""Of one processor, for all notebooks together, kernels and their imports included: other tests run beside them."""


def run(folder: Path, *paths: Path) -> tuple[list[str], dict[str, list[Any]]]:
    """Return what stopped the notebooks at *paths*, run in *folder*, and the cells of each as they are afterwards."""
    folder.mkdir()
    command = [sys.executable, "-m", "marketo_assets_tests.pipeline.notebooks", str(folder), *map(str, paths)]
    # Neither another kernel nor the startup files of whoever runs the tests.
    ours = {"JUPYTER_DATA_DIR": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **ours},
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout), {path.name: cells(folder / path.name) for path in paths}


def processor_seconds() -> float:
    """Return what the processes that this one has seen end have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cells(path: Path) -> list[Any]:
    return list(json.loads(path.read_text("utf-8"))["cells"])


@contextmanager
def releasing(road: Road) -> Iterator[list[int]]:
    """Load a month again and make a release, over and over, while the block runs; gives the numbers of the releases."""
    is_over, numbers = threading.Event(), list[int]()

    def work() -> None:
        while not is_over.is_set():
            road.load("2026-08")
            release = road.publish()
            numbers.append(release.number if release else 0)
            is_over.wait(0.5)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield numbers
    finally:
        is_over.set()
        worker.join()


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_every_notebook_runs_while_runs_write(make_road: MakeRoad, tmp_path: Path) -> None:
    """Within a minute all run from the first cell to the last, say nothing on stderr, and show plots and tables."""
    road = make_road(**OPTIONS)
    copy_world(road)
    began, spent = time.monotonic(), processor_seconds()
    with releasing(road) as releases:
        stopped, ran = run(tmp_path / "ran", *NOTEBOOKS)
    seconds = processor_seconds() - spent
    print(
        f"{len(ran)} notebooks in {time.monotonic() - began:.1f} s, {seconds:.1f} s of a processor, "
        f"beside {len(releases)} releases"
    )

    assert [] == stopped
    assert seconds < MOST_SECONDS
    assert len(releases) > 3
    for name, ran_cells in ran.items():
        found = [output for cell in ran_cells for output in cell.get("outputs", [])]
        assert [] == [output["text"] for output in found if output["output_type"] == "stream"], name
        data = [output["data"] for output in found if "data" in output]
        assert 2 <= sum("image/png" in shown for shown in data), name
        assert 2 <= sum("text/html" in shown for shown in data), name
        assert [] == empty_tables(data), name


def empty_tables(data: list[Any]) -> list[str]:
    """Return the tables without a row, but for those that tell of trouble, of which this world has none."""
    texts = ["".join(shown.get("text/plain", "")) for shown in data]
    empty = [text for text in texts if re.match(r"shape: \(0,|Empty DataFrame", text)]
    return [text for text in empty if not re.search("gap_from|rejected", text)]


def test_a_table_or_column_that_is_gone_is_noticed(make_road: MakeRoad, tmp_path: Path) -> None:
    """A notebook that asks for something that is not there stops, and the sentence names it."""
    road = make_road(leads=5, months=1)
    road.travel("2026-08")
    stale = json.loads((PACKAGE_NOTEBOOKS / "first_look.ipynb").read_text("utf-8").replace("_as_of", "_read_at"))
    (tmp_path / "stale.ipynb").write_text(json.dumps(stale))
    stopped, _ = run(tmp_path / "ran", tmp_path / "stale.ipynb")

    assert 1 == len(stopped)
    assert '"_read_at" not found' in stopped[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestText:
    """What lies in the repository."""

    def test_it_is_whole_and_without_outputs(self, path: Path) -> None:
        """Notebooks are valid, begin with their title, and hold neither outputs nor what an editor adds to them."""
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)

        assert [] == [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]
        assert {"kernelspec", "language_info"} == set(notebook.metadata)
        assert notebook.cells[0].source.startswith("# ")
        assert {"markdown", "code"} == {cell.cell_type for cell in notebook.cells}

    def test_it_shows_no_person_and_no_machine(self, path: Path) -> None:
        """No address, number of a lead, folder or host stands in the text."""
        text = path.read_text("utf-8")
        assert [] == re.findall(
            r"[\w.]+@[\w.]+|\b\d{4,}\b(?<!10000)|/home/|/tmp/|https?://", text.replace("10,000", "")
        )

    def test_its_queries_can_be_taken_along(self, path: Path) -> None:
        """Queries are whole texts, without anything put in by Python, and the file is opened read-only."""
        text = "\n".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code")
        assert [] == re.findall(r"\.sql\(\s*+(?!\")", text)
        assert "connect_readonly(" in text
        assert [] == re.findall(r"\.execute\(|\.connect\((?!\"marketo\.duckdb\", read_only=True)", text)


def test_polars_and_pandas_are_both_shown() -> None:
    """A reader of either finds how results get there."""
    text = "".join(path.read_text("utf-8") for path in NOTEBOOKS)
    assert {True} == {".pl()" in text, ".df()" in text}
    assert len(NOTEBOOKS) >= 4
