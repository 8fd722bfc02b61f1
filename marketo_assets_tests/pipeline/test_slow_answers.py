"""Answers that take long: what they tell was read before they came, whatever moment they are dated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from marketo_assets.clock import ManualClock
from marketo_assets_tests.past_truth import as_of_differences, history_differences, read_past
from marketo_assets_tests.pipeline.road import NOW, Road, months_until

SLOW_SECONDS = 8.0


class Slow(httpx.BaseTransport):
    """Passes answers about leads on late, dated when they are sent, after *meanwhile* was called."""

    def __init__(self, inner: httpx.BaseTransport, clock: ManualClock, meanwhile: Callable[[], None]) -> None:
        self._inner, self._clock, self._meanwhile = inner, clock, meanwhile

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if request.url.path.endswith("/v1/leads.json"):
            answer.read()
            self._clock.sleep(SLOW_SECONDS / 2)
            self._meanwhile()
            self._clock.sleep(SLOW_SECONDS / 2)
            answer.headers["date"] = format_datetime(self._clock.now(), usegmt=True)
        return answer


@pytest.mark.parametrize("is_deleted", [False, True], ids=["that stays", "that is deleted later"])
def test_a_lead_that_changes_while_it_is_read(road: Road, is_deleted: bool) -> None:
    """Its past is as it was: the old value until the change and the new one since, with no other change made up."""
    clock, inner = road.settings.clock, road.transport
    assert isinstance(clock, ManualClock)
    assert inner is not None
    road.travel(*months_until(NOW, 3))
    ((lead_id,),) = road.query("SELECT min(id) FROM main.leads")

    def name(value: str) -> None:
        road.desk("PATCH", f"/leads/{lead_id}", values={"firstName": value})

    clock.sleep(60)
    name("Before")
    road.capture(transport=Slow(inner, clock, lambda: name("Meanwhile")))
    clock.sleep(60)
    if is_deleted:
        road.desk("DELETE", f"/leads/{lead_id}")
        clock.sleep(60)
    road.capture()
    road.publish()

    past = read_past(road.control)
    changed_at = clock.now().replace(microsecond=0)
    assert [] == road.differences()
    with road.reading() as con:
        assert [] == history_differences(con, past, ["firstName"])
        for seconds in range(0, 200, 5):
            moment = changed_at - timedelta(seconds=seconds)
            assert [] == as_of_differences(con, road.control, past, moment, ["firstName"])
