"""Views of the layout on leads: `lead`, `lead_describe` in two spellings, `merged_lead`."""

from __future__ import annotations

from collections.abc import Iterator

from marketo_assets.load.columns import name_columns, quoted, snake_case
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.models.fivetran_layout import DELETED, LAYOUT, SYNCED, LaidOut
from marketo_assets.models.fivetran_views import MOMENT, FivetranView, Published, in_utc, laid_out, select


def lead_views(published: Published) -> Iterator[FivetranView]:
    """Yield the views of what was read of leads."""
    if "main.lead_fields" in published.names:
        yield _describe("lead_describe", "name")
        yield _describe("lead_describe_snake_case", _snake_case_sql("name"))
    if "main.leads" in published.names and "main.deleted_leads" in published.names:
        yield _leads(published)
        yield laid_out(
            "merged_lead",
            {"merged_lead": "id", "into_lead": "merged_into_id", SYNCED: in_utc("deleted_at")},
            "FROM main.deleted_leads WHERE merged_into_id IS NOT NULL",
        )


def _describe(table: str, name: str) -> FivetranView:
    values = {
        "id": "id",
        "data_type": "data_type",
        "display_name": "display_name",
        "length": "length",
        "restname": name,
        "restread_only": "is_read_only",
        SYNCED: in_utc("last_seen_at"),
    }
    # A renamed field may have left its number to another: the one that Describe shows has it.
    newest = "row_number() OVER (PARTITION BY id ORDER BY is_hidden, last_seen_at DESC, name) = 1"
    return laid_out(table, values, f"FROM main.lead_fields WHERE id IS NOT NULL QUALIFY {newest}")


def _snake_case_sql(name: str) -> str:
    """Return the SQL expression of the column that `lead` has for *name*, spelt as `snake_case` spells it."""
    for before, after in (("([a-z0-9])", "([A-Z])"), ("([A-Z]+)", "([A-Z][a-z])"), ("([A-Z])", "([0-9])")):
        name = f"regexp_replace({name}, '{before}{after}', '\\1_\\2', 'g')"
    plain = f"lower(trim(regexp_replace({name}, '[^A-Za-z0-9]+', '_', 'g'), '_'))"
    number = f"row_number() OVER (PARTITION BY {plain} ORDER BY is_copied DESC, rowid)"
    return f"{plain} || CASE WHEN {number} > 1 THEN '_' || {number} ELSE '' END"


def _leads(published: Published) -> FivetranView:
    held = {name: kind for name, kind in published.columns("main", "leads").items() if name not in OWN_COLUMNS}
    gone = {name.lower() for name in published.columns("main", "deleted_leads")}
    layout = LAYOUT["lead"]
    tail = [column for column in layout.columns if column.name in (DELETED, SYNCED)]
    comments = dict(
        published.con.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = 'leads'"
        ).fetchall()
    )
    columns, alive, dead = [], {}, {}
    for name, column in _named(held, [column.name for column in tail]).items():
        kind = "TIMESTAMP" if held[name] == MOMENT else held[name]
        value = in_utc(quoted(name)) if held[name] == MOMENT else quoted(name)
        columns.append(LaidOut(column, kind, comments[name] or name))
        alive[column] = value
        dead[column] = value if name.lower() in gone else "NULL"
    alive |= {DELETED: "false", SYNCED: in_utc("_as_of")}
    dead |= {DELETED: "true", SYNCED: in_utc("coalesce(_as_of, deleted_at)")}
    columns += tail
    query = f"{select(columns, alive)} FROM main.leads UNION ALL {select(columns, dead)} FROM main.deleted_leads"
    return FivetranView("lead", layout.told, tuple(columns), query)


def _named(columns: dict[str, str], taken: list[str]) -> dict[str, str]:
    """Return the name in the layout of each of *columns*, with a number where two would have the same."""
    given: dict[str, str] = {}
    for name in columns:
        wanted = snake_case(name) or name.lower()
        given[name] = name_columns([wanted], {}, [*given.values(), *taken])[wanted]
    return given
