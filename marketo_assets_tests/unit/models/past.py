"""A past made by hand: what was read and what was told of some leads, and what history makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_versions import PAST, SHOWN, fit_lead_tables
from marketo_assets.load.ledger import ensure_tables, insert_row
from marketo_assets.models.history import refresh_history
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.handmade import lead_fields

COVERED = datetime(2026, 8, 1, tzinfo=UTC)
"""Second 0; changes are captured from here on."""
KINDS = {
    "name": "string",
    "score": "score",
    "ts": "string",
    "balance": "currency",
    "seen": "datetime",
    "vip": "boolean",
}
FIELDS = lead_fields({**KINDS, "secret": "string"})
LEAD = 7


def at(second: float) -> datetime:
    """Return the moment so many seconds after capture began."""
    return COVERED + timedelta(seconds=second)


@dataclass
class Past:
    """What was read and told; lead 7 was created long before and read at second 0, unless something else is said."""

    con: DuckDBConnection
    guids: Iterator[int] = field(default_factory=count)

    def add_fields(self, names: Iterable[str]) -> dict[str, str]:
        """Let there be more fields, of texts; return the column of each."""
        fields = [*FIELDS, *lead_fields(dict.fromkeys(names, "string"))]
        registry = register_fields(self.con, fields, [known for known in fields if known.name != "secret"], COVERED)
        fit_lead_tables(self.con, [column for column in registry.columns.values() if column.field != "secret"])
        return {name: registry.columns[name].name for name in names}

    def read(
        self, lead_id: int = LEAD, second: float = 0, *, created: float = -1000, updated: float = -1000, **values: Any
    ) -> None:
        """Let a lead have been read last at a moment."""
        stamps = {"createdAt": at(created), "updatedAt": at(updated), "_as_of": at(second)}
        row = {"id": lead_id, **stamps, **values, "_source": "rest", "_load_id": next(self.guids)}
        insert_row(self.con, SHOWN, row)

    def change(
        self, second: float, name: str | None, old: Any = None, new: Any = None, *, lead_id: int = LEAD, kind: int = 13
    ) -> None:
        """Let an activity have told a change."""
        told = {"field": name, "old_value": old, "new_value": new, "activity_type_id": kind}
        row = {"activity_guid": str(next(self.guids)), "lead_id": lead_id, "activity_date": at(second), **told}
        insert_row(self.con, "raw.lead_changes", row)

    def difference(self, held: float, read: float, name: str, old: Any, new: Any, *, lead_id: int = LEAD) -> None:
        """Let two readings have differed."""
        values = {"field": name, "held_value": old, "read_value": new, "_load_id": next(self.guids)}
        moments = {"held_as_of": at(held), "read_as_of": at(read)}
        insert_row(self.con, "raw.lead_differences", {"lead_id": lead_id, **values, **moments})

    def gone(self, second: float, lead_id: int = LEAD) -> None:
        """Let a lead have been deleted."""
        insert_row(self.con, "raw.lead_deletions", {"lead_id": lead_id, "deleted_at": at(second)})
        self.con.execute(f"INSERT INTO {PAST} SELECT * FROM {SHOWN} WHERE id = ?", [lead_id])
        self.con.execute(f"DELETE FROM {SHOWN} WHERE id = ?", [lead_id])

    def gap(self, start: float, end: float) -> None:
        """Let Marketo have forgotten what changed between two moments."""
        told = {"stream": "lead_changes", "gap_from": at(start), "gap_to": at(end), "missing": "changes"}
        insert_row(self.con, "meta.coverage_gaps", told)

    def history(self, *marks: str, name: str | None = None) -> list[tuple[Any, ...]]:
        """Return value, first and last second of each interval of lead 7, and the *marks* asked for."""
        refresh_history(self.con)
        moments = ", ".join(f"epoch({moment}) - {COVERED.timestamp()}" for moment in ("valid_from", "valid_to"))
        select = ", ".join(["value", moments, *marks])
        where = "lead_id = ? AND (? IS NULL OR field = ?)"
        return self.con.execute(
            f"SELECT {select} FROM main.lead_history WHERE {where} ORDER BY field, valid_from", [LEAD, name, name]
        ).fetchall()

    def leads_as_of(self, second: float, *columns: str) -> list[tuple[Any, ...]]:
        """Return the leads of a moment, by id."""
        refresh_history(self.con)
        listed = ", ".join(columns or ("id",))
        return self.con.execute(f"SELECT {listed} FROM main.leads_as_of(?) ORDER BY id", [at(second)]).fetchall()


@contextmanager
def empty_past(data_dir: Path) -> Iterator[Past]:
    """Give a warehouse with fields and no lead, whose changes are captured from second 0 on."""
    with Warehouse(data_dir).held() as con:
        ensure_tables(con)
        registry = register_fields(con, FIELDS, [known for known in FIELDS if known.name != "secret"], COVERED)
        fit_lead_tables(con, [column for column in registry.columns.values() if column.field != "secret"])
        position = {"stream": "lead_changes", "watermark": at(100_000), "covered_from": COVERED}
        insert_row(con, "meta.watermarks", position)
        refresh_models(con)
        yield Past(con)
