"""What takes a call for each object: which of them are due, and the reading of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from marketo_assets.api.answers import Answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError, NotFound
from marketo_assets.api.paging import asset_pages
from marketo_assets.extract.listing import Found
from marketo_assets.extract.objects import Detail
from marketo_assets.extract.reference import KnownRecord, Reading

CHUNK = 50
"""Objects whose details are landed together: what a kill may cost."""


def due_details(
    detail: Detail,
    objects: Mapping[str, KnownRecord],
    known: Mapping[str, datetime],
    *,
    lookback: timedelta,
    is_refresh: bool = False,
) -> list[str]:
    """Return the ids of the *objects* whose detail has to be read, in order; *known* tells when each was read last.

    An object's detail is due when it was never read, or when the object was updated since then or shortly before:
    moments are whole seconds, and a change may show late. Undated details, and with *is_refresh* all, are always due.
    """
    if is_refresh or not detail.is_dated:
        return sorted(objects, key=_order)
    return sorted(
        (
            key
            for key, record in objects.items()
            if key not in known or record.updated_at is None or record.updated_at + lookback >= known[key]
        ),
        key=_order,
    )


def read_details(
    client: MarketoClient, detail: Detail, objects: Mapping[str, KnownRecord]
) -> tuple[Reading, MarketoError | None]:
    """Return the details of these *objects* by id, and the error that ended the reading early, if one did.

    An object that is no more has none; neither has one that was given another name meanwhile, whose updatedAt makes
    it due again.

    **Cost:** one call for each object; more where a segmentation has over 200 segments.
    """
    calls, found, trouble = client.calls, list[Found](), None
    as_of: datetime | None = None
    asked_at = client.clock.now()
    for key, record in objects.items():
        try:
            answers = _ask(client, detail, key, record.name)
        except NotFound:
            continue
        except MarketoError as error:
            trouble = error
            break
        as_of = as_of or (answers[0].answered_at if answers else None)
        found += _found(detail, key, answers)
    calls = client.calls - calls
    return Reading(detail.name, False, as_of or asked_at, tuple(found), pages=calls, calls=calls), trouble


def _ask(client: MarketoClient, detail: Detail, key: str, name: str | None) -> Sequence[Answer]:
    if detail.is_list:
        return [page.answer for page in asset_pages(client, detail.path.format(key), detail.params)]
    if detail.by == "id":
        return [client.get(detail.path.format(key), detail.params)]
    if "," in (name or key):
        # Marketo cannot search such names.
        return [client.get(detail.fallback.format(key))] if detail.fallback else []
    return [client.get(detail.path, {**detail.params, "name": name or key})]


def _found(detail: Detail, key: str, answers: Sequence[Answer]) -> list[Found]:
    if detail.is_list:
        items = [item for answer in answers for item in answer.result]
        # Every segmentation has segments: an answer without any is that of one that is no more.
        return [Found(key, items, answers[-1].request_id)] if items else []
    # Several objects may share a name.
    return [
        Found(key, item, answer.request_id)
        for answer in answers
        for item in answer.result
        if str(item.get("id", key)) == key
    ]


def _order(key: str) -> tuple[int, str]:
    return len(key), key
