"""Columns of reference tables: their names, and that none is there twice."""

from __future__ import annotations

import pytest

from marketo_assets.load.columns import snake_case
from marketo_assets.models.reference_columns import OWN
from marketo_assets.models.reference_tables import TABLES


@pytest.mark.parametrize(
    ("rest", "column"),
    [
        ("id", "id"),
        ("updatedAt", "updated_at"),
        ("publishToMSI", "publish_to_msi"),
        ("URL", "url"),
        ("customHeadHTML", "custom_head_html"),
        ("facebookOgTags", "facebook_og_tags"),
        ("isCommunicationLimitEnabled", "is_communication_limit_enabled"),
    ],
)
def test_rest_names_become_columns(rest: str, column: str) -> None:
    """Words are parted where a capital begins one; an abbreviation is one word."""
    assert column == snake_case(rest)


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_a_table_differ(name: str) -> None:
    """No column is there twice, none has the name of one of ours, and each says what it is."""
    columns = [member.column for member in TABLES[name].members]

    assert sorted({*columns, *OWN}) == sorted([*columns, *OWN])
    assert all(member.comment for member in TABLES[name].members)
