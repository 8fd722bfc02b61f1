"""One line of the log of activities, whoever made it: the seed, a change of a lead, or the control desk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from marketo_assets.sandbox.fields import Json

FIRST_NUMBER = 4_000_000_001
"""Activity ids are int64, and these do not fit 32 bits. The New Lead of the n-th lead of the seed has the n-th one."""
Told = dict[str, Json]
FRAME = {
    "second": pl.Int64,
    "number": pl.Int64,
    "type_id": pl.Int32,
    "lead_id": pl.Int64,
    "campaign_id": pl.Int64,
    "value_id": pl.Int64,
    "value": pl.String,
    "attributes": pl.String,
    "result": pl.String,
    "visible_from": pl.Float64,
}
"""The columns of many activities at once; attributes are a JSON object without the empty ones."""


class Activity(NamedTuple):
    """One line of the log."""

    second: int
    number: int
    type_id: int
    lead_id: int
    value_id: int | None
    value: str | None
    attributes: tuple[tuple[str, Json], ...]
    visible_from: float = 0
    """Second since which the API shows it."""
    field: str | None = None
    """REST name of the field that changed."""
    old: str | None = None
    new: str | None = None
    filled: frozenset[str] | None = None
    """The fields a new lead came with; None for one of the seed."""
    campaign_id: int | None = None
    result: str = "succeeded"
    """Whether what a smart campaign's flow tried `succeeded`, was `skipped` or `failed`."""

    @property
    def guid(self) -> str:
        """The marketoGUID."""
        return str(self.number)


@dataclass(frozen=True)
class Report:
    """Which activities tell of a change: of the whole, and of each field with its old and new value."""

    whole: Activity | None = None
    fields: dict[str, Activity] = field(default_factory=dict)


def frame_of(lines: list[Activity]) -> pl.DataFrame:
    """Return *lines* as a frame with the columns of FRAME."""
    told = [
        json.dumps({name: value for name, value in line.attributes if value is not None}, ensure_ascii=False)
        for line in lines
    ]
    columns = {name: [getattr(line, name) for line in lines] for name in FRAME if name != "attributes"}
    return pl.DataFrame(columns | {"attributes": told}, schema_overrides=FRAME).select(*FRAME)


def activity_of(row: Sequence[object], names: Sequence[str] = ()) -> Activity:
    """Return a row of such a frame as one activity; those of *names* without a value are told as empty."""
    told = dict(zip(FRAME, row, strict=True))
    values = json.loads(str(told.pop("attributes")))
    attributes = {**dict.fromkeys(names), **values}
    return Activity(**told, attributes=tuple(attributes.items()))  # type: ignore[arg-type]
