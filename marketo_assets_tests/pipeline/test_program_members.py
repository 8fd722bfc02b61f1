"""Members of programs come by export, whole and as far as they changed: the table is what the programs have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from math import inf
from random import Random

import pytest

from marketo_assets.api.errors import ExportQuotaSpent, OutcomeUnknown
from marketo_assets.land.manifest import read_manifest
from marketo_assets.load.member_capture import ReadingTerms
from marketo_assets.load.program_members import load_program_members
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.member_road import (
    ALL_NOW,
    begin,
    calls,
    capture_members,
    change_program,
    in_program,
    kept_open,
    lead_ids,
    wrong_members,
)
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Cut, Dying, Killed

PROGRAMS = 24
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))]
DAY = 86_400.0


@pytest.fixture
def road(make_road: MakeRoad) -> Iterator[Road]:
    with kept_open(make_road(leads=600)) as road:
        yield begin(road)


def pass_time(road: Road, seconds: float = 3600.0) -> None:
    road.settings.clock.sleep(seconds)


def test_every_member_comes_with_every_field(road: Road) -> None:
    """Ten programs share an export; each cell is typed and as Marketo has it, awkward texts included."""
    capture = capture_members(road)
    assert [] == wrong_members(road)
    assert (PROGRAMS, PROGRAMS, 3) == (capture.programs, capture.read_whole, capture.exports)
    assert capture.calls <= 1 + 3 * 3 + calls(road, "status.json")
    types = dict(road.query("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'program_members'"))
    expected = {"program_id": "BIGINT", "lead_id": "BIGINT", "reached_success": "BOOLEAN", "seat_number": "BIGINT"}
    assert expected == {name: types[name] for name in expected}
    assert [] == road.query("SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE comment IS NULL")
    assert ("Diet, Note (Marketo string)",) in road.query(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'program_members' AND schema_name = 'main'"
    )


def test_from_then_on_only_what_changed_is_exported(road: Road) -> None:
    """A new status, a new value and a new member come by the updatedAt filter, in a file of a few rows."""
    whole = capture_members(road)
    pass_time(road)
    members, strangers = in_program(road, 1001), set(lead_ids(road)) - set(in_program(road, 1001))
    change_program(road, 1001, members[:3], "Attended")
    change_program(road, 1001, members[3:4], None, seatNumber=77, dietNote='a, "b"\nc')
    change_program(road, 1012, sorted(strangers)[:2], "Requested")
    update = capture_members(road)
    assert [] == wrong_members(road)
    assert 0 == update.read_whole
    assert 6 <= update.rows < 30
    assert update.file_bytes < whole.file_bytes / 10
    pass_time(road)
    assert 0 == capture_members(road).read_whole
    assert [] == wrong_members(road)


def test_who_left_is_marked_by_a_whole_reading(road: Road) -> None:
    """No export of changes tells who left: the weekly whole reading marks them, and keeps what they were last."""
    capture_members(road)
    gone = in_program(road, 1006)[:2]
    pass_time(road)
    change_program(road, 1006, gone, "Not in Program")
    capture_members(road)
    assert 2 == len(wrong_members(road))
    pass_time(road, 7 * DAY)
    capture = capture_members(road)
    assert (PROGRAMS, 2) == (capture.read_whole, capture.removed)
    assert [] == wrong_members(road)
    assert 2 == len(road.query("SELECT 1 FROM program_members WHERE removed_at IS NOT NULL AND program_id = 1006"))
    pass_time(road)
    change_program(road, 1006, gone[:1], "Member")
    capture_members(road)
    assert [] == wrong_members(road), "who comes back is a member again"


def test_without_the_filter_programs_are_read_whole(make_road: MakeRoad) -> None:
    """A subscription that refuses the updatedAt filter (1035) is asked for it once, and then for everything."""
    road = begin(make_road(leads=300))
    road.desk("PATCH", "/switches", updated_at_filter=False)
    capture_members(road)
    for expected in (1, 0):
        pass_time(road)
        change_program(road, 1001, in_program(road, 1001)[:1], "Not in Program")
        before = calls(road, "create.json")
        assert PROGRAMS == capture_members(road).read_whole
        assert 3 + expected == calls(road, "create.json") - before
        assert [] == wrong_members(road)


def test_a_merged_lead_takes_its_memberships_along(road: Road) -> None:
    """What a merge moved is found by reading the loser's programs whole; the loser's membership ends with it."""
    road.travel("2026-08")
    capture_members(road)
    losers = [number for number in in_program(road, 1005) if number not in in_program(road, 1002)][:1]
    winner = next(number for number in in_program(road, 1002) if number not in in_program(road, 1005))
    pass_time(road)
    road.desk("POST", "/changes", changes=[{"merge": winner, "losers": losers}])
    capture = capture_members(road)
    assert [] == wrong_members(road)
    assert 0 < capture.read_whole < PROGRAMS
    pass_time(road)
    assert 0 == capture_members(road).read_whole


def test_members_end_with_their_lead_and_their_program(road: Road) -> None:
    """A deleted lead is no member as soon as its deletion is captured; one of a deleted program once that is known."""
    road.travel("2026-08")
    capture_members(road)
    gone = in_program(road, 1001)[0]
    pass_time(road)
    road.desk("POST", "/changes", changes=[{"delete": gone}])
    road.capture()
    assert [] == wrong_members(road)
    assert [(True,)] == road.query(
        "SELECT DISTINCT removed_at IS NOT NULL FROM program_members WHERE lead_id = ?", gone
    )
    road.desk("DELETE", "/assets/program/1013")
    assert [1013] == capture_members(road, ALL_NOW).vanished
    assert wrong_members(road), "only reference data says that a program is gone"
    pass_time(road)
    assert [] == capture_members(begin(road)).vanished
    assert [] == wrong_members(road)


def test_files_may_be_loaded_again_in_any_order(road: Road) -> None:
    """A file that is loaded again, or after a later one, takes nothing back."""
    capture_members(road)
    first = [read_manifest(path) for path in road.settings.landing_dir.glob("program_member*/*/*.json")]
    pass_time(road)
    change_program(road, 1001, in_program(road, 1001)[:5], "Not in Program")
    change_program(road, 1001, in_program(road, 1001)[:5], "Attended")
    capture_members(road, ALL_NOW)
    for landed in first:
        load = load_program_members(road.warehouse, landed, run_id="again", now=road.settings.clock.now())
        assert (0, 0) == (load.rows, load.removed)
    assert [] == wrong_members(road)


def test_killed_anywhere_nothing_is_lost_or_paid_twice(make_road: MakeRoad) -> None:
    """A run that is killed after any call, or before any commit, is taken up: each export is loaded once."""
    road = begin(make_road(leads=200))
    assert road.transport
    for left in range(20):
        try:
            capture_members(road, transport=Cut(road.transport, left))
        except Killed:
            continue
        break
    with contextlib.suppress(Killed):
        road.kept = Dying(road.settings.data_dir, left=5)
        capture_members(road, ALL_NOW)
        raise AssertionError("nobody was killed before a commit")
    road.kept = None
    capture_members(road)

    assert [] == wrong_members(road)
    assert road.exports("enqueued") == road.exports("completed")
    assert [(road.exports("completed"),)] == road.query(
        "SELECT count(DISTINCT export_id) FROM meta.loads WHERE table_name = 'raw.program_members'"
    ), "what was landed was loaded, by whichever run"


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        ("POST */create.json", {"kind": "http"}),
        ("POST */enqueue.json", {"kind": "error", "code": "1029", "message": "Too many jobs in queue", "count": 3}),
        ("POST */enqueue.json", {"kind": "job_failed"}),
        ("GET */status.json", {"kind": "job_lost"}),
        ("GET */file.json", {"kind": "truncate", "bytes": 3_000, "count": 2}),
        ("GET */file.json", {"kind": "corrupt", "offset": 400}),
        ("GET */file.json", {"kind": "file_lost"}),
        ("GET */describe.json", {"kind": "error", "code": "606"}),
    ],
    ids=lambda told: told if isinstance(told, str) else told["kind"],
)
def test_members_arrive_through_faults(make_road: MakeRoad, route: str, fault: dict[str, object]) -> None:
    """Whatever call fails on the way, and however, every cell is as Marketo has it."""
    road = begin(make_road(leads=200))
    road.desk("POST", "/faults", route=route, **fault)
    with contextlib.suppress(OutcomeUnknown):  # a create is never replayed; the next run creates anew
        capture_members(road)
    capture_members(road)
    assert [] == [order for order in road.desk("GET", "/faults") if not order["struck"]]
    assert [] == wrong_members(road)


def test_a_spent_quota_keeps_what_was_done(road: Road) -> None:
    """When the day's bytes end between two exports (1029), the next day goes on with the programs that are left."""
    message = "Export daily quota exceeded"
    road.desk("POST", "/faults", route="POST */create.json", kind="error", code="1029", message=message, skip=1)
    with pytest.raises(ExportQuotaSpent) as spent:
        capture_members(road)
    assert spent.value.resets_at
    pass_time(road, (spent.value.resets_at - road.settings.clock.now()).total_seconds() + 1)
    assert 14 == capture_members(road).read_whole
    assert [] == wrong_members(road)
    assert 3 + 1 == road.exports("completed"), "and the ten that were read before are asked for what changed"


