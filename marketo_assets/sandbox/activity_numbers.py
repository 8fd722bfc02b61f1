"""The activity types that mean something to the sandbox itself, by Marketo's numbers."""

from __future__ import annotations

NEW_LEAD, CHANGE_DATA_VALUE, CONVERT_LEAD, CHANGE_SCORE, CHANGE_OWNER, MERGE_LEADS, DELETE_LEAD = (
    12, 13, 21, 22, 23, 32, 37,
)  # fmt: skip
ADD_TO_LIST, REMOVE_FROM_LIST, CHANGE_STATUS = 24, 25, 104
CHANGE_LEAD_PARTITION, CHANGE_REVENUE_STAGE = 100, 101
FIRST_CUSTOM = 100_001
KEPT_90_DAYS = frozenset({1, 3, 6, 7, 13, 19, 22, 24, 25, 28, 47, 300})
"""Pruned after 90 days: the union of both published lists, as far as ids are known."""
