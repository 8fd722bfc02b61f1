"""The header of a file of program members: names, labels, and a column that nobody asked for."""

from __future__ import annotations

import pytest

from marketo_assets.api.lead_database import LeadField
from marketo_assets.load.columns import Column
from marketo_assets.load.parse import ParseError
from marketo_assets.load.program_member_rows import match_member_header

LABELS = {"leadId": "Lead Id", "programId": "Program Id", "statusName": "Status", "reachedSuccess": "Success"}
DESCRIBED = [LeadField(name, label, "string", None, None, True, False, False) for name, label in LABELS.items()]
COLUMNS = [Column(name, name.lower(), "VARCHAR") for name in LABELS]


def matched(*header: str, described: list[LeadField] = DESCRIBED) -> list[str | None]:
    return [column.field if column else None for column in match_member_header(header, COLUMNS, described)]


@pytest.mark.parametrize("header", [[*LABELS], [name.upper() for name in LABELS], [*LABELS.values()]])
def test_names_and_labels_are_known(header: list[str]) -> None:
    """A column may come under the name that it was asked for, in whatever case, or under its label."""
    assert [*LABELS] == matched(*header)


@pytest.mark.parametrize("names", [[*LABELS], [*LABELS.values()]], ids=["names", "labels"])
def test_a_program_in_front_is_taken_once(names: list[str]) -> None:
    """Of the programId that Marketo puts in front and the one that was asked for, the first fills the column."""
    assert ["programId", "leadId", None, "statusName", "reachedSuccess"] == matched("programId", *names)


def test_what_nobody_asked_for_fills_nothing() -> None:
    """A column that is neither name nor label of a field is passed over."""
    assert [None, *LABELS] == matched("Something", *LABELS)


def test_labels_that_two_fields_share_are_not_believed() -> None:
    """Where a label does not tell two fields apart, only names do; a file with labels is refused, and says how on."""
    twins = [LeadField(name, "Same", "string", None, None, True, False, False) for name in LABELS]
    assert [*LABELS] == matched(*LABELS, described=twins)
    with pytest.raises(ParseError, match="Run job program_members again"):
        matched("Same", "Same", "Same", "Same", described=twins)
