"""What was: the views `raw.lead_field_changes` and `main.lead_history`, and the table macro `main.leads_as_of(ts)`.

Why only views: changes arrive late, in any order and twice, and each can move what was believed. Worked out from what
is held whenever somebody asks, history never has to be mended, and captures cost nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from math import ceil
from string import Template

from marketo_assets.load.columns import TEXT, as_marketo_text, quoted, text_literal
from marketo_assets.load.lead_fields import OWN_COLUMNS
from marketo_assets.load.lead_versions import PAST, SHOWN, lead_columns
from marketo_assets.load.parse import lenient_cast
from marketo_assets.warehouse import DuckDBConnection

# Get Lead Changes is documented to return New Lead under this number, and under no name.
_NEW_LEAD = 12
_FIXED = ("id", "createdAt", "updatedAt")
_BORN = (
    "SELECT lead_id, min(activity_date) AS born_at FROM raw.lead_changes "
    f"WHERE activity_type_id = {_NEW_LEAD} GROUP BY lead_id"
)
_GONE = (
    "SELECT lead_id, min(gone_at) AS gone_at FROM ("
    "SELECT lead_id, deleted_at AS gone_at FROM raw.lead_deletions "
    "UNION ALL SELECT loser_id, merged_at FROM raw.lead_merges "
    "UNION ALL SELECT lead_id, first_missed_at FROM meta.missing_leads) GROUP BY lead_id"
)
_MARK = "'what this was made of'"
MOST_JOINS = 24
"""A join for each field is fastest for a few; what DuckDB needs to plan more of them grows with their square."""
_VIEW_COMMENTS = {
    "raw.lead_field_changes": (
        "One row per lead, field and second in which the field changed: before and after that second.",
        {
            "lead_id": "the lead",
            "field": "REST name of the field",
            "changed_at": "the second; of a difference that no activity explains, when it was read",
            "old_value": "the value before, as Marketo tells it; NULL for none",
            "new_value": "the value after, as Marketo tells it; NULL for none",
            "old_value_as_of": "when the value before was told or read",
            "_evidence": "activity: Marketo logged it; reading: two readings differ",
        },
    ),
    "main.lead_history": (
        "One row per lead, field and interval in which the field had a value, for fields that changed while changes "
        "were captured; a field that never did has no row, and its value is that of leads. Of several changes in one "
        "second only what was before and after counts. All of them are in raw.lead_changes. See leads_as_of(ts).",
        {
            "lead_id": "the lead",
            "field": "REST name of the field",
            "value": "the value, as Marketo tells it; NULL for none",
            "valid_from": "since when, in whole seconds; of the first interval the lead's creation, or since when "
            "changes are captured (meta.watermarks.covered_from)",
            "valid_to": "until when, excluded; NULL where it still is; the end of a lead that was deleted or merged",
            "_is_disputed": "whether the change that ends the interval tells another old value: something between the "
            "two was not told",
            "_has_gap": "whether it overlaps a time whose changes Marketo no longer told (meta.coverage_gaps), so that "
            "other values may lie within",
            "_evidence": "activity: a change told the value; reading: it was read, and no activity tells since when",
        },
    ),
}
_MACRO_COMMENT = (
    "Leads that existed at a moment, with the values they had at the end of that second: marketo.leads_as_of(ts). "
    "Works where this file is opened directly. _is_known is false, and values that no change tells are NULL, where the "
    "moment lies before changes were captured (meta.watermarks.covered_from), in a gap (meta.coverage_gaps), on "
    "another side of a gap than the reading of the lead, or where changes are still to be polled. id and createdAt are "
    "always known, but for a lead that was merged into and never read, which counts from the first birth told of it; "
    "updatedAt is NULL where it has moved since. Values that change without an activity (company, "
    "formula) count from the reading that noticed them."
)


@dataclass(frozen=True)
class _Field:
    name: str
    column: str
    type: str
    is_read: bool
    """Whether leads are read with it now: copied, and not hidden."""


def refresh_history(con: DuckDBConnection) -> None:
    """Leave `raw.lead_field_changes`, `main.lead_history` and `main.leads_as_of(ts)` for the fields there are now.

    **Cost:** reads the field names of all changes; nothing is made anew where the fields are those of the last time.
    """
    columns = lead_columns(con)
    texts = _texts(con, columns)
    comments = _comments()
    # Types are told too: a view does not outlive that of a column it shows.
    mark = sha256("\n".join((*texts, comments, str(columns))).encode()).hexdigest()
    made = "SELECT 1 FROM duckdb_views() WHERE schema_name = 'main' AND view_name = 'lead_history' AND contains(sql, ?)"
    if con.execute(made, [mark]).fetchone():
        return
    for text in texts:
        con.execute(text.replace(_MARK, text_literal(mark)))
    con.execute(comments)


def _texts(con: DuckDBConnection, columns: Mapping[str, str]) -> list[str]:
    """Return what makes the two views and the macro; the place of the mark in the second tells what all were made of.

    DuckDB binds whatever a view or macro names when it is made, which takes longer than the rest of a small release.
    """
    fields = _fields(con, columns)
    changing = _changing(con, fields)
    parts = {
        "versions": _versions([*_FIXED, *(field.column for field in changing)]),
        "born": _BORN,
        "gone": _GONE,
    }
    changes = _sql(
        "lead_field_changes",
        **parts,
        read_value=_read_value("doubtful.field", changing),
        plain_end=_plain(changing, "ends.field", "ends.value"),
        plain_shown=_plain(changing, "ends.field", "shown.value"),
        held=_spelt(changing, "held_value"),
        read=_spelt(changing, "read_value"),
        plain_left=_plain(changing, "change.field", "change.old_value"),
        plain_entered=_plain(changing, "change.field", "change.new_value"),
        plain_held=_plain(changing, "differences.field", "differences.held_value"),
        plain_read=_plain(changing, "differences.field", "differences.read_value"),
    )
    history = _sql(
        "lead_history",
        **parts,
        read_value=_read_value("changes.field", changing),
        read_fields=_listed(field for field in changing if field.is_read),
        plain_old=_plain(changing, "field", "old_value"),
        plain_new=_plain(changing, "field", "new_value"),
        plain_read=_plain(changing, "field", "read_value"),
        plain_next=_plain(changing, "field", "next_old_value"),
        mark=_MARK,
    )
    parts["versions"] = _versions(name for name in columns if name not in OWN_COLUMNS)
    return [changes, history, _sql("leads_as_of", **parts, **_as_of_parts(columns, changing))]


def _fields(con: DuckDBConnection, columns: Mapping[str, str]) -> list[_Field]:
    rows = con.execute("SELECT name, column_name, is_copied AND NOT is_hidden FROM main.lead_fields").fetchall()
    return [_Field(name, column, columns[column], is_read) for name, column, is_read in rows if column in columns]


def _changing(con: DuckDBConnection, fields: Sequence[_Field]) -> list[_Field]:
    changed = con.execute(
        "SELECT DISTINCT field FROM raw.lead_changes UNION SELECT DISTINCT field FROM raw.lead_differences"
    ).fetchall()
    names = {name for (name,) in changed} - set(_FIXED)
    return [field for field in fields if field.name in names]


def _versions(columns: Iterable[str]) -> str:
    """Return the query of the last version of each lead; of one that is gone the last that was read."""
    # Qualified, because a field may have the name of the macro's parameter.
    listed = ", ".join(f"version.{quoted(name)}" for name in (*columns, "_as_of"))
    return (
        f"SELECT {listed} FROM {SHOWN} AS version UNION ALL "
        f"SELECT {listed} FROM {PAST} AS version ANTI JOIN {SHOWN} AS shown ON shown.id = version.id "
        f"QUALIFY row_number() OVER (PARTITION BY version.id ORDER BY version._as_of DESC, "
        "version._source = 'rest' DESC, version._partition DESC NULLS LAST, version._load_id DESC) = 1"
    )


def _by_field(name: str, choices: Mapping[str, str], otherwise: str) -> str:
    """Return the expression that chooses by the field called *name*: literals, or lists of them, to expressions."""
    cases = " ".join(f"WHEN {name} IN ({names}) THEN {choice}" for names, choice in choices.items())
    return f"(CASE {cases} ELSE {otherwise} END)" if cases else f"({otherwise})"


def _by_type(name: str, fields: Sequence[_Field], make: Callable[[str], str], otherwise: str) -> str:
    listed: dict[str, list[str]] = {}
    for field in fields:
        if field.type != TEXT:
            listed.setdefault(field.type, []).append(text_literal(field.name))
    return _by_field(name, {", ".join(names): make(kind) for kind, names in listed.items()}, otherwise)


def _plain(fields: Sequence[_Field], name: str, value: str) -> str:
    """Return the expression that spells *value*, a text of the field called *name*, in one way for what is equal."""
    return _by_type(
        name,
        fields,
        lambda kind: f"coalesce(CAST({lenient_cast(value, kind)} AS VARCHAR), nullif({value}, ''))",
        f"nullif({value}, '')",
    )


def _spelt(fields: Sequence[_Field], value: str) -> str:
    """Return the expression that spells *value*, a text of a typed column, as Marketo would."""
    return _by_type(
        "field",
        fields,
        lambda kind: f"coalesce({as_marketo_text(f'TRY_CAST({value} AS {kind})', kind)}, {value})",
        value,
    )


def _read_value(name: str, fields: Sequence[_Field]) -> str:
    """Return the expression for the text of the column that *version* has for the field called *name*."""
    return _by_field(
        name,
        {text_literal(field.name): as_marketo_text(f"version.{quoted(field.column)}", field.type) for field in fields},
        "NULL::VARCHAR",
    )


def _as_of_parts(columns: Iterable[str], changing: Sequence[_Field]) -> dict[str, str]:
    changing = sorted(changing, key=lambda field: not field.is_read)
    joins, called = _joins(len(changing))
    told = {field.column: (value, field) for value, field in zip(called, changing, strict=True)}
    values = [f"{_value_as_of(name, told.get(name))} AS {quoted(name)}" for name in columns if name not in OWN_COLUMNS]
    numbers = [f"({text_literal(field.name)}, {number})" for number, field in enumerate(changing)]
    return {
        "values": ",\n    ".join(values),
        "joins": "\n".join(joins),
        "readings": _versions(["id"]),
        "shown": SHOWN,
        "past": PAST,
        "numbers": ", ".join(numbers) or "(NULL::VARCHAR, 0)",
        "count_read": str(sum(field.is_read for field in changing)),
    }


def _joins(count: int) -> tuple[list[str], list[str]]:
    """Return the joins that bring what was told of *count* fields to each lead, and what each value is called then."""
    joins, called = [], []
    size = max(1, ceil(count / MOST_JOINS))
    for first in range(0, count, size):
        numbers, part = range(first, min(first + size, count)), f"told_{first}"
        names = [f"value_{number}" for number in numbers]
        if size == 1:
            found = f"SELECT lead_id, value AS {names[0]} FROM told WHERE number = {first}"
        else:
            values = [
                f"any_value(value) FILTER (number = {n}) AS {name}" for n, name in zip(numbers, names, strict=True)
            ]
            among = f"number BETWEEN {first} AND {numbers[-1]}"
            found = f"SELECT lead_id, {', '.join(values)} FROM told WHERE {among} GROUP BY lead_id"
        joins.append(f"LEFT JOIN ({found}) AS {part} ON {part}.lead_id = lead.id")
        called += [f"{part}.{name}" for name in names]
    return joins, called


def _value_as_of(column: str, told: tuple[str, _Field] | None) -> str:
    held = f"lead.{quoted(column)}"
    if column == "updatedAt":
        moment = "CAST(ts AS TIMESTAMPTZ)"
        is_still = f"lead._as_of >= {moment} OR lead._late_at IS NULL OR lead._late_at < lead._read_at"
        return f"CASE WHEN {held} <= {moment} AND ({is_still}) THEN {held} END"
    if told is None:
        return held
    value, field = told
    cast = lenient_cast(value, field.type)
    return f"CASE WHEN {value} IS NOT NULL THEN {cast} ELSE {held} END"


def _listed(fields: Iterable[_Field]) -> str:
    return ", ".join(text_literal(field.name) for field in fields) or "NULL"


def _comments() -> str:
    statements = [f"COMMENT ON MACRO TABLE main.leads_as_of IS {text_literal(_MACRO_COMMENT)}"]
    for address, (comment, columns) in _VIEW_COMMENTS.items():
        statements.append(f"COMMENT ON VIEW {address} IS {text_literal(comment)}")
        statements += [f"COMMENT ON COLUMN {address}.{n} IS {text_literal(text)}" for n, text in columns.items()]
    return "; ".join(statements)


def _sql(name: str, **parts: str) -> str:
    text = resources.files("marketo_assets.models").joinpath(f"{name}.sql").read_text("utf-8")
    return Template(text).substitute(parts)
