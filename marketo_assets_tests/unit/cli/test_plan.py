"""`plan` in a sandbox in this process: what it spends, what it says, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.cli.endings import CommandError, Failed, WrongUse
from marketo_assets.cli.plan import Wish, run_plan
from marketo_assets.cli.screen import Screen
from marketo_assets.extract.estimate.plan import Plan
from marketo_assets_tests.doors import running_sandbox
from marketo_assets_tests.pipeline.road import Road, local_road
from marketo_assets_tests.unit.cli.checkout import call, make_checkout

FIRST = "2026-06"
Make = Callable[..., Plan]


@pytest.fixture
def road(data_dir: Path) -> Iterator[Road]:
    with local_road(data_dir, leads=300, months=3, fields=30) as made:
        yield made


@pytest.fixture
def make(road: Road) -> Make:
    """Makes a plan from June on; more of the wish, and settings, may be told."""

    def plan(
        *, is_json: bool = False, settings: dict[str, Any] | None = None, columns: int | None = None, **wished: Any
    ) -> Plan:
        wish = Wish(**{"first": FIRST, **wished})
        told = road.with_settings(**(settings or {})).settings
        screen = Screen(is_terminal=columns is not None, columns=columns)
        return run_plan(wish, is_json=is_json, screen=screen, transport=road.transport, settings=told)

    return plan


def calls_of(road: Road) -> int:
    return int(road.desk("GET", "/counters")["calls"])


def test_a_plan_exports_nothing_and_keeps_to_its_calls(road: Road, make: Make) -> None:
    """The first plan samples within its budget, the next ones describe the fields, and `--no-calls` asks nothing."""
    first = make(calls=90)
    assert calls_of(road) <= 90
    spent = calls_of(road)
    again = make()
    assert 1 == calls_of(road) - spent
    silent = make(calls=0)

    assert (1, 0) == (calls_of(road) - spent, road.exports("created"))
    assert first.rows == again.rows == silent.rows
    assert 300 == first.rows.likely


def test_what_is_known_of_fewer_fields_is_not_asked_again(road: Road, make: Make) -> None:
    """Leaving fields out needs no new sample, and saves what the first plan said it would."""
    whole = make()
    spent, largest = calls_of(road), whole.shares[0]
    rest = make(leave_out=largest.name)

    assert 1 == calls_of(road) - spent
    saved = whole.file_bytes.likely - rest.file_bytes.likely
    assert abs(saved / largest.file_bytes - 1) < 0.01
    assert largest.name not in rest.fields


def test_months_that_are_here_cost_nothing_more(road: Road, make: Make) -> None:
    """A landed month is told as paid for; one of other fields as exported again, its leads known."""
    landed = road.land("2026-07")
    told = {month.month: month for month in make().months}["2026-07"]
    other = {month.month: month for month in make(leave_out="company").months}["2026-07"]

    assert ("landed", landed.records, 0) == (told.source, told.rows.likely, told.file_bytes.likely)
    assert ("rows measured", landed.records) == (other.source, other.rows.likely)
    assert 0 < other.file_bytes.likely < landed.file_bytes


def test_what_was_exported_is_enough_without_a_sample(road: Road, make: Make) -> None:
    """Without any sample, months beside those that were exported are taken to be like them, and that is said."""
    landed = road.land("2026-07")
    plan = make(calls=0)

    assert ["assumed", "landed", "assumed"] == [month.source for month in plan.months]
    assert landed.file_bytes == plan.months[0].file_bytes.likely
    assert plan.months[0].file_bytes.low < landed.file_bytes < plan.months[0].file_bytes.high


def test_machines_get_the_same_figures(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints nothing but JSON: months, totals with their ranges, days, captures, fields to leave out."""
    plan = make(is_json=True, settings={"daily_export_mb": 1, "quota_share": 0.05})
    told = json.loads(capsys.readouterr().out)

    assert ["2026-08", "2026-07", "2026-06"] == [month["month"] for month in told["months"]]
    assert plan.schedule.calls == told["calls"]["likely"]
    assert plan.days.likely == told["days"]["likely"] == len({month["day"] for month in told["months"]})
    assert sum(month["bytes"]["likely"] for month in told["months"]) == pytest.approx(told["bytes"]["likely"], abs=2)
    assert (864, 50_000) == (told["captures"]["quiet_calls"], told["quota"]["daily_bytes"])
    assert told["sample"]["leads"] == 300


