"""Landed files written by hand, for shapes of files that the sandbox does not make; all values are made up."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from marketo_assets.api.lead_database import LeadField
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.windows import month_window
from marketo_assets.land.lead_exports import lead_export_dir
from marketo_assets.land.manifest import LandedFile, write_manifest
from marketo_assets.land.store import compress
from marketo_assets.load.lead_snapshots import SnapshotLoad, load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.warehouse import Warehouse, connect_readonly

MONTH = "2026-03"
AS_OF = datetime(2026, 4, 2, 8, tzinfo=UTC)
STAMPS = {"id": "integer", "createdAt": "datetime", "updatedAt": "datetime"}
_STAMP = "2026-03-05T10:00:00Z"


def lead_field(name: str, data_type: str) -> LeadField:
    """Return a field as Describe tells of it."""
    return LeadField(name, name.title(), data_type, None, None, False, False, False)


def lead_fields(kinds: Mapping[str, str]) -> tuple[LeadField, ...]:
    """Return id, the two stamps, and the fields of *kinds* (name to data type)."""
    return tuple(lead_field(name, kind) for name, kind in {**STAMPS, **kinds}.items())


def cell(text: str | None) -> str:
    """Return *text* as Marketo writes it into a file: a missing value is the bare word null."""
    if text is None:
        return "null"
    needs_quotes = text in ("", "null") or any(character in text for character in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def csv_text(names: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    """Return a file with these columns; *rows* hold the texts of its cells."""
    return "".join(",".join(map(cell, row)) + "\n" for row in [names, *rows])


def lead_rows(texts: Iterable[Sequence[str | None]], *, first_id: int = 1) -> list[list[str | None]]:
    """Return one row per entry of *texts*: an id, the stamps, then the texts."""
    return [[str(number), _STAMP, _STAMP, *row] for number, row in enumerate(texts, start=first_id)]


def land(
    data_dir: Path,
    content: str | bytes | None,
    kinds: Mapping[str, str] | Sequence[LeadField],
    *,
    month: str = MONTH,
    as_of: datetime = AS_OF,
    records: int | None = None,
    described: Sequence[LeadField] | None = None,
) -> LandedFile:
    """Return *content* as `land_lead_export` would have landed it; None is an empty month.

    *kinds* are the fields asked for beside id and the stamps (name to data type), or all of them.
    """
    fields = lead_fields(kinds) if isinstance(kinds, Mapping) else tuple(kinds)
    folder = lead_export_dir(data_dir / "landing", month)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    export_id, raw = str(uuid.uuid4()), content.encode() if isinstance(content, str) else content or b""
    path = folder / f"{export_id}.csv.zst" if content is not None else None
    stored = compress(io.BytesIO(raw), path)[1] if path else ""
    landed = LandedFile(
        partition=month,
        path=path,
        export_id=export_id,
        request_hash="written by hand",
        window=month_window(month),
        fields=fields,
        described=tuple(described if described is not None else fields),
        records=records,
        file_bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        stored_sha256=stored,
        as_of=as_of,
        landed_at=as_of + timedelta(minutes=5),
    )
    write_manifest(folder / f"{export_id}.json", landed)
    return landed


def load(data_dir: Path, landed: LandedFile) -> SnapshotLoad:
    """Return what was loaded of *landed* into the data folder's warehouse."""
    return load_lead_snapshot(Warehouse(data_dir), landed, run_id="by-hand", now=landed.landed_at)


def land_and_load(data_dir: Path, content: str | bytes, kinds: Mapping[str, str], **more: Any) -> SnapshotLoad:
    """Return what was loaded of a file with this *content*."""
    return load(data_dir, land(data_dir, content, kinds, **more))


Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def released(data_dir: Path) -> Iterator[Ask]:
    """Publish what was loaded, and give a function that asks the release."""
    ledger = Ledger(data_dir / "ledger.sqlite", Limits(), ManualClock(AS_OF))
    publish(Warehouse(data_dir), ledger, now=AS_OF)
    ledger.shut()
    con = connect_readonly(data_dir / "marketo.duckdb")
    try:
        yield lambda query, *values: con.execute(query, list(values)).fetchall()
    finally:
        con.close()


def published(data_dir: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a query finds in a release of what was loaded."""
    with released(data_dir) as ask:
        return ask(query, *values)
