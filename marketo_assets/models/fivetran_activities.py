"""Views of the layout on activities: one for each type, with what polls of changes told where activities lack it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from marketo_assets.load.columns import name_columns
from marketo_assets.load.parse import lenient_cast
from marketo_assets.models.activities import TypedView
from marketo_assets.models.fivetran_layout import (
    ACTIVITY_HEAD,
    ACTIVITY_TAIL,
    CHANGED,
    GONE,
    LAYOUT,
    MERGED,
    SYNCED,
    LaidOut,
)
from marketo_assets.models.fivetran_views import MOMENT, FivetranView, Published, in_utc, laid_out, select

_CHANGE_DATA_VALUE, _DELETE_LEAD, _MERGE_LEADS = 13, 37, 32
"""What Adobe documents, for instances whose activity types were not read yet."""
_HEAD = {
    "id": "activity_guid",
    "lead_id": "lead_id",
    "activity_date": in_utc("activity_date"),
    "activity_type_id": "activity_type_id",
    "campaign_id": "campaign_id",
    "primary_attribute_value_id": "primary_attribute_value_id",
    "primary_attribute_value": "primary_attribute_value",
}
_TAIL = {"action_result": "action_result", SYNCED: in_utc("_as_of")}
_READ_AT = in_utc("coalesce(load.as_of, load.loaded_at)")


def activity_views(published: Published, types: Sequence[TypedView]) -> Iterator[FivetranView]:
    """Yield a view for each type of activity, and for what changes tell of changed values, merges and deletions."""
    by_name = {view.name: view for view in types}
    yield from (_typed(view, "") for view in types if view.name not in (CHANGED, MERGED, GONE))
    for name, number, told in (
        (CHANGED, _CHANGE_DATA_VALUE, _changes(published)),
        (MERGED, _MERGE_LEADS, _merges()),
    ):
        known = by_name.get(name)
        found = known.type_id if known else number
        values = {"activity_type_id": str(found), **told[0]}
        source = f"{told[1]} WHERE {told[2].format(found)}"
        if known:
            lacking = f"{source} AND activity_guid NOT IN ({_guids(found)})"
            yield _typed(known, lacking, values)
        elif "raw.lead_changes" in published.names:
            yield laid_out(name, values, source)
    if "main.deleted_leads" in published.names:
        number = by_name[GONE].type_id if GONE in by_name else _DELETE_LEAD
        yield _gone(published, number)


def _typed(view: TypedView, lacking: str, told: Mapping[str, str] | None = None) -> FivetranView:
    """Return the view of a type; what it *lacks* is a FROM clause, whose columns are *told*."""
    attributes, columns = {}, []
    taken = [column.name for column in (*ACTIVITY_HEAD, *ACTIVITY_TAIL)]
    for place, column in enumerate(view.columns):
        name = name_columns([column.name], {}, taken)[column.name]
        taken.append(name)
        value = lenient_cast(f"text_{place}", column.type)
        is_moment = column.type == MOMENT
        columns.append(LaidOut(name, "TIMESTAMP" if is_moment else column.type, column.comment))
        attributes[name] = in_utc(value) if is_moment else value
    layout = LAYOUT.get(view.name)
    here = {name.lower() for name in taken}
    columns += [column for column in layout.columns if column.name not in here] if layout else []
    # Fivetran names what an email's activity is about a second time.
    shared = {"email_template_id": "primary_attribute_value_id"}
    texts = "".join(f", {column.value} AS text_{place}" for place, column in enumerate(view.columns))
    own = "activity_guid, lead_id, activity_date, activity_type_id, campaign_id, primary_attribute_value_id, "
    inner = f"SELECT {own} primary_attribute_value, action_result, _as_of{texts} FROM main.activities"
    every = (*ACTIVITY_HEAD, *columns, *ACTIVITY_TAIL)
    query = select(every, {**shared, **attributes, **_HEAD, **_TAIL})
    query += f" FROM ({inner} WHERE activity_type_id = {view.type_id})"
    if told:
        tried = {c.name: f"TRY_CAST({told[c.name]} AS {c.type})" for c in every if c.name in told}
        query += f" UNION ALL {select(every, tried)} {lacking}"
    return FivetranView(view.name, view.comment, every, query)


def _guids(number: int) -> str:
    return f"SELECT activity_guid FROM main.activities WHERE activity_type_id = {number}"


def _changes(published: Published) -> tuple[dict[str, str], str, str]:
    """Return the columns of changed values as polls told them, where they lie, and which of them are of a type."""
    several = "count(*) OVER (PARTITION BY activity_guid) > 1"
    named = "LEFT JOIN main.lead_fields AS field ON field.name = change.field "
    if "main.lead_fields" not in published.names:
        named = "CROSS JOIN (SELECT NULL AS id, NULL AS display_name) AS field "
    return (
        {
            "id": f"activity_guid || CASE WHEN {several} THEN '-' || coalesce(change.field, '') ELSE '' END",
            "lead_id": "lead_id",
            "activity_date": in_utc("activity_date"),
            "campaign_id": "campaign_id",
            "primary_attribute_value_id": "field.id",
            "primary_attribute_value": "coalesce(field.display_name, change.field)",
            "new_value": "new_value",
            "old_value": "old_value",
            "reason": "reason",
            "request_id": "request_id",
            "source": "source",
            SYNCED: _READ_AT,
        },
        f"FROM raw.lead_changes AS change {named}LEFT JOIN meta.loads AS load ON load.load_id = change._load_id",
        "activity_type_id = {}",
    )


def _merges() -> tuple[dict[str, str], str, str]:
    losers = "'[' || string_agg(DISTINCT loser_id::VARCHAR, ',' ORDER BY loser_id::VARCHAR) || ']'"
    grouped = (
        f"SELECT activity_guid, winner_id, min(merged_at) AS merged_at, {losers} AS merge_ids, "
        "min(_load_id) AS load_id FROM raw.lead_merges GROUP BY activity_guid, winner_id"
    )
    return (
        {
            "id": "activity_guid",
            "lead_id": "winner_id",
            "activity_date": in_utc("merged_at"),
            "primary_attribute_value_id": "winner_id",
            "merge_ids": "merge_ids",
            SYNCED: _READ_AT,
        },
        f"FROM ({grouped}) AS merge LEFT JOIN meta.loads AS load USING (load_id)",
        "true",
    )


def _gone(published: Published, number: int) -> FivetranView:
    """Return the view of leads that are no more, with the activity that told it, where one did."""
    campaign = "NULL"
    if "main.campaigns" in published.names:
        campaign = "(SELECT any_value(name) FROM main.campaigns AS campaign WHERE campaign.id = told.campaign_id)"
    return laid_out(
        GONE,
        {
            # What a merge took, or a reading missed, no deletion names.
            "id": "coalesce(told.activity_guid, 'gone-' || gone.id)",
            "lead_id": "gone.id",
            "activity_date": in_utc("gone.deleted_at"),
            "activity_type_id": str(number),
            "campaign_id": "told.campaign_id",
            "campaign": campaign,
            "primary_attribute_value_id": "gone.id",
            SYNCED: _READ_AT,
        },
        "FROM (SELECT id, deleted_at FROM main.deleted_leads) AS gone LEFT JOIN (SELECT lead_id, "
        "min_by(activity_guid, deleted_at) AS activity_guid, min_by(campaign_id, deleted_at) AS campaign_id, "
        "min(_load_id) AS load_id FROM raw.lead_deletions GROUP BY lead_id) AS told ON told.lead_id = gone.id "
        "LEFT JOIN meta.loads AS load ON load.load_id = told.load_id",
    )
