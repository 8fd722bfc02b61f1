"""When Marketo was read for a row of a landed file: once for all rows, or for those of each piece that it came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from marketo_assets.land.manifest import Piece
from marketo_assets.load.columns import text_literal


def reading_moment(as_of: datetime, pieces: Sequence[Piece], created: str) -> str:
    """Return as SQL when a row was read that was created at *created*, an expression.

    A row of no piece was read at *as_of*, which is no later than any piece.
    """
    whens = " ".join(
        f"WHEN {created} >= {_literal(piece.window.start)} AND {created} < {_literal(piece.window.end)} "
        f"THEN {_literal(piece.as_of)}"
        for piece in pieces
    )
    return f"CASE {whens} ELSE {_literal(as_of)} END" if whens else _literal(as_of)


def _literal(moment: datetime) -> str:
    return f"TIMESTAMPTZ {text_literal(moment.isoformat())}"
