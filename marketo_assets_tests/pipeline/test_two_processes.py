"""Two runs at once, each a process: one export of a month however many want it, and all months arrive."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from marketo_assets.warehouse import WarehouseError
from marketo_assets_tests.pipeline.processes import PATIENCE_SECONDS, child, stopped, wait_until
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
Runs = list[tuple[str, ...]]


def run_at_once(environment: dict[str, str], runs: Runs) -> list[tuple[int, str]]:
    """Return exit code and stderr of children that ran at the same time."""
    with ExitStack() as stack:
        children = [stack.enter_context(child(environment, *arguments)) for arguments in runs]
        told = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in children]
        return [(process.returncode, text) for process, text in zip(children, told, strict=True)]


def test_both_export_the_same_month(environment: dict[str, str], far_road: Road) -> None:
    """Two processes that want the same month end with one export between them, and both succeed."""
    far_road.desk("PATCH", "/switches", export_seconds=600.0)
    ended = run_at_once(environment, [("2026-07",), ("2026-07",)])

    assert [0, 0] == [code for code, _ in ended], ended
    assert (1, 1, 1) == tuple(far_road.exports(what) for what in ("created", "completed", "downloads"))
    assert 1 == sum("another process is exporting this month" in told for _, told in ended)
    far_road.desk("PATCH", "/switches", export_seconds=90.0)
    far_road.travel("2026-06", "2026-08")
    assert [] == far_road.differences()


def test_each_runs_another_month(environment: dict[str, str], far_road: Road) -> None:
    """Processes that run different months at once all arrive, and each month was exported once."""
    ended = run_at_once(environment, [(month,) for month in MONTHS])

    assert [0, 0, 0] == [code for code, _ in ended], ended
    assert [] == far_road.differences()
    assert (3, 3) == (far_road.exports("created"), far_road.exports("completed"))
    assert far_road.desk("GET", "/counters")["most_calls_at_once"] <= 5


def test_both_run_all_months_in_opposite_order(environment: dict[str, str], far_road: Road) -> None:
    """Two processes that run the same months in opposite order meet in the middle, and pay once."""
    ended = run_at_once(environment, [MONTHS[:2], MONTHS[1::-1]])

    assert [0, 0] == [code for code, _ in ended], ended
    assert (2, 2) == (far_road.exports("created"), far_road.exports("completed"))
    far_road.travel(MONTHS[2])
    assert [] == far_road.differences()


def test_one_waits_while_the_other_is_in_its_transaction(environment: dict[str, str], far_road: Road) -> None:
    """A process that wants to write while another one does waits, and goes on when that one is gone."""
    far_road.land("2026-07")
    with stopped(environment, "2026-06", "--stop", "inside the transaction") as first:
        calls = far_road.desk("GET", "/counters")["calls"]
        with child(environment, "2026-07"):
            # Its one call says that the file on disk is the one to load; from there it is milliseconds to the lock.
            wait_until(lambda: far_road.desk("GET", "/counters")["calls"] > calls)
            assert not far_road.warehouse.published_path.exists()
            first.kill()
            wait_until(far_road.warehouse.published_path.exists)

    assert [("2026-07",)] == far_road.query("SELECT DISTINCT _partition FROM raw.lead_snapshots")


def test_somebody_has_opened_the_pipelines_own_file(far_road: Road) -> None:
    """With work.duckdb open in another program a run says to close it there; afterwards it goes on at no cost."""
    far_road.travel("2026-06")
    with child({}, "hold", str(far_road.warehouse.work_path), module="reader") as reader:
        assert reader.stdout is not None
        assert "reading\n" == reader.stdout.readline()
        with pytest.raises(WarehouseError, match="cannot be opened; if another program has it open"):
            far_road.travel("2026-07")
    far_road.travel("2026-07", "2026-08")

    assert [] == far_road.differences()
    assert 3 == far_road.exports("created")
