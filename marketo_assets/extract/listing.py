"""One listing of an object: page after page, by whichever of Marketo's ways of paging, and whether any may be lost.

Asset browses follow offsets in no documented order, so while assets come and go a page may repeat some and lose
others. Each page therefore begins with the last record of the one before: where it does not, something has gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from marketo_assets.api.answers import Answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import UnreadableAnswer
from marketo_assets.api.paging import asset_pages, token_pages
from marketo_assets.api.values import text
from marketo_assets.extract.objects import ReferenceObject

LEVELS = 10
"""Levels of folders that one browse goes down; what lies deeper is asked for from there."""
_CAMPAIGNS_A_PAGE = 300


@dataclass(frozen=True)
class Found:
    """One record as Marketo answered it."""

    id: str
    record: Mapping[str, Any] | Sequence[Any] = field(repr=False)
    request_id: str | None


@dataclass
class Listing:
    """What one listing told."""

    as_of: datetime
    """When Marketo gave the first answer, by its own clock."""
    found: list[Found] = field(default_factory=list, repr=False)
    """As they came; an id may come twice, and the later one was read later."""
    calls: int = 0
    warnings: list[str] = field(default_factory=list)
    """What Marketo remarked beside records; that there are no more is a warning too, and none of these."""
    is_steady: bool = True
    """Whether every page began with the end of the one before."""

    @property
    def ids(self) -> frozenset[str]:
        """The different ids."""
        return frozenset(item.id for item in self.found)


def list_objects(
    client: MarketoClient, kind: ReferenceObject, *, since: datetime | None = None, status: str | None = None
) -> Listing:
    """Return what there is of *kind*: everything, or what was updated since *since*, or what has that *status*.

    **Cost:** one call for each 199 records (300 campaigns), begun or whole; lead partitions and segmentations take one
    altogether, folders one more for each folder ten levels down. Raises: MarketoError, StuckPaging, UnreadableAnswer.
    """
    params = {"status": status, "earliestUpdatedAt": _spelled(since) if since else None}
    listing = Listing(client.clock.now())
    calls = client.calls
    for answer, last in _answers(client, kind, {name: told for name, told in params.items() if told}):
        if client.calls == calls + 1:
            listing.as_of = answer.answered_at or listing.as_of
        found = [Found(key_of(kind, item, answer.request_id), item, answer.request_id) for item in answer.result]
        listing.is_steady &= last is None or any(item.id == key_of(kind, last) for item in found)
        listing.found += found
        listing.warnings += answer.warnings if found else ()
    listing.calls = client.calls - calls
    return listing


def key_of(kind: ReferenceObject, record: Mapping[str, Any], request_id: str | None = None) -> str:
    """Return what tells *record* from others of its kind, as text; the parts of a key are joined by colons.

    Raises: UnreadableAnswer where it lacks that.
    """
    parts = []
    for path in kind.key:
        value: object = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        told = text(value)
        if not told:
            raise UnreadableAnswer(f"Marketo sent one of the {kind.name} without {path}", None, request_id)
        # The type of a folder comes in any case.
        parts.append(told.capitalize() if path.endswith(".type") else told)
    return ":".join(parts)


_Answers = Iterator[tuple[Answer, Mapping[str, Any] | None]]


def _answers(client: MarketoClient, kind: ReferenceObject, params: Mapping[str, object]) -> _Answers:
    """Yield each answer, and the record with which it has to begin for nothing to be lost, if one is known."""
    if kind.paging == "none":
        yield client.get(kind.path, params), None
    elif kind.paging == "token":
        for page in token_pages(client, kind.path, {**params, "batchSize": _CAMPAIGNS_A_PAGE}):
            yield page.answer, None
    elif kind.paging == "tree":
        yield from _levels(client, kind, params)
    else:
        yield from _overlapping(client, kind.path, params)


def _overlapping(client: MarketoClient, path: str, params: Mapping[str, object]) -> _Answers:
    last: Mapping[str, Any] | None = None
    for page in asset_pages(client, path, params, overlap=1):
        yield page.answer, last
        last = page.records[-1] if page.records else None


def _levels(client: MarketoClient, kind: ReferenceObject, params: Mapping[str, object]) -> _Answers:
    roots: list[str | None] = [None]
    seen: set[str | None] = set()
    while roots:
        root = roots.pop()
        if root in seen:
            continue
        seen.add(root)
        records: list[Mapping[str, Any]] = []
        more = {"root": _reference(root)} if root else {}
        for answer, last in _overlapping(client, kind.path, {**params, "maxDepth": LEVELS, **more}):
            records += answer.result
            yield answer, last
        roots += _deepest(kind, records)


def _deepest(kind: ReferenceObject, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of the folders as deep down as a browse goes, which may hold more."""
    above = {key_of(kind, record): _parent(record) for record in records}

    def depth(key: str) -> int:
        count, at = 0, above[key]
        while at in above and count <= LEVELS:
            count, at = count + 1, above[at]
        return count

    return [key for key in above if depth(key) >= LEVELS]


def _parent(record: Mapping[str, Any]) -> str:
    told = record.get("parent")
    return f"{told.get('type', '')}".capitalize() + f":{told.get('id')}" if isinstance(told, Mapping) else ""


def _reference(key: str) -> str:
    kind, _, number = key.partition(":")
    return json.dumps({"id": int(number), "type": kind})


def _spelled(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
