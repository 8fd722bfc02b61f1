"""Reference objects through trouble: denials, faults, kills, spent quotas, damaged files; and what it all costs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from marketo_assets.api.errors import MarketoError, WaitForReset
from marketo_assets.clock import ManualClock
from marketo_assets.extract.objects import DETAILS, REFERENCE, object_names
from marketo_assets.land.manifest import LandingError
from marketo_assets.land.readings import LandedReading, pending_readings
from marketo_assets.settings import SettingsError
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.reference_road import land, load, peek, read, reference_diff
from marketo_assets_tests.pipeline.road import NOW, Recording, Road
from marketo_assets_tests.pipeline.storm import Cut, Killed

LISTINGS = len(REFERENCE)
PROGRAMS, SEGMENTATIONS, TAGS = 24, 2, 3
DRAFTS = len([kind for kind in REFERENCE if kind.has_versions])
"""Kinds of which the approved versions take another call, where there are drafts."""
FAULTS: tuple[dict[str, Any], ...] = (
    *({"kind": "error", "code": code} for code in ("606", "608", "611", "614", "615", "604", "713", "502")),
    {"kind": "token_revoked", "code": "601"},
    {"kind": "token_revoked", "code": "602"},
    {"kind": "http"},
    {"kind": "not_json"},
    {"kind": "drop", "after_bytes": 0},
    {"kind": "drop", "after_bytes": 40},
    {"kind": "error", "code": "607"},
)
ROUTES = ("GET /rest/asset/v1/emails.json", "GET /rest/v1/campaigns.json", "GET /rest/asset/v1/program/byName.json")
DENY = "GET /rest/asset/v1/forms.json"


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    """A road to an instance with few leads and all its assets."""
    return make_road(leads=5, months=1)


def calls(road: Road, part: str = "") -> int:
    """Return how many calls were made to addresses with that *part*."""
    assert isinstance(road.transport, Recording)
    return len([asked for asked in road.transport.calls() if part in asked.path])


def email(road: Road, place: int = 0) -> int:
    """Return the id of one of the emails."""
    return int(sorted(item["id"] for item in road.desk("GET", "/assets/email")["assets"])[place])


def test_what_readings_cost(road: Road) -> None:
    """A call for each kind, and each program, segmentation and tag once; then only for those that may have changed."""
    read(road)
    assert calls(road) <= LISTINGS + DRAFTS + PROGRAMS + SEGMENTATIONS + TAGS
    road.settings.clock.sleep(86_400)
    before = calls(road)
    read(road)
    assert LISTINGS + DRAFTS + TAGS >= calls(road) - before, "nothing was updated: tags alone are asked for one by one"
    assert PROGRAMS == calls(road, "/program/")
    road.desk("PATCH", "/assets/program/1004", values={"description": "Changed", "tags": []})
    road.settings.clock.sleep(3600)
    read(road)
    assert PROGRAMS + 1 == calls(road, "/program/")
    assert [] == reference_diff(road)


def test_tags_that_change_without_a_trace_need_a_refresh(road: Road) -> None:
    """Where Marketo moves no updatedAt with tags and costs, only reading all of them again shows it."""
    read(road)
    road.settings.clock.sleep(3600)
    road.desk("PATCH", "/assets/program/1003", values={"tags": []})
    read(road)
    assert [] != reference_diff(road, "program_tags")
    read(road, is_refresh=True)
    assert [] == reference_diff(road)


def test_many_assets_are_asked_for_what_was_updated(road: Road) -> None:
    """Where everything takes several calls, what was updated takes one; once a day everything shows what is gone."""
    for number in range(250):
        road.desk("POST", "/assets/static_list", name=f"List {number}")
    road.settings.clock.sleep(3600)
    one = road.with_settings(objects=("static_lists",))
    read(one)
    ids = [item["id"] for item in road.desk("GET", "/assets/static_list")["assets"]]
    road.settings.clock.sleep(7200)
    road.desk("PATCH", f"/assets/static_list/{ids[3]}", values={"name": "Another name"})
    road.desk("DELETE", f"/assets/static_list/{ids[4]}")
    before = calls(one)
    (quiet,) = read(one)
    assert (1, False, 1) == (calls(one) - before, quiet.landed.is_whole, quiet.changed)
    assert [f"static_lists: {ids[4]} does not exist"] == reference_diff(one, "static_lists")
    road.settings.clock.sleep(86_400)
    before = calls(one)
    (whole,) = read(one)
    assert (3, True, 1) == (calls(one) - before, whole.landed.is_whole, whole.removed), "one more asks for the missing"
    assert [] == reference_diff(one, "static_lists")


def test_only_what_is_chosen_is_read(road: Road) -> None:
    """MARKETO_OBJECTS chooses; tags of programs need the list of programs."""
    loads = read(road.with_settings(objects=("channels", "program_tags")))

    assert ["programs", "channels", "program_details"] == [found.landed.object for found in loads]


def test_a_name_that_is_no_object_is_told_the_choices(road: Road) -> None:
    """The message names the setting, the nearest name and every choice."""
    with pytest.raises(SettingsError, match=r"MARKETO_OBJECTS names 'program'.*Did you mean programs\?") as raised:
        land(road.with_settings(objects=("program",)))
    assert all(name in str(raised.value) for name in object_names())


@pytest.mark.parametrize("code", ["603", "610"])
def test_what_may_not_be_read_is_left_out(road: Road, code: str) -> None:
    """Without the permission, or where the subscription lacks it, nothing fails and nothing counts as removed."""
    read(road)
    fault = {"route": DENY, "kind": "error", "code": code, "message": "No", "count": None}
    road.desk("POST", "/faults", **fault)
    found = land(road)
    load(road)

    assert ["forms"] == list(found.skipped)
    assert "Read-Only Assets" in found.skipped["forms"]
    assert any(line.startswith("forms are left out") for line in road.log)
    assert [] == reference_diff(road)
    assert [(0,)] == peek(road, "SELECT count(*) FROM raw.reference_versions WHERE removed_at IS NOT NULL")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param({"kind": "error", "code": "611"}, "code 611", id="refused"),
        pytest.param({"kind": "not_json"}, "not Marketo's JSON", id="unreadable"),
    ],
)
def test_an_object_that_cannot_be_read_holds_up_no_other(road: Road, fault: dict[str, Any], told: str) -> None:
    """The run fails with what Marketo says of it, after all others were landed; the next one loads them."""
    road.desk("POST", "/faults", route="GET */smartLists.json", count=None, **fault)
    with pytest.raises(MarketoError, match=told):
        land(road)
    assert {kind.name for kind in REFERENCE} - {"smart_lists"} <= {landed.object for landed in _landed(road)}
    assert any("smart_lists could not be read" in line for line in road.log)
    road.desk("DELETE", "/faults")
    before = calls(road)
    read(road)
    assert [] == reference_diff(road)
    assert calls(road) - before <= 1 + DRAFTS + TAGS


def test_credentials_that_may_read_leads_alone(road: Road) -> None:
    """Lead partitions come, everything else is left out with the permission that it takes."""
    permissions = ["Read-Only Lead"]
    road.desk("PUT", "/users/poor", client_secret="s", permissions=permissions)
    poor = road.with_settings(client_id="poor", client_secret="s")
    found = land(poor)
    load(poor)

    assert ["lead_partitions"] == [landed.object for landed in found.readings]
    assert LISTINGS - 1 == len(found.skipped)
    assert "Read-Only Campaign" in found.skipped["campaigns"]
    assert [(1,)] == peek(poor, "SELECT count(*) FROM raw.reference_versions")


def test_every_fault_on_the_way(road: Road) -> None:
    """Whatever a listing, a list of the lead database or a detail meets, some runs later every cell is there."""
    few = road.with_settings(objects=("emails", "campaigns", "program_tags", "program_costs"))
    for number, fault in enumerate(FAULTS):
        road.desk("PATCH", f"/assets/email/{email(road)}", values={"description": f"After {number}"})
        road.desk("PATCH", f"/assets/program/{1001 + number}", values={"description": f"After {number}"})
        for route in ROUTES:
            road.desk("POST", "/faults", route=route, **fault)
        assert any(_is_landed(few) for _ in range(4)), fault
        assert [1, 1, 1] == [told["struck"] for told in road.desk("GET", "/faults")]
        road.desk("DELETE", "/faults")
        road.settings.clock.sleep(4000)
    load(few)

    assert [] == reference_diff(few, "emails", "campaigns", "programs", "program_tags", "program_costs")


def _is_landed(road: Road) -> bool:
    clock = road.settings.clock
    assert isinstance(clock, ManualClock)
    try:
        if not land(road).postponed:
            return True
        clock.sleep(86_400)
    except WaitForReset as error:
        clock.move_to(error.resets_at or NOW)
    except MarketoError:
        clock.sleep(600)
    return False


def test_a_kill_between_calls_costs_one_reading(road: Road) -> None:
    """Killed after each of its calls, a run goes on where it stood: no kind is listed twice, and few details."""
    assert road.transport
    before = calls(road)
    for _ in range(LISTINGS):
        with contextlib.suppress(Killed):
            land(road, transport=Cut(road.transport, 9))
    assert {kind.name for kind in REFERENCE} <= {landed.object for landed in _landed(road)}
    read(road)
    spent = calls(road) - before - calls(road, "/program/") - calls(road, "/tagType/")
    assert [] == reference_diff(road)
    assert spent <= 2 * (LISTINGS + DRAFTS + SEGMENTATIONS)


def test_a_quota_that_ends_among_details_leaves_the_rest_to_the_next_run(road: Road) -> None:
    """What was read is landed and loaded, the rest is counted, and the next day reads that and no more."""
    road.desk("POST", "/faults", route="GET */program/byName.json", kind="error", code="607", skip=10, count=None)
    found = land(road)
    load(road)
    ((held,),) = peek(road, "SELECT count(*) FROM raw.reference_versions WHERE object = 'program_details'")
    assert (held, PROGRAMS - held) == (max(held, 10), found.postponed["program_details"])
    road.desk("DELETE", "/faults")
    road.settings.clock.sleep(86_400)
    before = calls(road, "/program/")
    read(road)
    assert PROGRAMS - held == calls(road, "/program/") - before
    assert [] == reference_diff(road)


def test_a_detail_that_may_not_be_read_is_left_out(road: Road) -> None:
    """Programs come without their tags and costs, and nothing fails."""
    road.desk("POST", "/faults", route="GET */program/*.json", kind="error", code="603", message="No", count=None)
    found = land(road)
    load(road)

    assert ["program_details"] == list(found.skipped)
    assert [(PROGRAMS,)] == peek(road, "SELECT count(*) FROM raw.reference_versions WHERE object = 'programs'")


def test_a_landed_file_that_is_damaged_is_read_again(road: Road) -> None:
    """Nothing is loaded from it, the message says what to do, and doing that heals it."""
    land(road)
    path = next(landed.path for landed in _landed(road) if landed.object == "emails")
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(LandingError, match="Materialize landing/reference again"):
        load(road)
    land(road)
    load(road)

    assert any("is damaged" in line for line in road.log)
    assert [] == reference_diff(road)


def test_a_damaged_file_of_what_is_no_longer_chosen_holds_up_no_load(road: Road) -> None:
    """It is dropped by the next landing too, for loading takes up whatever lies there."""
    land(road)
    path = next(landed.path for landed in _landed(road) if landed.object == "emails")
    path.write_bytes(path.read_bytes()[:-7])
    fewer = road.with_settings(objects=("channels",))
    land(fewer)
    load(fewer)

    assert any("emails: " in line and "is damaged" in line for line in fewer.log)
    assert [] == reference_diff(fewer, "channels", "programs")


def test_a_lost_warehouse_is_made_anew_from_what_was_landed(road: Road) -> None:
    """All versions come back without a call, with what was removed and when."""
    read(road)
    road.settings.clock.sleep(4000)
    road.desk("DELETE", f"/assets/email/{email(road, 1)}")
    road.desk("PATCH", f"/assets/email/{email(road)}", values={"description": "Changed"})
    read(road)
    query = (
        "SELECT object, id, record::VARCHAR, read_from, read_until, removed_at FROM raw.reference_versions ORDER BY ALL"
    )
    before, made = peek(road, query), calls(road)
    road.warehouse.work_path.unlink()
    load(road)

    assert before == peek(road, query)
    assert made == calls(road)
    assert [] == reference_diff(road)


def test_loading_again_changes_nothing(road: Road) -> None:
    """A reading is loaded once; a second load has nothing to do."""
    read(road)
    rows = peek(road, "SELECT * FROM raw.reference_versions ORDER BY ALL")
    assert [] == load(road)
    assert rows == peek(road, "SELECT * FROM raw.reference_versions ORDER BY ALL")


def test_two_loads_at_once_load_each_reading_once(road: Road) -> None:
    """What is to be loaded is asked while nobody else can load, so none comes between the question and the loads."""

    class Meeting(Warehouse):
        entries = 0

        @contextlib.contextmanager
        def held(self) -> Iterator[DuckDBConnection]:
            if self._held is None:
                self.entries += 1
                if self.entries == 2:
                    load(road.with_settings())
            with super().held() as con:
                yield con

    land(road)
    road.kept = Meeting(road.settings.data_dir)
    load(road)

    counted = "SELECT count(*) AS times FROM meta.reference_readings GROUP BY object, reading"
    assert [(1,)] == peek(road, f"SELECT max(times) FROM ({counted})")


def test_folders_of_any_depth_are_read(road: Road) -> None:
    """Below the tenth level of folders one browse goes no further, and another begins there."""
    above = 100
    for number in range(25):
        above = road.desk("POST", "/folders", name=f"Level {number}", parent_id=above)["id"]
    read(road)

    assert [] == reference_diff(road)
    ((path,),) = road.query(f"SELECT path FROM folders WHERE id = {above}")
    assert path.endswith("/Level 23/Level 24")


def _landed(road: Road) -> list[LandedReading]:
    names = [kind.name for kind in REFERENCE] + [detail.name for detail in DETAILS]
    return [landed for name in names for landed in pending_readings(road.settings.landing_dir, name, "")]
