"""Asset checks: what the load verified before it committed, and what the tables say about every month so far.

Dagster keeps one result per check, not one per partition, so a check on the monthly table speaks of all months: a
month with a fault stays visible until it is repaired, whichever month was loaded last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from marketo_assets.defs.check_results import ERROR, WARN, counted
from marketo_assets.defs.repair_checks import check_repairs, months_repaired
from marketo_assets.defs.table_columns import TableColumn
from marketo_assets.load.columns import TEXT
from marketo_assets.load.current_leads import GONE
from marketo_assets.warehouse import DuckDBConnection

SNAPSHOTS = dg.AssetKey(["marketo", "raw", "lead_snapshots"])
LEADS = dg.AssetKey(["marketo", "leads"])
_SHOWN_MONTHS = 24
_VERSIONS = "SELECT id FROM raw.lead_snapshots UNION ALL SELECT id FROM raw.lead_readings"


@dataclass(frozen=True)
class _Fault:
    """A way in which a month can be wrong: how `meta.loads` shows it, and what to do."""

    name: str
    description: str
    counted: str
    advice: str
    severity: dg.AssetCheckSeverity = WARN


_FAULTS = (
    _Fault(
        "landed_equals_loaded",
        "Of every month: rows in the table + repeated rows of the file = numberOfRecords as Marketo reports it, and no "
        "lead occurs twice. Verified before COMMIT, so a load that loses a row fails and changes nothing.",
        "abs(rows + duplicates - records)",
        "Materialize landing/lead_exports and marketo/raw/lead_snapshots of these months again, with refresh on.",
        ERROR,
    ),
    _Fault(
        "created_inside_month",
        "Of every month: each row's createdAt lies in the partition's month (UTC).",
        "outside_window",
        "Rows are kept. Materialize the months again; if it stays so, ask Marketo support about the export's filter.",
    ),
    _Fault(
        "values_fit_their_type",
        "Of every month: values that do not fit their column's type. The row is loaded without the value, and the "
        "text is kept in meta.rejected_values. Counts the last month's missing texts as well: an export that does not "
        "quote the word null cannot tell it from no value.",
        "rejected_values",
        "Look into meta.rejected_values for field and text, and correct the values in Marketo.",
    ),
)

# Each is three events of every month's run, which are most of what a small month costs: one answer, one check.
SNAPSHOT_CHECKS = tuple(
    dg.AssetCheckSpec(fault.name, asset=SNAPSHOTS, description=fault.description) for fault in _FAULTS
)
LEADS_CHECKS = (
    dg.AssetCheckSpec("unique_ids", asset=LEADS, description="No lead occurs twice in marketo.leads."),
    dg.AssetCheckSpec(
        "has_every_lead",
        asset=LEADS,
        description="Every lead that was ever read, and was not deleted or merged away and is not missing, is in "
        "marketo.leads.",
    ),
    months_repaired(LEADS),
)


def check_snapshots(con: DuckDBConnection, partition: str, columns: list[TableColumn]) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks on `marketo/raw/lead_snapshots`. Costs a scan of one month."""
    landed, inside, values = _FAULTS
    repeated = con.execute(
        "SELECT _partition, count(*) - count(DISTINCT id) AS found FROM raw.lead_snapshots WHERE _partition = ? "
        "GROUP BY ALL HAVING found > 0",
        [partition],
    ).fetchall()
    yield _check_months(con, landed, repeated)
    yield _check_months(con, inside)
    told, counted = _missing_texts(con, partition, columns)
    found = _check_months(con, values)
    yield found._replace(description=f"{found.description} {told}", metadata={**found.metadata, **counted})


def check_leads(con: DuckDBConnection) -> Iterator[dg.AssetCheckResult]:
    """Yield the results of the checks on `marketo/leads`, of the release that *con* reads."""
    rows, ids, expected = _counts(
        con,
        "SELECT (SELECT count(*) FROM main.leads), (SELECT count(DISTINCT id) FROM main.leads), "
        f"(SELECT count(DISTINCT id) FROM ({_VERSIONS}) ANTI JOIN ({GONE}) USING (id) "
        "ANTI JOIN (SELECT lead_id AS id FROM meta.missing_leads) USING (id))",
    )
    yield dg.AssetCheckResult(
        asset_key=LEADS,
        check_name="unique_ids",
        passed=rows == ids,
        severity=ERROR,
        description=f"{rows - ids:,} rows repeat an id." if rows != ids else f"{rows:,} rows, each with its own id.",
        metadata={"rows": rows, "ids": ids},
    )
    yield dg.AssetCheckResult(
        asset_key=LEADS,
        check_name="has_every_lead",
        passed=ids == expected,
        severity=ERROR,
        description=f"{ids:,} of {expected:,} leads that were read and are not gone."
        + ("" if ids == expected else " Materialize marketo/raw/lead_snapshots of the missing months again."),
        metadata={"leads": ids, "expected": expected},
    )
    yield check_repairs(con, LEADS)


def _check_months(con: DuckDBConnection, fault: _Fault, more: Sequence[tuple[str, int]] = ()) -> dg.AssetCheckResult:
    latest = (
        "(SELECT * FROM meta.loads WHERE table_name = 'raw.lead_snapshots' "
        "QUALIFY row_number() OVER (PARTITION BY partition ORDER BY load_id DESC) = 1)"
    )
    query = f"SELECT partition, {fault.counted} AS found FROM {latest} WHERE found > 0 ORDER BY partition"
    found = [*con.execute(query).fetchall(), *more]
    months, rows = _counts(con, f"SELECT count(*), coalesce(sum(rows), 0) FROM {latest}")
    affected = sum(count for _, count in found)
    named = ", ".join(f"{month} ({count:,})" for month, count in found[:_SHOWN_MONTHS])
    return counted(
        fault.name,
        affected,
        f"{affected:,} found in {len(found)} months: {named}. {fault.advice}",
        asset=SNAPSHOTS,
        severity=fault.severity,
        facts={
            "months": months,
            "rows": rows,
            "per_million_rows": round(1e6 * affected / rows, 2) if rows else 0.0,
        },
    )


def _missing_texts(con: DuckDBConnection, partition: str, columns: list[TableColumn]) -> tuple[str, dict[str, Any]]:
    texts = ['"' + c.name.replace('"', '""') + '"' for c in columns if c.type == TEXT and c.field]
    missing = " + ".join(f"count(*) - count({name})" for name in texts) or "0"
    quoted = " + ".join(f"count(*) FILTER ({name} = 'null')" for name in texts) or "0"
    query = f"SELECT {missing}, {quoted}, count(*) FROM raw.lead_snapshots WHERE _partition = ?"
    nulls, words, rows = _counts(con, query, partition)
    told = (
        f"The export quotes the word null ({words:,} times), so NULL means that there is no value."
        if words
        else "No quoted null occurs, so any of them may be the word null; REST tells, where it matters."
    )
    return f"{partition}: {nulls:,} texts are NULL. {told}", {
        "partition": partition,
        "null_texts": nulls,
        "indistinguishable": 0 if words else nulls,
        "quoted_nulls": words,
        "texts": rows * len(texts),
    }


def _counts(con: DuckDBConnection, query: str, *values: object) -> tuple[int, ...]:
    row = con.execute(query, list(values)).fetchone()
    return tuple(int(value) for value in row or ())
