"""The judge of the past: what really happened in the sandbox, compared with `lead_history` and `leads_as_of`.

What no activity tells cannot be known to the second. Such values (a company's, those that came with a merge or a change
of owner, and whatever of merged leads is told as the winner's) are judged at the last moment only; all others must
be exact at every moment. At the last moment everything must be exact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any

import httpx

from marketo_assets.load.columns import quoted
from marketo_assets.warehouse import DuckDBConnection
from marketo_assets_tests.truth import cell_differences, held_fields

Pair = tuple[int, str]
"""A lead and one of its fields."""
Interval = tuple[str | None, datetime, datetime | None]
_FIXED = {"id", "createdAt"}


@dataclass(frozen=True)
class Past:
    """Everything that happened, as the control desk tells it."""

    steps: list[dict[str, Any]]
    follows: bool
    """Whether activities of merged leads are told as the winner's."""

    @property
    def silent(self) -> set[Pair]:
        """The fields of leads that some activity does not tell, or tells of another lead."""
        return {
            (step["lead_id"], step["field"])
            for step in self.steps
            if step["field"] and step["kind"] == "edit" and step["guid"] is None
        }

    @property
    def mixed(self) -> set[int]:
        """The leads of which activities may be told as another's."""
        return {step["lead_id"] for step in self.steps if self.follows and step["kind"] in ("merge", "win")}

    def lives(self) -> dict[int, tuple[datetime | None, datetime | None]]:
        """Return when each lead came and went, as far as it did."""
        came = {step["lead_id"]: second(step["at"]) for step in self.steps if step["kind"] == "add"}
        gone = {step["lead_id"]: second(step["at"]) for step in self.steps if step["kind"] in ("delete", "merge")}
        return {lead_id: (came.get(lead_id), gone.get(lead_id)) for lead_id in came.keys() | gone.keys()}

    def intervals(self, covered_from: datetime) -> dict[Pair, list[Interval]]:
        """Return what history must hold of what activities tell."""
        found, lives, silent = {}, self.lives(), self.silent
        edits = [step for step in self.steps if step["kind"] == "edit" and step["field"]]
        edits.sort(key=lambda step: (step["lead_id"], step["field"], step["number"]))
        for pair, told in groupby(edits, key=lambda step: (step["lead_id"], step["field"])):
            came, gone = lives.get(pair[0], (None, None))
            begin = max(came or covered_from, covered_from)
            if pair not in silent and (made := _intervals(told, begin, gone)):
                found[pair] = made
        return found


def read_past(control: httpx.Client) -> Past:
    """Return what the control desk tells of the past."""
    steps: list[dict[str, Any]] = []
    after = 0
    while after is not None:
        page = control.get("/history", params={"after": after}).raise_for_status().json()
        steps, after = steps + page["changes"], page["next_after"]
    switches = control.get("/switches").raise_for_status().json()
    return Past(steps, bool(switches["merged_activities_follow"]))


def second(moment: str) -> datetime:
    """Return the second in which a moment of the desk lies."""
    return datetime.fromisoformat(moment).astimezone(UTC).replace(microsecond=0)


def history_differences(con: DuckDBConnection, past: Past, fields: Collection[str]) -> list[str]:
    """Return what of `main.lead_history` is not as it was, for *fields* that are copied."""
    ((covered_from,),) = con.execute(
        "SELECT covered_from FROM meta.watermarks WHERE stream = 'lead_changes'"
    ).fetchall()
    found: dict[Pair, list[Interval]] = {}
    disputed: set[Pair] = set()
    # Asked once: working it out is a tenth of what a storm costs.
    for lead_id, field, *interval, is_disputed in con.execute(
        "SELECT lead_id, field, value, valid_from, valid_to, _is_disputed FROM main.lead_history"
    ).fetchall():
        found.setdefault((lead_id, field), []).append((interval[0], interval[1], interval[2]))
        disputed |= {(lead_id, field)} if is_disputed else set()
    for intervals in found.values():
        intervals.sort(key=lambda interval: interval[1])
    expected = {pair: told for pair, told in past.intervals(covered_from).items() if pair[1] in fields}
    silent, lives = past.silent, past.lives()
    told = [
        f"history of lead {pair[0]}, {pair[1]}: expected {expected.get(pair)}, found {found.get(pair)}"
        for pair in sorted(expected.keys() | found.keys())
        if pair[1] in fields and pair[0] not in past.mixed and pair not in silent
        if expected.get(pair) != found.get(pair)
    ]
    told += [
        f"history of lead {lead_id}, {field} is disputed"
        for lead_id, field in sorted(disputed - silent)
        if field in fields and lead_id not in past.mixed
    ]
    return told + [
        f"history of lead {pair[0]}, {pair[1]} is torn: {intervals}"
        for pair, intervals in found.items()
        if not _is_whole(intervals, lives.get(pair[0], (None, None))[1])
    ]


