"""What the activities of the seed tell, column by column: campaign, primary attribute, attributes as JSON, result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from random import Random

import polars as pl

from marketo_assets.sandbox.activity_catalogue import STANDARD, ActivityType, Attribute
from marketo_assets.sandbox.activity_pools import PRIMARY, UNFIT, attribute_values
from marketo_assets.sandbox.fields import Json
from marketo_assets.sandbox.generate import pick, salt
from marketo_assets.sandbox.membership import scenes
from marketo_assets.sandbox.reference import CAMPAIGNS

TOLD = {
    "campaign_id": pl.Int64,
    "value_id": pl.Int64,
    "value": pl.String,
    "attributes": pl.String,
    "result": pl.String,
}
_RESULTS = ["succeeded"] * 93 + ["skipped"] * 5 + ["failed"] * 2
_UNFIT_ONE_IN = 8
_KINDS = {kind.id: kind for kind in STANDARD}


class ActivityTexts:
    """What stands in the activities of one seed; *with_unfit* some values do not fit the data type declared."""

    def __init__(self, seed: int, *, with_unfit: bool = False) -> None:
        self._seed, self._with_unfit = seed, with_unfit

    def told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return *rows* (type_id, lead_id, hash, scene and any others) in their order, with the columns of TOLD."""
        placed = rows.with_row_index("_place")
        parts = [self._told(_KINDS[part["type_id"][0]], part) for part in placed.partition_by("type_id")]
        empty = placed.clear().with_columns(**{name: pl.lit(None, kind) for name, kind in TOLD.items()})
        return pl.concat([empty, *parts]).sort("_place").drop("_place")

    def _told(self, kind: ActivityType, rows: pl.DataFrame) -> pl.DataFrame:
        columns = _told_by_scenes(rows) if rows["scene"].null_count() == 0 else self._drawn(kind, rows)
        return rows.with_columns(**columns).cast(TOLD)  # type: ignore[arg-type]

    def _drawn(self, kind: ActivityType, rows: pl.DataFrame) -> dict[str, pl.Series]:
        hashes = rows["hash"]
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, rows.height)
        campaigns = self._gathered(hashes, ("campaign",), [campaign.id for campaign in CAMPAIGNS])
        results = self._gathered(hashes, ("result",), _RESULTS)
        succeeded = pl.Series(["succeeded"]).new_from_index(0, rows.height)
        pairs = PRIMARY.get(kind.primary.pool)
        names = ("primary", kind.id)
        return {
            "campaign_id": campaigns if kind.is_flow else nothing,
            "value_id": self._gathered(hashes, names, [pair[0] for pair in pairs]) if pairs else rows["lead_id"],
            "value": self._gathered(hashes, names, [pair[1] for pair in pairs]) if pairs else nothing.cast(pl.String),
            "attributes": self._attributes(kind, hashes),
            "result": results if kind.is_flow else succeeded,
        }

    def _gathered(self, hashes: pl.Series, names: tuple[object, ...], values: Sequence[object]) -> pl.Series:
        return pl.Series(values).gather(pick(hashes, salt(self._seed, *names), len(values)))

    def _attributes(self, kind: ActivityType, hashes: pl.Series) -> pl.Series:
        members = {str(n): self._members(kind, attribute, hashes) for n, attribute in enumerate(kind.attributes)}
        joined = pl.concat_str(*members, separator=",", ignore_nulls=True)
        return pl.DataFrame(members).select(pl.concat_str(pl.lit("{"), joined, pl.lit("}"))).to_series()

    def _members(self, kind: ActivityType, attribute: Attribute, hashes: pl.Series) -> pl.Series:
        """Return the attribute as members of JSON objects, null where an activity does not have it."""
        names = (kind.id, attribute.name)
        fitting = _pool(self._seed, kind.id, attribute)
        drawn = fitting.gather(pick(hashes, salt(self._seed, *names), len(fitting)))
        if not self._with_unfit:
            return drawn
        unfit = pl.Series([_member(attribute.name, value) for value in UNFIT[attribute.data_type]], dtype=pl.String)
        other = unfit.gather(pick(hashes, salt(self._seed, *names, "unfit"), len(unfit)))
        return drawn.zip_with(pick(hashes, salt(self._seed, *names, "fits"), _UNFIT_ONE_IN) > 0, other)


@lru_cache(maxsize=2_000)
def _pool(seed: int, kind_id: int, attribute: Attribute) -> pl.Series:
    # Kept beyond the instance: a reset makes another one of the same seed.
    drawn = Random(f"{seed}/{kind_id}/{attribute.name}")  # noqa: S311 (test data, not secrets)
    values = attribute_values(attribute.pool, drawn)
    members = [None if value is None else _member(attribute.name, value) for value in values]
    return pl.Series(members, dtype=pl.String)


def _member(name: str, value: Json) -> str:
    return f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False)}"


def _told_by_scenes(rows: pl.DataFrame) -> dict[str, pl.Series]:
    told = scenes()
    known = rows["scene"].unique().to_list()
    table = pl.DataFrame(
        {
            "scene": known,
            "value_id": [told[place].value_id for place in known],
            "value": [told[place].value for place in known],
            "text": [told[place].attributes for place in known],
            "is_progress": ["Old Status" in told[place].attributes for place in known],
        },
        schema_overrides={"scene": pl.Int32},
    )
    found = rows.select("scene", "hash").join(table, on="scene", how="left", maintain_order="left")
    acquired = pl.when(pl.col("hash") % 4 == 0).then(pl.lit("true")).otherwise(pl.lit("false"))
    number = (pl.col("hash") // 2**33).cast(pl.String)
    member = pl.concat_str(pl.lit('"Program Member ID":'), number, pl.lit(',"Acquired By":'), acquired, pl.lit(","))
    attributes = pl.concat_str(
        pl.lit("{"), pl.when("is_progress").then(member).otherwise(pl.lit("")), "text", pl.lit("}")
    )
    shown = found.with_columns(
        attributes=attributes, campaign_id=pl.lit(None, pl.Int64), result=pl.lit("succeeded", pl.String)
    )
    return {name: shown[name] for name in TOLD}
