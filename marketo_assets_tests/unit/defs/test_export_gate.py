"""The gate of the export pool: what it decides, what it says, and that a hand on the pool is heeded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.marks import note
from marketo_assets.api.pauses import Pause, how_long, pauses
from marketo_assets.clock import ManualClock, SystemClock, quota_day
from marketo_assets.defs.export_gate import Decision, decide, export_quota_gate, learn_from_others, look
from marketo_assets.defs.export_pool import POOL, PoolState, heed_hand, read_pool, set_pool
from marketo_assets_tests.pipeline.storm import Killed
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal
from marketo_assets_tests.unit.defs.history import open_history

NOON = datetime(2026, 1, 14, 0, 48, tzinfo=UTC)
RESET = datetime(2026, 1, 14, 6, tzinfo=UTC)
USAGE = "/rest/v1/stats/usage.json"
SPENT = Pause("export_quota", "export quota spent, 24 of 250 MB left", RESET)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    """One by which Marketo has queued two exports today, so that two runs more may ask."""
    made = Ledger(tmp_path / "ledger.sqlite", Limits(), clock)
    queue(made, "one", "two")
    yield made
    made.shut()


def queue(ledger: Ledger, *keys: str) -> None:
    """Leave exports in Marketo's queue, whose bytes do not matter."""
    for key in keys:
        ledger.exports.reserve(key, 0)
        ledger.exports.accept(key)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance on SQLite whose pools have four places, as dagster.yaml says."""
    with open_history(tmp_path, {"concurrency": {"pools": {"default_limit": 4, "granularity": "run"}}}) as made:
        yield made


def limits_of(instance: dg.DagsterInstance) -> list[tuple[int, bool]]:
    return [(pool.limit, pool.from_default) for pool in instance.event_log_storage.get_pool_limits()]


def set_by_hand(instance: dg.DagsterInstance, limit: int) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, limit)


@pytest.mark.parametrize(
    ("found", "pool", "places", "decision"),
    [
        ([], PoolState(4, 4), 9, "leave"),
        ([], PoolState(4, 4), 2, 2),
        ([], PoolState(2, 4, is_ours=True), 3, 3),
        ([], PoolState(2, 4, is_ours=True), 9, 4),
        ([SPENT], PoolState(4, 4), 0, 0),
        ([SPENT], PoolState(2, 4, is_ours=True), 2, 0),
        ([SPENT], PoolState(0, 4, is_ours=True), 0, "leave"),
        ([], PoolState(0, 4, is_ours=True), 9, 4),
        ([SPENT], PoolState(0, 0), 0, "leave"),
        ([], PoolState(0, 0), 9, "leave"),
        ([SPENT], PoolState(2, 2, is_by_hand=True), 0, "heed"),
        ([], PoolState(0, 0, is_by_hand=True), 9, "heed"),
    ],
    ids=[
        "open, with room",
        "open, with little room",
        "narrow, with more room",
        "narrow, with room",
        "spent",
        "spent while narrow",
        "spent and closed",
        "closed and over",
        "spent, closed by hand",
        "closed by hand",
        "spent, opened by hand",
        "closed by hand while narrow",
    ],
)
def test_what_is_decided(found: list[Pause], pool: PoolState, places: int, decision: Decision) -> None:
    """The gate closes and narrows what is open, opens what it closed itself, and leaves what a person did."""
    assert decision == decide(found, pool, places)


def test_a_pause_says_what_is_so_and_for_how_long() -> None:
    """One line holds the reason, the moment of resumption and the time until then."""
    assert "export quota spent, 24 of 250 MB left, resumes 06:00 UTC, in 5 h 12 min" == SPENT.told(NOON)
    assert ["0 s", "59 s", "1 min", "1 h 0 min"] == [how_long(seconds) for seconds in (-5, 59, 60, 3590)]


def test_a_full_day(instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock) -> None:
    """Open while there is quota, closed ahead of time when there is none, open after the reset with the same limit."""
    set_by_hand(instance, 3)
    assert "open: 250 of 250 MB and 25,000 of 25,000 calls left" == look(instance, ledger)

    ledger.exports.settle("a job", 250_000_000, finished_at=clock.now())
    assert "paused: export quota spent, 0 of 250 MB left, resumes 06:00 UTC, in 5 h 12 min" == look(instance, ledger)
    assert PoolState(0, 3, is_ours=True) == read_pool(instance)

    clock.move_to(RESET)
    assert look(instance, ledger).endswith("; 2 of 3 runs at once until Marketo takes an export today")
    queue(ledger, "a job")
    assert look(instance, ledger).startswith("open: ")
    assert PoolState(3, 3) == read_pool(instance)


def test_the_default_limit_is_followed_again(instance: dg.DagsterInstance, ledger: Ledger) -> None:
    """A pool that nobody gave a limit has none of its own afterwards, so an edit of dagster.yaml still counts."""
    for limit in (0, 2, 0):
        set_pool(instance, ledger, limit)
        assert [(limit, False)] == limits_of(instance)
        assert PoolState(limit, 4, is_ours=True) == read_pool(instance)
    set_pool(instance, ledger, 4)
    assert [(4, True)] == limits_of(instance)
    assert PoolState(4, 4) == read_pool(instance)


def test_closing_twice_keeps_the_limit(instance: dg.DagsterInstance, ledger: Ledger) -> None:
    """Two runs that meet the end of the quota together do not forget what the limit was."""
    set_by_hand(instance, 7)
    for _ in range(2):
        set_pool(instance, ledger, 0)
    set_pool(instance, ledger, 7)

    assert [(7, False)] == limits_of(instance)


class Dying:
    """An instance, or a part of it, whose process is killed before one of its writes."""

    def __init__(self, inner: Any, left: list[int]) -> None:
        self._inner, self._left = inner, left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in ("event_log_storage", "daemon_cursor_storage"):
            return Dying(found, self._left)
        if name.startswith(("set_", "delete_", "initialize_")):
            self._left[0] -= 1
            if self._left[0] < 0:
                raise Killed
        return found


@pytest.mark.parametrize("writes", range(5))
@pytest.mark.parametrize("limit", [0, 2, 4])
def test_a_kill_on_the_way_passes_for_no_hand(
    instance: dg.DagsterInstance, ledger: Ledger, limit: int, writes: int
) -> None:
    """Whatever a killed process left undone is done by the next look, and a hand counts as before."""
    if limit == 4:
        set_pool(instance, ledger, 0)
    with contextlib.suppress(Killed):
        set_pool(Dying(instance, [writes]), ledger, limit)  # type: ignore[arg-type]  # an instance in all that matters
    assert not read_pool(instance).is_by_hand
    look(instance, ledger)
    assert [4] == [read_pool(instance).limit]
    assert not ledger.closed_until("overruled")

    set_by_hand(instance, 0)
    look(instance, ledger)
    assert 0 == read_pool(instance).limit


def test_the_last_of_the_day_narrows_the_pool(instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock) -> None:
    """Where only some jobs still fit, so many runs start and no more; with what they leave, others may."""
    ledger.exports.settle("a job", 150_000_000, finished_at=clock.now())
    assert look(instance, ledger).endswith("calls left; enough for 3 of 4 runs at once")
    ledger.exports.release("two")
    look(instance, ledger)
    assert PoolState(2, 4, is_ours=True) == read_pool(instance)
    clock.move_to(RESET)
    queue(ledger, "one", "two")

    assert look(instance, ledger).endswith("calls left")
    assert PoolState(4, 4) == read_pool(instance)


def test_a_pool_closed_by_hand_stays_closed(instance: dg.DagsterInstance, ledger: Ledger) -> None:
    """Somebody who closed the pool is the only one who opens it, and the ticks say how."""
    set_by_hand(instance, 0)

    assert look(instance, ledger).startswith("closed by hand: set the limit of pool marketo_export under Deployment")
    assert PoolState(0, 0) == read_pool(instance)


def test_a_pool_opened_by_hand_stays_open_until_marketo_refuses(
    instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock
) -> None:
    """Opening the pool overrules this project's share for the day; Marketo's own refusal closes it again."""
    ledger.exports.settle("a job", 250_000_000, finished_at=clock.now())
    look(instance, ledger)
    set_by_hand(instance, 2)

    assert "beyond this project's share" in look(instance, ledger)
    assert PoolState(2, 2) == read_pool(instance)
    ledger.exports.reserve("another job", 10_000_000)
    look(instance, ledger)
    assert PoolState(2, 2) == read_pool(instance)
    ledger.exports.close()
    assert "paused: export quota spent by Marketo's count, resumes" in look(instance, ledger)
    assert PoolState(0, 2, is_ours=True) == read_pool(instance)
    clock.move_to(RESET)
    look(instance, ledger)
    assert PoolState(1, 2, is_ours=True) == read_pool(instance)
    queue(ledger, "one")
    look(instance, ledger)
    assert PoolState(2, 2) == read_pool(instance)


def test_a_run_that_starts_before_the_gate_looks_heeds_the_hand_too(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    """The hand is noticed by whoever comes first."""
    ledger.close_day()
    set_pool(instance, ledger, 0)
    set_by_hand(instance, 1)

    assert heed_hand(instance, ledger)
    assert [] == pauses(ledger)
    assert not heed_hand(instance, ledger)


def test_the_sensor_touches_nothing_before_the_first_export(data_dir: Path, instance: dg.DagsterInstance) -> None:
    """On a new clone it makes no folder, and says so; the first exports begin two at a time."""
    with dg.build_sensor_context(instance=instance) as context:
        said = export_quota_gate(context)

    assert dg.SkipReason("open: nothing has been asked of Marketo yet") == said
    assert not data_dir.exists()
    assert PoolState(2, 4, is_ours=True) == read_pool(instance)


def test_the_sensor_explains_a_wrong_setting(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that cannot be used is a line in the ticks, not a trace."""
    monkeypatch.setenv("MARKETO_QUOTA_SHARE", "2")
    with dg.build_sensor_context(instance=instance) as context:
        said = export_quota_gate(context)

    assert isinstance(said, dg.SkipReason)
    assert str(said.skip_message).startswith("not looked at: MARKETO_QUOTA_SHARE")


