"""What the instance holds: leads, fields, and what has happened to them since it was made.

No HTTP and no limits. The leads that a seed gives are worked out when asked for (generate.py); what has happened
since lies beside them. Every change of a lead goes through `World._apply`, which knows its old values and its new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, Protocol

import polars as pl

from marketo_assets.sandbox import generate, render
from marketo_assets.sandbox.catalogue import catalogue
from marketo_assets.sandbox.fields import (
    Field,
    InvalidValueError,
    Json,
    UnknownFieldError,
    check_names,
    default_length,
    spoken,
    to_json,
    to_text,
)
from marketo_assets.sandbox.roster import Moment, Roster

Stamp = Literal["createdAt", "updatedAt"]
Texts = dict[str, str | None]
EXPORT_ROWS = 20_000
_FIXED = frozenset({"id", "createdAt", "updatedAt"})
_SEARCHABLE_TYPES = frozenset({"string", "email", "integer"})


class Sink(Protocol):
    """Anything bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Take *data*."""


class UnknownLeadError(LookupError):
    """An id that no lead has: never given, deleted, or merged away."""

    def __init__(self, lead_id: int) -> None:
        super().__init__(f"Lead {lead_id} not found")
        self.lead_id = lead_id


@dataclass(frozen=True)
class Change:
    """One thing that happened to one lead, with the texts it had and has; for an edit only those that differ."""

    kind: Literal["add", "edit", "delete", "merge"]
    lead_id: int
    at: datetime
    old: Mapping[str, str | None]
    new: Mapping[str, str | None]
    into: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many leads there are, how many were deleted, and which were merged into which."""

    live: int
    deleted: int
    merged: Mapping[int, int]


