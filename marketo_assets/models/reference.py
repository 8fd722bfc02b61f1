"""The tables of reference objects: a view for each over `raw.reference_versions`, typed and named."""

from __future__ import annotations

from marketo_assets.load.columns import quoted, text_literal
from marketo_assets.load.parse import lenient_cast
from marketo_assets.load.reference import TABLE, has_table
from marketo_assets.models.reference_columns import OWN, Member, ReferenceTable
from marketo_assets.models.reference_tables import TABLES
from marketo_assets.warehouse import DuckDBConnection

_NEWEST_FIRST = "ORDER BY load_id DESC"
_OWN = "removed_at, read_until, load_id"


def refresh_reference(con: DuckDBConnection) -> None:
    """Leave a view for each object, with a row for each record that was ever read, as it was read last.

    Nothing is there before the first reading was loaded; what is current stays.
    """
    if not has_table(con):
        return
    found = _comments(con)
    for name, table in TABLES.items():
        comments = {member.column: member.comment for member in table.members} | OWN
        if found.get(name) != comments:
            con.execute(f"CREATE OR REPLACE VIEW main.{name} AS {_select(name, table)}")
            con.execute(f"COMMENT ON VIEW main.{name} IS {text_literal(told_of(table))}")
            for column, comment in comments.items():
                con.execute(f"COMMENT ON COLUMN main.{name}.{quoted(column)} IS {text_literal(comment)}")


def told_of(table: ReferenceTable) -> str:
    """Return what a table holds, in a sentence or two."""
    told = f"{table.what}, one row each, as they were read last; removed ones say since when."
    return f"{told} {table.comment}." if table.comment else told


def count_misfits(con: DuckDBConnection) -> dict[str, int]:
    """Return how many values did not fit their column, by table and column; `raw.reference_versions` has them."""
    found: dict[str, int] = {}
    for name, table in TABLES.items():
        checked = [member for member in table.members if member.type not in ("VARCHAR", "JSON")]
        counts = ", ".join(
            f"count(*) FILTER (coalesce({_text(member)}, '') <> '' AND {typed(member)} IS NULL)" for member in checked
        )
        row = con.execute(f"SELECT {counts} FROM {rows_of(name, table)}").fetchone() or ()
        named = {f"{name}.{member.column}": int(count) for member, count in zip(checked, row, strict=True)}
        found |= {column: count for column, count in named.items() if count}
    return found


def typed(member: Member) -> str:
    """Return the SQL expression of *member* in its type; NULL where it is empty, absent or does not fit."""
    if member.type == "JSON":
        return f"nullif({member.source} -> {text_literal(member.path)}, 'null'::JSON)"
    return lenient_cast(_text(member), member.type)


def rows_of(name: str, table: ReferenceTable) -> str:
    """Return the SQL of the rows of a table, with `record` and whatever else its members come from."""
    if table.is_ever:
        return _ever(table.object or name, table.inside)
    rows = newest(table.object or name)
    if table.inside:
        items = f"unnest(from_json(record -> {text_literal(table.inside)}, '[\"JSON\"]'))"
        return f"(SELECT record AS owner, {items} AS item, {_OWN} FROM {rows}) AS inside(owner, record, {_OWN})"
    if table.detail:
        return (
            f"(SELECT told.*, alone.record AS detail FROM {rows} AS told "
            f"LEFT JOIN {newest(table.detail)} AS alone USING (id))"
        )
    return f"(SELECT *, json_object('type', split_part(id, ':', 1)) AS key FROM {rows})"


def newest(name: str) -> str:
    """Return the SQL of the newest version of each record of an object, as something to select from."""
    return (
        f"(SELECT * FROM {TABLE} WHERE object = {text_literal(name)} "
        f"QUALIFY row_number() OVER (PARTITION BY id {_NEWEST_FIRST}) = 1)"
    )


def _ever(name: str, inside: str) -> str:
    return (
        "(SELECT * EXCLUDE (removed_at), coalesce(removed_at, replaced_at) AS removed_at FROM (SELECT "
        f"{_OWN}, lead(read_from) OVER (PARTITION BY id ORDER BY load_id) AS replaced_at, "
        f"unnest(from_json(record -> {text_literal(inside)}, '[\"JSON\"]')) AS record "
        f"FROM {TABLE} WHERE object = {text_literal(name)}) "
        f"QUALIFY row_number() OVER (PARTITION BY record ->> '$.id' {_NEWEST_FIRST}) = 1)"
    )


def _select(name: str, table: ReferenceTable) -> str:
    listed = ", ".join(f"{typed(member)} AS {quoted(member.column)}" for member in table.members)
    return f"SELECT {listed}, removed_at, read_until AS _as_of, load_id AS _load_id FROM {rows_of(name, table)}"


def _text(member: Member) -> str:
    value = f"({member.source} ->> {text_literal(member.path)})"
    # The asset API writes moments as no standard knows them: 2014-05-06T07:08:09Z+0000.
    return f"regexp_replace({value}, 'Z[+-]00:?00$', 'Z')" if member.type.startswith("TIMESTAMP") else value


def _comments(con: DuckDBConnection) -> dict[str, dict[str, str | None]]:
    # Asked once for all: every view is bound to answer, whichever is asked for.
    rows = con.execute(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' "
        "AND list_contains(?, table_name) ORDER BY table_name, column_index",
        [list(TABLES)],
    ).fetchall()
    found: dict[str, dict[str, str | None]] = {}
    for view, column, comment in rows:
        found.setdefault(view, {})[column] = comment
    return found
