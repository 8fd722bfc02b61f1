"""Months in UTC, from the start month to the running one."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.defs.partitions import months_from
from marketo_assets.settings import SettingsError, StartMonth, read_start_month, store_start_month

NOW = datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)


def test_keys_are_months_and_include_the_running_one() -> None:
    """Keys are `YYYY-MM`; the running month is one, the next is not."""
    months = months_from(StartMonth("2025-12"))

    assert ["2025-12", "2026-01", "2026-02", "2026-03"] == list(months.get_partition_keys(current_time=NOW))


def test_a_month_begins_and_ends_in_utc() -> None:
    """A partition's window is the calendar month in UTC, whatever the machine's zone."""
    window = months_from(StartMonth("2024-01")).time_window_for_partition_key("2024-03")

    assert (datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)) == (window.start, window.end)


def test_the_setting_wins_over_what_doctor_stored(tmp_path: Path) -> None:
    """`MARKETO_START_MONTH` is taken first, then the stored month, then January 2020 as nobody's choice."""
    values = {"data_dir": str(tmp_path)}

    assert StartMonth("2020-01", is_default=True) == read_start_month(values, now=NOW)
    store_start_month(tmp_path, "2021-05")
    assert StartMonth("2021-05") == read_start_month(values, now=NOW)
    assert StartMonth("2019-11") == read_start_month({**values, "start_month": "2019-11"}, now=NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-04", "has not begun"),
        ("2024-13", "not a month"),
        ("2024-3", "not a month"),
        ("March 2024", "not a month"),
        ("2024-03-01", "not a month"),
        ("0024-03", "before the first Marketo instance"),
    ],
)
def test_a_start_month_that_cannot_be_is_refused(text: str, reason: str) -> None:
    """A start month in the future, or that is no month, is an error that names the setting and what to put there."""
    with pytest.raises(SettingsError, match=reason) as raised:
        read_start_month({"start_month": text}, now=NOW)

    assert str(raised.value).startswith(f"MARKETO_START_MONTH is {text!r}" if "not a" in reason else "MARKETO_START")
    assert "YYYY-MM, or unset it" in str(raised.value)


def test_a_damaged_stored_month_says_how_to_mend_it(tmp_path: Path) -> None:
    """What `doctor` stored may be damaged; the error names the file and the command that writes it."""
    (tmp_path / "start_month").write_text("")

    with pytest.raises(SettingsError, match=r"start_month is '', .*delete the file or run `marketo-assets doctor`"):
        read_start_month({"data_dir": str(tmp_path)}, now=NOW)


def test_dagster_shows_why_definitions_do_not_load() -> None:
    """With an impossible start month, Dagster's load error contains our sentence."""
    answer = subprocess.run(
        [sys.executable, "-c", "import marketo_assets.definitions"],
        env={**os.environ, "MARKETO_START_MONTH": "2999-01"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert 1 == answer.returncode
    assert "SettingsError: MARKETO_START_MONTH is 2999-01, which has not begun" in answer.stderr
