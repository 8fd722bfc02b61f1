"""The months that were exported before: what each held, as its manifest says."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from marketo_assets.extract.estimate.months import KnownMonth
from marketo_assets.extract.export_jobs import LEADS, is_current
from marketo_assets.land.manifest import LandedFile, LandingError, read_manifest
from marketo_assets.land.month_exports import FOLDERS


def known_months(landing_dir: Path, *, now: datetime, exported: str = LEADS) -> dict[str, KnownMonth]:
    """Return the newest landed export of each month of an object; manifests that cannot be read are passed over.

    No landed file is read.
    """
    newest: dict[str, LandedFile] = {}
    for path in (landing_dir / FOLDERS[exported]).glob("*/*.json"):
        try:
            landed = read_manifest(path)
        except LandingError:
            continue
        before = newest.get(landed.partition)
        if before is None or before.as_of < landed.as_of:
            newest[landed.partition] = landed
    return {
        month: KnownMonth(
            rows=landed.records or 0,
            file_bytes=landed.file_bytes,
            fields=tuple(field.name for field in landed.fields),
            as_of=landed.as_of,
            is_current=is_current(landed.as_of, landed.window, now=now, is_fetched=True),
        )
        for month, landed in newest.items()
    }
