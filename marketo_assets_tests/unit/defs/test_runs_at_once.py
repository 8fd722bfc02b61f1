"""How many runs may be under way: so few that others who spend a quota all at once fail hardly any of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.defs.export_gate import look
from marketo_assets.defs.export_pool import read_pool
from marketo_assets_tests.unit.defs.history import open_history

NIGHT = datetime(2026, 1, 14, 0, 48, tzinfo=UTC)
RESET = datetime(2026, 1, 14, 6, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NIGHT)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    """One by which Marketo has queued two exports today."""
    made = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    queue(made, "one", "two")
    yield made
    made.shut()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on SQLite whose pools have four places, as dagster.yaml says."""
    with open_history(tmp_path, {"concurrency": {"pools": {"default_limit": 4, "granularity": "run"}}}) as made:
        yield made


def queue(ledger: Ledger, *keys: str) -> None:
    """Leave exports in Marketo's queue, whose bytes do not matter."""
    for key in keys:
        ledger.exports.reserve(key, 0)
        ledger.exports.accept(key)


def test_a_quota_that_others_spent_costs_two_attempts_a_day(
    instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock
) -> None:
    """Each day begins with two exports at once, the day after a refusal with one; those queued let others ask."""
    clock.move_to(RESET)
    look(instance, ledger)
    assert 2 == read_pool(instance).limit
    ledger.exports.close()
    look(instance, ledger)
    assert 0 == read_pool(instance).limit
    clock.sleep(900)
    look(instance, ledger)
    assert 1 == read_pool(instance).limit
    ledger.exports.close()
    clock.sleep(86_400)
    look(instance, ledger)
    assert 1 == read_pool(instance).limit
    for queued, limit in enumerate((3, 4, 4), start=1):
        queue(ledger, f"job {queued}")
        look(instance, ledger)
        assert limit == read_pool(instance).limit


def test_two_runs_ask_at_a_time(instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock) -> None:
    """What Marketo has queued ends whatever others spend, so at most two runs fail when it refuses all at once."""
    ledger.exports.settle("one", 1000, finished_at=clock.now())
    ledger.exports.release("one")
    assert look(instance, ledger).endswith(
        "; 3 of 4 runs at once, the others when Marketo has queued an export of these"
    )
    assert 3 == read_pool(instance).limit
    ledger.exports.release("two")
    look(instance, ledger)
    assert 2 == read_pool(instance).limit
    ledger.exports.reserve("one", 1000)
    look(instance, ledger)
    assert 2 == read_pool(instance).limit, "it asks again, and is not queued yet"


def test_others_who_spend_the_calls_leave_two_runs(
    instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock
) -> None:
    """A 607 fails every run under way, so for a week after one, and while others are near it, there are two."""
    ledger.day.note_usage("2026-01-13", 30_000, own=0)
    assert look(instance, ledger).endswith("; 2 of 4 runs at once, as others may spend the rest of the day's calls")
    clock.move_to(RESET)
    queue(ledger, "one", "two")
    look(instance, ledger)
    assert 4 == read_pool(instance).limit

    ledger.close_day()
    look(instance, ledger)
    assert 0 == read_pool(instance).limit
    for days, limit in ((1, 2), (6, 2), (8, 4)):
        clock.move_to(RESET + timedelta(days=days, hours=1))
        queue(ledger, "one", "two")
        look(instance, ledger)
        assert limit == read_pool(instance).limit
