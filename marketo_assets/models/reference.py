"""The tables of reference objects: a view for each over `raw.reference_versions`, typed and named."""

from __future__ import annotations

from marketo_assets.load.columns import quoted, text_literal
from marketo_assets.load.parse import lenient_cast
from marketo_assets.load.reference import TABLE, has_table
from marketo_assets.models.reference_columns import COLUMNS, OWN, Member
from marketo_assets.warehouse import DuckDBConnection


def refresh_reference(con: DuckDBConnection) -> None:
    """Leave a view for each object, with a row for each record that was ever read, as it was read last.

    Nothing is there before the first reading was loaded; what is current stays.
    """
    if not has_table(con):
        return
    for name, (what, members) in COLUMNS.items():
        comments = {member.column: member.comment for member in members} | OWN
        if _comments(con, name) != comments:
            con.execute(f"CREATE OR REPLACE VIEW main.{name} AS {_select(name, members)}")
            con.execute(
                f"COMMENT ON VIEW main.{name} IS {text_literal(f'{what}, one row each, removed ones included.')}"
            )
            for column, comment in comments.items():
                con.execute(f"COMMENT ON COLUMN main.{name}.{quoted(column)} IS {text_literal(comment)}")


def typed(member: Member, record: str = "record") -> str:
    """Return the SQL expression of *member* in its type; NULL where it is empty, absent or does not fit."""
    path = text_literal(member.path)
    if member.type == "JSON":
        return f"({record} -> {path})"
    value = f"({record} ->> {path})"
    if member.type.startswith("TIMESTAMP"):
        # The asset API writes moments as no standard knows them: 2014-05-06T07:08:09Z+0000.
        value = f"regexp_replace({value}, 'Z[+-]00:?00$', 'Z')"
    return lenient_cast(value, member.type)


def count_misfits(con: DuckDBConnection) -> dict[str, int]:
    """Return how many values did not fit their column, by table and column; `raw.reference_versions` has them."""
    found: dict[str, int] = {}
    for name, (_, members) in COLUMNS.items():
        checked = [member for member in members if member.type not in ("VARCHAR", "JSON")]
        if not checked:
            continue
        counts = ", ".join(
            f"count(*) FILTER (coalesce(record ->> {text_literal(member.path)}, '') <> '' AND {typed(member)} IS NULL)"
            for member in checked
        )
        row = con.execute(f"SELECT {counts} FROM {newest(name)}").fetchone() or ()
        named = {f"{name}.{member.column}": int(count) for member, count in zip(checked, row, strict=True)}
        found |= {column: count for column, count in named.items() if count}
    return found


def newest(name: str) -> str:
    """Return the SQL of the newest version of each record of an object, as something to select from."""
    return (
        f"(SELECT * FROM {TABLE} WHERE object = {text_literal(name)} "
        "QUALIFY row_number() OVER (PARTITION BY id ORDER BY read_from DESC, load_id DESC) = 1)"
    )


def _select(name: str, members: tuple[Member, ...]) -> str:
    listed = ", ".join(f"{typed(member)} AS {quoted(member.column)}" for member in members)
    return f"SELECT {listed}, removed_at, read_until AS _as_of, load_id AS _load_id FROM {newest(name)}"


def _comments(con: DuckDBConnection, view: str) -> dict[str, str | None]:
    rows = con.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ? "
        "ORDER BY column_index",
        [view],
    ).fetchall()
    return dict(rows)