def test_the_sensor_asks_rarely_what_others_spent(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing before the first call, one call after it, no more within the hour; trouble stops nobody."""
    now = SystemClock()
    marketo = Instance(now)
    date = quota_day(now.now()).isoformat()
    marketo.script(USAGE, accepted([{"date": date, "total": 30_000}]), refusal("611", "System error"))
    told = {"BASE_URL": "https://123-abc-456.mktorest.com", "CLIENT_ID": marketo.client_id}
    for name, value in {**told, "CLIENT_SECRET": marketo.client_secret, "DATA_DIR": str(data_dir)}.items():
        monkeypatch.setenv(f"MARKETO_{name}", value)
    learn_from_others(transport=httpx.MockTransport(marketo))
    assert not data_dir.exists()

    ledger = Ledger(data_dir / "ledger.sqlite", Limits(), now)
    with ledger.call(route="/a"):
        pass
    for _ in range(3):
        learn_from_others(transport=httpx.MockTransport(marketo))
    assert 1 == len(marketo.asked(USAGE))
    assert 29_900 <= (ledger.day.others() or 0) <= 30_000
    with ledger.transaction() as db:
        note(db, "lost", now.now())
    learn_from_others(transport=httpx.MockTransport(marketo))
    assert 29_900 <= (ledger.day.others() or 0) <= 30_000
    ledger.shut()


def test_the_gate_tells_what_others_spent(instance: dg.DagsterInstance, ledger: Ledger, clock: ManualClock) -> None:
    """Where others leave less than the share, ticks say so, and a pause that they cause names them."""
    ledger.day.note_usage(quota_day(clock.now()).isoformat(), 40_000)
    assert "9,900 of 25,000 calls left (others have made 40,000 of the instance's 50,000)" in look(instance, ledger)
    ledger.day.note_usage(quota_day(clock.now()).isoformat(), 49_890)
    assert "paused: daily calls spent, 10 of 25,000 left after what others spent, 49,890 of" in look(instance, ledger)
    assert 0 == read_pool(instance).limit