class World:
    """The leads of one instance. Same arguments, same leads, same bytes.

    *months* calendar months end with the one *now* lies in. With no leads at all every month is empty, and `add` puts
    leads into it at any moment, so a month with exactly one lead is `World(leads=0, ...)` and one `add`.
    """

    def __init__(
        self,
        *,
        seed: int,
        leads: int,
        months: int,
        now: datetime,
        fields: int = 60,
        quote_null_text: bool = True,
    ) -> None:
        entries = list(catalogue(fields))
        starts = generate.month_starts(months, now)
        self.start = starts[0]
        self.quote_null_text = quote_null_text
        self._seed = seed
        self._fields = {entry.field.name: entry.field for entry in entries}
        self._pools = {
            entry.field.name: generate.pool_of(seed, entry.field.name, entry.maker) for entry in entries if entry.maker
        }
        self._roster = Roster(generate.stamps(seed, leads, starts, now))
        self._since: dict[int, Texts] = {}
        self._deleted: dict[int, datetime] = {}
        self._merged: dict[int, int] = {}

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field by its REST name, hidden ones included."""
        return MappingProxyType(self._fields)

    @property
    def deleted(self) -> Mapping[int, datetime]:
        """Every deleted lead and when it was deleted."""
        return MappingProxyType(self._deleted)

    @property
    def counts(self) -> Counts:
        """How many leads there are and what became of the others."""
        return Counts(self._roster.live, len(self._deleted), MappingProxyType(self._merged))

    def ids_between(self, stamp: Stamp, start: datetime, end: datetime) -> Sequence[int]:
        """Return the live leads with that stamp from *start* to *end*, both included, to the second, ascending.

        "updatedAt" asks for the latest change to any field, which the visible column does not always show.
        """
        column: Moment = "created" if stamp == "createdAt" else "latest"
        return self._roster.between(column, _second(start), _second(end))

    def lead(self, lead_id: int, names: Sequence[str]) -> dict[str, Json] | None:
        """Return a live lead as a REST answer shows it, empty fields absent; None for an id no lead has."""
        return next(iter(self.leads([lead_id], names)), None)

    def leads(self, ids: Sequence[int], names: Sequence[str]) -> list[dict[str, Json]]:
        """Return those of *ids* that exist as a REST answer shows them, in the order given.

        Cost: one call for 300 leads takes little more than one for a single lead.
        Raises: UnknownFieldError for a name that is not visible.
        """
        check_names(self._fields, names)
        rows = self._typed(self._texts(self._roster.rows(ids), names))
        fields = self._fields
        return [{name: spoken(fields[name], value) for name, value in row.items() if value is not None} for row in rows]

    def find(self, field: str, values: Sequence[object]) -> list[int]:
        """Return the live leads whose *field* holds one of *values*, compared as texts, ascending.

        Cost: reads the whole column, except for `id`. Raises: UnknownFieldError.
        """
        check_names(self._fields, [field])
        wanted = {str(value) for value in values}
        if field == "id":
            numbers = sorted({int(text) for text in wanted if re.fullmatch(r"\d{1,18}", text)})
            return [number for number in numbers if number in self._roster]
        found: list[int] = []
        for rows in self._roster.frame().filter("alive").iter_slices(EXPORT_ROWS):
            column = self._texts(rows, [field])[field]
            found += rows["id"].filter(column.is_in(list(wanted))).to_list()
        return found

    def write_export(
        self,
        ids: Sequence[int],
        names: Sequence[str],
        out: Sink,
        *,
        delimiter: str = ",",
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Write the file that a bulk export of *ids* makes and return its number of rows, the header not counted.

        Guarantee: memory does not grow with the number of leads. Raises: UnknownFieldError.
        """
        written = 0
        for rows, chunk in self.export_chunks(ids, names, delimiter=delimiter, headers=headers):
            out.write(chunk)
            written += rows
        return written

    def export_chunks(
        self,
        ids: Sequence[int],
        names: Sequence[str],
        *,
        delimiter: str = ",",
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the same file in pieces, each with its number of rows; the header comes first, with none."""
        check_names(self._fields, names)
        yield 0, render.header([(headers or {}).get(name, name) for name in names], delimiter)
        for start in range(0, len(ids), EXPORT_ROWS):
            rows = self._roster.rows(ids[start : start + EXPORT_ROWS])
            texts = self._texts(rows, names)
            spelled = pl.DataFrame([render.cells(column, self._fields[column.name]) for column in texts])
            yield rows.height, render.lines(spelled, delimiter, quote_null_text=self.quote_null_text)

    def truth(
        self, names: Sequence[str] | None = None, after_id: int = 0, limit: int = 10_000
    ) -> list[dict[str, Json]]:
        """Return up to *limit* live leads above *after_id* as they really are: typed, null for empty, moments in UTC.

        Without *names* every exportable field is given; a hidden field is given when it is named.
        """
        chosen = [name for name, field in self._fields.items() if field.is_exportable] if names is None else names
        for name in chosen:
            if name not in self._fields:
                raise UnknownFieldError(name)
        return self._typed(self._texts(self._roster.page(after_id, limit), chosen))

    def add(self, values: Mapping[str, object], at: datetime) -> int:
        """Return the id of a new lead with *values*, created *at*.

        Raises: UnknownFieldError or InvalidValueError, and then nothing was added.
        """
        texts = self._checked(values)
        lead_id = self._roster.add(_second(at))
        self._apply(Change("add", lead_id, at, {}, {name: text for name, text in texts.items() if text is not None}))
        return lead_id

    def edit(self, lead_id: int, values: Mapping[str, object], at: datetime) -> None:
        """Give a lead new *values*; the ones it already has change nothing and move no stamp.

        Raises: UnknownLeadError, UnknownFieldError or InvalidValueError, and then nothing was changed.
        """
        self._require(lead_id)
        texts = self._checked(values)
        old = self._old(lead_id, list(texts))
        changed = {name: text for name, text in texts.items() if text != old[name]}
        if changed:
            self._apply(Change("edit", lead_id, at, {name: old[name] for name in changed}, changed))

    def delete(self, lead_id: int, at: datetime) -> None:
        """Take a lead out for good. Raises: UnknownLeadError."""
        self._require(lead_id)
        self._apply(Change("delete", lead_id, at, self._held(lead_id), {}))

    def merge(self, winner: int, losers: Sequence[int], at: datetime) -> None:
        """Fold *losers* into *winner*: it keeps its values, takes theirs where it has none, and they are gone.

        Raises: UnknownLeadError for any of them, InvalidValueError when a lead would lose to itself; then nothing was changed.
        """
        for lead_id in (winner, *losers):
            self._require(lead_id)
        if winner in losers or len(set(losers)) != len(losers):
            raise InvalidValueError("leadIds", "a lead cannot be merged into itself or twice")
        for loser in losers:
            theirs, ours = self._held(loser), self._held(winner)
            self._apply(Change("merge", loser, at, theirs, {}, into=winner))
            taken = {name: text for name, text in theirs.items() if name not in ours}
            if taken:
                self._apply(Change("edit", winner, at, dict.fromkeys(taken), taken))

    def add_field(
        self, name: str, data_type: str, *, display_name: str | None = None, length: int | None = None
    ) -> Field:
        """Return a new custom field, empty in every lead.

        Raises: InvalidValueError when the name is taken, even by a hidden field, or is no REST name.
        """
        if name in self._fields or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise InvalidValueError(
                name, "the name of a new field is unused and made of letters, digits and underscores"
            )
        field = Field(
            id=max(field.id for field in self._fields.values()) + 1,
            name=name,
            display_name=display_name or name,
            data_type=data_type,
            length=length or default_length(data_type),
            custom=True,
            searchable=data_type in _SEARCHABLE_TYPES,
            soap_name=name,
        )
        self._fields[name] = field
        return field

    def hide_field(self, name: str, *, hidden: bool = True) -> Field:
        """Return the field, hidden (or shown again); its values are kept. Raises: UnknownFieldError."""
        return self._refield(name, hidden=hidden)

    def retype_field(self, name: str, data_type: str) -> Field:
        """Return the field with another data type; values that do not fit it stay as they are, as texts.

        Raises: UnknownFieldError.
        """
        return self._refield(name, data_type=data_type, length=default_length(data_type))

    def _refield(self, name: str, **changes: object) -> Field:
        if name not in self._fields or name in _FIXED:
            raise UnknownFieldError(name)
        self._fields[name] = replace(self._fields[name], **changes)  # type: ignore[arg-type]
        return self._fields[name]

    def _apply(self, change: Change) -> None:
        second = _second(change.at)
        if change.kind in ("delete", "merge"):
            self._roster.remove(change.lead_id)
            self._since.pop(change.lead_id, None)
            if change.into is None:
                self._deleted[change.lead_id] = change.at
            else:
                self._merged[change.lead_id] = change.into
            return
        self._since.setdefault(change.lead_id, {}).update(change.new)
        if change.kind == "edit":
            self._roster.move(change.lead_id, "latest", second)
            if any(not self._fields[name].custom for name in change.new):
                self._roster.move(change.lead_id, "updated", second)

    def _require(self, lead_id: int) -> None:
        if lead_id not in self._roster:
            raise UnknownLeadError(lead_id)

    def _checked(self, values: Mapping[str, object]) -> Texts:
        check_names(self._fields, values)
        for name in values:
            if name in _FIXED or self._fields[name].data_type == "formula":
                raise InvalidValueError(name, "Marketo alone sets it")
        return {name: to_text(self._fields[name], value) for name, value in values.items()}

    def _old(self, lead_id: int, names: Sequence[str]) -> Texts:
        since = self._since.get(lead_id, {})
        first = [name for name in names if name not in since]
        row = pl.DataFrame(
            {"id": [lead_id], "hash": [self._roster.hash_of(lead_id)]}, schema={"id": pl.Int64, "hash": pl.UInt64}
        )
        made = {name: self._made(row, name)[0] for name in first}
        return {name: made[name] if name in made else since[name] for name in names}

    def _held(self, lead_id: int) -> Texts:
        names = [name for name, field in self._fields.items() if name not in _FIXED and field.data_type != "formula"]
        return {name: text for name, text in self._old(lead_id, names).items() if text is not None}

    def _typed(self, texts: pl.DataFrame) -> list[dict[str, Json]]:
        kinds = [self._fields[name].data_type for name in texts.columns]
        columns = [
            [to_json(kind, text) for text in column] for kind, column in zip(kinds, texts.iter_columns(), strict=True)
        ]
        return [dict(zip(texts.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def _texts(self, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        columns = {name: self._made(rows, name) for name in names}
        patches: dict[str, dict[int, str | None]] = {}
        if self._since:
            for place, lead_id in enumerate(rows["id"]):
                for name, text in self._since.get(lead_id, {}).items():
                    patches.setdefault(name, {})[place] = text
        for name, patch in patches.items():
            if name in columns:
                column = columns[name].clone()
                columns[name] = column.scatter(list(patch), pl.Series(list(patch.values()), dtype=pl.String))
        return pl.DataFrame([column.alias(name) for name, column in columns.items()])

    def _made(self, rows: pl.DataFrame, name: str) -> pl.Series:
        if name == "createdAt":
            return generate.instants(rows["created"])
        if name == "updatedAt":
            return generate.instants(rows["updated"])
        if name == "id":
            return rows["id"].cast(pl.String)
        if name in self._pools:
            return generate.drawn(rows["hash"], self._pools[name], generate.salt(self._seed, name))
        return generate.composed(rows, name, self._seed)


def _second(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() // 1)
