"""The sandbox's own memberships, compared with `marketo.program_members` and `marketo.static_list_members`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import httpx

from marketo_assets.warehouse import DuckDBConnection

_MOMENTS = ("createdAt", "membershipDate", "reachedSuccessDate", "updatedAt")


def member_differences(con: DuckDBConnection, control: httpx.Client, *, most: int = 20) -> list[str]:
    """Return what differs between the members that are shown and those that the programs have, cell by cell."""
    rows = con.execute("SELECT * FROM main.program_members WHERE removed_at IS NULL")
    names = [column[0] for column in rows.description or ()]
    told = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    held = {(row["program_id"], row["lead_id"]): row for row in told}
    found = [f"{len(told) - len(held)} members are there twice"] if len(told) != len(held) else []
    for program_id in _ids(control, "program"):
        for record in control.get(f"/programs/{program_id}/members").raise_for_status().json():
            row = held.pop((program_id, record["leadId"]), None)
            if row is None:
                found.append(f"lead {record['leadId']} of program {program_id} is missing")
                continue
            expected = {_snake(name): _typed(name, value) for name, value in record.items()}
            found += [
                f"lead {record['leadId']} of program {program_id}: {name} is {row.get(name)!r}, not {value!r}"
                for name, value in expected.items()
                if row.get(name) != value
            ]
    return (found + [f"{key} is no member" for key in held])[:most]


def list_differences(con: DuckDBConnection, control: httpx.Client, *, most: int = 20) -> list[str]:
    """Return what differs between who is shown on static lists and who is on them."""
    rows = con.execute("SELECT list_id, lead_id FROM main.static_list_members WHERE removed_at IS NULL").fetchall()
    held, found = set(rows), []
    if len(held) != len(rows):
        found.append(f"{len(rows) - len(held)} members are there twice")
    for list_id in _ids(control, "static_list"):
        for member in control.get(f"/lists/{list_id}/members").raise_for_status().json():
            if (list_id, member["lead_id"]) in held:
                held.remove((list_id, member["lead_id"]))
            else:
                found.append(f"lead {member['lead_id']} of list {list_id} is missing")
    broken = con.execute(
        "SELECT list_id, lead_id FROM main.static_list_members WHERE NOT (first_seen_at <= last_seen_at "
        "AND last_seen_at <= coalesce(removed_at, last_seen_at))"
    ).fetchall()
    found += [f"moments of {key} are in disorder" for key in broken]
    return (found + [f"{key} is not on the list" for key in sorted(held)])[:most]


def _ids(control: httpx.Client, kind: str) -> list[int]:
    told = control.get(f"/assets/{kind}").raise_for_status().json()
    return [asset["id"] for asset in told["assets"]]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _typed(name: str, value: Any) -> Any:
    if value in ("", None):
        return None
    return datetime.fromisoformat(value) if name in _MOMENTS else value
