"""Reads Adobe's Swagger 2.0 files: which operations there are, and what their answers must look like."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "specs"
FILES = ("swagger-identity.json", "swagger-mapi.json", "swagger-asset.json")
OPEN_DEFINITIONS = frozenset({"Lead", "ProgramMember", "ProgramMembership"})
"""Objects that may have members beyond those named: leads and members have the fields of their instance, and a lead's
membership of a program has more in the guide than in the file."""

needs_specs = pytest.mark.skipif(
    not all((SPECS / name).is_file() for name in FILES), reason="Adobe's Swagger files are not beside this checkout"
)
formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time")
def is_moment(value: object) -> bool:
    """Whether *value* is written in one of the ways that Adobe's samples of `date-time` members show.

    The specs type them date-time; samples show `Z`, offsets, the asset API's `Z+0000`, and bare dates in statistics.
    """
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:?\d\d|Z\+0000))?", str(value)))


@formats.checks("int32")
def is_int32(value: object) -> bool:
    """Whether *value* fits 32 bits."""
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@functools.cache
def operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operation of that method and path, and the file that it stands in."""
    for name in FILES:
        spec = json.loads((SPECS / name).read_text("utf-8"))
        found = spec["paths"].get(path, {}).get(method.lower())
        if found:
            return found, _closed(spec)
    raise AssertionError(f"no Swagger file knows {method} {path}")


def query_parameters(method: str, path: str) -> dict[str, bool]:
    """Return the operation's query parameters, and whether each is required."""
    found, _ = operation(method, path)
    return {told["name"]: bool(told.get("required")) for told in found.get("parameters", []) if told["in"] == "query"}


def check_answer(method: str, path: str, answer: Any) -> None:
    """Fail where *answer* is not what the operation's HTTP 200 schema describes, or has members it does not name."""
    found, spec = operation(method, path)
    schema = {**found["responses"]["200"]["schema"], "definitions": spec["definitions"]}
    told = answer if path.startswith("/rest/asset/") else _without_nulls(answer)
    jsonschema.Draft4Validator(schema, format_checker=formats).validate(told)


def _closed(spec: dict[str, Any]) -> dict[str, Any]:
    for name, definition in spec["definitions"].items():
        if "properties" in definition and name not in OPEN_DEFINITIONS:
            definition["additionalProperties"] = False
    if "ProgramResponse" in spec["definitions"]:
        _loosen_assets(spec["definitions"])
    attribute, change = (spec["definitions"].get(name) for name in ("Attribute", "LeadChange"))
    if attribute and change:
        # The file types an attribute's value as an object; every sample shows a text, a number or a boolean.
        attribute["properties"]["value"] = {"type": ["string", "number", "boolean", "object"]}
        # And the sample of a New Lead in Get Lead Changes has what the file gives to activities alone.
        activity = spec["definitions"]["Activity"]["properties"]
        change["properties"] |= {name: activity[name] for name in activity if name.startswith("primary")}
    return spec


def _loosen_assets(definitions: dict[str, Any]) -> None:
    # Samples refer to a program's or an email's folder by `value`, and write types and statuses in words of their own.
    definitions["Folder"]["properties"] |= {"value": {"type": "integer"}, "folderName": {"type": "string"}}
    definitions["Folder"]["required"] = ["type"]
    for name in ("ProgramResponse", "BrowseAllPrograms"):
        for member in ("type", "status"):
            definitions[name]["properties"][member].pop("enum")
    for definition in definitions.values():
        for name, member in definition.get("properties", {}).items():
            definition["properties"][name] = {"anyOf": [member, {"type": "null"}]}


def _without_nulls(value: Any) -> Any:
    # Samples of the lead database show `null` where the specs allow the member to be absent and know no null.
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
