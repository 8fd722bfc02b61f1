"""Rate, concurrency and daily quota: each reached, each at its documented number, in Marketo's time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from marketo_assets_tests.sandbox.caller import Caller, codes, errors

DESCRIBE = "/rest/v1/leads/partitions.json"


def test_the_hundred_and_first_call_in_20_seconds_is_606(marketo: Caller) -> None:
    """100 calls pass in 20 s, the next is refused, and a call passes again when 20 s are over."""
    for _ in range(50):
        assert marketo.get(DESCRIBE)["success"]
    marketo.wait(10)
    for _ in range(50):
        assert marketo.get(DESCRIBE)["success"]

    assert [("606", "Max rate limit '100' exceeded with in '20' secs")] == errors(marketo.get(DESCRIBE))

    marketo.wait(9.999)
    assert ["606"] == codes(marketo.get(DESCRIBE))

    marketo.wait(0.001)
    assert marketo.get(DESCRIBE)["success"]
    assert 102 == marketo.desk("GET", "/counters")["most_calls_in_window"]


def test_the_window_slides(marketo: Caller) -> None:
    """A steady hundred calls in each 20 s are never refused."""
    for _ in range(300):
        assert marketo.get(DESCRIBE)["success"]
        marketo.wait(0.2)

    assert 100 == marketo.desk("GET", "/counters")["most_calls_in_window"]


def test_the_eleventh_call_at_once_is_615(marketo: Caller) -> None:
    """Ten calls may be under way; another one is refused, and passes when they are over."""
    marketo.fault("hold", "GET /rest/v1/leads/describe.json", count=None)
    with ThreadPoolExecutor(10) as pool:
        held = [pool.submit(marketo.get, "/rest/v1/leads/describe.json") for _ in range(10)]
        marketo.until(lambda: marketo.desk("GET", "/state")["calls_at_once"] == 10)

        assert [("615", "Concurrent access limit reached")] == errors(marketo.get(DESCRIBE))

        marketo.desk("DELETE", "/faults")
        assert all(answer.result()["success"] for answer in held)

    assert marketo.get(DESCRIBE)["success"]
    assert 11 == marketo.desk("GET", "/counters")["most_calls_at_once"]


@pytest.mark.parametrize(
    ("midnight", "last_second"), [("America/Chicago", "2026-08-16T04:59:59Z"), ("CST", "2026-08-16T05:59:59Z")]
)
def test_a_spent_day_is_607_until_midnight_central(marketo: Caller, midnight: str, last_second: str) -> None:
    """With the day's calls spent every call is refused until midnight, in either reading of Adobe's words."""
    marketo.desk("PATCH", "/switches", midnight=midnight)
    marketo.desk("PATCH", "/limits", daily_calls=3)
    for _ in range(3):
        assert marketo.get(DESCRIBE)["success"]

    assert [("607", "Daily quota reached")] == errors(marketo.get(DESCRIBE))

    marketo.desk("POST", "/time", to=last_second)
    marketo.renew()
    assert ["607"] == codes(marketo.get(DESCRIBE))

    marketo.wait(1)
    assert marketo.get(DESCRIBE)["success"]


@pytest.mark.parametrize("code", ["601", "602", "604", "605", "608", "611"])
def test_answers_with_a_free_code_are_not_counted(marketo: Caller, code: str) -> None:
    """The codes that Adobe's table marks count neither against the day nor in the rate window."""
    marketo.fault("error", code=code, count=None)
    for _ in range(101):
        assert [code] == codes(marketo.get(DESCRIBE))
    marketo.desk("DELETE", "/faults")

    assert marketo.get(DESCRIBE)["success"]
    assert 1 == marketo.desk("GET", "/counters")["calls_today"]


@pytest.mark.parametrize("code", ["603", "606", "607", "609", "610", "615", "1003"])
def test_answers_with_any_other_code_are_counted(marketo: Caller, code: str) -> None:
    """Codes without the mark are taken as counted, the careful reading."""
    marketo.fault("error", code=code)

    assert [code] == codes(marketo.get(DESCRIBE))
    assert 1 == marketo.desk("GET", "/counters")["calls_today"]


def test_limits_are_shared_by_all_users(marketo: Caller) -> None:
    """The instance has one quota: what one integration spends is gone for the other."""
    marketo.desk("PUT", "/users/other", client_secret="s")
    marketo.desk("PATCH", "/limits", daily_calls=1)
    other = Caller(marketo.client, {"client_id": "other", "client_secret": "s"})

    assert other.get(DESCRIBE)["success"]
    assert ["607"] == codes(marketo.get(DESCRIBE))


def test_the_control_desk_is_not_counted(marketo: Caller) -> None:
    """Looking and ordering costs the instance nothing."""
    for _ in range(120):
        marketo.desk("GET", "/time")

    assert 0 == marketo.desk("GET", "/counters")["calls"]
