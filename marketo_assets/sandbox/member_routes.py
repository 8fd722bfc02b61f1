"""Members of programs and static lists by REST, and the memberships of one lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from marketo_assets.sandbox.asset_routes import MAY
from marketo_assets.sandbox.asset_shelf import Asset
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import read_moment
from marketo_assets.sandbox.lead_routes import lead_fields
from marketo_assets.sandbox.list_routes import LEAD, PAGING, cut, require
from marketo_assets.sandbox.member_fields import DEFAULT, FIELDS, Records, moment
from marketo_assets.sandbox.membership_now import Member
from marketo_assets.sandbox.parameters import to_integer
from marketo_assets.sandbox.routing import Call, Route

WIDEST = timedelta(days=7)
_UPDATED = frozenset({"earliestUpdatedAt", "latestUpdatedAt"})


def routes() -> list[Route]:
    """Return the operations on memberships that read."""
    leads = PAGING | {"fields"}
    members = PAGING | {"filterType", "filterValues", "startAt", "endAt", "fields"}
    programs = PAGING | _UPDATED | {"filterType", "filterValues"}
    one = "/rest/v1/leads/{leadId}"
    return [
        Route("GET", "/rest/v1/programs/members/describe.json", describe, LEAD),
        Route("GET", "/rest/v1/programs/{programId}/members.json", program_members, LEAD, members, by_form=True),
        Route("GET", "/rest/v1/leads/programs/{programId}.json", leads_of_program, LEAD, leads, by_form=True),
        Route("GET", "/rest/v1/lists/{listId}/leads.json", leads_of_list, LEAD, leads, by_form=True),
        Route("GET", "/rest/v1/list/{listId}/leads.json", leads_of_list, LEAD, leads, by_form=True),
        Route("GET", f"{one}/listMembership.json", lists_of_lead, MAY, PAGING),
        Route("GET", f"{one}/programMembership.json", programs_of_lead, MAY, programs),
    ]


async def describe(call: Call) -> Response:
    """Answer one item: the fields of a program membership, and which of them may be searched by."""
    start = moment(call.sandbox.world.edges[0])
    described = {
        "name": "API Program Member",
        "description": "API Program Member Map",
        "createdAt": start,
        "updatedAt": start,
        "dedupeFields": ["leadId", "programId"],
        "searchableFields": [[field.name] for field in FIELDS.values() if field.searchable],
        "fields": [field.shown() for field in FIELDS.values()],
    }
    return call.success([described])


async def program_members(call: Call) -> Response:
    """Answer members of one program, by a field's values or by the week in which they were last changed.

    Raises: ApiError 1002 and 1003 for the filter, 1006 for a field, 1011 for one it cannot search by, 1013 for a
    program, 1003 for a program with more members than can be searched.
    """
    program = require(call, "program", call.path["programId"])
    filter_type, values = call.parameters.required("filterType"), call.parameters.several("filterValues")
    if values is None:
        raise ApiError("1002", "Missing value for the required parameter 'filterValues'")
    if len(values) > call.sandbox.limits.filter_values:
        raise ApiError("1003", f"Number of filterValues must not exceed {call.sandbox.limits.filter_values}")
    names = call.parameters.several("fields") or list(DEFAULT)
    for name in names:
        if name not in FIELDS:
            raise ApiError("1006", f"Field '{name}' not found")
    members = call.sandbox.members.members(program.id)
    if filter_type != "leadId" and len(members) > call.sandbox.limits.members_per_filter:
        raise ApiError("1003", "Too many results match the filter")
    records = Records(call.sandbox.assets, program)
    told = [records.record(member) for member in _chosen(call, members, records, filter_type, values)]
    wanted = dict.fromkeys(["leadId", *names])

    def shown(page: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {"seq": seq} | {name: record[name] for name in wanted if record[name] is not None}
            for seq, record in enumerate(page)
        ]

    return cut(call, told, shown)


def _chosen(
    call: Call, members: Sequence[Member], records: Records, filter_type: str, values: Sequence[str]
) -> list[Member]:
    if filter_type == "updatedAt":
        start, end = (read_moment(call.parameters.required(name)) for name in ("startAt", "endAt"))
        if start > end or end - start > WIDEST:
            raise ApiError("1003", "startAt and endAt span at most 7 days")
        first, last = int(start.timestamp()), int(end.timestamp())
        return [member for member in members if first <= member.updated <= last]
    if filter_type not in FIELDS or not FIELDS[filter_type].searchable:
        raise ApiError("1011", f"Field '{filter_type}' is not supported as a filter type")
    if FIELDS[filter_type].data_type == "integer":
        values = [str(to_integer(value, "Long")) for value in values]
    return [member for member in members if _text(records.record(member)[filter_type]) in values]


async def leads_of_program(call: Call) -> Response:
    """Answer the leads in a program, each with its membership."""
    program = require(call, "program", call.path["programId"])
    records, names = Records(call.sandbox.assets, program), lead_fields(call)
    members = call.sandbox.members.members(program.id)

    def shown(page: Sequence[Member]) -> list[dict[str, Any]]:
        leads = call.sandbox.world.leads([member.lead_id for member in page], names)
        told = [_membership(program, records.record(member)) for member in page]
        return [{**lead, "membership": membership} for lead, membership in zip(leads, told, strict=True)]

    return cut(call, members, shown)


async def leads_of_list(call: Call) -> Response:
    """Answer the leads on a static list; nothing says since when. The alias in the singular knows no moreResult."""
    static_list = require(call, "static_list", call.path["listId"])
    names, ids = lead_fields(call), [member.lead_id for member in call.sandbox.members.members(static_list.id)]
    is_alias = call.route.path.startswith("/rest/v1/list/")
    return cut(call, ids, lambda page: call.sandbox.world.leads(page, names), has_more_member=not is_alias)


async def lists_of_lead(call: Call) -> Response:
    """Answer the static lists that a lead is on. Raises: ApiError 1004."""
    lead_id = _lead(call)
    found = [
        (item.id, call.sandbox.members.member(item.id, lead_id)) for item in call.sandbox.assets.all("static_list")
    ]

    told = [
        {"listId": list_id, "createdAt": moment(member.joined), "updatedAt": moment(member.updated)}
        for list_id, member in found
        if member
    ]
    return cut(call, told, list)


async def programs_of_lead(call: Call) -> Response:
    """Answer the programs that a lead is in, all or those asked for. Raises: ApiError 1004."""
    lead_id, told = _lead(call), call.parameters
    filter_type, values = told.text("filterType"), told.several("filterValues")
    if (filter_type is None) != (values is None) or filter_type not in (None, "programId"):
        raise ApiError("1003", "filterType programId and filterValues go together")
    earliest, latest = (
        None if told.text(name) is None else read_moment(told.text(name)).timestamp() for name in sorted(_UPDATED)
    )
    found = []
    for program in call.sandbox.assets.all("program"):
        if values is not None and str(program.id) not in values:
            continue
        member = call.sandbox.members.member(program.id, lead_id)
        if member and (earliest or 0) <= member.updated <= (latest or 2**40):
            found.append(_membership(program, Records(call.sandbox.assets, program).record(member)))
    return cut(call, found, list)


def _membership(program: Asset, record: dict[str, Any]) -> dict[str, Any]:
    told = {
        "id": program.id,
        "progressionStatus": record["statusName"],
        "isExhausted": record["isExhausted"],
        "acquiredBy": record["acquiredBy"],
        "reachedSuccess": record["reachedSuccess"],
        "membershipDate": record["membershipDate"],
        "updatedAt": record["updatedAt"],
        "stream": record["trackName"],
        "nurtureCadence": record["nurtureCadence"],
    }
    return {name: value for name, value in told.items() if value is not None}


def _lead(call: Call) -> int:
    lead_id = to_integer(call.path["leadId"], "Long")
    if not call.sandbox.world.exists(lead_id):
        raise ApiError("1004")
    return lead_id


def _text(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
