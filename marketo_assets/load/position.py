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


def read_position(con: DuckDBConnection, stream: str = STREAM) -> Position | None:
    """Return where the polls (or another *stream*) stand, or None before the first load and the first of them."""
    row = con.execute("SELECT watermark, covered_from FROM meta.watermarks WHERE stream = ?", [stream]).fetchone()
    return Position(*row) if row else None


def cover_since(con: DuckDBConnection, as_of: datetime, now: datetime, stream: str = STREAM) -> None:
    """Leave a position from which no change since *as_of*, when a snapshot was read, can be missed."""
    position = read_position(con, stream)
    if position is None or as_of < position.covered_from:
        write_position(con, Position(as_of, as_of), now, stream)


def move_watermark(
    con: DuckDBConnection, began: Position | None, until: datetime, now: datetime, stream: str = STREAM
) -> None:
    """Leave the watermark at *until*, up to where a poll that *began* there has read.

    A load that took the position back while the poll was under way has its way: the next poll begins there.
    """
    position = read_position(con, stream)
    if position is None:
        write_position(con, Position(until, until), now, stream)
    elif position.watermark >= (began.watermark if began else until):
        write_position(con, Position(until, min(position.covered_from, until)), now, stream)


def write_position(con: DuckDBConnection, position: Position, now: datetime, stream: str = STREAM) -> None:
    """Leave *position* as that of the *stream*."""
    con.execute("DELETE FROM meta.watermarks WHERE stream = ?", [stream])
    insert_row(con, "meta.watermarks", {"stream": stream, **vars(position), "moved_at": now})