def test_repeated_readings_keep_to_their_budget(road: Road) -> None:
    """Weekly whole readings stop at the megabytes of a run, and go on with those that were read longest ago."""
    capture_members(road)
    pass_time(road, 8 * DAY)
    terms = ReadingTerms(most_bytes=200_000)
    first = capture_members(road, terms)
    assert 0 < first.postponed < PROGRAMS
    assert PROGRAMS == first.read_whole + first.postponed
    assert first.exports >= 3, "the others are asked for what changed meanwhile"
    for _ in range(10):
        pass_time(road)
        capture_members(road, terms)
    oldest = road.settings.clock.now() - timedelta(days=2)
    assert [(0,)] == _stale(road, oldest)


def _stale(road: Road, oldest: object) -> list[tuple[int]]:
    with road.warehouse.transaction() as con:
        return con.execute("SELECT count(*) FROM meta.member_readings WHERE whole_as_of < ?", [oldest]).fetchall()


def test_a_value_that_does_not_fit_is_kept_aside(road: Road) -> None:
    """A text in a number's field leaves the cell empty and stands in meta.rejected_values; its row is loaded."""
    (lead_id, *_) = in_program(road, 1001)
    change_program(road, 1001, [lead_id], None, seatNumber="twelve")
    assert 1 == capture_members(road).rejected_values
    road.publish()
    assert [(None,)] == road.query(
        "SELECT seat_number FROM program_members WHERE lead_id = ? AND program_id = 1001", lead_id
    )
    assert [(lead_id, "seatNumber", "twelve")] == road.query("SELECT lead_id, field, value FROM meta.rejected_values")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_of_memberships_ends_with_the_truth(make_road: MakeRoad, seed: int) -> None:
    """Statuses, values, leads that leave, merge and go, kills between calls and before commits: nothing is lost."""
    rng = Random(seed)
    print(f"seed {seed}")
    with kept_open(make_road(leads=100, seed=seed)) as road:
        begin(road)
        road.travel("2026-08")
        for _ in range(6):
            _happen(road, rng)
            _do(road, rng)
        assert road.transport
        pass_time(road, 301)
        capture_members(road, ALL_NOW)
        assert [] == wrong_members(road)
        _happen(road, rng, leavers=0)
        pass_time(road, 301)
        capture_members(road)
        assert [] == wrong_members(road), "no whole reading is needed for what the filter tells, nor for a merge"
        assert road.exports("enqueued") == road.exports("completed")


