"""The control desk's hold on activities: all of them as they truly are, counted, and new ones of any type."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import polars as pl
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from marketo_assets.sandbox.activity import FRAME, Activity, activity_of
from marketo_assets.sandbox.activity_numbers import CHANGE_DATA_VALUE, CHANGE_SCORE, DELETE_LEAD, MERGE_LEADS, NEW_LEAD
from marketo_assets.sandbox.activity_reader import moment_of
from marketo_assets.sandbox.desk import DeskError, operation, read, read_instant, read_objects, read_whole
from marketo_assets.sandbox.state import Sandbox

PAGE = 10_000
_MEMBERS = frozenset(
    {"lead_id", "type", "at", "primary_id", "primary", "attributes", "campaign_id", "result"},
)
_OF_LEADS = frozenset({NEW_LEAD, CHANGE_DATA_VALUE, CHANGE_SCORE, MERGE_LEADS, DELETE_LEAD})
_RESULTS = ("succeeded", "skipped", "failed")


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the operations on activities."""
    desk = ActivityDesk(sandbox)
    return [
        operation("/activities", "GET", desk.read_activities),
        operation("/activities", "POST", desk.add_activities),
        operation("/activities/count", "GET", desk.count),
        operation("/activity_types", "GET", desk.read_types),
        operation("/activity_types", "POST", desk.add_type),
    ]


class ActivityDesk:
    """The desk's operations on activities."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def read_activities(self, request: Request) -> Any:
        """Tell every activity there ever was, pruned ones and those that do not show yet too.

        `types` (ids), `start` and `end` (both included) choose. A page of `limit` from `offset` on, by second and
        guid; or with `format=ndjson` all of them, one a line, in no order.
        """
        asked = request.query_params
        frames = self._frames(asked)
        if asked.get("format") == "ndjson":
            return StreamingResponse(self._lines(frames), media_type="application/x-ndjson")
        offset = read_whole(asked.get("offset", "0"), "offset")
        limit = read_whole(asked.get("limit", str(PAGE)), "limit")
        rows = pl.concat([pl.DataFrame(schema=FRAME), *frames]).sort("second", "number").slice(offset, limit)
        more = offset + limit if rows.height == limit and limit else None
        return {"activities": list(self._told(rows)), "next_offset": more}

    async def count(self, request: Request) -> dict[str, Any]:
        """Tell how many there are, by type and by month, of the same choice as `read_activities`; and how many of
        them the API shows now."""
        sandbox, now = self._sandbox, self._sandbox.clock.now().timestamp()
        by_type, by_month, shown = Counter[str](), Counter[str](), Counter[str]()
        is_shown = (pl.col("second") >= sandbox.activities.oldest_of(now)) & (pl.col("visible_from") <= now)
        for rows in self._frames(request.query_params):
            kinds = rows.select(kind=pl.col("type_id").cast(pl.String), is_shown=is_shown)
            months = pl.from_epoch(rows["second"], "s").dt.strftime("%Y-%m")
            by_type.update(kinds["kind"].to_list())
            shown.update(kinds.filter("is_shown")["kind"].to_list())
            by_month.update(months.to_list())
        return {"total": by_type.total(), "by_type": by_type, "by_month": by_month, "shown_by_type": shown}

    async def add_activities(self, request: Request) -> dict[str, Any]:
        """Add activities: `{"activities": [{"lead_id": …, "type": id or name, "at": now, "primary_id": …, "primary": …,
        "attributes": {…}, "campaign_id": …, "result": …}]}`.

        What tells of a lead's own changes (types 12, 13, 22, 32 and 37) comes about by changing leads only.
        """
        told = await read(request, "activities")
        asked = read_objects(told.get("activities"), "activities")
        async with self._sandbox.exports.still():
            return {"guids": [self._add(activity).guid for activity in asked]}

    async def read_types(self, _: Request) -> list[dict[str, Any]]:
        """Tell every activity type."""
        return [kind.shown() for kind in self._sandbox.activity_types.by_id.values()]

    async def add_type(self, request: Request) -> dict[str, Any]:
        """Add a custom activity type by `name`, with `attributes` as pairs of name and data type."""
        told = await read(request, "name", "attributes")
        pairs = told.get("attributes", [])
        if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise DeskError("attributes is a list of pairs of name and data type")
        attributes = [(str(name), str(data_type)) for name, data_type in pairs]
        return self._sandbox.activity_types.add(str(told.get("name", "")), attributes).shown()

    def _add(self, told: Mapping[str, Any]) -> Activity:
        sandbox = self._sandbox
        if set(told) - _MEMBERS:
            raise DeskError(f"unknown: {', '.join(sorted(set(told) - _MEMBERS))}; known: {', '.join(sorted(_MEMBERS))}")
        kind = sandbox.activity_types.find(told.get("type"))
        lead_id, attributes = told.get("lead_id"), told.get("attributes", {})
        if kind.id in _OF_LEADS:
            raise DeskError(f"{kind.name} comes about by changing a lead")
        if not isinstance(lead_id, int) or not sandbox.world.exists(lead_id):
            raise LookupError(f"Lead {lead_id} not found")
        if not isinstance(attributes, dict) or told.get("result", "succeeded") not in _RESULTS:
            raise DeskError(f"attributes is an object, result one of {', '.join(_RESULTS)}")
        at = sandbox.clock.now() if told.get("at") is None else read_instant(told["at"])
        numbers = {name: told.get(name) for name in ("primary_id", "campaign_id")}
        if not all(number is None or isinstance(number, int) for number in numbers.values()):
            raise DeskError("primary_id and campaign_id are whole numbers")
        return sandbox.activity_log.add(
            kind.id,
            lead_id,
            at,
            value_id=numbers["primary_id"],
            value=None if told.get("primary") is None else str(told["primary"]),
            told=attributes,
            campaign_id=numbers["campaign_id"],
            result=str(told.get("result", "succeeded")),
        )

    def _frames(self, asked: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        first = int(read_instant(asked["start"]).timestamp()) if asked.get("start") else 0
        last = int(read_instant(asked["end"]).timestamp()) if asked.get("end") else 2**40
        type_ids = [read_whole(text, "types") for text in asked["types"].split(",")] if asked.get("types") else None
        return self._sandbox.activities.frames(first, last, type_ids)

    def _told(self, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
        sandbox, now = self._sandbox, self._sandbox.clock.now().timestamp()
        names = {kind.id: kind.name for kind in sandbox.activity_types.by_id.values()}
        oldest = {type_id: sandbox.activities.oldest(type_id, now) for type_id in names}
        for line in map(activity_of, rows.iter_rows()):
            yield {
                "guid": line.guid,
                "at": moment_of(line.second),
                "type_id": line.type_id,
                "type": names[line.type_id],
                "lead_id": line.lead_id,
                "shown_lead_id": sandbox.activities.shown_lead_id(line),
                "campaign_id": line.campaign_id,
                "primary_id": line.value_id,
                "primary": line.value,
                "attributes": dict(line.attributes),
                "result": line.result,
                "is_pruned": line.second < oldest[line.type_id],
                "is_visible": line.visible_from <= now,
            }

    async def _lines(self, frames: Iterator[pl.DataFrame]) -> AsyncIterator[str]:
        # On the event loop, so that no change can come in the middle of a frame.
        for rows in frames:
            for part in rows.iter_slices(2_000):
                yield "".join(json.dumps(told, ensure_ascii=False) + "\n" for told in self._told(part))
