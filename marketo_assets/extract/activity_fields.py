"""What an export of activities consists of: the columns to ask for, and which types to copy."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.lead_database import LeadField
from marketo_assets.settings import Settings, SettingsError

_COLUMNS = (
    ("marketoGUID", "Activity GUID", "string"),
    ("leadId", "Lead ID", "integer"),
    ("activityDate", "Activity Date", "datetime"),
    ("activityTypeId", "Activity Type ID", "integer"),
    ("campaignId", "Campaign ID", "integer"),
    ("primaryAttributeValueId", "Primary Attribute Value ID", "integer"),
    ("primaryAttributeValue", "Primary Attribute Value", "string"),
    ("attributes", "Attributes", "string"),
    # Without it an attempted action cannot be told from one that was done.
    ("actionResult", "Action Result", "string"),
)
EXPORTED = tuple(LeadField(name, label, kind, None, None, True, False, False) for name, label, kind in _COLUMNS)
"""The columns of an activity file, all of which are asked for."""
DELETE_LEAD = "Delete Lead"
"""The one type that Bulk Extract refuses; Get Deleted Leads and Get Lead Activities tell of it."""


def choose_activity_types(types: Sequence[ActivityType], settings: Settings) -> list[ActivityType]:
    """Return the types to copy, all of them unless the settings say otherwise.

    Raises: SettingsError naming the unknown type and the nearest known ones.
    """
    if not types:
        return []
    by_word = {str(kind.id): kind for kind in types} | {_folded(kind.name): kind for kind in types}
    chosen = set()
    for word in settings.activity_types:
        kind = by_word.get(_folded(word))
        if kind is None:
            near = difflib.get_close_matches(_folded(word), by_word, n=3, cutoff=0.5)
            hint = f" Did you mean {', '.join(by_word[word].name for word in near)}?" if near else ""
            raise SettingsError(
                f"MARKETO_ACTIVITY_TYPES names {word!r}, which this instance does not log.{hint} "
                "Put ids or names of activity types there (see marketo.activity_types), or unset it for all."
            )
        chosen.add(kind.id)
    return [kind for kind in types if not chosen or kind.id in chosen]


def exportable_ids(chosen: Sequence[ActivityType], *, is_all: bool) -> tuple[int, ...]:
    """Return the ids to filter an export by; none where every type is wanted, which no new one can escape then."""
    return () if is_all else tuple(sorted(kind.id for kind in chosen if _folded(kind.name) != _folded(DELETE_LEAD)))


def _folded(name: str) -> str:
    return " ".join(name.lower().split())
