"""What the instance holds: leads, fields, and what has happened to them since it was made.

No HTTP and no limits. Who exists stands in roster.py, what stands in each cell in cells.py, which fields there are in
lead_fields.py. Every change of a lead goes through `World._apply`, which knows its old values and its new.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import polars as pl

from marketo_assets.sandbox import generate, render
from marketo_assets.sandbox.catalogue import catalogue
from marketo_assets.sandbox.cells import Cells
from marketo_assets.sandbox.changes import Change, Counts, Why
from marketo_assets.sandbox.fields import Field, InvalidValueError, Json, Texts, column_to_json, spoken, to_json
from marketo_assets.sandbox.lead_fields import COMPANY_FIELDS, LeadFields
from marketo_assets.sandbox.roster import Lead, Roster

Stamp = Literal["createdAt", "updatedAt"]
EXPORT_ROWS = 20_000
MERGE_LEADS = 32
_WHY = Why()
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class UnknownLeadError(LookupError):
    """An id that no lead has: never given, deleted, or merged away."""

    def __init__(self, lead_id: int) -> None:
        super().__init__(f"Lead {lead_id} not found")
        self.lead_id = lead_id


class World:
    """The leads of one instance. Same arguments, same leads, same bytes.

    *months* calendar months end with the one that holds the second before *now*. With no leads at all every month is
    empty, and `add` puts leads into it at any moment: a month with exactly one lead is `leads=0` and one `add`.
    One thread may change a world while no other reads; any number may read at once.
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
        self.edges = (*(int(start.timestamp()) for start in starts), int(now.timestamp()))
        self.quote_null_text = quote_null_text
        self._fields = LeadFields(entry.field for entry in entries)
        self._cells = Cells(seed, entries)
        self._roster = Roster(generate.stamps(seed, leads, starts, now))
        self._deleted: dict[int, datetime] = {}
        self._merged: dict[int, int] = {}
        self._watchers: list[Callable[[Change], None]] = []

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """Have *watcher* told of every change from here on, right after it was applied."""
        self._watchers.append(watcher)

    @property
    def first(self) -> pl.DataFrame:
        """The leads that the seed made, as they were at the start: id, hash, created, updated, latest."""
        return self._roster.first

    @property
    def ever(self) -> pl.DataFrame:
        """Every lead that ever was: id, hash, created, updated, latest, alive."""
        return self._roster.frame()

    def filled_first(self, lead_id: int) -> frozenset[str]:
        """Return the fields in which a lead of the seed had a value at the start."""
        row = self._roster.first.filter(pl.col("id") == lead_id).row(0)
        texts = self._cells.first_texts(Lead(*row), self._fields.by_name)
        return frozenset(name for name, text in texts.items() if text is not None)

    @property
    def fields(self) -> Mapping[str, Field]:
        """Every field by its REST name, hidden ones included."""
        return self._fields.by_name

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
        return self._roster.between("created" if stamp == "createdAt" else "latest", _second(start), _second(end))

    def lead(self, lead_id: int, names: Sequence[str]) -> dict[str, Json] | None:
        """Return a live lead as a REST answer shows it, empty fields absent; None for an id no lead has.

        Raises: UnknownFieldError for a name that is not visible.
        """
        fields = [self._fields.visible(name) for name in names]
        lead = self._roster.lead(lead_id)
        if lead is None:
            return None
        texts = self._cells.texts(lead, names)
        values = {field.name: spoken(field, to_json(field.data_type, texts[field.name])) for field in fields}
        return {name: value for name, value in values.items() if value is not None}

    def exists(self, lead_id: int) -> bool:
        """Return whether that lead exists now."""
        return lead_id in self._roster

    def created(self, lead_id: int) -> int:
        """Return the second since 1970 at which a live lead was created. Raises: UnknownLeadError."""
        return self._require(lead_id).created

    def leads(self, ids: Sequence[int], names: Sequence[str]) -> list[dict[str, Json]]:
        """Return those of *ids* that exist, each as `lead` shows it, in the order given.

        Raises: UnknownFieldError for a name that is not visible.
        """
        fields = [self._fields.visible(name) for name in names]
        columns = self._cells.columns(self._roster.rows(ids), names)
        typed = [
            [spoken(field, value) for value in column_to_json(field.data_type, column.to_list())]
            for field, column in zip(fields, columns, strict=True)
        ]
        return [
            {name: value for name, value in zip(names, row, strict=True) if value is not None}
            for row in zip(*typed, strict=True)
        ]

    def find(self, field: str, values: Sequence[object]) -> list[int]:
        """Return the live leads whose *field* holds one of *values*, compared as texts, ascending.

        Cost: reads the whole column, except for `id`. Raises: UnknownFieldError.
        """
        self._fields.visible(field)
        wanted = {str(value) for value in values}
        if field == "id":
            numbers = sorted({int(text) for text in wanted if re.fullmatch(r"[0-9]{1,18}", text)})
            return [number for number in numbers if number in self._roster]
        found: list[int] = []
        for rows in self._roster.frame().iter_slices(EXPORT_ROWS):
            [column] = self._cells.columns(rows, [field])
            found += rows["id"].filter(column.is_in(list(wanted)) & rows["alive"]).to_list()
        return found

    def export_columns(self, ids: Sequence[int], names: Sequence[str]) -> list[pl.Series]:
        """Return the fields of live leads as columns of a file, in the order of *ids*. Raises: UnknownFieldError."""
        columns = self._cells.columns(self._roster.rows(ids), names)
        return list(map(render.cells, columns, [self._fields.visible(name) for name in names]))

    def write_export(
        self,
        ids: Sequence[int],
        names: Sequence[str],
        out: render.Sink,
        *,
        delimiter: str = ",",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> int:
        """Write the file that a bulk export of *ids* makes and return its number of rows, the header not counted.

        Leads that are gone by now are left out. Guarantee: memory does not grow with the number of leads.
        Raises: UnknownFieldError.
        """
        fields = [self._fields.visible(name) for name in names]
        out.write(render.header([headers.get(name, name) for name in names], delimiter))
        written = 0
        for start in range(0, len(ids), EXPORT_ROWS):
            rows = self._roster.rows(ids[start : start + EXPORT_ROWS])
            columns = map(render.cells, self._cells.columns(rows, names), fields)
            out.write(render.lines(list(columns), delimiter, quote_null_text=self.quote_null_text))
            written += rows.height
        return written

    def truth(
        self, names: Sequence[str] | None = None, after_id: int = 0, limit: int = 10_000
    ) -> list[dict[str, Json]]:
        """Return up to *limit* live leads above *after_id* as they really are: typed, null for empty, moments in UTC.

        Without *names* every exportable field is given; a hidden field is given when it is named.
        Raises: UnknownFieldError.
        """
        return self.spell_out(self._roster.page(after_id, limit), names)

    def spell_out(
        self, rows: pl.DataFrame, names: Sequence[str] | None, since: Mapping[int, Texts] | None = None
    ) -> list[dict[str, Json]]:
        """Return the leads of *rows* as `truth` does; with *since* as if that were all that was ever written."""
        chosen = self._fields.exportable() if names is None else list(dict.fromkeys(["id", *names]))
        kinds = [self._fields[name].data_type for name in chosen]
        columns = self._cells.columns(rows, chosen, since)
        typed = [column_to_json(kind, column.to_list()) for kind, column in zip(kinds, columns, strict=True)]
        return [dict(zip(chosen, row, strict=True)) for row in zip(*typed, strict=True)]

    def add(self, values: Mapping[str, object], at: datetime, why: Why = _WHY) -> int:
        """Return the id of a new lead with *values*, created *at*.

        Raises: UnknownFieldError or InvalidValueError, and then nothing was added.
        """
        texts = self._fields.texts(values)
        lead_id = self._roster.add(_second(at))
        given: Texts = {name: text for name, text in texts.items() if text is not None}
        self._apply(Change("add", lead_id, at, {}, given, why=why))
        return lead_id

    def edit(
        self,
        lead_id: int,
        values: Mapping[str, object],
        at: datetime,
        why: Why = _WHY,
        *,
        reported_as: int | None = None,
    ) -> None:
        """Give a lead new *values*; the ones it already has change nothing and move no stamp.

        With *reported_as* one activity of that type tells of it, even when no value changed.
        Raises: UnknownLeadError, UnknownFieldError or InvalidValueError, and then nothing was changed.
        """
        lead, texts = self._require(lead_id), self._fields.texts(values)
        old = self._cells.texts(lead, texts)
        changed = {name: text for name, text in texts.items() if text != old[name]}
        if changed or reported_as is not None:
            before = {name: old[name] for name in changed}
            self._apply(Change("edit", lead_id, at, before, changed, why=why, reported_as=reported_as))

    def delete(self, lead_id: int, at: datetime, why: Why = _WHY) -> None:
        """Take a lead out for good. Raises: UnknownLeadError."""
        self._apply(Change("delete", lead_id, at, self._held(lead_id), {}, why=why))

    def merge(self, winner: int, losers: Sequence[int], at: datetime, why: Why = _WHY) -> None:
        """Fold *losers* into *winner*: it keeps its values, takes theirs where it has none, and they are gone.

        Raises: UnknownLeadError, or InvalidValueError when a lead would be merged into itself or twice; then nothing
        was changed.
        """
        if winner in losers or len(set(losers)) != len(losers):
            raise InvalidValueError("leadIds", "a lead cannot be merged into itself or twice")
        for lead_id in (winner, *losers):
            self._require(lead_id)
        took_values = False
        for loser in losers:
            theirs, ours = self._held(loser), self._held(winner)
            self._apply(Change("merge", loser, at, theirs, {}, into=winner, why=why))
            taken: Texts = {name: text for name, text in theirs.items() if name not in ours}
            if taken:
                took_values = True
                self._apply(Change("edit", winner, at, dict.fromkeys(taken), taken, why=why, reported_as=MERGE_LEADS))
        if losers:
            self._apply(Change("win", winner, at, {}, {}, losers=tuple(losers), took_values=took_values, why=why))

    def edit_company(
        self, by: str, company: str, values: Mapping[str, object], at: datetime, why: Why, *, moves_stamps: bool
    ) -> list[int]:
        """Give the leads whose field *by* holds *company* new company *values*, without any activity; return their ids.

        Raises: UnknownFieldError, or InvalidValueError for a field that is not the company's; then nothing was changed.
        """
        texts, linked = self._fields.texts(values), self.find(by, [company])
        for name in [by, *texts]:
            if name not in COMPANY_FIELDS:
                raise InvalidValueError(name, "a company does not have it")
        for lead_id in linked:
            old = self._cells.texts(self._require(lead_id), texts)
            new = {name: text for name, text in texts.items() if text != old[name]}
            if new:
                before = {name: old[name] for name in new}
                told = Change("edit", lead_id, at, before, new, why=why, is_reported=False, moves_stamps=moves_stamps)
                self._apply(told)
        return linked

    def add_field(
        self, name: str, data_type: str, *, display_name: str | None = None, length: int | None = None
    ) -> Field:
        """Return a new custom field, empty in every lead.

        Raises: InvalidValueError when the name is taken, even by a hidden field, or is no REST name.
        """
        return self._fields.add(name, data_type, display_name=display_name, length=length)

    def hide_field(self, name: str, *, hidden: bool = True) -> Field:
        """Return the field, hidden (or shown again); its values are kept. Raises: UnknownFieldError."""
        return self._fields.hide(name, hidden=hidden)

    def retype_field(self, name: str, data_type: str) -> Field:
        """Return the field with another data type; a value that does not fit it stays what it was, as a text.

        Raises: UnknownFieldError.
        """
        return self._fields.retype(name, data_type)

    def _apply(self, change: Change) -> None:
        if change.kind in ("delete", "merge"):
            self._remove(change)
        elif change.new:
            self._cells.write(change.lead_id, change.new)
            if change.kind == "edit" and change.moves_stamps:
                self._roster.move(change.lead_id, "latest", _second(change.at))
                if any(not self.fields[name].custom for name in change.new):
                    self._roster.move(change.lead_id, "updated", _second(change.at))
        for watcher in self._watchers:
            watcher(change)

    def _remove(self, change: Change) -> None:
        self._roster.remove(change.lead_id)
        self._cells.forget(change.lead_id)
        if change.into is None:
            self._deleted[change.lead_id] = change.at
        else:
            self._merged[change.lead_id] = change.into

    def _require(self, lead_id: int) -> Lead:
        lead = self._roster.lead(lead_id)
        if lead is None:
            raise UnknownLeadError(lead_id)
        return lead

    def _held(self, lead_id: int) -> Texts:
        texts = self._cells.texts(self._require(lead_id), self._fields.held())
        return {name: text for name, text in texts.items() if text is not None}


def _second(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return int(moment.timestamp() // 1)