def as_of_differences(
    con: DuckDBConnection, control: httpx.Client, past: Past, moment: datetime, fields: Collection[str]
) -> list[str]:
    """Return what of `main.leads_as_of(moment)` is not as it was, for *fields* that are copied."""
    names = ["id", *(name for name in fields if name != "id")]
    asked = {"as_of": moment.isoformat().replace("+00:00", "Z"), "fields": ",".join(names)}
    true = {lead["id"]: lead for lead in control.get("/leads", params=asked).raise_for_status().json()["leads"]}
    held, wrong = held_fields(con, ())
    select = ", ".join(quoted(held[name].column) for name in names)
    rows = con.execute(f"SELECT _is_known, {select} FROM main.leads_as_of(?)", [moment]).fetchall()
    found = {row[1]: (row[0], dict(zip(names, row[1:], strict=True))) for row in rows}
    # Whether its own birth or a loser's was told of a lead that was never read, nothing tells.
    read = con.execute("SELECT id FROM raw.lead_snapshots UNION SELECT id FROM raw.lead_readings").fetchall()
    for lead_id in past.mixed - {lead_id for (lead_id,) in read}:
        found.pop(lead_id, None)
        true.pop(lead_id, None)
    wrong += [f"lead {lead_id} did not exist at {moment}" for lead_id in found.keys() - true.keys()]
    ((covered_from,),) = con.execute(
        "SELECT covered_from FROM meta.watermarks WHERE stream = 'lead_changes'"
    ).fetchall()
    if moment >= covered_from:
        known = con.execute(
            "SELECT id FROM raw.lead_snapshots UNION SELECT id FROM raw.lead_readings "
            "UNION SELECT lead_id FROM raw.lead_changes WHERE activity_type_id = 12"
        ).fetchall()
        missing = (true.keys() & {lead_id for (lead_id,) in known}) - found.keys()
        wrong += [f"lead {lead_id} is missing at {moment}" for lead_id in missing]
    silent = past.silent
    for lead_id in found.keys() & true.keys():
        is_known, row = found[lead_id]
        wrong += _lead_differences(past, silent, is_known and moment >= covered_from, true[lead_id], row, held, moment)
    return wrong


def _lead_differences(
    past: Past,
    silent: set[Pair],
    is_known: bool,
    lead: Mapping[str, Any],
    row: Mapping[str, Any],
    held: Mapping[str, Any],
    moment: datetime,
) -> list[str]:
    judged = {}
    for name, value in lead.items():
        pair = (lead["id"], name)
        if row[name] is None and (not is_known or name == "updatedAt") and name not in _FIXED:
            continue
        if pair in silent or (lead["id"] in past.mixed and name not in _FIXED):
            continue
        judged[name] = value
    return [f"{told} at {moment}" for told in cell_differences(judged, row, held, {})]


def _intervals(told: Iterable[dict[str, Any]], begin: datetime, end: datetime | None) -> list[Interval]:
    made: list[Interval] = []
    for at, steps in groupby(told, key=lambda step: second(step["at"])):
        first, *rest = steps
        last = rest[-1] if rest else first
        if at <= begin or (end and at >= end) or first["old"] == last["new"]:
            continue
        if made:
            made[-1] = (made[-1][0], made[-1][1], at)
        else:
            made.append((first["old"], begin, at))
        made.append((last["new"], at, end))
    return made


def _is_whole(intervals: list[Interval], gone: datetime | None) -> bool:
    is_chained = all(one[2] == other[1] for one, other in pairwise(intervals))
    return is_chained and all(to is None or start < to for _, start, to in intervals) and intervals[-1][2] == gone
