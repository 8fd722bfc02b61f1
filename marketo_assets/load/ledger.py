"""The bookkeeping that moves with the rows: loads, schema changes, rejected values, watermarks.

Every statement here runs inside the transaction of the rows it describes, so the two never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.columns import SchemaChange, text_literal
from marketo_assets.warehouse import DuckDBConnection

_MOMENT = "TIMESTAMP WITH TIME ZONE"
# Table, comment, and column definitions with their comments: what `DESCRIBE` and a BI tool show.
_TABLES: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "meta.loads",
        "One row per load: which file became rows, when and by which run. Rows point here by _load_id.",
        (
            ("load_id", "BIGINT", "key; _load_id of the rows"),
            ("table_name", "VARCHAR", "where the rows went"),
            ("partition", "VARCHAR", "month, YYYY-MM, of a snapshot"),
            ("run_id", "VARCHAR", "Dagster run"),
            ("export_id", "VARCHAR", "Marketo's export job"),
            ("file", "VARCHAR", "landed file, below the data folder"),
            ("sha256", "VARCHAR", "of the bytes as Marketo delivered them"),
            ("file_bytes", "BIGINT", "size as Marketo counts it"),
            ("records", "BIGINT", "numberOfRecords as Marketo reports it"),
            ("rows", "BIGINT", "rows now in the table"),
            ("duplicates", "BIGINT", "rows of the file that repeated an id, of which one was kept"),
            ("rejected_values", "BIGINT", "texts that did not fit their column's type; see meta.rejected_values"),
            ("outside_window", "BIGINT", "rows whose createdAt is not in the partition's month"),
            ("as_of", "TIMESTAMP WITH TIME ZONE", "when Marketo's state was read"),
            ("loaded_at", "TIMESTAMP WITH TIME ZONE", "when the rows were committed"),
        ),
    ),
    (
        "meta.rejected_values",
        "One row per value that did not fit its column's type: its row was loaded without it.",
        (
            ("load_id", "BIGINT", "the load that met it"),
            ("lead_id", "BIGINT", "the lead"),
            ("field", "VARCHAR", "REST name of the field"),
            ("value", "VARCHAR", "the text as Marketo delivered it"),
        ),
    ),
    (
        "meta.superseded_rows",
        "Rows of leads that are shown no more; they move to raw.past_lead_versions before anybody reads: none here.",
        (
            ("lead_id", "BIGINT", "the lead"),
            ("load_id", "BIGINT", "the load whose row is out of date"),
        ),
    ),
    (
        "meta.compactions",
        "One row per time that leads was written anew, so that counts do not feel the gaps of rows that moved.",
        (
            ("compacted_at", _MOMENT, "when"),
            ("rows", "BIGINT", "rows of leads"),
            ("gaps", "BIGINT", "gaps that were closed"),
        ),
    ),
    (
        "meta.missing_leads",
        "One row per lead that a reading did not find and no deletion or merge explains yet; polls ask for it again.",
        (
            ("lead_id", "BIGINT", "the lead"),
            ("first_missed_at", _MOMENT, "when it was first not found"),
            ("missed_at", _MOMENT, "when it was last not found"),
            ("load_id", "BIGINT", "the load that did not find it"),
        ),
    ),
    (
        "raw.lead_changes",
        "One row per changed field per activity; activities without a field have one row. Append-only.",
        (
            ("activity_guid", "VARCHAR", "key of the activity (marketoGUID)"),
            ("lead_id", "BIGINT", "the lead"),
            ("activity_date", _MOMENT, "when it happened, in whole seconds"),
            ("activity_type_id", "BIGINT", "kind of activity, as the instance numbers them"),
            ("field", "VARCHAR", "REST name of the field; NULL where the activity names none"),
            ("old_value", "VARCHAR", "the value before, as Marketo tells it"),
            ("new_value", "VARCHAR", "the value after, as Marketo tells it"),
            ("reason", "VARCHAR", "why, as Marketo tells it"),
            ("source", "VARCHAR", "through which door, as Marketo tells it"),
            ("campaign_id", "BIGINT", "the smart campaign that did it"),
            ("request_id", "VARCHAR", "Marketo's id of the answer that told it, for Marketo support"),
            ("_load_id", "BIGINT", "the capture that brought the row"),
        ),
    ),
    (
        "raw.lead_deletions",
        "One row per deletion of a lead. Append-only.",
        (
            ("activity_guid", "VARCHAR", "key of the activity (marketoGUID)"),
            ("lead_id", "BIGINT", "the lead"),
            ("deleted_at", _MOMENT, "when, in whole seconds"),
            ("reason", "VARCHAR", "why, as Marketo tells it"),
            ("source", "VARCHAR", "through which door, as Marketo tells it"),
            ("campaign_id", "BIGINT", "the smart campaign that did it"),
            ("request_id", "VARCHAR", "Marketo's id of the answer that told it, for Marketo support"),
            ("_load_id", "BIGINT", "the capture that brought the row"),
        ),
    ),
    (
        "raw.lead_merges",
        "One row per loser of a merge. Append-only.",
        (
            ("activity_guid", "VARCHAR", "key of the activity (marketoGUID), shared by all losers of a merge"),
            ("loser_id", "BIGINT", "the lead that is no more"),
            ("winner_id", "BIGINT", "the lead that it was merged into, which may have been merged away since"),
            ("merged_at", _MOMENT, "when, in whole seconds"),
            ("request_id", "VARCHAR", "Marketo's id of the answer that told it, for Marketo support"),
            ("_load_id", "BIGINT", "the capture that brought the row"),
        ),
    ),
    (
        "raw.lead_differences",
        "One row per value that a later reading of a lead found changed and no activity explains. Append-only.",
        (
            ("lead_id", "BIGINT", "the lead"),
            ("field", "VARCHAR", "REST name of the field"),
            ("held_value", "VARCHAR", "the value that was held before; NULL for none"),
            ("read_value", "VARCHAR", "the value that was read after; NULL for none"),
            ("held_as_of", _MOMENT, "when the value before was read"),
            ("read_as_of", _MOMENT, "when the value after was read"),
            ("_load_id", "BIGINT", "the load that brought the value after"),
        ),
    ),
    (
        "meta.schema_changes",
        "One row per noticed change of a lead field: appeared, hidden, shown, retyped, widened or relabelled.",
        (
            ("noticed_at", "TIMESTAMP WITH TIME ZONE", "when the fields were described"),
            ("field", "VARCHAR", "REST name of the field"),
            ("column_name", "VARCHAR", "its column"),
            ("kind", "VARCHAR", "what changed"),
            ("before", "VARCHAR", "as it was"),
            ("after", "VARCHAR", "as it is"),
        ),
    ),
    (
        "meta.export_jobs",
        "One row per export job of this project: state, times, size. Kept in step with the ledger at each release.",
        (
            ("export_id", "VARCHAR", "Marketo's id of the job"),
            ("object", "VARCHAR", "leads"),
            ("partition", "VARCHAR", "month, YYYY-MM"),
            ("request_hash", "VARCHAR", "equal for requests that Marketo would answer with the same file"),
            ("status", "VARCHAR", "Created, Queued, Processing, Completed, Failed, Cancelled or Gone"),
            ("created_at", "TIMESTAMP WITH TIME ZONE", "at Marketo"),
            ("queued_at", "TIMESTAMP WITH TIME ZONE", "at Marketo"),
            ("started_at", "TIMESTAMP WITH TIME ZONE", "at Marketo"),
            ("finished_at", "TIMESTAMP WITH TIME ZONE", "at Marketo"),
            ("records", "BIGINT", "numberOfRecords"),
            ("file_bytes", "BIGINT", "what it cost of the daily export quota"),
            ("checksum", "VARCHAR", "SHA-256 of the file"),
            ("error", "VARCHAR", "why Marketo failed it"),
            ("recorded_at", "TIMESTAMP WITH TIME ZONE", "when this project first knew of it"),
            ("polled_at", "TIMESTAMP WITH TIME ZONE", "when its status was last asked for"),
            ("landed_at", "TIMESTAMP WITH TIME ZONE", "when its file was on this disk, verified"),
        ),
    ),
    (
        "meta.api_usage",
        "One row per quota day (from midnight US Central): what this project spent. In step at each release.",
        (
            ("day", "DATE", "quota day"),
            ("calls", "BIGINT", "REST calls that count"),
            ("export_bytes", "BIGINT", "bytes of completed exports"),
        ),
    ),
    (
        "meta.watermarks",
        "One row per stream: how far Marketo has surely been read.",
        (
            ("stream", "VARCHAR", "what is read"),
            ("watermark", "TIMESTAMP WITH TIME ZONE", "everything before it is here"),
            ("covered_from", _MOMENT, "since when no change is missing; no row of leads was read before"),
            ("moved_at", "TIMESTAMP WITH TIME ZONE", "when it was set"),
        ),
    ),
    (
        "meta.coverage_gaps",
        "One row per time of which Marketo no longer told everything when it was read, because that was too late.",
        (
            ("stream", "VARCHAR", "what is read"),
            ("gap_from", _MOMENT, "since when something may be missing"),
            ("gap_to", _MOMENT, "until when, excluded"),
            ("missing", "VARCHAR", "what may be missing: changes, or deletions"),
        ),
    ),
    (
        "meta.repairs",
        "One row per time that changes were read too late: months that were read before it have to be exported again.",
        (
            ("needed_since", _MOMENT, "a month is repaired by a load that read Marketo then or later"),
            ("unseen_from", _MOMENT, "since when something may be missing"),
            ("reason", "VARCHAR", "what cannot have been seen, and what to do"),
            ("noted_at", _MOMENT, "when the capture was committed that came too late"),
        ),
    ),
    (
        "meta.audits",
        "One row per finding of an audit, with what to do.",
        (
            ("audited_at", "TIMESTAMP WITH TIME ZONE", "when"),
            ("audit", "VARCHAR", "which audit"),
            ("is_passed", "BOOLEAN", "whether nothing was found"),
            ("found", "BIGINT", "how much was found"),
            ("finding", "VARCHAR", "what, and what to do"),
        ),
    ),
)


def ensure_tables(con: DuckDBConnection) -> None:
    """Leave the schemas `raw` and `meta` with every bookkeeping table, commented."""
    # Columns of these tables are added and never renamed, so their number tells whether one is missing. Their names are
    # told by what also binds every view, which takes ten times as long.
    counts = dict(con.execute("SELECT schema_name || '.' || table_name, column_count FROM duckdb_tables()").fetchall())
    if all(counts.get(address) == len(columns) for address, _, columns in _TABLES):
        return
    present: dict[str, set[str]] = {}
    for address, name in con.execute(
        "SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() "
        "WHERE schema_name IN ('raw', 'meta')"
    ).fetchall():
        present.setdefault(address, set()).add(name)
    statements: list[str] = []
    for address, comment, columns in _TABLES:
        if address not in present:
            statements.append(f"CREATE SCHEMA IF NOT EXISTS {address.partition('.')[0]}")
            statements.append(f"CREATE TABLE {address} ({', '.join(f'{name} {kind}' for name, kind, _ in columns)})")
            statements.append(f"COMMENT ON TABLE {address} IS {text_literal(comment)}")
        for name, kind, text in columns:
            if address in present and name not in present[address]:
                statements.append(f"ALTER TABLE {address} ADD COLUMN {name} {kind}")
            if name not in present.get(address, ()):
                statements.append(f"COMMENT ON COLUMN {address}.{name} IS {text_literal(text)}")
    if statements:
        # Sent together, a hundred of them take half as long.
        con.execute("; ".join(statements))


def next_load_id(con: DuckDBConnection) -> int:
    """Return the id for the load of this transaction; only one transaction is open at a time."""
    row = con.execute("SELECT coalesce(max(load_id), 0) + 1 FROM meta.loads").fetchone()
    return int(row[0]) if row else 1


def insert_row(con: DuckDBConnection, table: str, values: Mapping[str, Any]) -> None:
    """Append one row to a bookkeeping table."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


