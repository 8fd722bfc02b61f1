"""The REST names of fields, found by whatever an activity calls them: a name, a number, or a label of now or before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marketo_assets.warehouse import DuckDBConnection


@dataclass(frozen=True)
class FieldNames:
    """What Describe has ever called each field."""

    rest: frozenset[str]
    by_number: Mapping[int, str]
    by_label: Mapping[str, str]
    """In lower case: labels, then REST names, then labels of before."""

    def find(self, told: str | None, number: int | None = None) -> str | None:
        """Return the field with that number, REST name or label; what was *told* itself where no field has it.

        A number is the field's own for ever, while one field's label may be another field's name.
        """
        if number is not None and number in self.by_number:
            return self.by_number[number]
        if told in self.rest:
            return told
        return self.by_label.get((told or "").lower(), told)


def read_field_names(con: DuckDBConnection) -> FieldNames:
    """Return the names of every field ever described, hidden ones and former labels included."""
    known = con.execute("SELECT name, id, display_name FROM main.lead_fields ORDER BY is_hidden, name").fetchall()
    former = con.execute(
        "SELECT field, before FROM meta.schema_changes WHERE kind = 'relabelled' ORDER BY noticed_at DESC"
    ).fetchall()
    return FieldNames(
        rest=frozenset(name for name, _, _ in known),
        by_number={number: name for name, number, _ in known if number is not None},
        by_label=_first_of_each(
            [
                *((label, name) for name, _, label in known),
                *((name, name) for name, _, _ in known),
                *((label, name) for name, label in former),
            ]
        ),
    )


def _first_of_each(pairs: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for label, name in pairs:
        if label:
            found.setdefault(label.lower(), name)
    return found
