"""The row of `meta.loads` for a landed file that was loaded, whatever was exported."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load.ledger import insert_row, told_of_file
from marketo_assets.warehouse import DuckDBConnection


class FileLoad(Protocol):
    """What a load of a file did."""

    @property
    def load_id(self) -> int:
        """Number of the load."""

    @property
    def rows(self) -> int:
        """Rows that came of it."""

    @property
    def duplicates(self) -> int:
        """Rows of the file that did not."""

    @property
    def rejected_values(self) -> int:
        """Values that did not fit their type."""


def record_file_load(
    con: DuckDBConnection,
    landed: LandedFile,
    load: FileLoad,
    *,
    folder: str,
    table: str,
    run_id: str,
    now: datetime,
    outside_window: int | None = None,
) -> None:
    """Leave the row of *load*, which brought *landed*, from below the landing *folder*, into *table*."""
    told = {
        "load_id": load.load_id,
        "table_name": table,
        "partition": landed.partition,
        "run_id": run_id,
        **told_of_file(landed, folder),
        "rows": load.rows,
        "duplicates": load.duplicates,
        "rejected_values": load.rejected_values,
        "outside_window": outside_window,
        "loaded_at": now,
    }
    insert_row(con, "meta.loads", told)