def test_activities_are_planned_beside_leads(road: Road, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, megabytes, calls and days of activities are told, and of both; to tell them again costs a call."""
    make(activities=True, is_json=True, calls=90)
    told = json.loads(capsys.readouterr().out)["activities"]
    spent = calls_of(road)
    assert spent <= 2 * 90
    make(activities=True, is_json=True)
    again = json.loads(capsys.readouterr().out)["activities"]
    assert (2, 0) == (calls_of(road) - spent, road.exports("created"))
    make(activities=True, is_json=True, calls=0)
    assert told["rows"] == again["rows"] == json.loads(capsys.readouterr().out)["activities"]["rows"]

    landed = [road.land_activities(month) for month in ("2026-06", "2026-07", "2026-08")]
    # While exports wait, Marketo forgets what is 90 days old by then.
    assert told["rows"]["likely"] == pytest.approx(sum(file.records or 0 for file in landed), abs=3)
    assert told["bytes"]["likely"] == pytest.approx(sum(file.file_bytes for file in landed), rel=0.02)
    assert told["after_leads"]["calls"] > told["calls"]["likely"]
    make(activities=True)
    assert "All of them are here already" in capsys.readouterr().out


def test_activities_that_may_not_be_read_are_left_out(
    road: Road, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the permission the plan for leads is there, and says which one is missing."""
    road.desk(
        "POST", "/faults", route="GET */activities/*", kind="error", code="603", message="Access denied", count=None
    )
    make(activities=True)

    said = " ".join(capsys.readouterr().out.split())
    assert "It takes 1 day of quota" in said
    assert (
        "Activities: nothing is known of them yet. They are looked at without --no-calls, and with permission" in said
    )


@pytest.mark.parametrize(
    ("columns", "fits"), [(None, 100), (160, 100), (80, 80), (60, 60)], ids=["a file", "wide", "usual", "narrow"]
)
def test_people_get_lines_that_fit(
    make: Make, capsys: pytest.CaptureFixture[str], columns: int | None, fits: int
) -> None:
    """No line is wider than the terminal or a hundred columns, and months, end and a line to copy are there."""
    make(settings={"lead_fields_exclude": ("firstName",)}, columns=columns, activities=True)
    lines = capsys.readouterr().out.splitlines()

    assert [] == [line for line in lines if len(line) > fits and not line.startswith("MARKETO_")]
    for word in (
        "2026-06 ",
        "in all",
        "days? of quota",
        "ends about 2026-08-15",
        "They take 1 day of quota",
        "A day of captures",
        "known from",
        "Next: ",
    ):
        assert any(word.replace("days?", "day") in line for line in lines), word
    assert any(line.startswith("MARKETO_LEAD_FIELDS_EXCLUDE=firstName") for line in lines) or not any(
        "EXCLUDE" in line for line in lines
    )


def test_captures_follow_how_often_is_looked_and_what_changes(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice as many looks cost twice as many calls, and changes cost more on top."""
    captures = []
    for poll, changes in ((300.0, 0), (600.0, 0), (300.0, 5_000)):
        make(is_json=True, changes=changes, settings={"poll_seconds": poll})
        captures.append(json.loads(capsys.readouterr().out)["captures"])

    assert [864, 432, 864] == [told["quiet_calls"] for told in captures]
    assert captures[0]["busy_calls"] == 864 < captures[2]["busy_calls"]


@pytest.mark.parametrize(
    ("wished", "said", "kind"),
    [
        ({"first": "2026-07", "last": "2026-06"}, "put the earlier month first: --from 2026-06", WrongUse),
        ({"first": "2026-13"}, "write it as YYYY-MM", WrongUse),
        ({"last": "2031-01"}, "put 2026-08 or an earlier month there", WrongUse),
        ({"fields": "emial"}, "--fields names 'emial', .* Did you mean email", WrongUse),
        ({"leave_out": "nobody"}, "--leave-out names 'nobody'", WrongUse),
        ({"calls": 5}, "put 13 or more there, or --no-calls", WrongUse),
        ({"calls": 0}, "Call this without --no-calls", Failed),
    ],
    ids=["reversed", "no month", "not begun", "unknown field", "unknown field left out", "few calls", "nothing known"],
)
def test_what_cannot_be_planned_says_what_to_put(
    make: Make, wished: dict[str, Any], said: str, kind: type[CommandError]
) -> None:
    """Wrong use and missing knowledge end with the next step."""
    with pytest.raises(kind, match=said):
        make(**wished)


def test_exit_codes(tmp_path: Path) -> None:
    """0 for a plan, 1 where nothing is known, 2 for wrong use."""
    folder = make_checkout(tmp_path / "clone")
    asked = (["--no-calls"], ["--to", "2019-01"], ["--json"])
    with running_sandbox("--leads", "300", "--months", "3", "--time-scale", "1000") as sandbox:
        told = {**sandbox.variables, "MARKETO_DATA_DIR": str(tmp_path / "data")}
        answers = [call(folder, "plan", *more, **told) for more in asked]

    assert [1, 2, 0] == [answer.returncode for answer in answers], [answer.stderr for answer in answers]
    assert json.loads(answers[2].stdout)["rows"]["likely"] == 300
