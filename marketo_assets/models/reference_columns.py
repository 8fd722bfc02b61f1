"""How the table of a reference object is described: its columns, the member that fills each, and its type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from marketo_assets.load.columns import snake_case

_TYPES = {
    "int": "BIGINT",
    "flag": "BOOLEAN",
    "moment": "TIMESTAMP WITH TIME ZONE",
    "money": "DECIMAL(18,4)",
    "text": "VARCHAR",
    "json": "JSON",
}


@dataclass(frozen=True)
class Member:
    """A column, and the member of the record that fills it."""

    column: str
    path: str
    """JSON path."""
    type: str
    comment: str
    source: str = "record"
    """What has the member: the record, what it belongs to (`owner`), what was told of it alone (`detail`), or `key`."""


@dataclass(frozen=True)
class ReferenceTable:
    """The table of one object."""

    what: str
    """What its rows are."""
    members: tuple[Member, ...]
    object: str = ""
    """What `raw.reference_versions` calls its records, where that is not the table's name."""
    detail: str = ""
    """What it calls that which was told of each record alone."""
    inside: str = ""
    """JSON path of the list in each record whose items are the rows, where they are not the records themselves."""
    is_ever: bool = False
    """Whether items that are in a list no longer are rows too, which then say since when."""
    comment: str = field(default="", kw_only=True)
    """What else there is to know."""


def members(*told: str) -> tuple[Member, ...]:
    """Return the members that are *told* as `[source/]path [column] type: comment`."""
    return tuple(_read(told))


def _read(told: tuple[str, ...]) -> Iterator[Member]:
    for line in told:
        head, _, comment = line.partition(": ")
        place, *column, kind = head.split()
        source, _, path = place.rpartition("/")
        name = column[0] if column else snake_case(path)
        yield Member(name, f"$.{path}", _TYPES[kind], comment, source or "record")


OWN = {
    "removed_at": "when a reading of everything lacked it; NULL while it is not known to be gone",
    "_as_of": "when Marketo last told this",
    "_load_id": "the load that brought the content; see meta.loads",
}
"""Columns of every table that are ours, with their meaning."""
