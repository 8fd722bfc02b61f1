"""What activities become: the rows of `raw.lead_changes`, `raw.lead_deletions` and `raw.lead_merges`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from marketo_assets.api.activities import Activity
from marketo_assets.api.values import text
from marketo_assets.extract.lead_changes import Merge
from marketo_assets.load.field_names import FieldNames


def change_rows(
    activities: Sequence[Activity], score_type_ids: Collection[int], names: FieldNames, load_id: int
) -> list[dict[str, Any]]:
    """Return the rows of `raw.lead_changes`: one per changed field, or one for an activity that names none.

    Get Lead Changes tells old and new values; of a type in *score_type_ids* they are attributes.
    """
    rows = []
    for found in activities:
        told = {_word(name): text(value) for name, value in found.attributes.items()}
        head = {
            "activity_guid": found.guid,
            "lead_id": found.lead_id,
            "activity_date": found.at,
            "activity_type_id": found.type_id,
        }
        tail = {
            "reason": told.get("reason") or None,
            "source": told.get("source") or told.get("sourcetype") or None,
            "campaign_id": found.campaign_id,
            "request_id": found.request_id,
            "_load_id": load_id,
        }
        values: list[tuple[str | None, str | None, str | None]] = [
            (names.find(change.field), change.old, change.new) for change in found.changes
        ]
        if not values and found.type_id in score_type_ids:
            values = [(names.find(found.primary_value, found.primary_id), told.get("oldvalue"), told.get("newvalue"))]
        for name, old, new in values or [(None, None, None)]:
            rows.append({**head, "field": name, "old_value": old, "new_value": new, **tail})
    return rows


def deletion_rows(deletions: Sequence[Activity], load_id: int) -> list[dict[str, Any]]:
    """Return the rows of `raw.lead_deletions`."""
    return [_deletion_row(found, load_id) for found in deletions]


def merge_rows(merges: Sequence[Merge], load_id: int) -> list[dict[str, Any]]:
    """Return the rows of `raw.lead_merges`, one per loser."""
    return [
        {
            "activity_guid": merge.guid,
            "loser_id": merge.loser_id,
            "winner_id": merge.winner_id,
            "merged_at": merge.at,
            "request_id": merge.request_id,
            "_load_id": load_id,
        }
        for merge in merges
    ]


def _deletion_row(found: Activity, load_id: int) -> dict[str, Any]:
    told = {_word(name): text(value) for name, value in found.attributes.items()}
    return {
        "activity_guid": found.guid,
        "lead_id": found.lead_id,
        "deleted_at": found.at,
        "reason": told.get("reason") or None,
        "source": told.get("source") or None,
        "campaign_id": found.campaign_id,
        "request_id": found.request_id,
        "_load_id": load_id,
    }


def _word(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())
