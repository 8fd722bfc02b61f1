"""The table `main.activities`, and the statements that put rows there: of each activity one row, the one read last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from marketo_assets.api.activities import Activity, ActivityType
from marketo_assets.api.values import Number, text
from marketo_assets.load import parse
from marketo_assets.load.activity_attributes import with_canonical
from marketo_assets.load.columns import TEXT, Column, text_literal
from marketo_assets.warehouse import DuckDBConnection

TABLE = "main.activities"
_MOMENT = "TIMESTAMP WITH TIME ZONE"
_COLUMNS = (
    ("activity_guid", "VARCHAR", "key of the activity (marketoGUID)"),
    ("lead_id", "BIGINT", "the lead; of a merged one Marketo may tell the winner later"),
    ("activity_date", _MOMENT, "when it happened, in whole seconds"),
    ("activity_type_id", "BIGINT", "kind of activity; see activity_types"),
    ("campaign_id", "BIGINT", "the smart campaign that caused it"),
    ("primary_attribute_value_id", "BIGINT", "number of what the activity is about, such as an email"),
    ("primary_attribute_value", "VARCHAR", "name of what the activity is about"),
    ("attributes", "JSON", "all other attributes by name, in alphabetical order; those without a value are left out"),
    ("action_result", "VARCHAR", "succeeded, skipped or failed, as exports tell; NULL where only REST has told of it"),
    ("_source", "VARCHAR", "what brought the row: bulk or rest"),
    ("_as_of", _MOMENT, "when Marketo's state was read"),
    ("_load_id", "BIGINT", "the load that brought the row; see meta.loads"),
)
FILE_COLUMNS = tuple(
    Column(field, name, type_name if type_name != "JSON" else TEXT)
    for field, (name, type_name, _) in zip(
        (
            "marketoGUID", "leadId", "activityDate", "activityTypeId", "campaignId", "primaryAttributeValueId",
            "primaryAttributeValue", "attributes", "actionResult",
        ),
        _COLUMNS,
        strict=False,
    )
)  # fmt: skip
"""Which column each column of a file fills."""
_CONTENT = (
    "row(lead_id, activity_date, activity_type_id, campaign_id, primary_attribute_value_id, primary_attribute_value, "
    "attributes)"
)


def ensure_activities(con: DuckDBConnection) -> None:
    """Leave the table, commented."""
    if has_activities(con):
        return
    con.execute(f"CREATE TABLE {TABLE} ({', '.join(f'{name} {kind}' for name, kind, _ in _COLUMNS)})")
    con.execute(f"COMMENT ON TABLE {TABLE} IS 'One row per activity, also of leads that are gone; none is removed.'")
    for name, _, told in _COLUMNS:
        con.execute(f"COMMENT ON COLUMN {TABLE}.{name} IS {text_literal(told)}")


def has_activities(con: DuckDBConnection) -> bool:
    """Say whether the table is there."""
    query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'main' AND table_name = 'activities'"
    return con.execute(query).fetchone() is not None


def insert_strictly(
    con: DuckDBConnection, source: str, cells: Mapping[str, str], types: Sequence[ActivityType], own: Mapping[str, str]
) -> None:
    """Append the rows of *source*, whose *cells* (column to name) are of their column's type already.

    Raises: duckdb.Error when attributes are no JSON object; the transaction is lost then.
    """
    canonical = with_canonical(source, cells["attributes"], cells["activity_type_id"], types)
    values = {**cells, "attributes": "coalesce(attributes, error('no object'))", **own}
    _insert(con, canonical, values)


def insert_leniently(
    con: DuckDBConnection, cells: Mapping[str, str], types: Sequence[ActivityType], own: Mapping[str, str]
) -> int:
    """Append the rows of the table `texts`; return how many values did not fit and went to `meta.rejected_values`.

    Attributes that are no JSON object become none. The table is gone afterwards.
    """
    by_name = {column.name: column.type for column in FILE_COLUMNS}
    typed = {name: parse.lenient_cast(cell, by_name[name]) for name, cell in cells.items() if name != "attributes"}
    told = cells["attributes"]
    is_object = f"json_valid({told}) AND json_type(CASE WHEN json_valid({told}) THEN {told} END) IN ('OBJECT', 'ARRAY')"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE fitting AS SELECT *, CASE WHEN {is_object} THEN {told} END AS object, "
        f"{typed['activity_type_id']} AS kind FROM texts"
    )
    _insert(
        con,
        with_canonical("fitting", "object", "kind", types),
        {**typed, "attributes": "coalesce(attributes, '{}')", **own},
    )
    rejected = 0
    misfits = {name: parse.is_rejected(cell, by_name[name]) for name, cell in cells.items() if by_name[name] != TEXT}
    misfits["attributes"] = f"{told} IS NOT NULL AND object IS NULL"
    fields = {column.name: column.field for column in FILE_COLUMNS}
    for name, condition in misfits.items():
        row = con.execute(
            f"INSERT INTO meta.rejected_values (load_id, lead_id, field, value) SELECT {own['_load_id']}, "
            f"{typed['lead_id']}, {text_literal(fields[name])}, {cells[name]} FROM fitting WHERE {condition}"
        ).fetchone()
        rejected += int(row[0]) if row else 0
    con.execute("DROP TABLE fitting")
    con.execute("DROP TABLE texts")
    return rejected


def insert_answered(
    con: DuckDBConnection, activities: Sequence[Activity], types: Sequence[ActivityType], own: Mapping[str, str]
) -> int:
    """Append *activities* as REST told them, in the form that files have; return how many values did not fit."""
    columns = {column.name: f"c{number}" for number, column in enumerate(FILE_COLUMNS)}
    rows = [dict(zip(columns.values(), _texts(found), strict=True)) for found in activities]
    con.execute(f"CREATE OR REPLACE TEMP TABLE texts ({', '.join(f'{cell} VARCHAR' for cell in columns.values())})")
    told = json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace").decode()
    shape = json.dumps([dict.fromkeys(columns.values(), "VARCHAR")])
    con.execute("INSERT INTO texts SELECT unnest(from_json(?, ?), recursive := true)", [told, shape])
    met = {found.type_id for found in activities}
    return insert_leniently(con, columns, [kind for kind in types if kind.id in met], own)


def keep_one_each(con: DuckDBConnection, load_id: int) -> int:
    """Return how many rows were removed, after leaving one row of each activity that *load_id* brought.

    Of different rows the one whose Marketo was read last stays, of equal ones the first; an action's result that only
    an earlier one tells is handed on. **Cost:** a scan of the rows of the same time.
    """
    span = con.execute(
        f"SELECT min(activity_date), max(activity_date) FROM {TABLE} WHERE _load_id = ?", [load_id]
    ).fetchone()
    during = "(activity_date BETWEEN $1 AND $2 OR activity_date IS NULL)"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE doubled AS SELECT activity_guid FROM {TABLE} WHERE {during} "
        "GROUP BY activity_guid HAVING count(*) > 1",
        list(span or (None, None)),
    )
    row = con.execute("SELECT count(*) FROM doubled").fetchone()
    removed = _remove_doubled(con) if row and row[0] else 0
    con.execute("DROP TABLE doubled")
    return removed


def _remove_doubled(con: DuckDBConnection) -> int:
    con.execute(
        "CREATE OR REPLACE TEMP TABLE versions AS SELECT rowid AS place, activity_guid, action_result, _as_of, "
        f"_load_id, {_CONTENT} IS NOT DISTINCT FROM first_value({_CONTENT}) OVER newest AS is_newest, "
        "first_value(action_result IGNORE NULLS) OVER newest AS known_result "
        f"FROM {TABLE} SEMI JOIN doubled USING (activity_guid) "
        "WINDOW newest AS (PARTITION BY activity_guid ORDER BY _as_of DESC, _load_id DESC, rowid "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE kept AS SELECT activity_guid, known_result, "
        "arg_min(place, row(action_result IS NULL, _as_of, _load_id, place)) AS place "
        "FROM versions WHERE is_newest GROUP BY activity_guid, known_result"
    )
    con.execute(
        f"UPDATE {TABLE} SET action_result = kept.known_result FROM kept "
        f"WHERE {TABLE}.rowid = kept.place AND action_result IS NULL AND kept.known_result IS NOT NULL"
    )
    row = con.execute(
        f"DELETE FROM {TABLE} WHERE rowid IN (SELECT place FROM versions ANTI JOIN kept USING (place))"
    ).fetchone()
    con.execute("DROP TABLE versions")
    con.execute("DROP TABLE kept")
    return int(row[0]) if row else 0


def forget_before(con: DuckDBConnection, oldest: datetime | None) -> int:
    """Return how many activities were removed because they happened before *oldest*."""
    if oldest is None:
        return 0
    row = con.execute(f"DELETE FROM {TABLE} WHERE activity_date < ?", [oldest]).fetchone()
    return int(row[0]) if row else 0


def _insert(con: DuckDBConnection, source: str, values: Mapping[str, str]) -> None:
    listed = ", ".join(f"{expression} AS {name}" for name, expression in values.items())
    con.execute(f"INSERT INTO {TABLE} BY NAME SELECT {listed} FROM {source}")


def _texts(found: Activity) -> tuple[str | None, ...]:
    members = (f"{json.dumps(name, ensure_ascii=False)}:{_json(value)}" for name, value in found.attributes.items())
    return (
        found.guid,
        str(found.lead_id),
        found.at.isoformat(),
        str(found.type_id),
        text(found.campaign_id),
        text(found.primary_id),
        # What a file leaves empty is no value there, and a file cannot say the word null.
        found.primary_value or None,
        f"{{{','.join(members)}}}",
        found.action_result,
    )


def _json(value: object) -> str:
    return value.spelled if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
