"""Two years of months, with no trouble: everything arrives, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from marketo_assets_tests.pipeline.road import NOW, Recording, Road, local_road, months_until

MONTHS = months_until(NOW, 24)


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with local_road(tmp_path_factory.mktemp("backfill") / "data", leads=800, months=24) as road:
        road.travel(*MONTHS)
        yield road


def test_24_months_arrive_cell_for_cell(backfilled: Road) -> None:
    """After a backfill of 24 months every lead, cell and type is the instance's."""
    assert [] == backfilled.differences()


def test_each_month_costs_one_export(backfilled: Road) -> None:
    """The instance counted one job created, enqueued, completed and fetched for each month, and no more."""
    exports = backfilled.desk("GET", "/counters")["exports"]

    assert [{"created": 1, "enqueued": 1, "completed": 1, "downloads": 1}] * 24 == list(exports.values())


def test_each_month_costs_four_calls_and_its_polls(backfilled: Road) -> None:
    """A month takes 4 calls and its status polls, and two polls of a job lie at least a minute of Marketo's apart."""
    transport = backfilled.transport
    assert isinstance(transport, Recording)
    polls: dict[str, list[float]] = {}
    for asked in transport.calls("/status.json"):
        polls.setdefault(asked.path, []).append(asked.at.timestamp())
    pauses = [later - earlier for moments in polls.values() for earlier, later in pairwise(moments)]

    assert 24 * 4 + sum(map(len, polls.values())) == len(transport.calls())
    assert len(transport.calls()) == backfilled.desk("GET", "/counters")["calls"]
    assert min(pauses) >= 60


def test_the_bookkeeping_tells_what_the_instance_counted(backfilled: Road) -> None:
    """The released meta tables say of every month the job, the bytes and the rows, and of the day the calls."""
    counters = backfilled.desk("GET", "/counters")
    jobs = backfilled.desk("GET", "/jobs")
    sizes = {(job["exportId"], job["fileSize"], job["numberOfRecords"]) for job in jobs}

    assert sizes == set(backfilled.query("SELECT export_id, file_bytes, records FROM meta.loads"))
    assert sizes == set(backfilled.query("SELECT export_id, file_bytes, records FROM meta.export_jobs"))
    assert [(24, 0, 0, 0)] == backfilled.query(
        "SELECT count(*) FILTER (rows = records), sum(duplicates), sum(outside_window), sum(rejected_values) "
        "FROM meta.loads"
    )
    assert sorted(MONTHS) == sorted(
        month for (month,) in backfilled.query("SELECT partition FROM meta.export_jobs WHERE landed_at IS NOT NULL")
    )
    assert [(counters["calls"], counters["bytes_exported"])] == backfilled.query(
        "SELECT sum(calls), sum(export_bytes) FROM meta.api_usage"
    )


def test_every_row_points_at_its_load_and_the_moment_it_was_read(backfilled: Road) -> None:
    """`_load_id` leads to the month's load, and `_as_of` is the start of its export job."""
    strays = backfilled.query(
        "SELECT count(*) FROM main.leads LEFT JOIN meta.loads ON load_id = _load_id "
        "LEFT JOIN meta.export_jobs USING (export_id) "
        "WHERE started_at IS DISTINCT FROM _as_of OR strftime(createdAt, '%Y-%m') IS DISTINCT FROM loads.partition"
    )
    first, last = backfilled.query("SELECT min(_as_of), max(_as_of) FROM main.leads")[0]

    assert [(0,)] == strays
    assert NOW <= first < last <= NOW + timedelta(hours=3)
