"""Readings that find nobody anywhere where there were members: believed when a later reading says the same.

Why: a list or program that is empty is nothing unusual, and many at once that were not, with nobody in any other, is
rather an instance, a role or a workspace that tells nothing any more than a world that has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from marketo_assets.load.member_readings import GONE_LEADS, TABLE, read_readings
from marketo_assets.warehouse import DuckDBConnection

MOST_AT_ONCE = 3
"""As many may lose their last member at one reading, with nobody in any other, and are believed."""
CONFIRMED_AFTER = timedelta(hours=20)
"""A reading so much later says the same for itself; less than a day, for daily runs."""


def count_members(con: DuckDBConnection, raw_table: str, column: str) -> dict[int, int]:
    """Return how many members each program or list has, by what is here; those without any are not among them."""
    rows = con.execute(
        f"SELECT {column}, count(*) FROM {raw_table} ANTI JOIN {GONE_LEADS} AS gone USING (lead_id) "
        "WHERE removed_at IS NULL GROUP BY 1"
    ).fetchall()
    return dict(rows)


def is_doubtful(con: DuckDBConnection, members_of: str, emptied: Mapping[int, datetime]) -> bool:
    """Say whether it is too much to believe that all those *emptied*, read at these moments, have lost their members.

    What is doubted is remembered, so that a later reading can confirm it; reading one whole makes it forgotten.
    """
    readings = read_readings(con, members_of)
    since = {number: readings[number].empty_since for number in emptied if number in readings}
    doubted = [
        number for number, before in since.items() if before is None or emptied[number] - before < CONFIRMED_AFTER
    ]
    if len(doubted) <= MOST_AT_ONCE:
        return False
    for number in doubted:
        con.execute(
            f"UPDATE {TABLE} SET empty_since = ? WHERE members_of = ? AND id = ? AND empty_since IS NULL",
            [emptied[number], members_of, number],
        )
    return True


def told_of_doubt(what: str, count: int) -> str:
    """Return what to tell of so many programs or lists, called *what*, that are doubted."""
    return (
        f"{count:,} {what} that had members were found without any, and none with some; nothing was marked. If a "
        f"reading {CONFIRMED_AFTER.total_seconds() / 3600:.0f} hours later says the same, it is believed. Look whether "
        "the API user's role or workspaces were changed."
    )
