"""Months as windows: whatever span is copied, every second of it is asked for once."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_assets.extract.windows import WIDEST, cut_open, month_window
from marketo_assets_tests.properties.conftest import REPEATABLE

MONTH = re.compile("(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
years = st.integers(min_value=2006, max_value=2199)
months = st.integers(min_value=1, max_value=12)
moments = st.datetimes(datetime(2006, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # given UTC


def keys(first: tuple[int, int], count: int) -> list[str]:
    start = first[0] * 12 + first[1] - 1
    return [f"{index // 12:04d}-{index % 12 + 1:02d}" for index in range(start, start + count)]


@REPEATABLE
@given(st.tuples(years, months), st.integers(min_value=2, max_value=60))
def test_months_tile_any_span(first: tuple[int, int], count: int) -> None:
    """Windows of consecutive months touch: no gap, no overlap, and Marketo's inclusive bounds leave no second out."""
    windows = [month_window(key) for key in keys(first, count)]

    for window, following in pairwise(windows):
        assert window.end == following.start
        assert window.last_second + timedelta(seconds=1) == following.start
    assert all(window.end - window.start <= timedelta(days=31) for window in windows)
    assert all(window.last_second - window.start < timedelta(days=31) for window in windows)
    assert sorted(windows) == windows


@REPEATABLE
@given(moments)
def test_each_moment_lies_in_its_month_alone(moment: datetime) -> None:
    """A moment lies in the window of its month in UTC, and in neither neighbour's."""
    window = month_window(f"{moment:%Y-%m}")
    before = month_window(f"{window.start - timedelta(seconds=1):%Y-%m}")
    after = month_window(f"{window.end:%Y-%m}")

    assert [False, True, False] == [found.start <= moment < found.end for found in (before, window, after)]


@REPEATABLE
@given(st.tuples(years, months))
def test_the_filter_says_both_ends_to_the_second(month: tuple[int, int]) -> None:
    """The filter's two texts read as the first and the last second of the month, in UTC and without fractions."""
    (key,) = keys(month, 1)
    told = {name: datetime.fromisoformat(text) for name, text in month_window(key).as_filter().items()}

    assert {"startAt": month_window(key).start, "endAt": month_window(key).last_second} == told
    assert (month_window(key).start.day, month_window(key).start.time().isoformat()) == (1, "00:00:00")


@REPEATABLE
@given(st.text(max_size=9))
def test_only_months_have_windows(text: str) -> None:
    """A text is a month, written YYYY-MM, or is refused by name."""
    is_month = MONTH.fullmatch(text) is not None
    with nullcontext() if is_month else pytest.raises(ValueError, match="is not a month; write it as YYYY-MM"):
        assert f"{month_window(text).start:%Y-%m}" == text


@pytest.mark.parametrize(
    "text", ["2024-13", "2024-00", "2024-1", "202401", "2024-01-01", "", "2024-01\n", "0000-01", "\u0662024-01"]
)
def test_what_looks_like_a_month_is_none(text: str) -> None:
    """Near misses are refused with the right spelling."""
    with pytest.raises(ValueError, match="YYYY-MM"):
        month_window(text)


@REPEATABLE
@given(moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_windows_cover_any_span(since: datetime, span: timedelta) -> None:
    """Windows from a moment on touch, none is wider than Marketo allows, and the last is open beyond the present."""
    windows = list(cut_open(since, since + span))

    assert windows[0].start <= since < windows[0].start + timedelta(seconds=1)
    assert windows[-1].start <= since + span < windows[-1].end
    assert all(window.end == following.start for window, following in pairwise(windows))
    assert {WIDEST} == {window.end - window.start for window in windows}
    assert windows == list(cut_open(since, since + span + timedelta(days=40)))[: len(windows)]
