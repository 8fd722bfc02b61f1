"""Versions of leads that were read without any activity asking for it, compared with what is shown, cell for cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marketo_assets.load.columns import TEXT, Column, quoted, text_literal
from marketo_assets.load.current_leads import GONE
from marketo_assets.load.lead_versions import SHOWN, lead_columns
from marketo_assets.warehouse import DuckDBConnection


@dataclass(frozen=True)
class Differing:
    """What a load found to be other than it is shown."""

    leads: int = 0
    """Leads that are shown with other values."""
    unknown: int = 0
    """Leads that are not shown, and are not gone or missing."""
    months: tuple[str, ...] = ()
    """When those leads were created, `YYYY-MM`."""
    fields: Mapping[str, int] = field(default_factory=dict)
    """How many leads differ in a field, by its REST name; the most frequent first."""

    @property
    def found(self) -> int:
        """How many leads were not as they are shown."""
        return self.leads + self.unknown

    def __add__(self, other: Differing) -> Differing:
        fields = {name: self.fields.get(name, 0) + other.fields.get(name, 0) for name in [*self.fields, *other.fields]}
        return Differing(
            self.leads + other.leads,
            self.unknown + other.unknown,
            tuple(sorted({*self.months, *other.months})),
            dict(sorted(fields.items(), key=lambda item: -item[1])),
        )


def keep_differing(con: DuckDBConnection, load_id: int, columns: Sequence[Column]) -> Differing:
    """Return what the versions of load *load_id* have in *columns* that is not so in the versions shown before them.

    Versions that say nothing new are taken out again: those that are read no later, and those of the same values.
    A word null that an export did not quote cannot be told from no value, so that is no difference.

    To be called before `settle`. **Cost:** follows the load.
    """
    types = lead_columns(con)
    differences = ", ".join(
        f"CASE WHEN {_differs(quoted(column.name), types[column.name])} THEN {text_literal(column.field)} END"
        for column in columns
    )
    # By their places: a join with the whole table would unpack every column of every lead, to compare a few.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE held AS SELECT rowid AS place FROM {SHOWN} AS version "
        f"SEMI JOIN (SELECT id FROM {SHOWN} WHERE _load_id = {load_id}) AS new USING (id) "
        "ANTI JOIN meta.superseded_rows AS superseded "
        "ON superseded.lead_id = version.id AND superseded.load_id = version._load_id "
        f"WHERE _load_id <> {load_id}"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE compared AS SELECT new.rowid AS place, new.id AS id, "
        "strftime(new.createdAt AT TIME ZONE 'UTC', '%Y-%m') AS month, old.id IS NULL AS is_unknown, "
        "coalesce(old._as_of >= new._as_of, false) AS is_old, "
        f"list_distinct([{differences}]) AS names "  # which also drops NULL
        f"FROM {SHOWN} AS new LEFT JOIN (SELECT * FROM {SHOWN} WHERE rowid IN (SELECT place FROM held)) AS old "
        f"ON old.id = new.id WHERE new._load_id = {load_id}"
    )
    con.execute(
        f"DELETE FROM {SHOWN} WHERE _load_id = {load_id} AND rowid IN "
        "(SELECT place FROM compared WHERE is_old OR (NOT is_unknown AND len(names) = 0))"
    )
    con.execute(
        f"DELETE FROM meta.rejected_values WHERE load_id = {load_id} "
        f"AND lead_id NOT IN (SELECT id FROM {SHOWN} WHERE _load_id = {load_id})"
    )
    # A lead that is known to be gone, or is being looked for, is no news: `settle` decides what becomes of it.
    con.execute(
        f"DELETE FROM compared WHERE is_old OR (NOT is_unknown AND len(names) = 0) OR (is_unknown AND id IN ({GONE} "
        "UNION SELECT lead_id FROM meta.missing_leads))"
    )
    found = _read(con)
    for table in ("held", "compared"):
        con.execute(f"DROP TABLE {table}")
    return found


def _read(con: DuckDBConnection) -> Differing:
    known, unknown = con.execute(
        "SELECT count(*) FILTER (NOT is_unknown), count(*) FILTER (is_unknown) FROM compared"
    ).fetchone() or (0, 0)
    months = con.execute("SELECT DISTINCT month FROM compared WHERE month IS NOT NULL ORDER BY month").fetchall()
    fields = con.execute(
        "SELECT name, count(*) AS leads FROM (SELECT unnest(names) AS name FROM compared WHERE NOT is_unknown) "
        "GROUP BY name ORDER BY leads DESC, name"
    ).fetchall()
    return Differing(known, unknown, tuple(month for (month,) in months), dict(fields))


def _differs(column: str, type_name: str) -> str:
    differs = f"new.{column} IS DISTINCT FROM old.{column}"
    if type_name == TEXT:
        return f"{differs} AND NOT (new._source = 'bulk export' AND new.{column} IS NULL AND old.{column} = 'null')"
    return differs
