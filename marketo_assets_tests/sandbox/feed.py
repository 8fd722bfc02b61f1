"""Reads the activity endpoints as a plain reader would: a token for a moment, then page after page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from marketo_assets_tests.sandbox.caller import Caller, Json

BASE = "/rest/v1/activities"
NOON = "2026-08-15T12:00:00Z"
"""The moment at which the test instance begins."""
EVERY = "12,13,22,23,21,32,37,100,101"


def token(marketo: Caller, since: str = NOON) -> str:
    """Return the date token for a moment."""
    answer = marketo.get(f"{BASE}/pagingtoken.json", sinceDatetime=since)
    assert answer["success"], answer
    return answer["nextPageToken"]


def ids_of(marketo: Caller, count: int) -> list[int]:
    """Return the ids of the first leads."""
    return [lead["id"] for lead in marketo.desk("GET", f"/leads?fields=id&limit={count}")["leads"]]


def change(marketo: Caller, *changes: Json) -> list[int]:
    """Have the control desk carry out *changes*."""
    return marketo.desk("POST", "/changes", changes=list(changes))["ids"]


def switch(marketo: Caller, **switches: object) -> None:
    """Turn switches at the control desk."""
    marketo.desk("PATCH", "/switches", **switches)


def pages(marketo: Caller, path: str, start: str, **params: object) -> Iterator[Json]:
    """Yield pages until one says that there is no more."""
    while True:
        answer = marketo.get(f"{BASE}{path}.json", nextPageToken=start, **params)
        assert answer["success"], answer
        yield answer
        if not answer["moreResult"]:
            return
        start = answer["nextPageToken"]


def read(marketo: Caller, path: str, since: str = NOON, **params: object) -> list[Json]:
    """Return every record from a moment on, of at most 100 pages."""
    return [
        record
        for page in islice(pages(marketo, path, token(marketo, since), **params), 100)
        for record in page["result"]
    ]


def activities(marketo: Caller, types: str = EVERY, since: str = NOON, **params: object) -> list[Json]:
    """Return every activity of these types from a moment on."""
    return read(marketo, "", since, activityTypeIds=types, **params)


def guids(records: list[Json]) -> list[str]:
    """Return what identifies them, sorted."""
    return sorted(record["marketoGUID"] for record in records)


def edits(lead_id: int, count: int) -> list[Json]:
    """Return so many changes of one lead's `order`, to 100 and on."""
    return [{"edit": lead_id, "values": {"order": number}} for number in range(100, 100 + count)]


def old_lead(marketo: Caller) -> int:
    """Return the id of a lead added before the test instance's noon, so that its New Lead is not in the way."""
    (lead_id,) = change(marketo, {"add": {"firstName": "Kim"}, "at": "2026-08-10T00:00:00Z"})
    return lead_id
