"""Which kinds of activity the instance has.

Ids and names are those of Adobe's Lead Activity event page. Attribute names of New Lead, Change Data Value and Merge
Leads are those that samples and public connectors show; of the others nobody documents them, so the ones here are
this instance's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NEW_LEAD, CHANGE_DATA_VALUE, CONVERT_LEAD, CHANGE_SCORE, CHANGE_OWNER, MERGE_LEADS, DELETE_LEAD = (
    12, 13, 21, 22, 23, 32, 37,
)  # fmt: skip
CHANGE_LEAD_PARTITION, CHANGE_REVENUE_STAGE = 100, 101
FIRST_CUSTOM = 100_001
KEPT_90_DAYS = frozenset({1, 3, 6, 7, 13, 19, 22, 24, 25, 28, 47, 300})
"""Pruned after 90 days: the union of both published lists, as far as ids are known."""


@dataclass(frozen=True)
class ActivityType:
    """One kind of activity as Get Activity Types tells of it."""

    id: int
    name: str
    primary: tuple[str, str]
    """Name and data type of the primary attribute."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Names and data types of the others."""
    api_name: str | None = None
    """Only custom types have one."""

    def shown(self) -> dict[str, Any]:
        """Return the type as the endpoint shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": f"{self.name} activity",
            "apiName": self.api_name,
            "primaryAttribute": _shown(self.primary),
            "attributes": [_shown(attribute) for attribute in self.attributes],
        }


def _shown(attribute: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("name", "dataType"), attribute, strict=True))


_WHY = (("Reason", "string"), ("Source", "string"))
_VALUES = (("Old Value", "string"), ("New Value", "string"))
_MERGE = (
    ("Merge IDs", "string"),
    ("Merge Source", "string"),
    ("Merged in Sales", "boolean"),
    ("Master Updated", "boolean"),
)
_STANDARD = (
    ActivityType(1, "Visit Webpage", ("Webpage ID", "integer"), (("Client IP Address", "string"),)),
    ActivityType(2, "Fill Out Form", ("Webform ID", "integer"), (("Client IP Address", "string"),)),
    ActivityType(NEW_LEAD, "New Lead", ("Lead ID", "integer"), (("Created Date", "date"), ("Source Type", "string"))),
    ActivityType(CHANGE_DATA_VALUE, "Change Data Value", ("Attribute Name", "integer"), (*_VALUES, *_WHY)),
    ActivityType(CONVERT_LEAD, "Convert Lead", ("Lead ID", "integer"), _WHY),
    ActivityType(CHANGE_SCORE, "Change Score", ("Score Name", "integer"), (*_VALUES, *_WHY)),
    ActivityType(CHANGE_OWNER, "Change Owner", ("Lead ID", "integer"), _WHY),
    ActivityType(24, "Add to List", ("List ID", "integer"), (("Source", "string"),)),
    ActivityType(25, "Remove from List", ("List ID", "integer"), (("Source", "string"),)),
    ActivityType(MERGE_LEADS, "Merge Leads", ("Lead ID", "integer"), _MERGE),
    ActivityType(DELETE_LEAD, "Delete Lead", ("Lead ID", "integer"), _WHY),
    ActivityType(46, "Interesting Moment", ("Lead ID", "integer"), _WHY),
    ActivityType(CHANGE_LEAD_PARTITION, "Change Lead Partition", ("Lead ID", "integer"), _WHY),
    ActivityType(CHANGE_REVENUE_STAGE, "Change Revenue Stage", ("Lead ID", "integer"), _WHY),
)


class ActivityTypes:
    """Every kind of activity of one instance; users make custom ones at any time."""

    def __init__(self) -> None:
        self.by_id = {kind.id: kind for kind in _STANDARD}

    def add(self, name: str) -> ActivityType:
        """Return a new custom type. Raises: ValueError when the name is taken or blank."""
        if not name.strip() or name in {kind.name for kind in self.by_id.values()}:
            raise ValueError("a new activity type has a name that no other has")
        number = max(FIRST_CUSTOM - 1, *self.by_id) + 1
        api_name = "".join(letter for letter in name if letter.isalnum())
        self.by_id[number] = ActivityType(number, name, ("Lead ID", "integer"), _WHY, api_name)
        return self.by_id[number]

    def find(self, told: object) -> ActivityType:
        """Return the type with that id or name. Raises: LookupError."""
        for kind in self.by_id.values():
            if told in (kind.id, kind.name):
                return kind
        raise LookupError(f"no activity type {told!r}")
