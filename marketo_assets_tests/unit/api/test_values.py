"""Values are read in every spelling Marketo uses, and nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.moments import parse_http_date
from marketo_assets.api.values import integer, members, name_of, objects, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (775, 775),
        ("775", 775),
        (" -12 ", -12),
        (775.0, 775),
        (2**62, 2**62),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        (2**63, None),
        ("9" * 5000, None),
        (7.5, None),
        ("7.5", None),
        ("1_000", None),
        ("\u0663", None),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
    ],
    ids=repr,
)
def test_a_whole_number_may_come_as_text(value: object, expected: int | None) -> None:
    """Ids exceed 32 bits and are sometimes texts; what does not fit 64 bits is no id."""
    assert expected == integer(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ana", "Ana"),
        ("", ""),
        (None, None),
        (True, "true"),
        (5, "5"),
        (1604.47, "1604.47"),
        ({"a": "é"}, '{"a": "é"}'),
    ],
    ids=repr,
)
def test_every_value_can_be_text(value: object, expected: str | None) -> None:
    """The empty text and nothing stay apart; the rest is written as JSON."""
    assert expected == text(value)


def test_names_are_found_in_any_case() -> None:
    """Marketo's spelling of a member is no contract."""
    assert members({"marketoGuid": "a", "leadID": 1}) == {"marketoguid": "a", "leadid": 1}


@pytest.mark.parametrize("found", [None, "", []], ids=repr)
def test_no_list_is_an_empty_list(found: object) -> None:
    """An absent member holds nothing."""
    assert objects(found, "attributes", None) == []


@pytest.mark.parametrize("found", ["secret@example.com", {"a": 1}, 0, ["secret@example.com"], [None]], ids=repr)
def test_another_shape_is_refused_without_its_content(found: object) -> None:
    """What is not understood is not skipped, and not repeated either."""
    with pytest.raises(UnreadableAnswer, match=r"attributes.*list of objects.*requestId r#1") as refused:
        objects(found, "attributes", "r#1")

    assert "secret" not in str(refused.value)


def test_a_name_may_be_an_api_name() -> None:
    """Custom activities carry both; one is enough, and none is refused."""
    assert name_of({"name": "Lead ID", "apiname": "leadId"}, "it", None) == "Lead ID"
    assert name_of({"name": "", "apiname": "leadId"}, "it", None) == "leadId"
    with pytest.raises(UnreadableAnswer, match=r"no name for an attribute.*r#1"):
        name_of({"value": 1}, "an attribute", "r#1")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Wed, 14 Jan 2026 12:00:05 GMT", datetime(2026, 1, 14, 12, 0, 5, tzinfo=UTC)),
        ("Wed, 14 Jan 2026 12:00:05 -0000", datetime(2026, 1, 14, 12, 0, 5, tzinfo=UTC)),
        ("Wed, 14 Jan 2026 06:00:05 -0600", datetime(2026, 1, 14, 12, 0, 5, tzinfo=UTC)),
        ("Wednesday, 14-Jan-26 12:00:05 GMT", datetime(2026, 1, 14, 12, 0, 5, tzinfo=UTC)),
        ("Wed, 99 Jan 2026 12:00:05 GMT", None),
        ("2026-01-14T12:00:05Z", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_the_date_header_is_a_moment_or_nothing(header: str | None, expected: datetime | None) -> None:
    """Every form HTTP allows is read; anything else is no moment."""
    assert expected == parse_http_date(header)
