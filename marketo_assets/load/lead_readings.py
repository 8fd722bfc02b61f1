"""Leads as REST answers them become versions of leads, typed as the rows of a file are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marketo_assets.api.lead_database import LeadField
from marketo_assets.api.values import integer, text
from marketo_assets.load.columns import Column, quoted
from marketo_assets.load.current_leads import mark_missing, touch
from marketo_assets.load.lead_fields import Registry
from marketo_assets.load.lead_texts import Target, insert_texts
from marketo_assets.load.lead_versions import READINGS, SHOWN, lead_columns
from marketo_assets.warehouse import DuckDBConnection

TABLE = READINGS
"""Where people find the rows."""


@dataclass(frozen=True)
class Reading:
    """What Marketo answered when it was asked for some leads."""

    asked: tuple[int, ...]
    read_at: datetime
    """By Marketo's clock, or a moment before by ours."""
    leads: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def by_id(self) -> dict[int, Mapping[str, Any]]:
        """The leads that were asked for and exist."""
        asked = set(self.asked)
        found = {integer(lead.get("id")): lead for lead in self.leads}
        return {lead_id: lead for lead_id, lead in found.items() if lead_id in asked and lead_id is not None}

    @property
    def missing(self) -> set[int]:
        """Those asked for that do not exist, or cannot be read yet."""
        return set(self.asked) - self.by_id.keys()


def append_readings(
    con: DuckDBConnection, readings: Sequence[Reading], fields: Sequence[LeadField], registry: Registry, load_id: int
) -> tuple[int, int]:
    """Return how many leads were appended and how many of their values were rejected; who was not found is missing.

    All that were asked for are touched, for `settle`. Columns of hidden fields keep the values that are shown now.
    """
    touch(con, (lead_id for reading in readings for lead_id in reading.asked))
    for reading in readings:
        mark_missing(con, reading.missing, reading.read_at, load_id)
    columns = [registry.columns[known.name] for known in fields]
    cells = [(f"c{number}", column) for number, column in enumerate(columns)]
    count = _keep_texts(con, readings, cells)
    if not count:
        con.execute("DROP TABLE texts")
        return 0, 0
    types = lead_columns(con)
    hidden = [registry.columns[name].name for name in sorted(registry.hidden - {known.name for known in fields})]
    own = {"_as_of": "texts.read_at::TIMESTAMPTZ", "_source": "'rest'", "_load_id": str(load_id)}
    carried = carry_shown(con, [name for name in hidden if name in types])
    return count, insert_texts(con, Target(SHOWN, types, own, load_id, carried), cells)


def _keep_texts(con: DuckDBConnection, readings: Sequence[Reading], cells: Sequence[tuple[str, Column]]) -> int:
    names = [*(cell for cell, _ in cells), "read_at"]
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts ({', '.join(f'{name} VARCHAR' for name in names)})")
    shape, count = json.dumps([dict.fromkeys(names, "VARCHAR")]), 0
    for reading in readings:
        rows = [
            {cell: text(lead.get(column.field)) for cell, column in cells} | {"read_at": reading.read_at.isoformat()}
            for lead in reading.by_id.values()
        ]
        if rows:
            told = json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace").decode()
            con.execute(
                "INSERT INTO texts BY NAME SELECT unnest(from_json(?, ?), recursive := true)",
                [told, shape],
            )
            count += len(rows)
    return count


def carry_shown(con: DuckDBConnection, columns: Sequence[str]) -> tuple[str, ...]:
    """Keep aside (table `carried`) what is shown in *columns* of the leads that were touched; return *columns*."""
    if not columns:
        return ()
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE carried AS SELECT id, {', '.join(map(quoted, columns))} "
        f"FROM {SHOWN} AS version SEMI JOIN touched USING (id) "
        "ANTI JOIN meta.superseded_rows AS superseded "
        "ON superseded.lead_id = version.id AND superseded.load_id = version._load_id"
    )
    return tuple(columns)