def told_of_file(landed: LandedFile, folder: str) -> dict[str, Any]:
    """Return what `meta.loads` holds of a landed file below the landing *folder*."""
    return {
        "export_id": landed.export_id,
        "file": f"{folder}/{landed.partition}/{landed.path.name}" if landed.path else None,
        "sha256": landed.sha256,
        "file_bytes": landed.file_bytes,
        "records": landed.records,
        "as_of": landed.as_of,
    }


def replace_rows(con: DuckDBConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Leave *rows* as the whole content of a table whose columns they name."""
    con.execute(f"DELETE FROM {table}")
    append_rows(con, table, rows)


def append_rows(con: DuckDBConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append *rows*, which share their keys, in one statement: a statement a row would cost a hundred times as much."""
    if not rows:
        return
    types = dict(con.execute("SELECT name, type FROM pragma_table_info(?)", [table]).fetchall())
    shape = json.dumps([{key: types[key] for key in rows[0]}])
    names = ", ".join(rows[0])
    con.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM (SELECT unnest(from_json(?, ?), recursive := true))",
        [_as_json(rows), shape],
    )


def record_schema_changes(con: DuckDBConnection, noticed_at: datetime, changes: Iterable[SchemaChange]) -> None:
    """Append what was noticed about the fields."""
    append_rows(
        con,
        "meta.schema_changes",
        [
            {
                "noticed_at": noticed_at,
                "field": change.field,
                "column_name": change.column,
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ],
    )


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    # Half of a pair of surrogates is JSON for Marketo and none for DuckDB, whose refusal would quote what stands there.
    return json.dumps(list(rows), default=_as_text, ensure_ascii=False).encode("utf-8", "replace").decode()


def _as_text(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
