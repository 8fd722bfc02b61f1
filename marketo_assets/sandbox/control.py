"""The control desk: time, limits, switches, users, tokens, faults, counters, reset. Counted nowhere, open to all.

Every address lies under `/sandbox`; what happens to leads and fields is in control_world.py, the weather in
control_chaos.py.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from marketo_assets.sandbox import control_activities, control_assets, control_chaos, control_members, control_world
from marketo_assets.sandbox.clock import spell
from marketo_assets.sandbox.desk import DeskError, operation, read, read_instant
from marketo_assets.sandbox.export_job import describe_job
from marketo_assets.sandbox.faults import parse_fault
from marketo_assets.sandbox.identity import ApiUser
from marketo_assets.sandbox.options import ALL_PERMISSIONS, amend
from marketo_assets.sandbox.state import Sandbox

_NUMBERS = ("seed", "leads", "activities", "months", "fields")


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the desk's operations for *sandbox*."""
    desk = ControlDesk(sandbox)
    return [
        operation("/state", "GET", desk.state),
        operation("/counters", "GET", desk.counters),
        operation("/counters", "DELETE", desk.clear_counters),
        operation("/jobs", "GET", desk.jobs),
        operation("/time", "GET", desk.time),
        operation("/time", "POST", desk.move_time),
        operation("/limits", "GET", desk.limits),
        operation("/limits", "PATCH", desk.set_limits),
        operation("/switches", "GET", desk.switches),
        operation("/switches", "PATCH", desk.set_switches),
        operation("/users", "GET", desk.users),
        operation("/users/{client_id}", "PUT", desk.put_user),
        operation("/users/{client_id}", "DELETE", desk.remove_user),
        operation("/tokens/revoke", "POST", desk.revoke_tokens),
        operation("/faults", "GET", desk.faults),
        operation("/faults", "POST", desk.order_fault),
        operation("/faults", "DELETE", desk.clear_faults),
        operation("/reset", "POST", desk.reset),
        *control_chaos.routes(sandbox),
        *control_world.routes(sandbox),
        *control_activities.routes(sandbox),
        *control_assets.routes(sandbox),
        *control_members.routes(sandbox),
    ]


