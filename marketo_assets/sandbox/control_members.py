"""The control desk's hold on memberships: who is on a list or in a program, and joining, changing and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from marketo_assets.sandbox.activity_numbers import ADD_TO_LIST, CHANGE_STATUS, REMOVE_FROM_LIST
from marketo_assets.sandbox.asset_shelf import Asset
from marketo_assets.sandbox.desk import DeskError, operation, read, read_instant, read_whole
from marketo_assets.sandbox.member_fields import FIELDS, Records, moment
from marketo_assets.sandbox.membership import progress
from marketo_assets.sandbox.membership_now import Member
from marketo_assets.sandbox.reference import NOT_IN_PROGRAM
from marketo_assets.sandbox.state import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the operations on memberships."""
    desk = MemberDesk(sandbox)
    return [
        operation("/lists/{id}/members", "GET", desk.read_list),
        operation("/lists/{id}/members", "POST", desk.change_list),
        operation("/programs/{id}/members", "GET", desk.read_program),
        operation("/programs/{id}/members", "POST", desk.change_program),
    ]


class MemberDesk:
    """The desk's operations on memberships; changes wait until no export file is being written."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def read_list(self, request: Request) -> list[dict[str, Any]]:
        """Tell who is on a static list, and since when."""
        members = self._sandbox.members.members(self._asset(request, "static_list").id)
        return [{"lead_id": member.lead_id, "since": moment(member.joined)} for member in members]

    async def change_list(self, request: Request) -> dict[str, Any]:
        """Put the leads `add` on a list and take those in `remove` off it, now or `at`; activities 24 and 25 tell."""
        told = await read(request, "add", "remove", "at")
        static_list, second = self._asset(request, "static_list"), self._second(told)
        async with self._sandbox.exports.still():
            for lead_id in self._leads(told.get("add", [])):
                if self._sandbox.members.member(static_list.id, lead_id) is None:
                    self._sandbox.members.put(static_list.id, Member(lead_id, "", second, second, 0))
                    self._log(ADD_TO_LIST, lead_id, second, static_list, {"Source": "Marketo user"})
            for lead_id in self._leads(told.get("remove", [])):
                if self._sandbox.members.member(static_list.id, lead_id) is not None:
                    self._sandbox.members.remove(static_list.id, lead_id)
                    self._log(REMOVE_FROM_LIST, lead_id, second, static_list, {"Source": "Marketo user"})
        return {}

    async def read_program(self, request: Request) -> list[dict[str, Any]]:
        """Tell every member of a program with all member fields."""
        program = self._asset(request, "program")
        records = Records(self._sandbox.assets, program)
        return [records.record(member) for member in self._sandbox.members.members(program.id)]

    async def change_program(self, request: Request) -> dict[str, Any]:
        """Give `lead_ids` the `status` and the member fields in `values`, now or `at`; activity 104 tells of a status.

        Whoever is no member becomes one; "Not in Program" ends the membership.
        """
        told = await read(request, "lead_ids", "status", "values", "at")
        program, second, values = self._asset(request, "program"), self._second(told), told.get("values", {})
        if not isinstance(values, dict) or set(values) - set(FIELDS):
            raise DeskError(f"values is an object of {', '.join(FIELDS)}")
        async with self._sandbox.exports.still():
            for lead_id in self._leads(told.get("lead_ids")):
                self._change(program, lead_id, told.get("status"), values, second)
        return {}

    def _change(self, program: Asset, lead_id: int, status: object, values: dict[str, Any], second: int) -> None:
        members, records = self._sandbox.members, Records(self._sandbox.assets, program)
        before = members.member(program.id, lead_id)
        old = before.status if before else NOT_IN_PROGRAM
        new = old if status is None else str(status)
        if new == NOT_IN_PROGRAM:
            members.remove(program.id, lead_id)
        member = before or Member(lead_id, new, second, second, lead_id % 2**31)
        member = replace(member, status=new, updated=second, values={**member.values, **values})
        if new != NOT_IN_PROGRAM:
            members.put(program.id, member)
        if new != old:
            success = bool(records.record(member)["reachedSuccess"])
            own = {"Program Member ID": member.number, "Acquired By": member.acquired}
            self._log(CHANGE_STATUS, lead_id, second, program, {**own, **progress(old, new, success=success)})

    def _log(self, type_id: int, lead_id: int, second: int, of: Asset, told: dict[str, Any]) -> None:
        at = read_instant(moment(second))
        self._sandbox.activity_log.add(type_id, lead_id, at, value_id=of.id, value=of.name, told=told)

    def _asset(self, request: Request, kind: str) -> Asset:
        number = read_whole(request.path_params["id"], "the id")
        asset = self._sandbox.assets.find(kind, number)
        if asset is None:
            raise LookupError(f"no {kind} {number}")
        return asset

    def _leads(self, told: object) -> Sequence[int]:
        if not isinstance(told, list) or not all(isinstance(lead_id, int) for lead_id in told):
            raise DeskError("leads are a list of ids")
        for lead_id in told:
            if not self._sandbox.world.exists(lead_id):
                raise LookupError(f"Lead {lead_id} not found")
        return told

    def _second(self, told: dict[str, Any]) -> int:
        at = self._sandbox.clock.now() if told.get("at") is None else read_instant(told["at"])
        return int(at.timestamp())
