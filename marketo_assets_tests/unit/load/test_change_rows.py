"""What activities become: which field they name, whatever they call it, and where each row comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from marketo_assets.api.activities import Activity, FieldChange
from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.lead_changes import Merge
from marketo_assets.load.change_rows import change_rows, deletion_rows, merge_rows
from marketo_assets.load.field_names import FieldNames, read_field_names
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.warehouse import DuckDBConnection

AT = datetime(2026, 8, 15, 12, tzinfo=UTC)
SCORE = 22


def described(name: str, label: str, number: int | None) -> LeadField:
    return LeadField(name, label, "score", None, number, False, False, False)


@pytest.fixture
def names(con: DuckDBConnection) -> FieldNames:
    """Fields of which one is hidden by now, one was relabelled, and two swap name and label."""
    ensure_tables(con)
    first = [
        described("leadScore", "Lead Score", 1),
        described("hidden", "Hidden Score", 2),
        described("one", "two", 3),
        described("two", "one", 4),
        described("renamed", "Old Label", 5),
    ]
    register_fields(con, first, first, AT)
    later = [replace(known, id=None) for known in first if known.name != "hidden"]
    later[-1] = replace(later[-1], display_name="New Label")
    register_fields(con, later, later, AT.replace(hour=13))
    return read_field_names(con)


@pytest.mark.parametrize(
    ("told", "number", "field"),
    [
        ("leadScore", None, "leadScore"),
        ("Lead Score", None, "leadScore"),
        ("LEADSCORE", None, "leadScore"),
        ("Hidden Score", None, "hidden"),
        ("whatever", 2, "hidden"),
        ("two", 3, "one"),
        ("two", None, "two"),
        ("New Label", None, "renamed"),
        ("Old Label", None, "renamed"),
        ("Lead Score", 99, "leadScore"),
        ("Unheard Of", 99, "Unheard Of"),
        (None, None, None),
    ],
    ids=[
        "the REST name",
        "the label",
        "in another case",
        "the label of a hidden field",
        "the number of a hidden field",
        "a label that is another field's name, with the number",
        "a name that is another field's label",
        "the label of now",
        "the label of before",
        "a label with a number that no field has",
        "what no field is called",
        "nothing",
    ],
)
def test_a_field_is_found(names: FieldNames, told: str | None, number: int | None, field: str | None) -> None:
    """By its number, its REST name, or a label of now or before, also when Describe shows it no longer."""
    assert field == names.find(told, number)


def test_every_row_names_its_request(names: FieldNames) -> None:
    """Changes, scores, deletions and losers carry the request id of the answer that told them."""
    change = Activity("a", 7, AT, 13, None, None, None, {}, (FieldChange("Lead Score", "1", "2"),), request_id="r#1")
    score = Activity("b", 7, AT, SCORE, None, 2, "?", {"Old Value": "", "New Value": 3}, (), request_id="r#2")
    rows = change_rows([change, score], [SCORE], names, 1)
    rest = [*deletion_rows([replace(change, request_id="r#3")], 1), *merge_rows([Merge("m", 8, 7, AT, "r#4")], 1)]

    assert [("leadScore", "1", "2", "r#1"), ("hidden", "", "3", "r#2")] == [
        (row["field"], row["old_value"], row["new_value"], row["request_id"]) for row in rows
    ]
    assert ["r#3", "r#4"] == [row["request_id"] for row in rest]
