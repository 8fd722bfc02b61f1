"""Bulk program-member export: what a request may say, and the file that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from marketo_assets.sandbox import render
from marketo_assets.sandbox.asset_shelf import AssetShelf
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import ExportRequest, read_common, read_filter, read_items, read_window
from marketo_assets.sandbox.member_fields import FIELDS, Records
from marketo_assets.sandbox.membership_now import Memberships
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.world import EXPORT_ROWS, World

MOST_PROGRAMS = 10
_FILTERS = ("programId", "programIds", "isExhausted", "nurtureCadence", "statusNames", "updatedAt")
_CADENCES = {"pause": "paus", "paused": "paus", "paus": "paus", "norm": "norm", "normal": "norm"}


def read_member_export(body: Mapping[str, Any], world: World, shelf: AssetShelf, switches: Switches) -> ExportRequest:
    """Return the request in *body*.

    Raises: ApiError 1001 to 1003, 1006, 704, 1013 for a program that is not there, 1035 for a filter that this
    subscription does not have.
    """
    leads = world.fields
    common = read_common(body, lambda name: name in FIELDS or (name in leads and leads[name].is_exportable))
    asked = read_filter(body["filter"], "ExportProgramMemberFilter", _FILTERS)
    if ("programId" in asked) == ("programIds" in asked):
        code = "1003" if "programId" in asked else "1002"
        raise ApiError(code, "Exactly one of programId and programIds is required")
    told = {"programId": _read_program(asked)} if "programId" in asked else {}
    several = read_items(asked.get("programIds"), "programIds", int, MOST_PROGRAMS)
    others: dict[str, Any] = {**told, **({"programIds": several} if several else {}), **_read_others(asked)}
    ids = several or [told["programId"]]
    for program_id in ids:
        if shelf.find("program", program_id) is None:
            raise ApiError("1013", "Object not found")
    _check_statuses(others.get("statusNames", ()), ids, shelf)
    if "updatedAt" in asked and not switches.updated_at_filter:
        raise ApiError("1035")
    window = read_window("updatedAt", asked["updatedAt"]) if "updatedAt" in asked else None
    return ExportRequest("program/members", window, *common, others)


def _read_program(asked: Mapping[str, Any]) -> int:
    told = asked["programId"]
    if not isinstance(told, int) or isinstance(told, bool):
        raise ApiError("1001", f"Invalid value '{told}'. Required of type 'Integer'")
    return told


def _read_others(asked: Mapping[str, Any]) -> dict[str, Any]:
    others: dict[str, Any] = {}
    if "isExhausted" in asked:
        others["isExhausted"] = asked["isExhausted"]
        if not isinstance(asked["isExhausted"], bool):
            raise ApiError("1001", "Invalid value for 'isExhausted'. Required of type 'Boolean'")
    if "nurtureCadence" in asked:
        # Guide, spec and an older spec each have words of their own.
        if asked["nurtureCadence"] not in _CADENCES:
            raise ApiError("1003", f"Invalid nurtureCadence '{asked['nurtureCadence']}'")
        others["nurtureCadence"] = _CADENCES[asked["nurtureCadence"]]
    names = read_items(asked.get("statusNames"), "statusNames", str)
    return others if names is None else {**others, "statusNames": names}


def _check_statuses(names: Sequence[str], program_ids: Sequence[int], shelf: AssetShelf) -> None:
    programs = [program for number in program_ids if (program := shelf.find("program", number))]
    channels = [channel for program in programs for channel in shelf.named("channel", program.values["channel"])]
    known = {status["name"] for channel in channels for status in channel.values["progressionStatuses"]}
    for name in names:
        if name not in known:
            raise ApiError("1003", f"Program status '{name}' not found")


def write_members(
    world: World,
    shelf: AssetShelf,
    memberships: Memberships,
    switches: Callable[[], Switches],
    request: ExportRequest,
    out: render.Sink,
    delimiter: str,
    _: datetime,
) -> int:
    """Write the file of *request* from the memberships as they are now, and return its number of rows.

    As in Adobe's samples, member fields come under their labels unless the request names a header, and a first column
    `programId` stands before those of a request for several programs.
    """
    several = request.others.get("programIds")
    labels = {name: FIELDS[name].label for name in request.fields if name in FIELDS}
    usual = labels if switches().member_labels else {}
    headers = [request.headers.get(name, usual.get(name, name)) for name in request.fields]
    out.write(render.header(["programId", *headers] if several else headers, delimiter))
    written = 0
    for program_id in several or [request.others["programId"]]:
        program = shelf.find("program", program_id)
        records = Records(shelf, program) if program else None
        found = [records.record(member) for member in memberships.members(program_id)] if records else []
        chosen = [record for record in found if _is_asked(record, request)]
        for start in range(0, len(chosen), EXPORT_ROWS):
            part = chosen[start : start + EXPORT_ROWS]
            columns = _columns(world, part, request.fields)
            if several:
                columns.insert(0, pl.Series([str(program_id)]).new_from_index(0, len(part)))
            out.write(render.lines(columns, delimiter, quote_null_text=switches().quote_null_text))
            written += len(part)
    return written


def _columns(world: World, records: Sequence[dict[str, Any]], names: Sequence[str]) -> list[pl.Series]:
    of_leads = [name for name in names if name not in FIELDS]
    ids = [record["leadId"] for record in records]
    leads = dict(zip(of_leads, world.export_columns(ids, of_leads), strict=True))
    return [
        leads[name] if name in leads else pl.Series([_text(record[name]) for record in records], dtype=pl.String)
        for name in names
    ]


def _is_asked(record: Mapping[str, Any], request: ExportRequest) -> bool:
    others, window = request.others, request.window
    if window is not None:
        moment = datetime.fromisoformat(record["updatedAt"])
        if not window.start <= moment <= window.end:
            return False
    if "statusNames" in others and record["statusName"] not in others["statusNames"]:
        return False
    return all(record[name] == others[name] for name in ("isExhausted", "nurtureCadence") if name in others)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
