"""What a million leads looked like: every column of `leads_as_of(ts)` into a table, beside the same of `leads`.

`python -m marketo_assets_tests.benchmarks.leads_as_of [--leads 1000000] [--changes 5000000] [--rounds 3]`
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from marketo_assets.load.columns import quoted
from marketo_assets.load.compaction import compact
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_versions import SHOWN, fit_lead_tables
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.handmade import STAMPS, lead_fields

BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
KINDS = {"string": 30, "integer": 8, "score": 4, "boolean": 6, "currency": 4, "datetime": 6}
"""How many fields there are of each type; of every type a third and at least one changes."""
FIELDS = {f"{kind}{number}": kind for kind, count in KINDS.items() for number in range(count)}
CHANGING = {name: kind for name, kind in FIELDS.items() if int(name[len(kind) :]) < max(1, KINDS[kind] // 3)}
MOMENTS = ("2026-07-01 00:00:01", "2026-07-15 00:00:00", "2026-07-30 00:00:00")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = _make(Path(folder), asked.leads, asked.changes)
        with duckdb.connect(str(path), read_only=True) as con:
            con.execute("SET threads = 2; SET TimeZone = 'UTC'")
            print(
                f"{asked.leads:,} leads of {len(FIELDS)} fields, {asked.changes:,} changes of {len(CHANGING)} of them"
            )
            for number in range(asked.rounds):
                plain = _timed(con, "main.leads")
                told = [f"{_timed(con, f'''main.leads_as_of(TIMESTAMPTZ '{at}Z')'''):.2f} s" for at in MOMENTS]
                one = _seconds(con, "SELECT * FROM main.lead_history WHERE lead_id = 4711")
                print(
                    f"round {number + 1}: leads {plain:.2f} s; leads_as_of of three moments {', '.join(told)}", end=""
                )
                print(f"; history of one lead {one:.2f} s")
            whole = _seconds(con, "SELECT count(*), count(value) FROM main.lead_history")
            print(f"all of lead_history counted: {whole:.2f} s (bar of leads_as_of: 5 s on two cores)")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _timed(con: DuckDBConnection, table: str) -> float:
    return _seconds(con, f"CREATE OR REPLACE TEMP TABLE found AS SELECT * FROM {table}")


def _seconds(con: DuckDBConnection, query: str) -> float:
    began = time.perf_counter()
    con.execute(query).fetchall()
    return time.perf_counter() - began


def _make(folder: Path, leads: int, changes: int) -> Path:
    warehouse = Warehouse(folder)
    with warehouse.held() as con:
        ensure_tables(con)
        fields = lead_fields(FIELDS)
        registry = register_fields(con, fields, fields, BEGAN)
        fit_lead_tables(con, list(registry.columns.values()))
        values = ", ".join(f"{_value(kind, f'hash(id, {n})')} AS {quoted(name)}" for n, (name, kind) in _rest())
        con.execute(
            f"INSERT INTO {SHOWN} BY NAME SELECT id, TIMESTAMPTZ '2024-01-01' + to_seconds(id * 60) AS createdAt, "
            f"TIMESTAMPTZ '2026-06-01' AS updatedAt, {values}, TIMESTAMPTZ '2026-08-01' AS _as_of, "
            f"'bulk export' AS _source, '2026-07' AS _partition, 1 AS _load_id "
            f"FROM (SELECT range AS id FROM range({leads}))"
        )
        names, kinds = list(CHANGING), list(CHANGING.values())
        texts = [
            "CASE kinds[f] " + " ".join(f"WHEN '{kind}' THEN {_text(kind, f'hash(i, {n})')}" for kind in KINDS) + " END"
            for n in (2, 3)
        ]
        con.execute(
            f"INSERT INTO raw.lead_changes BY NAME SELECT (4000000000 + i)::VARCHAR AS activity_guid, "
            f"(hash(i, 1) % {leads})::BIGINT AS lead_id, names[f] AS field, {texts[0]} AS old_value, "
            f"{texts[1]} AS new_value, TIMESTAMPTZ '2026-07-01' + to_seconds((i * 2592000.0 / {changes})::BIGINT) "
            "AS activity_date, if(kinds[f] = 'score', 22, 13) AS activity_type_id, 'a reason' AS reason, 2 AS _load_id "
            f"FROM (SELECT range AS i, (hash(range, 0) % {len(names)})::INTEGER + 1 AS f, "
            f"{names!r} AS names, {kinds!r} AS kinds FROM range({changes}))"
        )
        # One in fifty is told twice, as Change Score and as Change Data Value.
        con.execute(
            "INSERT INTO raw.lead_changes BY NAME SELECT * REPLACE (activity_guid || '-13' AS activity_guid, "
            "13 AS activity_type_id) FROM raw.lead_changes WHERE activity_type_id = 22 AND hash(activity_guid) % 4 = 0"
        )
        con.execute(
            "INSERT INTO raw.lead_deletions BY NAME SELECT range AS lead_id, TIMESTAMPTZ '2026-07-20' AS deleted_at "
            f"FROM range(0, {leads}, 1000)"
        )
        con.execute("INSERT INTO meta.superseded_rows SELECT lead_id, 1 FROM raw.lead_deletions")
        con.execute(
            "INSERT INTO meta.watermarks BY NAME SELECT 'lead_changes' AS stream, TIMESTAMPTZ '2026-08-01' AS "
            "watermark, TIMESTAMPTZ '2026-07-01' AS covered_from"
        )
    release = warehouse.publish(_prepare)
    return release.path


def _prepare(con: DuckDBConnection) -> None:
    compact(con)
    refresh_models(con)


def _rest() -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate((name, kind) for name, kind in FIELDS.items() if name not in STAMPS))


def _value(kind: str, number: str) -> str:
    return {
        "string": f"'text ' || {number} % 1000",
        "boolean": f"{number} % 2 = 0",
        "currency": f"({number} % 100000 / 100.0)::DECIMAL(18, 4)",
        "datetime": f"TIMESTAMPTZ '2026-01-01' + to_seconds(({number} % 1000000)::BIGINT)",
    }.get(kind, f"({number} % 1000)::BIGINT")


def _text(kind: str, number: str) -> str:
    value = _value(kind, number)
    texts = {"datetime": f"strftime({value}, '%Y-%m-%dT%H:%M:%SZ')", "boolean": f"if({value}, 'true', 'false')"}
    return texts.get(kind, f"({value})::VARCHAR")


if __name__ == "__main__":
    main()
