"""The page on running for good: its units are valid, its commands do what it says."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance
from dagster._core.definitions.run_request import InstigatorType

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road, local_road
from marketo_assets_tests.unit.cli.checkout import ROOT

PAGE = (ROOT / "marketo_assets" / "docs" / "running.md").read_text("utf-8")
SCRIPTS = Path(sys.executable).parent
BASH = shutil.which("bash") or "bash"
MONTHS = ("2026-06", "2026-07", "2026-08")


def block(first_line: str, kind: str = "sh") -> str:
    """Return the block of the page that begins with this line."""
    found = [text for text in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) if text.startswith(first_line)]
    assert 1 == len(found), first_line
    return str(found[0])


def run(script: str, folder: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """Return what a block of the page did where *folder* holds `data` and backups, with some words *changed*."""
    places = {
        ".venv/bin/": f"{SCRIPTS}/",
        "/srv/marketo-assets": str(folder),
        "/srv/marketo-shared": f"{folder}/shared",
        "/var/lib/marketo-assets": str(folder),
        "/var/backups/marketo-assets": f"{folder.parent}/backups",
    }
    for before, after in (changed | places).items():
        script = script.replace(before, after)
    return subprocess.run(
        [BASH, "-euo", "pipefail", "-c", script],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def change(road: Road) -> None:
    first, second, *_ = sorted(lead["id"] for lead in road.desk("GET", "/leads")["leads"])
    road.desk("POST", "/changes", changes=[{"edit": first, "values": {"firstName": "Late"}}, {"delete": second}])
    road.settings.clock.sleep(3_600)


@pytest.mark.parametrize("unit", ["marketo-daemon", "marketo-webserver"])
def test_units_are_valid(tmp_path: Path, unit: str) -> None:
    """systemd finds nothing to say about a unit, and its command is one that this environment has."""
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("systemd-analyze is not on this machine")
    (text,) = re.findall(rf"`/etc/systemd/system/{unit}\.service`:\n\n```ini\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / f"{unit}.service"
    path.write_text(text.replace("/srv/marketo-assets/.venv/bin/", f"{SCRIPTS}/"))
    checked = subprocess.run(
        [checker, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "") == (checked.returncode, checked.stderr)


def test_a_backup_is_restored_and_goes_on(tmp_path: Path) -> None:
    """Commands of the page back a warehouse up while it is in use; in an empty folder it goes on and misses nothing."""
    old, new, kept = tmp_path / "old", tmp_path / "new", tmp_path / "backups" / "2026-03-01"
    with local_road(old / "data") as road:
        road.capture()
        road.travel(*MONTHS)
        done = run(block("# backup"), old, **{"$(date -u +%F)": kept.name})
        assert (0, "") == (done.returncode, done.stderr)
        assert "count_star()" in done.stdout
        assert {"marketo.duckdb", "ledger.sqlite", "instance", "export_jobs.jsonl"} == {p.name for p in kept.iterdir()}
        assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()}

        change(road)
        road.capture()
        change(road)
        shutil.rmtree(old)
        done = run(block("# restore"), new)
        assert (0, "") == (done.returncode, done.stderr)
        exports, moved = road.exports("created"), road.with_settings(data_dir=new / "data")
        moved.publish()
        assert moved.differences()
        moved.capture()
        moved.publish()

        assert [] == moved.differences()
        assert exports == moved.exports("created")


def test_a_folder_that_was_moved_goes_on(make_road: MakeRoad, tmp_path: Path) -> None:
    """Nothing in the data folder names where it lies: moved, it is read, loaded again and captured into as before."""
    road = make_road()
    road.travel(*MONTHS)
    exports = road.exports("created")
    road.settings.data_dir.rename(tmp_path / "elsewhere")
    moved = road.with_settings(data_dir=tmp_path / "elsewhere")
    assert [] == moved.differences()

    change(moved)
    moved.load(MONTHS[0])
    moved.capture()
    moved.publish()
    assert [] == moved.differences()
    assert exports == moved.exports("created")


def test_what_is_handed_out_is_a_whole_release(make_road: MakeRoad, tmp_path: Path) -> None:
    """The command for people who read leaves a copy of the newest release with the mode that it says."""
    road = make_road(leads=20)
    road.travel(*MONTHS)
    (tmp_path / "shared").mkdir()
    for _ in range(2):
        done = run(block("# hand out"), tmp_path, **{"marketo-readers": str(os.getgid())})
        assert (0, "") == (done.returncode, done.stderr)

    (copy,) = (tmp_path / "shared").iterdir()
    assert ("marketo.duckdb", 0o640) == (copy.name, stat.S_IMODE(copy.stat().st_mode))
    assert road.warehouse.published_path.read_bytes() == copy.read_bytes()


def test_the_freshness_check_tells_late_from_fresh(make_road: MakeRoad, tmp_path: Path) -> None:
    """It ends with 1 where changes were last read three hours ago, or never, and with 0 where it was one."""
    road = make_road(leads=5, months=1)
    road.travel("2026-08")
    codes = []
    for hours in (3, 1):
        with road.warehouse.transaction() as con:
            con.execute(f"UPDATE meta.watermarks SET watermark = now() - INTERVAL {hours} HOUR")
        road.publish()
        codes.append(run(block("# freshness"), tmp_path).returncode)
    with road.warehouse.transaction() as con:
        con.execute("DELETE FROM meta.watermarks")
    road.publish()

    assert [1, 0, 1] == [*codes, run(block("# freshness"), tmp_path).returncode]


def test_ticks_are_thinned_out(tmp_path: Path) -> None:
    """Dagster takes the retention of the page beside what the clone's dagster.yaml says."""
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text("utf-8")) | yaml.safe_load(block("retention", "yaml"))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings).replace(".dagster", str(tmp_path / ".dagster")))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        found = instance.get_tick_retention_settings(InstigatorType.SENSOR)
    assert {"SKIPPED": 7, "FAILURE": 90, "SUCCESS": 90} == {
        status.value: days for status, days in found.items() if status.value in ("SKIPPED", "FAILURE", "SUCCESS")
    }
