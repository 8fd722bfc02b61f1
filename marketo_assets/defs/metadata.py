"""What a materialization tells about itself, in numbers whose names carry their unit."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from marketo_assets.api.limits import Ledger
from marketo_assets.api.pauses import pauses
from marketo_assets.defs.table_columns import read_columns, table_schema
from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.lead_snapshots import SnapshotLoad
from marketo_assets.warehouse import DuckDBConnection, Release

Metadata = Mapping[str, Any]


def landed_metadata(landed: LandedFile) -> Metadata:
    """Return what a landed export is and what it cost."""
    return {
        "dagster/partition_row_count": landed.records,
        "export_id": landed.export_id,
        "file": f"landing/{landed.path.parent.parent.name}/{landed.partition}/{landed.path.name}"
        if landed.path
        else "none: an empty month",
        "file_bytes": landed.file_bytes,
        "stored_bytes": landed.path.stat().st_size if landed.path else 0,
        "sha256": landed.sha256,
        "fields": len(landed.fields),
        "as_of": dg.MetadataValue.timestamp(landed.as_of),
        "was_adopted": landed.was_adopted,
        "calls": landed.calls,
        "waited_seconds": round(landed.waited_seconds, 1),
        "worked_seconds": round(landed.worked_seconds, 2),
    }


def loaded_metadata(load: SnapshotLoad, landed: LandedFile) -> Metadata:
    """Return what a load did; it made no call."""
    return {
        "dagster/partition_row_count": load.rows,
        "dagster/table_name": "marketo.raw.lead_snapshots",
        "load_id": load.load_id,
        "export_id": landed.export_id,
        "file_bytes": landed.file_bytes,
        "sha256": landed.sha256,
        "as_of": dg.MetadataValue.timestamp(landed.as_of),
        "duplicates": load.duplicates,
        "rejected_values": load.rejected_values,
        "outside_window": load.outside_window,
        "schema_changes": schema_changes_text(load) or "none",
        "calls": 0,
        "waited_seconds": 0.0,
        "worked_seconds": round(load.seconds, 2),
    }


def table_metadata(
    con: DuckDBConnection, schema: str, table: str, *, unique: str | None = None, is_counted: bool = True
) -> Metadata:
    """Return what a table is: its rows, its address and its columns, *unique* among them; nothing if it is not there.

    **Cost:** a count, which works out a view; with *is_counted* off, none.
    """
    columns = read_columns(con, schema, table)
    if not columns:
        return {}
    row = con.execute(f"SELECT count(*) FROM {schema}.{table}").fetchone() if is_counted else None
    return {
        **({"dagster/row_count": row[0]} if row else {}),
        "dagster/table_name": f"marketo.{schema}.{table}",
        "dagster/column_schema": table_schema(columns, unique=unique),
    }


def release_metadata(release: Release | None) -> Metadata:
    """Return in which release readers see what was loaded."""
    if release is None:
        return {"release": "the next one: the newest is younger than MARKETO_PUBLISH_MIN_SECONDS"}
    return {
        "release": release.number,
        "release_bytes": release.file_bytes,
        "publish_seconds": round(release.seconds, 2),
    }


def quota_left(ledger: Ledger) -> Metadata:
    """Return what may still be spent in the quota day, others' spending considered, and what exports wait for."""
    found, others = pauses(ledger), ledger.day.others()
    return {
        "calls_left_today": ledger.calls_remaining(),
        "export_mb_left_today": round(ledger.exports.remaining() / 1e6, 1),
        **({} if others is None else {"others_calls_today": others}),
        "exports_paused": found[0].told(ledger.clock.now()) if found else "no",
    }


def schema_changes_text(load: SnapshotLoad) -> str:
    """Return the fields that changed, in a sentence, or nothing."""
    return "; ".join(
        f"{change.field} {change.kind}" + (f" ({change.before} to {change.after})" if change.before else "")
        for change in load.schema_changes
    )


def megabytes(file_bytes: int) -> str:
    """Return a size as Marketo counts it, in words."""
    return f"{file_bytes / 1e6:,.2f} MB"
