"""The control desk's hold on the world: leads and fields, true state read and changed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from marketo_assets.sandbox.desk import DeskError, operation, read, read_instant, read_objects, read_whole
from marketo_assets.sandbox.desk_change import carry_out
from marketo_assets.sandbox.history import leads_as_of
from marketo_assets.sandbox.state import Sandbox
from marketo_assets.sandbox.world import World

PAGE = 10_000
LINES = 2_000
_COMMON = ("at", "reason", "source", "campaign_id")
DATA_TYPES = frozenset(
    [
        "boolean",
        "currency",
        "date",
        "datetime",
        "email",
        "float",
        "formula",
        "integer",
        "percent",
        "phone",
        "reference",
        "score",
        "string",
        "text",
        "url",
    ]
)


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the operations on leads and fields."""
    desk = WorldDesk(sandbox)
    return [
        operation("/leads", "GET", desk.read_leads),
        operation("/leads", "POST", desk.add_leads),
        operation("/leads/{lead_id}", "GET", desk.read_lead),
        operation("/leads/{lead_id}", "PATCH", desk.edit_lead),
        operation("/leads/{lead_id}", "DELETE", desk.delete_lead),
        operation("/leads/{lead_id}/merge", "POST", desk.merge_lead),
        operation("/changes", "POST", desk.change),
        operation("/history", "GET", desk.read_history),
        operation("/paging_tokens/void", "POST", desk.void_paging_tokens),
        operation("/gone", "GET", desk.read_gone),
        operation("/fields", "GET", desk.read_fields),
        operation("/fields", "POST", desk.add_field),
        operation("/fields/{name}/hide", "POST", desk.hide_field),
        operation("/fields/{name}/retype", "POST", desk.retype_field),
    ]