class ControlDesk:
    """The desk's operations that are not about leads."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def state(self, _: Request) -> dict[str, Any]:
        """Tell everything at a glance."""
        sandbox = self._sandbox
        await sandbox.exports.look()
        counts = sandbox.world.counts
        return {
            **await self.time(_),
            "start_month": sandbox.start_month,
            "folder": str(sandbox.folder),
            "leads": {"live": counts.live, "deleted": counts.deleted, "merged": len(counts.merged)},
            "fields": len(sandbox.world.fields),
            "jobs": Counter(job.state for job in sandbox.exports.jobs.values()),
            "calls_at_once": sandbox.meter.at_once,
            "limits": dataclasses.asdict(sandbox.limits),
            "switches": dataclasses.asdict(sandbox.switches),
            "faults": await self.faults(_),
        }

    async def counters(self, _: Request) -> dict[str, Any]:
        """Tell what was counted since the start, or since the counters were cleared."""
        sandbox = self._sandbox
        await sandbox.exports.look()
        exports, tally = sandbox.exports, sandbox.meter.tally
        return {
            "calls": tally.calls,
            "calls_by_route": tally.calls_by_route,
            "calls_by_day": {day.isoformat(): users for day, users in tally.calls_by_day.items()},
            "calls_today": tally.calls_by_day.get(sandbox.today(), Counter()).total(),
            "most_calls_in_window": tally.most_in_window,
            "window_seconds": sandbox.limits.rate_seconds,
            "most_calls_at_once": tally.most_at_once,
            "identity_calls": tally.identity_calls,
            "tokens_issued": sandbox.tokens.issued,
            "errors": tally.refused,
            "own_failures": tally.own_failures,
            "exports": exports.counters,
            "bytes_exported": exports.bytes_exported,
            "bytes_exported_today": exports.bytes_on(sandbox.today()),
            "bytes_sent": exports.bytes_sent,
        }

    async def clear_counters(self, _: Request) -> dict[str, Any]:
        """Start counting anew: the day's calls too, not the day's exports."""
        sandbox = self._sandbox
        sandbox.meter.clear()
        sandbox.exports.clear_counters()
        return await self.counters(_)

    async def jobs(self, _: Request) -> list[dict[str, Any]]:
        """Tell every export job's true state, of all users."""
        await self._sandbox.exports.look()
        return [describe_job(job) for job in self._sandbox.exports.jobs.values()]

    async def time(self, _: Request) -> dict[str, Any]:
        """Tell the sandbox's moment, its scale, and the `MARKETO_CLOCK` that makes a client follow."""
        clock = self._sandbox.clock
        return {"now": spell(clock.now()), "scale": clock.scale, "marketo_clock": clock.describe()}

    async def move_time(self, request: Request) -> dict[str, Any]:
        """Move time `by` seconds or `to` a moment, or set its `scale`; what was due by then has happened."""
        told = await read(request, "by", "to", "scale")
        clock = self._sandbox.clock
        if "by" in told:
            clock.move_by(_number(told["by"], "by"))
        if "to" in told:
            clock.move_to(read_instant(told["to"]))
        if "scale" in told:
            clock.set_scale(_number(told["scale"], "scale"))
        await self._sandbox.exports.look()
        return await self.time(request)

    async def limits(self, _: Request) -> dict[str, Any]:
        """Tell the limits in force."""
        return dataclasses.asdict(self._sandbox.limits)

    async def set_limits(self, request: Request) -> dict[str, Any]:
        """Change limits by name, from the next call on."""
        changed = amend(self._sandbox.limits, await read(request))
        await self._sandbox.exports.look()
        self._sandbox.limits = changed
        return dataclasses.asdict(self._sandbox.limits)

    async def switches(self, _: Request) -> dict[str, Any]:
        """Tell the switches."""
        return dataclasses.asdict(self._sandbox.switches)

    async def set_switches(self, request: Request) -> dict[str, Any]:
        """Turn switches by name; files already being written keep theirs."""
        changed = amend(self._sandbox.switches, await read(request))
        async with self._sandbox.exports.still() as world:
            self._sandbox.switches = changed
            world.quote_null_text = changed.quote_null_text
        return dataclasses.asdict(changed)

    async def users(self, _: Request) -> list[dict[str, Any]]:
        """Tell every custom service with its API user and permissions; secrets stay untold."""
        return [
            {"client_id": user.client_id, "user_id": user.user_id, "permissions": sorted(user.permissions)}
            for user in self._sandbox.tokens.users.values()
        ]

    async def put_user(self, request: Request) -> list[dict[str, Any]]:
        """Make or change a custom service: `client_secret`, `user_id`, `permissions`."""
        told = await read(request, "client_secret", "user_id", "permissions")
        client_id = request.path_params["client_id"]
        now = self._sandbox.tokens.users.get(client_id)
        permissions = told.get("permissions", sorted(now.permissions) if now else list(ALL_PERMISSIONS))
        if not isinstance(permissions, list) or not all(isinstance(name, str) for name in permissions):
            raise DeskError("permissions is a list of names")
        self._sandbox.tokens.users[client_id] = ApiUser(
            client_id,
            str(told.get("client_secret", now.client_secret if now else f"{client_id}-secret")),
            str(told.get("user_id", now.user_id if now else f"{client_id}@sandbox.example")),
            frozenset(permissions),
        )
        return await self.users(request)

    async def remove_user(self, request: Request) -> list[dict[str, Any]]:
        """Remove a custom service; its tokens are invalid from here on."""
        if self._sandbox.tokens.users.pop(request.path_params["client_id"], None) is None:
            raise LookupError("no such client_id")
        return await self.users(request)

    async def revoke_tokens(self, request: Request) -> dict[str, int]:
        """End every live token, or those of `client_id`; with `expired` they answer 602 once, else 601."""
        told = await read(request, "client_id", "expired")
        ended = self._sandbox.tokens.revoke(told.get("client_id"), expired=bool(told.get("expired", False)))
        return {"revoked": ended}

    async def faults(self, _: Request) -> list[dict[str, Any]]:
        """Tell every fault on order, and how often it struck."""
        return [fault.describe() for fault in self._sandbox.faults.orders]

    async def order_fault(self, request: Request) -> list[dict[str, Any]]:
        """Order one fault: `route`, `kind`, `count`, `skip` and the kind's parameters."""
        self._sandbox.faults.orders.append(parse_fault(await read(request)))
        return [fault.describe() for fault in self._sandbox.faults.orders]

    async def clear_faults(self, _: Request) -> list[dict[str, Any]]:
        """Take every order back and let every call held back go on."""
        self._sandbox.faults.clear()
        return []

    async def reset(self, request: Request) -> dict[str, Any]:
        """Begin again with the options of the start, some of them changed."""
        told = await read(request, *_NUMBERS, "now", "time_scale")
        if told.get("now") is not None:
            told["now"] = read_instant(told["now"])
        for name in _NUMBERS:
            if not isinstance(told.get(name, 0), int):
                raise DeskError(f"{name} is a whole number")
        if "time_scale" in told:
            told["time_scale"] = _number(told["time_scale"], "time_scale")
        await self._sandbox.reset(dataclasses.replace(self._sandbox.options, **told))
        return await self.state(request)


def _number(value: object, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DeskError(f"{name} is a number")
    return float(value)
