"""Members that Marketo refuses to tell of one program or list are missed there alone; an instance may have none."""

from __future__ import annotations

import httpx
import pytest

from marketo_assets.api.errors import MarketoError
from marketo_assets.warehouse import WarehouseError
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.member_road import (
    begin,
    calls,
    capture_lists,
    capture_members,
    change_program,
    lead_ids,
    wrong_lists,
    wrong_members,
)
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.unit.api.instance import refusal

PROGRAMS = 24


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    """A road that knows programs and lists."""
    return begin(make_road(leads=60))


class Refusing(httpx.BaseTransport):
    """Marketo, as it refuses every export of one program's members."""

    def __init__(self, inner: httpx.BaseTransport, program: int) -> None:
        self._inner, self._program = inner, program

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "members/export/create" in request.url.path and str(self._program) in request.read().decode():
            return refusal("1003", "The programs cannot be exported")
        return self._inner.handle_request(request)


def test_a_program_that_marketo_refuses_holds_up_no_other(road: Road) -> None:
    """The others are read and kept, at first and when they changed; then the run fails with what Marketo said."""
    assert road.transport is not None
    refusing = Refusing(road.transport, 1003)
    for _ in range(2):
        with pytest.raises(MarketoError, match="1003"):
            capture_members(road, transport=refusing)
    road.publish()
    assert [(PROGRAMS - 1,)] == road.query("SELECT count(*) FROM meta.member_readings")
    assert any("Members of 1003 could not be read" in line for line in road.log)
    capture_members(road)
    road.settings.clock.sleep(3600)
    change_program(road, 1004, lead_ids(road)[:5], "Member")
    with pytest.raises(MarketoError, match="1003"):
        capture_members(road, transport=refusing)
    assert [] == wrong_members(road)


def test_an_instance_without_programs_and_lists_has_no_members(make_road: MakeRoad) -> None:
    """What was asked for and is not there is no error; what nobody asked for is one."""
    road = make_road(leads=5, months=1)
    for capture in (capture_members, capture_lists):
        with pytest.raises(WarehouseError, match="Run job reference first"):
            capture(road)
    for kind in ("program", "static_list"):
        for asset in road.desk("GET", f"/assets/{kind}")["assets"]:
            road.desk("DELETE", f"/assets/{kind}/{asset['id']}")
    begin(road)

    assert (0, 0) == (capture_members(road).programs, capture_lists(road).lists)


def test_a_list_that_marketo_refuses_holds_up_no_other(road: Road) -> None:
    """The others are read and kept, run after run; then the run fails with what Marketo said."""
    road.desk("POST", "/faults", route="GET */lists/3004/leads.json", kind="error", code="611", count=None)
    for _ in range(2):
        with pytest.raises(MarketoError, match="611"):
            capture_lists(road)
    told = [line for line in wrong_lists(road) if "3004" not in line]

    assert [] == told
    assert any("Static list 3004 could not be read" in line for line in road.log)
    road.desk("DELETE", "/faults")
    assert [] == (capture_lists(road), wrong_lists(road))[1]


def test_what_ten_lists_are_refused_is_asked_for_no_more(road: Road) -> None:
    """A refusal of everything costs ten lists' calls, and not those of all."""
    road.desk("POST", "/faults", route="GET */lists/*/leads.json", kind="error", code="1003", count=None)
    with pytest.raises(MarketoError, match="1003"):
        capture_lists(road)
    assert 10 == calls(road, "/leads.json")
