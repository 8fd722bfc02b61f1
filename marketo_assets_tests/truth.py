"""The judge: what the sandbox really holds, compared with `marketo.leads` cell for cell, types included.

What each Marketo type must become is written down here a second time, from the interface and not from the loader.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import httpx

from marketo_assets.warehouse import DuckDBConnection

# How a value of each Marketo type must come out of DuckDB, and from which column; any other type is text.
_TYPES: dict[str, tuple[type, str]] = {
    "integer": (int, "BIGINT"),
    "score": (int, "BIGINT"),
    "float": (float, "DOUBLE"),
    "percent": (float, "DOUBLE"),
    "currency": (Decimal, "DECIMAL(18,4)"),
    "boolean": (bool, "BOOLEAN"),
    "date": (date, "DATE"),
    "datetime": (datetime, "TIMESTAMP WITH TIME ZONE"),
}
_TEXT: tuple[type, str] = (str, "VARCHAR")
_REJECTED = "SELECT lead_id, field, value FROM meta.rejected_values ORDER BY load_id"
_OWN = {"_as_of": "TIMESTAMP WITH TIME ZONE", "_source": "VARCHAR", "_load_id": "BIGINT"}


@dataclass(frozen=True)
class HeldField:
    """A field as the warehouse holds it."""

    name: str
    kind: str
    column: str
    type: str
    is_free: bool
    """Whether it was retyped, so that its column may be of a wider type than its kind has."""


def true_leads(control: httpx.Client, fields: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the leads that the sandbox holds, by id: all fields that can be exported, or *fields*."""
    asked = {"format": "ndjson", **({"fields": ",".join(fields)} if fields else {})}
    with control.stream("GET", "/leads", params=asked) as answer:
        answer.raise_for_status()
        buffer = b""
        for chunk in answer.iter_bytes():  # not iter_lines, which also splits at U+2028
            *lines, buffer = (buffer + chunk).split(b"\n")
            yield from (json.loads(line) for line in lines if line)


def differences(
    con: DuckDBConnection,
    control: httpx.Client,
    *,
    most: int = 20,
    retyped: Collection[str] = (),
    fields: Collection[str] | None = None,
) -> list[str]:
    """Return what differs between `main.leads` and the sandbox, at most *most* sentences; empty when nothing does.

    With *fields*, only these are compared.

    A value that its Marketo type does not allow must be NULL, with its text in `meta.rejected_values`. The columns of
    fields named in *retyped* may be wider than their type asks for; their values must read the same.
    """
    held, found = held_fields(con, retyped)
    names = list(held)
    select = ", ".join('"' + held[name].column.replace('"', '""') + '"' for name in names)
    rows = {row[names.index("id")]: row for row in con.execute(f"SELECT {select} FROM main.leads").fetchall()}
    rejected = {(row[0], row[1]): row[2] for row in con.execute(_REJECTED).fetchall()}
    (count,) = con.execute("SELECT count(*) FROM main.leads").fetchone() or (0,)
    found += [f"{count - len(rows)} leads are there twice"] if count != len(rows) else []
    for lead in true_leads(control, fields):
        row = rows.pop(lead["id"], None)
        if row is None:
            found.append(f"lead {lead['id']} is missing")
        else:
            found += cell_differences(lead, dict(zip(names, row, strict=True)), held, rejected)
        if len(found) >= most:
            return found[:most]
    return (found + [f"lead {lead_id} does not exist" for lead_id in rows])[:most]


def held_fields(con: DuckDBConnection, retyped: Collection[str]) -> tuple[dict[str, HeldField], list[str]]:
    """Return how the warehouse holds each copied field, and what is wrong with the columns of `main.leads`."""
    types = dict(con.execute("SELECT name, type FROM pragma_table_info('main.leads')").fetchall())
    found = [
        f"column {name} is {types.get(name)}, not {wanted}"
        for name, wanted in _OWN.items()
        if types.get(name) != wanted
    ]
    held = {}
    for name, column, kind in con.execute(
        "SELECT name, column_name, data_type FROM main.lead_fields WHERE NOT is_hidden AND is_copied"
    ).fetchall():
        if column not in types:
            found.append(f"column {column} is missing")
            continue
        held[name] = HeldField(name, kind, column, types[column], name in retyped)
        if types[column] != _TYPES.get(kind, _TEXT)[1] and name not in retyped:
            found.append(f"column {column} ({kind}) is {types[column]}")
    return held, found


def cell_differences(
    lead: Mapping[str, Any],
    row: Mapping[str, Any],
    held: Mapping[str, HeldField],
    rejected: Mapping[tuple[int, str], str],
) -> list[str]:
    """Return what differs between a lead of the sandbox and a row, both by field, one sentence each."""
    found = []
    if missing := lead.keys() - row.keys():
        found.append(f"lead {lead['id']}: no column for {sorted(missing)}")
    for name in lead.keys() & row.keys():
        expected, actual = lead[name], row[name]
        is_right = _is_same(expected, actual, held[name])
        if not is_right and actual is None and _is_misfit(expected, held[name]):
            is_right = _reads_same(expected, rejected.get((lead["id"], name)))
        if not is_right:
            kind = held[name].kind
            found.append(f"lead {lead['id']}, {name} ({kind}): expected {expected!r}, found {actual!r}")
    return found


def _is_misfit(value: Any, held: HeldField) -> bool:
    """Say whether the sandbox's *value* is not of its field's type, which happens after a retype."""
    if value is None or held.type == "VARCHAR":
        return False
    try:
        typed = _typed(value, held.kind)
    except (ValueError, ArithmeticError):
        return True
    if held.kind in ("integer", "score"):
        return not isinstance(value, int) or not -(2**63) <= typed < 2**63
    return (
        not isfinite(typed)
        if isinstance(typed, float | Decimal)
        else held.kind == "boolean" and not isinstance(typed, bool)
    )


def _is_same(expected: Any, actual: Any, held: HeldField) -> bool:
    if expected is None or actual is None:
        return expected is None and actual is None
    wanted = _TYPES.get(held.kind, _TEXT)[0]
    if type(actual) is not wanted:
        return held.is_free and _reads_same(expected, actual)
    if isinstance(expected, float) and wanted is int:  # an integer that the sandbox spells +5 or 1e3
        return bool(actual == expected)
    try:
        return bool(actual == _typed(expected, held.kind))
    except (ValueError, ArithmeticError):
        return False


def _reads_same(expected: Any, actual: Any) -> bool:
    """Say whether a value of another type, or a text, says the same."""
    if actual is None:
        return False
    if isinstance(expected, bool):
        return str(actual).lower() == str(expected).lower()
    if isinstance(expected, int | float):
        # Through float, as the sandbox told it, where it is no whole number.
        kind = Decimal if isinstance(expected, int) else float
        return kind(str(actual)) == kind(expected) or (not isfinite(expected) and not isfinite(float(str(actual))))
    return bool(actual == (_typed(expected, "datetime") if isinstance(actual, datetime) else expected))


def _typed(value: Any, kind: str) -> Any:
    if kind == "boolean":
        return {"0": False, "1": True}.get(value, value)
    if kind == "currency":
        return Decimal(str(value))
    if kind in ("float", "percent"):
        return float(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "datetime":
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return value
