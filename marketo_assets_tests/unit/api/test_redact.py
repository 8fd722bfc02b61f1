"""What Marketo quotes of a person is not repeated; what names a field is."""

from __future__ import annotations

import pytest

from marketo_assets.api.codes import error_for
from marketo_assets.api.redact import LONGEST, Spoken, said


@pytest.mark.parametrize(
    ("code", "message", "kept"),
    [
        ("1003", "Lead with email kim@example.com already exists", "Lead with email *** already exists"),
        ("1003", "Value 'Kim Lee' is not valid for 'firstName'", "Value '***' is not valid for '***'"),
        ("1001", "Invalid value 'Kim'. Required of type 'Integer'", "Invalid value '***'. Required of type 'Integer'"),
        ("1012", 'Invalid cookie value "id:123-ABC&token:_mch-x"', "Invalid cookie value '***'"),
        ("1003", "Phone +49 30 1234567 refused", "Phone *** refused"),
        ("601", "Token 3f1c9a52-77d0-4f0e-9a31-0c5b2d7e8f10:sj is invalid", "Token *** is invalid"),
        ("1006", "Field 'favouriteColour' not found", "Field 'favouriteColour' not found"),
        ("1006", "Field 'kim@example.com' not found", "Field '***' not found"),
        ("606", "Max rate limit '100' exceeded with in '20' secs", "Max rate limit '100' exceeded with in '20' secs"),
        ("701", "'folder' cannot be blank", "'folder' cannot be blank"),
        ("603", "Access denied", "Access denied"),
    ],
)
def test_a_message_keeps_names_and_loses_values(code: str, message: str, kept: str) -> None:
    """A quoted field name is the answer; any other quotation may be a person's."""
    assert kept == said(code, message)


def test_values_of_the_request_are_not_repeated() -> None:
    """What was asked for is masked even where nothing else gives it away."""
    error = error_for("1003", "No lead called Lee in Leeds", spoken=Spoken(values=("Lee", "7")))

    assert error.message == "No lead called *** in Leeds"


def test_a_long_message_is_cut() -> None:
    """A message cannot carry a whole record."""
    assert len(said("611", "word " * 500)) == LONGEST + 1


def test_line_breaks_do_not_forge_log_lines() -> None:
    """A message stays on one line."""
    assert said("611", "one\r\n\n two") == "one two"


def test_an_empty_message_still_says_something() -> None:
    """There is always a sentence."""
    assert said("611", " ") == "Marketo refused the call without a message"


def test_a_name_that_the_request_used_is_kept() -> None:
    """Which of the requested fields is meant is worth knowing, and is nobody's secret."""
    spoken = Spoken(names=frozenset({"favouriteColour"}))

    assert said("1003", "Field 'favouriteColour' of 'Kim' is odd", spoken) == "Field 'favouriteColour' of '***' is odd"
