"""The whole project from an empty folder: `demo` and then `dev`, as processes, in a folder like a fresh clone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from marketo_assets.cli.sandbox_record import World, claim
from marketo_assets.warehouse import connect_readonly
from marketo_assets_tests.pipeline.processes import ended
from marketo_assets_tests.unit.cli.checkout import MODULE, ROOT, call, make_checkout, quiet_environment

SMALL = ["--leads", "300", "--months", "3"]
LEFT = [".dagster", "dagster.yaml", "data", "workspace.yaml"]
PATIENCE_SECONDS = 90.0
_HISTORY = """{
  assetNodes(assetKeys: [{path: ["marketo", "raw", "lead_snapshots"]}]) { partitionStats { numMaterialized } }
  runsOrError(filter: {pipelineName: "lead_snapshots"}) { ... on Runs { results { status } } }
}"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a fresh clone, in which `demo` was called."""
    return make_checkout(tmp_path_factory.mktemp("fresh") / "clone")


@pytest.fixture(scope="module")
def demo(clone: Path) -> subprocess.CompletedProcess[str]:
    """What a small demo in the fresh clone did and said."""
    return call(clone, "demo", *SMALL)


@contextmanager
def calling(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Yield the command line at work in *folder*; it has ended when this returns."""
    with (
        subprocess.Popen(
            [sys.executable, *MODULE, *arguments],
            cwd=folder,
            env=quiet_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
        ended(process, PATIENCE_SECONDS),
    ):
        yield process


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return everything said up to the line with *pattern*."""
    said = ""
    while line := (process.stdout.readline() if process.stdout else ""):
        said += line
        if re.search(pattern, line):
            return said
    raise AssertionError(f"ended before it said {pattern!r}: {said}")


def address(pattern: str, said: str) -> str:
    found = re.search(pattern + r" (http://127\.0\.0\.1:\d+)", said)
    assert found, said
    return found[1]


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/sandbox/time", timeout=10).status_code < 500
    except httpx.TransportError:
        return False


def test_it_ends_well_and_leaves_no_sandbox(demo: subprocess.CompletedProcess[str]) -> None:
    """One command ends with exit code 0, nothing on standard error, and no process behind it."""
    assert (0, "") == (demo.returncode, demo.stderr), demo.stdout
    assert not answers(address("listens on", demo.stdout))


def test_it_shows_the_tables_with_their_rows(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """The numbers that it ends with are those of the published file; two of 300 leads went on the way."""
    shown = dict(re.findall(r"^  marketo\.(\S+) +([\d,]+)$", demo.stdout, re.MULTILINE))
    with connect_readonly(clone / "data" / "marketo.duckdb") as con:
        counted = {
            name: f"{con.execute(f'SELECT count(*) FROM {name}').fetchone()[0]:,}"  # type: ignore[index]
            for name in shown
        }
    assert counted == shown
    assert ("298", "2", "300") == (shown["leads"], shown["deleted_leads"], shown["raw.lead_snapshots"])
    assert not {"activities", "programs", "program_members", "raw.lead_changes"} - {
        name for name, count in shown.items() if count != "0"
    }


def test_changes_are_there_after_they_were_captured(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """The values that it shows as changed are what a reader finds; the deleted and the merged lead are gone."""
    changes = re.findall(r"^ +(\d+) +\S.* -> +(\S+)$", demo.stdout, re.MULTILINE)
    with connect_readonly(clone / "data" / "marketo.duckdb") as con:
        scores = dict(con.execute("SELECT id, leadScore::VARCHAR FROM leads").fetchall())
        gone = dict(
            con.execute(
                "SELECT id, CASE WHEN merged_into_id IS NULL THEN 'deleted' ELSE 'merged' END FROM deleted_leads"
            ).fetchall()
        )
        told = con.execute("SELECT count(DISTINCT lead_id) FROM lead_history WHERE field = 'leadScore'").fetchone()
    assert ["deleted", "merged"] == [now for _, now in changes[3:]]
    assert changes == [(lead, (scores | gone)[int(lead)]) for lead, _ in changes]
    assert told
    assert told[0] >= 3


def test_every_query_to_try_works(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """The three commands that it suggests can be pasted into a shell as they are."""
    commands = re.findall(r"^  (\S*python -c .+)$", demo.stdout, re.MULTILINE)
    assert 3 == len(commands)
    for command in commands:
        answer = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=clone,
            env=quiet_environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (0, b"") == (answer.returncode, answer.stderr), command
        assert answer.stdout


def test_the_readme_tells_the_tables(demo: subprocess.CompletedProcess[str]) -> None:
    """The README names every table of the published file, and lists none that is not there."""
    shown = re.findall(r"^  marketo\.(\S+) +[\d,]+$", demo.stdout, re.MULTILINE)
    section = (ROOT / "README.md").read_text("utf-8").partition("## What is in")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(?:marketo\.)?([a-z_.]+)`", section))
    listed = re.findall(r"^\| `(?:marketo\.)?([\w.]+)`", section, re.MULTILINE)
    assert not set(shown) - told
    assert not set(listed) - set(shown)


def test_the_readmes_query_works(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """The query of the README's first screen reads the demo's leads, called in the clone without any setting."""
    assert 0 == demo.returncode
    query = re.findall(r'python -c "(.+)"', (ROOT / "README.md").read_text("utf-8"))[0]
    answer = subprocess.run(
        [sys.executable, "-c", query], cwd=clone, env=quiet_environment(), capture_output=True, timeout=60, check=False
    )
    assert (0, b"") == (answer.returncode, answer.stderr)
    assert b"298 rows" in answer.stdout


def test_the_history_is_in_the_clone(
    clone: Path, demo: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every month and every published table is materialized in the history that `dagster dev` shows."""
    assert 0 == demo.returncode
    monkeypatch.chdir(clone)
    monkeypatch.setenv("DAGSTER_HOME", str(clone))
    months = re.findall(r"^ *\d+/3  (\d{4}-\d{2}) ", demo.stdout, re.MULTILINE)
    with dg.DagsterInstance.get() as instance:
        assert set(months) == instance.get_materialized_partitions(dg.AssetKey(["marketo", "raw", "lead_snapshots"]))
        shown = ("leads", "deleted_leads", "programs", "program_members", "activity_types", "activities_with_leads")
        keys = [dg.AssetKey(["marketo", name]) for name in shown]
        assert all(instance.get_latest_materialization_event(key) for key in keys)
        assert {dg.DagsterRunStatus.SUCCESS} == {run.status for run in instance.get_runs()}


def test_nothing_else_is_left_in_the_clone(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """Beside the two configuration files there are the history and the data, which git ignores, and only for us."""
    assert 0 == demo.returncode
    assert LEFT == sorted(path.name for path in clone.iterdir())
    assert 0o700 == (clone / "data").stat().st_mode & 0o777


def test_interrupted_and_called_again(tmp_path: Path) -> None:
    """Ctrl-C ends the sandbox too and says what to do; the next call goes on, and exports no past month twice."""
    folder = make_checkout(tmp_path / "clone")
    with calling(folder, "demo", *SMALL) as process:
        said = read_until(process, "2/3 ")  # the first is the running month, which is read again
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
        assert 1 == process.returncode, rest
    assert "call `marketo-assets demo` again" in rest
    assert not answers(address("listens on", said))
    again = call(folder, "demo")
    assert (0, "") == (again.returncode, again.stderr), again.stdout
    assert re.search(r"2/3 .* not exported again", again.stdout)
    assert "The sandbox has 298 leads now, and so has marketo.leads." in again.stdout


def test_a_failure_is_told_in_words(tmp_path: Path) -> None:
    """A demo that cannot go on ends with exit code 1, the reason and what to do; no stack trace, and no sandbox."""
    folder = make_checkout(tmp_path / "clone")
    claim(folder / "data", World(leads=30, months=1), begin=datetime.now(UTC))
    (folder / "data" / "work.duckdb").write_bytes(b"no database")
    answer = call(folder, "demo")
    assert 1 == answer.returncode
    assert "work.duckdb is damaged: " in answer.stderr
    assert "with --fresh it begins again" in answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert not answers(address("listens on", answer.stdout))


def test_dev_shows_the_demo(clone: Path, demo: subprocess.CompletedProcess[str]) -> None:
    """`dev` without settings serves the same history beside the same, changed sandbox, and Ctrl-C ends both."""
    assert 0 == demo.returncode
    with calling(clone, "dev") as process:
        said = read_until(process, "Dagster UI")
        ui, sandbox = address("Dagster UI:", said), address("listens on", said)
        live = httpx.get(f"{sandbox}/sandbox/state", timeout=30).json()["leads"]["live"]
        history: dict[str, Any] = httpx.post(f"{ui}/graphql", json={"query": _HISTORY}, timeout=60).json()["data"]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()
        assert 0 == process.returncode, rest
    assert 298 == live
    assert [{"partitionStats": {"numMaterialized": 3}}] == history["assetNodes"]
    assert ["SUCCESS"] * 3 == [run["status"] for run in history["runsOrError"]["results"]]
    assert "Superseded" not in said + rest
    assert [False, False] == [answers(ui), answers(sandbox)]
    assert LEFT == sorted(path.name for path in clone.iterdir())
