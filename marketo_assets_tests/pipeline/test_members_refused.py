"""Members that Marketo refuses to tell of one program or list are missed there alone; an instance may have none."""

from __future__ import annotations

import json

import httpx
import pytest

from marketo_assets.api.errors import MarketoError
from marketo_assets.extract.bulk import ExportError
from marketo_assets.load.file_reading import LoadError
from marketo_assets.warehouse import WarehouseError
from marketo_assets_tests.pipeline import reference_road
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


class Spoiling(httpx.BaseTransport):
    """Marketo, as it fails each export job that a text is in the request of, or reports a record too many of it."""

    def __init__(self, inner: httpx.BaseTransport, text: str, *, has_file: bool = False) -> None:
        self._inner, self._text, self._has_file = inner, text, has_file
        self._jobs: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if "/export/" not in request.url.path or request.url.path.endswith("file.json"):
            return answer
        body = json.loads(answer.read())
        for job in body.get("result", ()):
            if request.url.path.endswith("create.json") and self._text in request.read().decode():
                self._jobs.add(job["exportId"])
            if job["exportId"] in self._jobs and job["status"] == "Completed":
                job |= {"numberOfRecords": job["numberOfRecords"] + 1} if self._has_file else {"status": "Failed"}
        return httpx.Response(answer.status_code, json=body)


@pytest.mark.parametrize(
    ("has_file", "error", "told"),
    [(False, ExportError, "failed 3 export jobs"), (True, LoadError, "Nothing was loaded")],
    ids=["jobs fail", "a record is missing"],
)
def test_a_failed_export_of_some_programs_holds_up_no_other(
    road: Road, has_file: bool, error: type[Exception], told: str
) -> None:
    """Jobs that Marketo fails again and again, or a file that is not whole, fail the run after all others are read."""
    assert road.transport
    spoiling = Spoiling(road.transport, "1003", has_file=has_file)
    for _ in range(2):
        with pytest.raises(error, match=told):
            capture_members(road, transport=spoiling)
        road.publish()
        assert [(PROGRAMS - 10,)] == road.query("SELECT count(*) FROM meta.member_readings")
    assert any("those of other programs are read first" in line for line in road.log)
    if has_file:
        for path in road.settings.landing_dir.glob("program_members/*1001*/*.json"):
            path.unlink()  # as the message says
    capture_members(road)
    assert [] == wrong_members(road)


def test_a_failed_export_of_a_list_holds_up_no_other(road: Road) -> None:
    """The others are read; then the run fails with what became of the export."""
    assert road.transport
    road.desk("POST", "/faults", route="GET */lists/3001/leads.json", kind="not_json", count=None)
    with pytest.raises(ExportError, match="failed 3 export jobs for list-3001"):
        capture_lists(road, transport=Spoiling(road.transport, "3001"))
    assert [] == [line for line in wrong_lists(road) if "3001" not in line]


def test_a_queue_that_does_not_move_is_waited_for_once(road: Road) -> None:
    """An export that is not done in all its time ends the run at once: the next ones would wait as long."""
    road.desk("PATCH", "/switches", export_seconds=7200.0)
    with pytest.raises(ExportError, match="is still"):
        capture_members(road.with_settings(export_deadline_hours=0.2))
    assert 1 == road.exports("created")


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


def test_programs_that_no_release_shows_yet_are_known(make_road: MakeRoad) -> None:
    """What reference data was loaded and not published, as within MARKETO_PUBLISH_MIN_SECONDS, is read all the same."""
    road = make_road(leads=20)
    reference_road.read(road.with_settings(objects=("programs", "static_lists")))

    assert (PROGRAMS, 26) == (capture_members(road).programs, capture_lists(road).lists)