def _happen(road: Road, rng: Random, leavers: int = 2) -> None:
    ids = lead_ids(road)
    rng.shuffle(ids)
    program = rng.choice([1001, 1002])
    change_program(
        road, program, ids[:4], rng.choice(["Invited", "Registered", "Attended"]), seatNumber=rng.randint(0, 9)
    )
    change_program(road, program, in_program(road, program)[:leavers], "Not in Program")
    happening = rng.choice([{"merge": ids[5], "losers": [ids[6]]}, {"delete": ids[7]}, {"add": {"lastName": "Storm"}}])
    road.desk("POST", "/changes", changes=[happening])
    pass_time(road, rng.choice([0, 1, 30]))


def _do(road: Road, rng: Random) -> None:
    assert road.transport
    assert isinstance(road.kept, Dying)
    action = rng.choice(["capture", "whole", "die", "die inside", "wait"])
    with contextlib.suppress(Killed):
        if action in ("capture", "whole"):
            capture_members(road, ALL_NOW if action == "whole" else None)
        elif action == "die":
            capture_members(road, transport=Cut(road.transport, rng.randint(0, 20)))
        elif action == "die inside":
            road.kept.left = rng.randint(0, 9)
            capture_members(road, ALL_NOW)
        else:
            pass_time(road, rng.choice([1, 400, DAY]))
    road.kept.left = inf
