"""One reading of an object: everything there is of it, or what was updated since a moment; and its details.

What is repeated does no harm, and nothing is taken for removed because a page lacks it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import NotFound
from marketo_assets.extract.listing import Found, Listing, list_objects
from marketo_assets.extract.objects import ReferenceObject

Log = Callable[[str], None]
WHOLE_EVERY = timedelta(hours=20)
"""After so long an object is read whole again, which alone shows what was removed; less than a day, for daily runs."""
_FEW = 10
_MOST_AT_ONCE = 3
_MOST_LISTINGS = 4
_PROBES = 3
_SUDDENLY_EMPTY = (
    "Marketo tells of none any more, where {count:,} were known; nothing was taken for removed. If a reading of "
    "another day says the same, it is believed. Look whether the API user's role or workspaces were changed."
)
_APPROVED = "approved"


@dataclass(frozen=True)
class Reading:
    """What one reading of an object told."""

    object: str
    is_whole: bool
    """Whether everything was asked for."""
    as_of: datetime
    """When Marketo's state was read, by its own clock: when it gave the first answer."""
    found: tuple[Found, ...] = field(repr=False)
    """As they came; an id may come twice, and the later one was read later."""
    since: datetime | None = None
    """Since when what was updated was asked for."""
    removed: tuple[str, ...] = ()
    """Ids that were known before and are surely gone."""
    pages: int = 0
    """Calls that one listing takes."""
    calls: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class KnownRecord:
    """What is known of one record from readings before."""

    name: str | None
    updated_at: datetime | None
    read_at: datetime
    """When it was last read."""


@dataclass(frozen=True)
class Known:
    """What is known of an object from the readings that are loaded."""

    newest: str = ""
    """Name of the newest of them."""
    read_at: datetime | None = None
    whole_at: datetime | None = None
    """When it was last read whole."""
    whole_pages: int = 0
    """Calls that its listing took."""
    empty_at: datetime | None = None
    """When a reading of everything found nothing, and no reading since has found anything."""
    records: Mapping[str, KnownRecord] = field(default_factory=dict, repr=False)
    """By id; those that are known to be removed are not among them."""


def begin_since(kind: ReferenceObject, known: Known, now: datetime, lookback: timedelta) -> datetime | None:
    """Return since when to ask for what was updated, or None to read everything.

    Everything is read where the endpoint knows no moments, where it costs no more, and once in `WHOLE_EVERY`.
    """
    if not kind.has_updated_at or known.read_at is None or known.whole_at is None or known.whole_pages <= 1:
        return None
    return None if now - known.whole_at >= WHOLE_EVERY else known.read_at - lookback


def read_object(
    client: MarketoClient,
    kind: ReferenceObject,
    *,
    since: datetime | None,
    known: Collection[str] = (),
    empty_at: datetime | None = None,
) -> Reading:
    """Return what there is of *kind*, or with *since* what was updated since then.

    Of an object that is approved and has a draft, the approved version is among what is found. *known* are the ids
    of before: those that everything lacks are asked for once more, one by one or all together, before they count as
    removed. Where something went while it was read, it is read again. Where there is nothing at all any more, records
    count as removed only if a reading of another day, at *empty_at*, found nothing either.

    **Cost:** one call for each 199 records (campaigns: 300), begun or whole; drafts and missing ones cost a call each,
    and all together no more than another listing or two.
    Raises: StuckPaging, AccessDenied, FeatureAbsent, UnreadableAnswer.
    """
    calls = client.calls
    first = list_objects(client, kind, since=since)
    found = list(first.found)
    last, warnings = first, list(dict.fromkeys(first.warnings))
    while not last.is_steady and client.calls - calls < _MOST_LISTINGS * max(first.calls, 1):
        last = list_objects(client, kind, since=since)
        found += last.found
    if not last.is_steady:
        warnings.append("changed while it was read, again and again; some may show at the next run only")
    found += _approved_versions(client, kind, found, few=first.calls if since is None else _FEW)
    removed: Collection[str] = ()
    if since is None and (missing := frozenset(known) - {item.id for item in found}):
        removed, more, told = _gone(client, kind, missing, last)
        found, warnings = found + more, warnings + told
        is_confirmed = empty_at is not None and first.as_of - empty_at >= WHOLE_EVERY
        if removed and not (found or is_confirmed or _is_believed(kind, len(missing))):
            removed, warnings = (), [*warnings, _SUDDENLY_EMPTY.format(count=len(missing))]
    return Reading(
        object=kind.name,
        is_whole=since is None,
        as_of=first.as_of,
        found=tuple(found),
        since=since,
        removed=tuple(sorted(removed)),
        pages=first.calls,
        calls=client.calls - calls,
        warnings=tuple(warnings),
    )


def _is_believed(kind: ReferenceObject, missing: int) -> bool:
    """Say whether it is nothing unusual that an object's last records go, so many, each asked for once more."""
    return kind.one is not None and missing <= _MOST_AT_ONCE


def _approved_versions(
    client: MarketoClient, kind: ReferenceObject, found: Sequence[Found], *, few: int
) -> list[Found]:
    # Which version a browse shows of what is approved and has a draft is not documented; the approved one is in use.
    if not kind.has_versions:
        return []
    approved = {item.id for item in found if _status(item) == _APPROVED}
    drafts = sorted({item.id for item in found} - approved)
    if drafts and (kind.one is None or len(drafts) > few):
        return list_objects(client, kind, status=_APPROVED).found
    return [item for draft in drafts for item in _one(client, kind, draft, status=_APPROVED)]


def _status(item: Found) -> str:
    return str(item.record.get("status", "")).lower() if isinstance(item.record, Mapping) else ""


def _gone(
    client: MarketoClient, kind: ReferenceObject, missing: frozenset[str], listed: Listing
) -> tuple[Collection[str], list[Found], list[str]]:
    """Return which of *missing* are surely gone, what else was found on the way, and what to tell."""
    if listed.calls <= 1 and listed.found:
        # One answer with something in it shows one moment: nothing can have slipped between pages.
        return missing, [], []
    if kind.one is not None and len(missing) <= max(listed.calls, _FEW):
        return [one for one in missing if not _one(client, kind, one)], [], []
    more: list[Found] = []
    seen = listed.ids
    for _ in range(_MOST_LISTINGS):
        again = list_objects(client, kind)
        more += again.found
        # What slips through does so because something before it was removed, which the next listing lacks then: two
        # listings with the same ids have lost nothing.
        if again.ids == seen:
            missing -= seen
            probes = sorted(missing)[:_PROBES] if kind.one is not None else []
            if any(_one(client, kind, probe) for probe in probes):
                return [], more, ["a listing lacks what exists; nothing was taken for removed"]
            return missing, more, []
        seen = again.ids
    return [], more, ["changed while it was read, again and again; nothing was taken for removed"]


def _one(client: MarketoClient, kind: ReferenceObject, key: str, **more: str) -> list[Found]:
    """Return the record with that key, or nothing where there is none."""
    parts = key.split(":")
    params = {name: told.format(*parts) for name, told in kind.one_params.items()}
    try:
        answer = client.get((kind.one or "").format(*parts), params | more)
    except NotFound:
        return []
    return [Found(key, record, answer.request_id) for record in answer.result]