class WorldDesk:
    """The desk's operations on the world; changes wait until no export file is being written."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def read_leads(self, request: Request) -> Any:
        """Tell the true state of live leads above `after_id`, by id: a page of `limit` as JSON, or with
        `format=ndjson` all of them, one a line. `fields` chooses; `as_of` a moment tells the page as it was then."""
        asked = request.query_params
        names = asked["fields"].split(",") if asked.get("fields") else None
        if names is not None and "id" not in names:
            names.insert(0, "id")
        after_id = read_whole(asked.get("after_id", "0"), "after_id")
        limit = read_whole(asked.get("limit", str(PAGE)), "limit")
        world = self._sandbox.world
        if asked.get("as_of"):
            moment, changes = read_instant(asked["as_of"]), self._sandbox.history.changes
            leads = leads_as_of(world, changes, moment, names, after_id, limit)
            return {"leads": leads, "next_after_id": leads[-1]["id"] if len(leads) == limit and leads else None}
        if asked.get("format") == "ndjson":
            return StreamingResponse(_lines(world, names, after_id), media_type="application/x-ndjson")
        leads = world.truth(names, after_id, limit)
        return {"leads": leads, "next_after_id": leads[-1]["id"] if len(leads) == limit and leads else None}

    async def read_lead(self, request: Request) -> dict[str, Any]:
        """Tell the true state of one lead."""
        lead_id = _lead_id(request)
        found = self._sandbox.world.truth(None, lead_id - 1, 1)
        if not found or found[0]["id"] != lead_id:
            raise LookupError(f"Lead {lead_id} not found")
        return found[0]

    async def read_gone(self, _: Request) -> dict[str, Any]:
        """Tell which leads were deleted and when, and into which lead each loser was merged."""
        world = self._sandbox.world
        deleted = {str(lead_id): at.isoformat() for lead_id, at in world.deleted.items()}
        return {"deleted": deleted, "merged": {str(loser): to for loser, to in world.counts.merged.items()}}

    async def add_leads(self, request: Request) -> dict[str, Any]:
        """Add leads with the given values, created `at` (now): `{"leads": [{…}], "at": …}`."""
        told = await read(request, "leads", *_COMMON)
        leads = read_objects(told.pop("leads", None), "leads")
        changes = [{"add": values, **told} for values in leads]
        return {"ids": await self._carry_out(changes)}

    async def edit_lead(self, request: Request) -> dict[str, Any]:
        """Give a lead new values: `{"values": {…}, "at": …}`."""
        told = await read(request, "values", "as", *_COMMON)
        await self._carry_out([{"edit": _lead_id(request), **told}])
        return {}

    async def delete_lead(self, request: Request) -> dict[str, Any]:
        """Delete a lead now, or `at`."""
        told = await read(request, *_COMMON)
        await self._carry_out([{"delete": _lead_id(request), **told}])
        return {}

    async def merge_lead(self, request: Request) -> dict[str, Any]:
        """Merge `losers` into this lead."""
        told = await read(request, "losers", *_COMMON)
        await self._carry_out([{"merge": _lead_id(request), **told}])
        return {}

    async def change(self, request: Request) -> dict[str, Any]:
        """Carry out `changes` in order, each one of `{"add": values}`, `{"edit": id, "values": …}`,
        `{"delete": id}`, `{"merge": winner, "losers": […]}`, `{"company": key, "by": field, "values": …}`, each with
        `at` or now, `reason`, `source` and `campaign_id`. An edit `as` an activity type (id or name) is reported by
        one activity of that type, even without values.

        It stops at the first that fails; those before it stay.
        """
        told = await read(request, "changes")
        return {"ids": await self._carry_out(read_objects(told.get("changes"), "changes"))}

    async def read_history(self, request: Request) -> dict[str, Any]:
        """Tell every change that ever happened, in the order of its happening: up to `limit` after number `after`.

        One entry for each value, and one without `field` for each lead that came, went, or won a merge.
        """
        asked = request.query_params
        after = read_whole(asked.get("after", "0"), "after")
        limit = read_whole(asked.get("limit", str(PAGE)), "limit")
        changes = self._sandbox.history.page(after, limit)
        return {"changes": changes, "next_after": after + limit if len(changes) == limit and changes else None}

    async def void_paging_tokens(self, _: Request) -> dict[str, Any]:
        """Let no paging token of the activities that was given so far work any longer."""
        self._sandbox.token_series += 1
        return {}

    async def read_fields(self, _: Request) -> list[dict[str, Any]]:
        """Tell every field, hidden ones too."""
        return [dataclasses.asdict(field) for field in self._sandbox.world.fields.values()]

    async def add_field(self, request: Request) -> dict[str, Any]:
        """Add a custom field: `name`, `data_type`, `display_name`, `length`."""
        told = await read(request, "name", "data_type", "display_name", "length")
        data_type = _data_type(told)
        if not isinstance(told.get("length", 0), int) or not isinstance(told.get("display_name", ""), str):
            raise DeskError("length is a whole number, display_name a text")
        async with self._sandbox.exports.still() as world:
            field = world.add_field(
                str(told.get("name", "")), data_type, display_name=told.get("display_name"), length=told.get("length")
            )
        return dataclasses.asdict(field)

    async def hide_field(self, request: Request) -> dict[str, Any]:
        """Hide a field, or with `{"hidden": false}` show it again."""
        told = await read(request, "hidden")
        async with self._sandbox.exports.still() as world:
            hidden = bool(told.get("hidden", True))
            return dataclasses.asdict(world.hide_field(request.path_params["name"], hidden=hidden))

    async def retype_field(self, request: Request) -> dict[str, Any]:
        """Give a field another `data_type`; its values stay."""
        data_type = _data_type(await read(request, "data_type"))
        async with self._sandbox.exports.still() as world:
            return dataclasses.asdict(world.retype_field(request.path_params["name"], data_type))

    async def _carry_out(self, changes: list[dict[str, Any]]) -> list[int]:
        async with self._sandbox.exports.still() as world:
            return [self._apply(world, change) for change in changes]

    def _apply(self, world: World, change: dict[str, Any]) -> int:
        at, told = self._moment(change.get("at")), change.get("as")
        type_id = None if told is None else self._sandbox.activity_types.find(told).id
        return carry_out(world, change, at, type_id, moves_stamps=self._sandbox.switches.company_moves_stamps)

    def _moment(self, at: object) -> datetime:
        return self._sandbox.clock.now() if at is None else read_instant(at)


async def _lines(world: World, names: list[str] | None, after_id: int) -> AsyncIterator[str]:
    # On the event loop, so that no change can come in the middle of a page; small pages, so that others get a turn.
    while page := world.truth(names, after_id, LINES):
        yield "".join(json.dumps(lead, ensure_ascii=False) + "\n" for lead in page)
        after_id = int(str(page[-1]["id"]))


def _lead_id(request: Request) -> int:
    return read_whole(request.path_params["lead_id"], "the lead id")


def _data_type(told: dict[str, Any]) -> str:
    if told.get("data_type") not in DATA_TYPES:
        raise DeskError(f"data_type is one of {', '.join(sorted(DATA_TYPES))}")
    return str(told["data_type"])
