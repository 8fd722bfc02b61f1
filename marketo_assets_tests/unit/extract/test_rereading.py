"""Which way changed leads are read again: what takes the smaller part of what is left of the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.rereading import EXPORT_CALLS, weigh

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PLENTY = {"daily_calls": 10_000, "daily_export_bytes": 250_000_000}


@pytest.fixture
def ledger(data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    made = Ledger(data_dir / "ledger.sqlite", Limits(**getattr(request, "param", PLENTY)), ManualClock(NOW))
    yield made
    made.shut()


def test_the_arithmetic(ledger: Ledger) -> None:
    """Calls by id are 300 leads each, an export costs its calls and its bytes, and each is a part of what is left."""
    bargain = weigh(ledger, 30_001, exported=40_000, windows=2, lead_bytes=500.5)

    assert (101, 2 * EXPORT_CALLS, 20_020_000) == (
        bargain.calls_by_id,
        bargain.calls_by_export,
        bargain.export_bytes,
    )
    assert 101 / 10_000 == bargain.share_by_id
    assert pytest.approx(14 / 10_000 + 20_020_000 / 250_000_000) == bargain.share_by_export
    assert not bargain.is_export
    assert "30,001 leads to read again: by id 101 calls, 1.01%" in bargain.told
    assert "by export 14 calls and 20.02 MB, 8.15%: by id" in bargain.told


CASES: dict[str, tuple[dict[str, int], int, dict[str, Any], bool]] = {
    "few leads": (PLENTY, 5, {}, False),
    "plenty of both, small leads": (PLENTY, 300_000, {"lead_bytes": 20.0}, True),
    "few calls left": ({**PLENTY, "daily_calls": 60}, 15_000, {}, True),
    "few bytes left": ({**PLENTY, "daily_export_bytes": 10_000_000}, 15_000, {}, False),
    "more than the calls that are left": ({**PLENTY, "daily_calls": 40}, 15_000, {}, True),
    "not even the calls of an export": ({**PLENTY, "daily_calls": 6}, 15_000, {}, False),
    "an export that is paid for": (PLENTY, 15_000, {"is_paid": True}, True),
    "no filter": ({**PLENTY, "daily_calls": 40}, 15_000, {"obstacle": "Marketo refuses the filter"}, False),
    "no size is known": ({**PLENTY, "daily_calls": 40}, 15_000, {"lead_bytes": None}, False),
    "no lead": (PLENTY, 0, {}, False),
}


@pytest.mark.parametrize(("ledger", "leads", "more", "expected"), CASES.values(), ids=CASES.keys(), indirect=["ledger"])
def test_which_way_is_taken(ledger: Ledger, leads: int, more: dict[str, Any], expected: bool) -> None:
    """The export is taken where it is possible and takes less of the day, and the sentence says why."""
    bargain = weigh(ledger, leads, **{"exported": leads, "windows": 1, "lead_bytes": 600.0, **more})

    assert expected == bargain.is_export
    if bargain.obstacle:
        assert f"because {bargain.obstacle}" in bargain.told


def test_nothing_is_left(ledger: Ledger) -> None:
    """With nothing left of the day no way is possible, and no number is divided by zero."""
    ledger.exports.reserve("another", 250_000_000)
    ledger.close_day()
    bargain = weigh(ledger, 10, exported=10, windows=1, lead_bytes=600.0)

    assert (inf, False) == (bargain.share_by_id, bargain.is_export)
    assert "more than is left" in bargain.told
