"""What other integrations spent counts too: the day of the instance ends before Marketo has to say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import DailyQuotaSpent
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import pauses
from marketo_assets.api.usage import learn_usage
from marketo_assets.clock import ManualClock
from marketo_assets_tests.unit.api.callers import spend
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

USAGE = "/rest/v1/stats/usage.json"
TODAY = "2026-01-14"
LIMITS = Limits(daily_calls=500, instance_calls=1_000)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite", LIMITS, clock)
    yield made
    made.shut()


def told(total: int, *, date: str = TODAY, **users: int) -> httpx.Response:
    rows = [{"userId": name, "count": count} for name, count in users.items()]
    return accepted([{"date": date, "total": total, "users": rows}])


def test_the_day_ends_where_the_instances_does(
    client: MarketoClient, instance: Instance, ledger: Ledger, clock: ManualClock
) -> None:
    """With 950 of 1,000 calls made by others, 40 are left to this project and not 499, and no 607 is provoked."""
    instance.script(USAGE, told(951))
    learn_usage(client)

    assert (950, 1_000 - 951 - 10) == (ledger.day.others(), ledger.calls_remaining())
    spend(ledger, 39)
    with pytest.raises(DailyQuotaSpent, match=r"All integrations together made about 990 of the instance's 1,000"):
        spend(ledger)
    (pause,) = pauses(ledger)
    assert "daily calls spent, 0 of 500 left after what others spent, 950 of the instance's 1,000" == pause.text
    clock.move_to(datetime(2026, 1, 15, 6, tzinfo=UTC))
    assert (None, 500) == (ledger.day.others(), ledger.calls_remaining())


def test_statistics_that_lag_behind_change_nothing(ledger: Ledger) -> None:
    """Marketo may count late: fewer calls than this project made are no reason to believe in more room."""
    spend(ledger, 20)
    ledger.day.note_usage(TODAY, 320)
    spend(ledger, 100)
    ledger.day.note_usage(TODAY, 325)

    assert 300 == ledger.day.others()


@pytest.mark.parametrize(
    ("date", "others"),
    [("2026-01-13", None), ("2026-01-14", 990), ("2026-01-15", 990)],
    ids=["a day that has ended", "today", "a zone ahead of Central"],
)
def test_only_todays_statistics_count(ledger: Ledger, date: str, others: int | None) -> None:
    """The zone of the date is not documented; yesterday's calls never stop today's."""
    ledger.day.note_usage(date, 990)

    assert others == ledger.day.others()


def test_an_account_that_was_lost_is_learnt_again(
    client: MarketoClient, instance: Instance, ledger: Ledger, clock: ManualClock
) -> None:
    """A new ledger takes over what Marketo counted for this API user; one that is older than today does not."""
    instance.script(USAGE, told(700, **{"api@example.com": 400, "crm@example.com": 300}))
    learn_usage(client)

    assert (400, 300) == (ledger.calls_spent(), ledger.day.others())
    clock.sleep(86_400)
    spend(ledger)
    instance.script(USAGE, told(700, date="2026-01-15", **{"api@example.com": 400}))
    learn_usage(client)
    assert 2 <= ledger.calls_spent() <= 3


def test_the_statistics_are_asked_for_rarely(ledger: Ledger, clock: ManualClock) -> None:
    """Once an hour of use; never while nothing is asked of Marketo; sooner when Marketo says 606 and we did not."""
    assert not ledger.day.is_usage_due()
    spend(ledger)
    assert ledger.day.is_usage_due()
    ledger.day.note_usage(TODAY, 10)
    due = []
    for _ in range(12 * 4):
        clock.sleep(300)
        spend(ledger)
        if ledger.day.is_usage_due():
            due.append(clock.now())
            ledger.day.note_silence()
    assert {timedelta(hours=1)} == {later - earlier for earlier, later in pairwise(due)}
    clock.sleep(7_200)
    ledger.day.note_silence()
    clock.sleep(86_400)
    assert not ledger.day.is_usage_due()
    ledger.back_off(20)
    assert ledger.day.is_usage_wanted()


def test_a_backfill_that_is_crowded_asks_who_it_is(instance: Instance, ledger: Ledger, clock: ManualClock) -> None:
    """After a 606 one call tells what others spend; for a quarter of an hour no other does."""
    crowded = Ledger(ledger.path, LIMITS, clock, is_backfill=True)
    instance.script("/rest/v1/leads.json", refusal("606", "Max rate limit '100' exceeded"), accepted())
    instance.script(USAGE, told(800))
    with client_of(instance, crowded, clock) as client:
        for _ in range(3):
            client.get("/rest/v1/leads.json")

    assert 1 == len(instance.asked(USAGE))
    assert 790 < (ledger.day.others() or 0) <= 800


def test_statistics_that_fail_stop_nobody(client: MarketoClient, instance: Instance, ledger: Ledger) -> None:
    """No answer is no knowledge: calls go on by this project's own account, and it is not asked again at once."""
    instance.script(USAGE, refusal("603", "Access denied"))

    assert learn_usage(client) is None
    assert not ledger.day.is_usage_due()
    assert ledger.day.others() is None


def test_a_hand_on_the_pool_overrules_the_margin_only_until_marketo_refuses(ledger: Ledger) -> None:
    """Who wants to go on goes on; Marketo's own 607 is the end."""
    ledger.day.note_usage(TODAY, 1_000)
    with pytest.raises(DailyQuotaSpent):
        spend(ledger)
    ledger.overrule()
    spend(ledger)
    ledger.close_day()
    with pytest.raises(DailyQuotaSpent, match="Marketo said"):
        spend(ledger)
