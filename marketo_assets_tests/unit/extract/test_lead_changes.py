"""What an activity of type Merge Leads tells, in whatever shape it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from marketo_assets.api.activities import Activity
from marketo_assets.extract.lead_changes import Merge, read_merges

AT = datetime(2026, 8, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "losers"),
    [
        ({"Merge IDs": "[12]", "Merge Source": "leaddb"}, [12]),
        ({"Merge IDs": "[12, 34]"}, [12, 34]),
        ({"merge_ids": "12,34"}, [12, 34]),
        ({"Merged IDs": [12, 34, 12]}, [12, 34]),
        ({"MergeId": 12}, [12]),
        ({"Merge IDs": "[7, 12]"}, [12]),
        ({"Merge IDs": "[0, 99999999999999999999]"}, []),
        ({"Merge IDs": ""}, []),
        ({"Merge Source": "job 5"}, []),
        ({}, []),
    ],
    ids=[
        "one in brackets",
        "several",
        "another spelling, no brackets",
        "a list",
        "a number",
        "the winner among them",
        "no ids at all",
        "empty",
        "a number in another attribute",
        "no attributes",
    ],
)
def test_losers_are_found(attributes: dict[str, Any], losers: list[int]) -> None:
    """Each loser is told once, with the lead of the activity as its winner; a winner never loses to itself."""
    activity = Activity("guid", 7, AT, 32, None, None, None, attributes, ())

    assert [Merge("guid", loser, 7, AT) for loser in losers] == list(read_merges(activity))
