"""One reading of an object: everything there is of it, or what was updated since a moment.

Asset browses follow offsets in no documented order, so while assets come and go a page may repeat some and lose
others. What is repeated does no harm; nothing is taken for removed because a page lacks it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_assets.api.answers import Answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import NotFound, UnreadableAnswer
from marketo_assets.api.paging import asset_pages, token_pages
from marketo_assets.api.values import text
from marketo_assets.extract.objects import ReferenceObject

Log = Callable[[str], None]
WHOLE_EVERY = timedelta(hours=20)
"""After so long an object is read whole again, which alone shows what was removed; less than a day, for daily runs."""
_FEW = 10
_MOST_PASSES = 4
_PROBES = 3
APPROVED = "approved"


@dataclass(frozen=True)
class Found:
    """One record as Marketo answered it."""

    id: str
    record: Mapping[str, Any] | Sequence[Any] = field(repr=False)
    request_id: str | None


@dataclass(frozen=True)
class Reading:
    """What one reading of an object told."""

    object: str
    since: datetime | None
    """Since when what was updated was asked for; None where everything was."""
    as_of: datetime
    """When Marketo's state was read, by its own clock: when it gave the first answer."""
    found: tuple[Found, ...] = field(repr=False)
    """As they came; an id may come twice, and the later one was read later."""
    removed: tuple[str, ...]
    """Ids that were known before and are surely gone."""
    pages: int
    """Calls that the listing itself took."""
    calls: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of an object from readings before."""

    newest: str = ""
    """Name of the newest reading that was loaded."""
    read_at: datetime | None = None
    whole_at: datetime | None = None
    """When it was last read whole."""
    whole_pages: int = 0
    """Calls that this took."""
    ids: frozenset[str] = frozenset()
    """Those that are not known to be removed."""


def begin_since(kind: ReferenceObject, known: Known, now: datetime, lookback: timedelta) -> datetime | None:
    """Return since when to ask for what was updated, or None to read everything.

    Everything is read where the endpoint knows no moments, where it costs no more, and once in `WHOLE_EVERY`.
    """
    if not kind.has_updated_at or known.read_at is None or known.whole_at is None or known.whole_pages <= 1:
        return None
    return None if now - known.whole_at >= WHOLE_EVERY else known.read_at - lookback


def read_object(
    client: MarketoClient, kind: ReferenceObject, *, since: datetime | None, known: Collection[str] = ()
) -> Reading:
    """Return what there is of *kind*, or with *since* what was updated since then.

    Of an object that is approved and has a draft, the approved version is among what is found. *known* are the ids
    of before: those that everything lacks are asked for once more, one by one or all together, before they count as
    removed.

    **Cost:** one call for each 200 (campaigns: 300) records, begun or whole; drafts and missing ones cost a call each
    while they are few, and another listing where they are many.
    Raises: StuckPaging, AccessDenied, FeatureAbsent, UnreadableAnswer.
    """
    calls = client.calls
    listed = _list(client, kind, since)
    pages = client.calls - calls
    found = listed.found + _approved_versions(client, kind, listed)
    removed: Iterable[str] = ()
    warnings = list(listed.warnings)
    if since is None and (missing := frozenset(known) - listed.ids):
        removed, more, told = _gone(client, kind, missing, listed, pages)
        found, warnings = found + more, warnings + told
    return Reading(
        object=kind.name,
        since=since,
        as_of=listed.as_of,
        found=tuple(found),
        removed=tuple(sorted(removed)),
        pages=pages,
        calls=client.calls - calls,
        warnings=tuple(warnings),
    )


def key_of(kind: ReferenceObject, record: Mapping[str, Any], request_id: str | None = None) -> str:
    """Return what tells *record* from others of its kind, as text.

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
        parts.append(told)
    return ":".join(parts)


@dataclass
class _Listing:
    found: list[Found]
    as_of: datetime
    warnings: list[str]
    answers: int = 0

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(item.id for item in self.found)


def _list(client: MarketoClient, kind: ReferenceObject, since: datetime | None, **more: object) -> _Listing:
    listing = _Listing([], client.clock.now(), [])
    params = {**more, "earliestUpdatedAt": _spelled(since)} if since else more
    for answer in _answers(client, kind, params):
        if not listing.answers:
            listing.as_of = answer.answered_at or listing.as_of
        listing.answers += 1
        listing.found += [
            Found(key_of(kind, item, answer.request_id), item, answer.request_id) for item in answer.result
        ]
        listing.warnings += [] if answer.result else answer.warnings
    return listing


def _answers(client: MarketoClient, kind: ReferenceObject, params: Mapping[str, object]) -> Iterable[Answer]:
    if kind.paging == "none":
        return [client.get(kind.path, params)]
    if kind.paging == "token":
        return (page.answer for page in token_pages(client, kind.path, {**params, "batchSize": 300}))
    return (page.answer for page in asset_pages(client, kind.path, params))


def _approved_versions(client: MarketoClient, kind: ReferenceObject, listed: _Listing) -> list[Found]:
    # Which version a browse shows of what is approved and has a draft is not documented; the approved one is in use.
    if not kind.has_versions:
        return []
    approved = {item.id for item in listed.found if _status(item) == APPROVED}
    drafts = sorted({item.id for item in listed.found} - approved)
    if len(drafts) > _FEW:
        return _list(client, kind, None, status=APPROVED).found
    return [item for draft in drafts for item in _one(client, kind, draft, status=APPROVED)]


def _status(item: Found) -> str:
    return str(item.record.get("status", "")).lower() if isinstance(item.record, Mapping) else ""


def _gone(
    client: MarketoClient, kind: ReferenceObject, missing: frozenset[str], listed: _Listing, pages: int
) -> tuple[Iterable[str], list[Found], list[str]]:
    """Return which of *missing* are surely gone, what else was found on the way, and what to tell."""
    if pages <= 1 and listed.found:
        # One answer with something in it shows one moment: nothing can have slipped between pages.
        return missing, [], []
    if kind.one is not None and len(missing) <= max(pages, _FEW):
        return [one for one in missing if not _one(client, kind, one)], [], []
    more: list[Found] = []
    seen = listed.ids
    for _ in range(_MOST_PASSES):
        again = _list(client, kind, None)
        more += again.found
        # What slips through does so because something before it was removed, which the next listing lacks then: two
        # listings with the same ids have lost nothing.
        if again.ids == seen:
            missing -= seen
            probes = sorted(missing)[:_PROBES] if kind.one is not None else []
            if any(_one(client, kind, probe) for probe in probes):
                return [], more, [f"{kind.name}: a listing lacks what exists; nothing was taken for removed"]
            return missing, more, []
        seen = again.ids
    return [], more, [f"{kind.name}: changed while it was read, again and again; nothing was taken for removed"]


def _one(client: MarketoClient, kind: ReferenceObject, one: str, **more: object) -> list[Found]:
    """Return the record with that id, or nothing where there is none."""
    try:
        answer = client.get((kind.one or "").format(id=one), more)
    except NotFound:
        return []
    return [Found(one, record, answer.request_id) for record in answer.result]


def _spelled(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
