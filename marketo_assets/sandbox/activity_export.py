"""Bulk activity export: what a request may say, and the file that comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from marketo_assets.sandbox import render
from marketo_assets.sandbox.activity_numbers import (
    ADD_TO_LIST,
    CHANGE_DATA_VALUE,
    CHANGE_SCORE,
    CHANGE_STATUS,
    DELETE_LEAD,
    REMOVE_FROM_LIST,
)
from marketo_assets.sandbox.activity_reader import ActivityReader
from marketo_assets.sandbox.activity_types import ActivityTypes
from marketo_assets.sandbox.envelope import ApiError
from marketo_assets.sandbox.export_request import ExportRequest, read_common, read_filter, read_items, read_window
from marketo_assets.sandbox.options import Switches

FIELDS = (
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
    "actionResult",
)
MOST_VALUES = 50
ASSET_GROUPS = (
    frozenset({CHANGE_DATA_VALUE, CHANGE_SCORE}),
    frozenset({CHANGE_STATUS}),
    frozenset({ADD_TO_LIST, REMOVE_FROM_LIST}),
    frozenset({2}),
)
"""Types whose primary attributes are of one kind: fields, programs, lists, forms. Only these can be filtered by it."""
_FILTERS = ("createdAt", "activityTypeIds", "primaryAttributeValueIds", "primaryAttributeValues")


def read_activity_export(body: Mapping[str, Any], types: ActivityTypes, switches: Switches) -> ExportRequest:
    """Return the request in *body*; without fields, where that is allowed, it asks for all but actionResult.

    Raises: ApiError 1001 to 1003, 1006 and 704.
    """
    usual = () if switches.activity_fields_required else FIELDS[:-1]
    common = read_common(body, lambda name: name in FIELDS, usual)
    asked = read_filter(body["filter"], "ExportActivityFilter", _FILTERS)
    if asked.get("createdAt") is None:
        raise ApiError("1002", "Missing value for the required parameter 'createdAt'")
    window = read_window("createdAt", asked["createdAt"])
    type_ids = read_items(asked.get("activityTypeIds"), "activityTypeIds", int)
    _check_types(type_ids or (), types)
    others = {"activityTypeIds": type_ids, **_read_primary(asked, type_ids or ())}
    told = {name: sorted(items) for name, items in others.items() if items is not None}
    return ExportRequest("activities", window, *common, told)


def _check_types(type_ids: Collection[int], types: ActivityTypes) -> None:
    for type_id in type_ids:
        if type_id == DELETE_LEAD:
            raise ApiError("1003", f"Activity type {DELETE_LEAD} is not available in bulk, use Get Deleted Leads")
        if type_id not in types.by_id:
            raise ApiError("1003", f"Invalid activity type id '{type_id}'")


def _read_primary(asked: Mapping[str, Any], type_ids: Collection[int]) -> dict[str, list[Any] | None]:
    ids = read_items(asked.get("primaryAttributeValueIds"), "primaryAttributeValueIds", int, MOST_VALUES)
    values = read_items(asked.get("primaryAttributeValues"), "primaryAttributeValues", str, MOST_VALUES)
    if ids and values:
        raise ApiError("1003", "primaryAttributeValueIds and primaryAttributeValues cannot be combined")
    if (ids or values) and not any(type_ids and group.issuperset(type_ids) for group in ASSET_GROUPS):
        raise ApiError("1003", "Primary attribute filters need activityTypeIds of one and the same asset group")
    return {"primaryAttributeValueIds": ids, "primaryAttributeValues": values}


def write_activities(
    reader: ActivityReader,
    switches: Callable[[], Switches],
    request: ExportRequest,
    out: render.Sink,
    delimiter: str,
    at: datetime,
) -> int:
    """Write the file of *request* from the activities that show at that moment, and return its number of rows.

    **Cost:** the memory of 20,000 activities.
    """
    if request.window is None:
        return 0
    out.write(render.header([request.headers.get(name, name) for name in request.fields], delimiter))
    first, last = request.window.seconds
    written = 0
    for rows in reader.served(first, last, request.others.get("activityTypeIds"), at):
        chosen = rows.filter(_is_asked(request.others))
        columns = _columns(chosen, is_array=switches().bulk_attributes == "array")
        texts = [columns[name] for name in request.fields]
        out.write(render.lines(texts, delimiter, quote_null_text=switches().quote_null_text))
        written += chosen.height
    return written


def _is_asked(others: Mapping[str, Any]) -> pl.Expr:
    asked = pl.col("type_id") != DELETE_LEAD
    if "primaryAttributeValueIds" in others:
        asked &= pl.col("value_id").is_in(others["primaryAttributeValueIds"])
    if "primaryAttributeValues" in others:
        asked &= pl.col("value").is_in(others["primaryAttributeValues"])
    return asked


def _columns(rows: pl.DataFrame, *, is_array: bool) -> dict[str, pl.Series]:
    told = {
        "marketoGUID": rows["number"].cast(pl.String),
        "leadId": rows["lead_id"].cast(pl.String),
        "activityDate": pl.from_epoch(rows["second"], "s").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "activityTypeId": rows["type_id"].cast(pl.String),
        "campaignId": rows["campaign_id"].cast(pl.String),
        "primaryAttributeValueId": rows["value_id"].cast(pl.String),
        "primaryAttributeValue": rows["value"],
        "attributes": rows["attributes"],
        "actionResult": rows["result"],
    }
    if is_array:
        arrays = [_array(text) for text in told["attributes"]]
        told["attributes"] = pl.Series(arrays, dtype=pl.String)
    return told


def _array(text: str) -> str:
    items = [{"name": name, "value": value} for name, value in json.loads(text).items()]
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))
