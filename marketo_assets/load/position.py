"""How far the changes of leads have been read, and since when nothing is missing.

Two moments in one row of `meta.watermarks`: each change from `covered_from` on has been read, or will be, because polls
go on from `watermark`. A snapshot read before `covered_from` takes both back to its own moment, so months and changes
may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketo_assets.load.ledger import insert_row
from marketo_assets.warehouse import DuckDBConnection

STREAM = "lead_changes"


@dataclass(frozen=True)
class Position:
    """Where the polls stand."""

    watermark: datetime
    """Everything that Marketo showed before is here."""
    covered_from: datetime
    """No snapshot or reading is older than the changes that are read."""


def read_position(con: DuckDBConnection) -> Position | None:
    """Return where the polls stand, or None before the first load and the first poll."""
    row = con.execute("SELECT watermark, covered_from FROM meta.watermarks WHERE stream = ?", [STREAM]).fetchone()
    return Position(*row) if row else None


def cover_since(con: DuckDBConnection, as_of: datetime, now: datetime) -> None:
    """Leave a position from which no change since *as_of*, when a snapshot was read, can be missed."""
    position = read_position(con)
    if position is None or as_of < position.covered_from:
        _write(con, Position(as_of, as_of), now)


def move_watermark(con: DuckDBConnection, began: Position | None, until: datetime, now: datetime) -> None:
    """Leave the watermark at *until*, up to where a poll that *began* there has read.

    A load that took the position back while the poll was under way has its way: the next poll begins there.
    """
    position = read_position(con)
    if position is None:
        _write(con, Position(until, until), now)
    elif position.watermark >= (began.watermark if began else until):
        _write(con, Position(until, min(position.covered_from, until)), now)


def _write(con: DuckDBConnection, position: Position, now: datetime) -> None:
    con.execute("DELETE FROM meta.watermarks WHERE stream = ?", [STREAM])
    insert_row(con, "meta.watermarks", {"stream": STREAM, **vars(position), "moved_at": now})
