"""Which kinds of activity the instance has now: the ones of every instance, and those that its users make."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_assets.sandbox.activity_catalogue import STANDARD, ActivityType, Attribute
from marketo_assets.sandbox.activity_numbers import FIRST_CUSTOM

_OWN = (Attribute("Reason", "string"), Attribute("Source", "string"))


class ActivityTypes:
    """Every kind of activity of one instance; users make custom ones at any time."""

    def __init__(self) -> None:
        self.by_id = {kind.id: kind for kind in STANDARD}

    def add(self, name: str, attributes: Iterable[tuple[str, str]] = ()) -> ActivityType:
        """Return a new custom type; *attributes* are names and data types.

        Raises: ValueError when the name is taken or blank.
        """
        if not name.strip() or name in {kind.name for kind in self.by_id.values()}:
            raise ValueError("a new activity type has a name that no other has")
        number = max(FIRST_CUSTOM - 1, *self.by_id) + 1
        api_name = "".join(letter for letter in name if letter.isalnum())
        own = (Attribute(label, data_type) for label, data_type in attributes)
        self.by_id[number] = ActivityType(
            number, name, Attribute("Lead ID", "integer"), (*_OWN, *own), api_name=api_name
        )
        return self.by_id[number]

    def find(self, told: object) -> ActivityType:
        """Return the type with that id or name. Raises: LookupError."""
        for kind in self.by_id.values():
            if told in (kind.id, kind.name):
                return kind
        raise LookupError(f"no activity type {told!r}")
