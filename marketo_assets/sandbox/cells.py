"""What stands in every cell, as texts: what the seed put there, and what has been written since.

A cell of the seed is a function of the seed, the field and the lead, worked out when somebody asks for it and
never stored. So a world of a million leads is a few columns of numbers, and its files are made as they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random

import polars as pl

from marketo_assets.sandbox.catalogue import Entry
from marketo_assets.sandbox.fields import Texts
from marketo_assets.sandbox.generate import pick, pick_one, salt
from marketo_assets.sandbox.roster import Lead


def email(kind: int, lead_id: int) -> str | None:
    """Return an address, most of them one lead's alone: e-mail addresses are not unique in Marketo."""
    if kind < 10:
        return None if kind < 8 else "info@example.org"
    return f"lead{lead_id}@example.com" if kind < 60 else f"kim.lee+{lead_id}@mail.example.net"


def phone(kind: int, lead_id: int) -> str | None:
    """Return a number made of the lead's id."""
    return None if kind < 30 else f"+1 555 {lead_id:07d}"


def key(kind: int, lead_id: int) -> str | None:
    """Return what another system calls the lead, with zeros in front."""
    return None if kind < 5 else f"00{lead_id}"


_COMPOSED: dict[str, Callable[[int, int], str | None]] = {"email": email, "phone": phone, "crmKey": key}
_KINDS = 100


class Cells:
    """The texts of every lead in every field."""

    def __init__(self, seed: int, entries: Iterable[Entry]) -> None:
        self._pools: dict[str, pl.Series] = {}
        self._salts: dict[str, int] = {}
        for entry in entries:
            name = entry.field.name
            self._salts[name] = salt(seed, name)
            if entry.maker:
                values = entry.maker(Random(f"{seed}/{name}"))  # noqa: S311 (test data, not secrets)
                self._pools[name] = pl.Series(name, values, dtype=pl.String)
        self._since: dict[int, Texts] = {}

    def write(self, lead_id: int, texts: Texts) -> None:
        """Put *texts* over what the lead had."""
        self._since.setdefault(lead_id, {}).update(texts)

    def forget(self, lead_id: int) -> None:
        """Drop what was written for a lead that is gone."""
        self._since.pop(lead_id, None)

    def texts(self, lead: Lead, names: Iterable[str]) -> Texts:
        """Return one lead's texts in the fields called *names*."""
        since = self._since.get(lead.id, {})
        return {name: since[name] if name in since else self._first_text(lead, name) for name in names}

    def first_texts(self, lead: Lead, names: Iterable[str]) -> Texts:
        """Return what the seed put into the fields called *names*."""
        return {name: self._first_text(lead, name) for name in names}

    def columns(
        self, rows: pl.DataFrame, names: Sequence[str], since: Mapping[int, Texts] | None = None
    ) -> list[pl.Series]:
        """Return one column of texts for each of *names*; *rows* are rows of a roster.

        With *since* (texts by lead) that is what was written over the seed's, in the place of what really was.
        """
        since = self._since if since is None else since
        patches: dict[str, dict[int, str | None]] = {name: {} for name in names}
        if since:
            for place, lead_id in enumerate(rows["id"]):
                for name, text in since.get(lead_id, {}).items():
                    if name in patches:
                        patches[name][place] = text
        return [_patched(self._first_column(rows, name), patches[name]) for name in names]

    def _first_text(self, lead: Lead, name: str) -> str | None:
        if name == "id":
            return str(lead.id)
        if name in ("createdAt", "updatedAt"):
            second = lead.created if name == "createdAt" else lead.updated
            return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if lead.hash is None:
            return None
        if name in self._pools:
            pool = self._pools[name]
            text: str | None = pool[pick_one(lead.hash, self._salts[name], len(pool))]
            return text
        compose = _COMPOSED.get(name)
        return compose(pick_one(lead.hash, self._salts[name], _KINDS), lead.id) if compose else None

    def _first_column(self, rows: pl.DataFrame, name: str) -> pl.Series:
        if name == "id":
            return rows["id"].cast(pl.String)
        if name in ("createdAt", "updatedAt"):
            seconds = rows["created" if name == "createdAt" else "updated"]
            return pl.from_epoch(seconds, "s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        if name in self._pools:
            pool = self._pools[name]
            return pool.gather(pick(rows["hash"], self._salts[name], len(pool)))
        compose = _COMPOSED.get(name)
        if compose is None:
            return pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
        kinds = pick(rows["hash"], self._salts[name], _KINDS)
        pairs = zip(kinds.to_list(), rows["id"].to_list(), strict=True)
        return pl.Series([None if kind is None else compose(kind, lead_id) for kind, lead_id in pairs], dtype=pl.String)


def _patched(column: pl.Series, patch: dict[int, str | None]) -> pl.Series:
    if not patch:
        return column
    return column.clone().scatter(list(patch), pl.Series(list(patch.values()), dtype=pl.String))
