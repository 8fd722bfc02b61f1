"""What a poll of 1,000 changed leads costs in a small and in a big warehouse, and whether readers feel the changes.

`python -m marketo_assets_tests.benchmarks.changes_at_scale [--rounds 5] [--small 100000] [--large 5000000]`

Polls go through `capture_lead_changes` against a sandbox in this process; what is compared is the time in which the
warehouse is open: opening, looking up, committing and closing it. Ratios are those of one round, in turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from marketo_assets.load.columns import quoted
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.road import NOW, Road, local_road, months_until

MONTHS = 3
MONTHS_MADE = 60
FIRST_MADE_ID, FIRST_MADE_LOAD = 10_000_000, 1_000
GROUPED = ("company", "country", "isPartner")
"""Columns of few values, of which counts are asked."""


@dataclass
class Timed(Warehouse):
    """A warehouse that knows for how long it was open."""

    seconds: float = field(default=0.0)

    @contextmanager
    def transaction(self) -> Iterator[DuckDBConnection]:
        began = time.monotonic()
        with super().transaction() as con:
            yield con
        self.seconds += time.monotonic() - began


@dataclass
class Scale:
    """One warehouse of a size, with the instance whose changes it takes."""

    leads: int
    road: Road
    warehouse: Timed
    ids: list[int]

    def poll(self, number: int) -> float:
        """Return the seconds in which the warehouse was open while every lead of the instance was read again."""
        for first in range(0, len(self.ids), 300):
            edits = [
                {"edit": lead_id, "values": {"firstName": f"Name {number}", "leadScore": number}}
                for lead_id in self.ids[first : first + 300]
            ]
            self.road.desk("POST", "/changes", changes=edits)
        self.road.settings.clock.sleep(60)
        self.warehouse.seconds = 0.0
        found = self.road.capture()
        assert found.leads_read == len(self.ids), found
        return self.warehouse.seconds

    def publish(self) -> float:
        """Return the seconds of a release: compaction, audits, copy."""
        began = time.monotonic()
        self.road.publish()
        return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--changed", type=int, default=1_000)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=5_000_000)
    asked = parser.parse_args()
    with ExitStack() as stack:
        small, large = (stack.enter_context(warehouse_of(leads, asked.changed)) for leads in (asked.small, asked.large))
        polls: list[float] = []
        for number in range(1, asked.rounds + 1):
            applied = [scale.poll(number) for scale in (small, large)]
            released = [scale.publish() for scale in (small, large)]
            polls.append(applied[1] / applied[0])
            print(
                f"round {number}: {asked.changed:,} changed leads applied at {small.leads:,} leads {applied[0]:.2f} s, "
                f"at {large.leads:,} {applied[1]:.2f} s = {polls[-1]:.2f}; publish {released[0]:.2f} s and "
                f"{released[1]:.2f} s"
            )
        print(f"median ratio of applying {statistics.median(polls):.2f} (bar: 1.5)")
        compare_reading(large, asked.rounds)


@contextmanager
def warehouse_of(leads: int, changed: int) -> Iterator[Scale]:
    """Give a warehouse of so many leads, among which those of an instance are spread."""
    with (
        tempfile.TemporaryDirectory() as folder,
        local_road(Path(folder) / "data", leads=changed, months=MONTHS, fields=60) as road,
    ):
        for month in months_until(NOW, MONTHS):
            road.land(month)
            road.load(month)
        road.kept = warehouse = Timed(road.settings.data_dir)
        with road.warehouse.held() as con:
            ids = [row[0] for row in con.execute("SELECT id FROM main.leads ORDER BY id").fetchall()]
            multiply(con, leads)
        scale = Scale(leads, road, warehouse, ids)
        scale.poll(0)  # the first release and the first poll are like no other
        scale.publish()
        yield scale


def multiply(con: DuckDBConnection, leads: int) -> None:
    """Leave *leads* rows, made of those that are there, which lie spread among them; texts of many values differ."""
    columns = dict(
        con.execute("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'leads'").fetchall()
    )
    texts = [name for name, kind in columns.items() if kind == "VARCHAR" and name not in OWN_COLUMNS]
    counted = ", ".join(f"count(DISTINCT {quoted(name)})" for name in texts)
    counts = con.execute(f"SELECT {counted} FROM main.leads").fetchone() or ()
    many = [name for name, count in zip(texts, counts, strict=True) if count > 200]
    con.execute("BEGIN")
    con.execute("CREATE TEMP TABLE made AS SELECT *, row_number() OVER () - 1 AS nth FROM main.leads")
    (real,) = con.execute("SELECT count(*) FROM made").fetchone() or (0,)
    con.execute("DELETE FROM main.leads")
    is_real = f"i // {real} = (nth * 7919) % {leads // real}"
    replaced = {
        "id": f"{FIRST_MADE_ID} + i",
        "_load_id": f"{FIRST_MADE_LOAD} + i * {MONTHS_MADE} // {leads}",
        "_partition": f"strftime(DATE '2019-01-01' + to_months((i * {MONTHS_MADE} // {leads})::INT), '%Y-%m')",
        **{name: f"{quoted(name)} || ' ' || i" for name in many},
    }
    listed = ", ".join(f"if({is_real}, {quoted(name)}, {value}) AS {quoted(name)}" for name, value in replaced.items())
    con.execute(
        f"INSERT INTO main.leads BY NAME SELECT * EXCLUDE (nth, i) REPLACE ({listed}) "
        f"FROM range({leads}) AS t(i) JOIN made ON nth = i % {real}"
    )
    con.execute(
        "INSERT INTO meta.loads BY NAME SELECT _load_id AS load_id, 'raw.lead_snapshots' AS table_name, "
        "_partition AS partition, count(*) AS rows FROM main.leads "
        f"WHERE _load_id >= {FIRST_MADE_LOAD} GROUP BY ALL"
    )
    con.execute("DROP TABLE made")
    con.execute("COMMIT")


def compare_reading(scale: Scale, rounds: int) -> None:
    """Print what counts of released leads take, against a plain table of the same rows in the same file.

    Once as the polls left it, and once where a hundredth of all leads has changed since, which leaves a gap in every
    stretch of rows that DuckDB reads at once.
    """
    with scale.road.warehouse.held() as con:
        con.execute("CREATE TABLE main.plain AS FROM main.leads")
    scale.publish()
    _compare(scale, "as polled", rounds)
    with scale.road.warehouse.held() as con:
        con.execute("CREATE TEMP TABLE changed AS FROM main.leads USING SAMPLE 1% (bernoulli)")
        con.execute("DELETE FROM main.leads WHERE id IN (SELECT id FROM changed)")
        con.execute("INSERT INTO main.leads FROM changed")
    scale.road.settings.clock.sleep(scale.road.settings.poll_seconds)
    print(f"release that closes the gaps: {scale.publish():.1f} s, the one after it {scale.publish():.1f} s")
    _compare(scale, "after 1% changed", rounds)


def _compare(scale: Scale, when: str, rounds: int) -> None:
    asked = {"count(*)": "SELECT count(*) FROM main.{}"}
    asked |= {f"count by {name}": f"SELECT {quoted(name)}, count(*) FROM main.{{}} GROUP BY ALL" for name in GROUPED}
    with duckdb.connect(str(scale.road.warehouse.published_path.resolve()), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        for words, query in asked.items():
            times = [[_seconds(con, query.format(table)) for table in ("leads", "plain")] for _ in range(10 * rounds)]
            ours, plain = (statistics.median(column) for column in zip(*times, strict=True))
            told = f"{1000 * ours:.2f} ms, a plain table {1000 * plain:.2f} ms"
            print(f"{when}, {words}: {told} = {ours / plain:.2f} (bar: 1.3)")


def _seconds(con: DuckDBConnection, query: str) -> float:
    began = time.perf_counter()
    con.execute(query).fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
