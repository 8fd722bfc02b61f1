"""Views of the layout on reference objects: `campaign`, `program`, `email_template_history`."""

from __future__ import annotations

from collections.abc import Iterator

from marketo_assets.load.columns import text_literal
from marketo_assets.load.parse import lenient_cast
from marketo_assets.models.fivetran_layout import DELETED, LAYOUT, SYNCED
from marketo_assets.models.fivetran_views import MOMENT, FivetranView, Published, in_utc, laid_out
from marketo_assets.models.reference import typed
from marketo_assets.models.reference_tables import TABLES

_AGAIN = {
    "recurrence_start_at": "startAt",
    "recurrence_end_at": "endAt",
    "recurrence_interval_type": "intervalType",
    "recurrence_interval": "interval",
    "recurrence_weekday_only": "weekdayOnly",
    "recurrence_day_of_month": "dayOfMonth",
    "recurrence_day_of_week": "dayOfWeek",
    "recurrence_week_of_month": "weekOfMonth",
}


def object_views(published: Published) -> Iterator[FivetranView]:
    """Yield the views of what was read of reference objects."""
    if "main.smart_campaigns" in published.names and "main.campaigns" in published.names:
        yield _campaigns()
    if "main.programs" in published.names:
        yield _programs()
    if "raw.reference_versions" in published.names:
        yield _emails()


def _campaigns() -> FivetranView:
    """Return smart campaigns as the asset API and the lead database tell them together, whichever of them was read."""
    both = ("id", "name", "description", "type", "created_at", "updated_at")
    values = {name: f"coalesce(asset.{name}, lead.{name})" for name in both}
    values |= {name: in_utc(values[name]) for name in ("created_at", "updated_at")}
    values |= {
        "active": "coalesce(asset.is_active, lead.active)",
        "program_id": "coalesce(asset.parent_program_id, lead.program_id)",
        "program_name": "lead.program_name",
        "workspace_name": "coalesce(lead.workspace_name, asset.workspace)",
        DELETED: " AND ".join(f"({of}.id IS NULL OR {of}.removed_at IS NOT NULL)" for of in ("asset", "lead")),
        SYNCED: in_utc("greatest(asset._as_of, lead._as_of)"),
    }
    for column in LAYOUT["campaign"].columns:
        if column.name in _AGAIN:
            values[column.name] = _again(_AGAIN[column.name], column.type)
        elif column.name not in values:
            values[column.name] = f"asset.{column.name}"
    source = "FROM main.smart_campaigns AS asset FULL JOIN main.campaigns AS lead ON lead.id = asset.id"
    return laid_out("campaign", values, source)


def _again(member: str, kind: str) -> str:
    text = f"(asset.recurrence ->> {text_literal(f'$.{member}')})"
    if kind == "TIMESTAMP":
        return in_utc(lenient_cast(f"regexp_replace({text}, 'Z[+-]00:?00$', 'Z')", MOMENT))
    return lenient_cast(text, kind)


def _programs() -> FivetranView:
    values = {column.name: column.name for column in LAYOUT["program"].columns}
    values |= {name: in_utc(name) for name in ("start_date", "end_date", "created_at", "updated_at")}
    values |= {DELETED: "removed_at IS NOT NULL", SYNCED: in_utc("_as_of")}
    return laid_out("program", values, "FROM main.programs")


def _emails() -> FivetranView:
    """Return a row for each `updatedAt` of each email: of contents that share it, the one that was read last."""
    told = {member.column: member for member in TABLES["emails"].members}
    listed = ", ".join(f"{typed(member)} AS {member.column}" for member in told.values())
    values = {column.name: column.name for column in LAYOUT["email_template_history"].columns if column.name in told}
    values |= {name: in_utc(name) for name in ("created_at", "updated_at")}
    values |= {
        "program_id": "CASE WHEN folder_type = 'Program' THEN folder_id END",
        "folder_value": "folder_id",
        "folder_id": "NULL",
        "folder_folder_name": "folder_name",
        SYNCED: in_utc("read_until"),
    }
    source = (
        f"FROM (SELECT {listed}, read_from, read_until, load_id FROM raw.reference_versions WHERE object = 'emails') "
        "QUALIFY row_number() OVER (PARTITION BY id, updated_at ORDER BY read_from DESC, load_id DESC) = 1"
    )
    return laid_out("email_template_history", values, source)
