"""Bulk export of any object: create, enqueue, status, list, cancel. The file itself is fetched by `export_file`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from marketo_assets.api.answers import Answer
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import JobAlreadyQueued, MarketoError, NotFound, UnreadableAnswer
from marketo_assets.api.moments import parse_moment
from marketo_assets.api.paging import token_pages
from marketo_assets.api.redact import said

LEADS, ACTIVITIES, PROGRAM_MEMBERS = "leads", "activities", "program/members"
"""What can be exported, as the paths of Bulk Extract name it; custom objects are `customobjects/` and their name."""
_LIST_PAGE = 300


@dataclass(frozen=True)
class ExportJob:
    """An export job as Marketo last described it."""

    export_id: str
    status: str
    """Created, Queued, Processing, Completed, Failed or Cancelled (Marketo also writes Canceled)."""
    created_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    records: int | None = None
    """Rows in the file; known when Completed."""
    file_bytes: int | None = None
    """Size of the file; known when Completed."""
    checksum: str | None = None
    """SHA-256 of the file in lower-case hex; known when Completed."""
    error: str | None = None
    """Why it Failed, in Marketo's words, without personal data."""
    request_id: str | None = field(default=None, compare=False)
    format: str = "CSV"


def create_export(
    client: MarketoClient,
    *,
    of: str = LEADS,
    filter: Mapping[str, Any],  # noqa: A002 - Marketo's word
    fields: Sequence[str],
    headers: Mapping[str, str] | None = None,
) -> ExportJob:
    """Create an export job of the object *of* and return it; it does nothing until it is enqueued.

    *headers* name the columns of the file, by field; without them, member fields come under their labels.

    **Cost:** one call; none while the day's export quota is known to be spent.
    **Guarantee:** never replayed when its outcome is unknown, so no orphan is made unknowingly.
    Raises: OutcomeUnknown (look for the job in `list_exports`), ExportQuotaSpent, UnsupportedFilter, FieldNotFound.
    """
    client.ledger.exports.check_open()
    named = {"columnHeaderNames": dict(headers)} if headers else {}
    body = {"fields": list(fields), "format": "CSV", "filter": dict(filter), **named}
    return _only_job(client.post(f"/bulk/v1/{of}/export/create.json", body))


def enqueue(client: MarketoClient, export_id: str, of: str = LEADS) -> ExportJob:
    """Put the job in Marketo's queue and return it; one that is there already is returned as it stands.

    **Cost:** one call, two when it was enqueued before or the answer says nothing. Raises: QueueFull, ExportQuotaSpent.
    """
    client.ledger.exports.check_open()
    try:
        # Repeating is safe: the second time Marketo says that the job is queued already.
        answer = client.post(export_path(export_id, "enqueue", of), is_repeatable=True)
    except JobAlreadyQueued:
        return status(client, export_id, of)
    return _only_job(answer) if answer.result else status(client, export_id, of)


def status(client: MarketoClient, export_id: str, of: str = LEADS) -> ExportJob:
    """Return how the job stands; Marketo refreshes that at most once in 60 seconds.

    **Cost:** one call. Raises: NotFound when Marketo has no such job (any more), where it says so in a known way.
    """
    answer = client.get(export_path(export_id, "status", of))
    if not answer.result and not answer.is_doubtful:
        raise NotFound("Marketo has no such export job", None, answer.request_id)
    return _only_job(answer)


def cancel(client: MarketoClient, export_id: str, of: str = LEADS) -> ExportJob:
    """Cancel the job and return it; one that has ended stays as it is. **Cost:** one call, two when it has ended."""
    try:
        return _only_job(client.post(export_path(export_id, "cancel", of), is_repeatable=True))
    except MarketoError as error:
        # 1029 is what a finished job was seen to answer; its wording is not documented.
        if error.code != "1029":
            raise
        return status(client, export_id, of)


def list_exports(client: MarketoClient, *, of: str = LEADS, statuses: Sequence[str] = ()) -> list[ExportJob]:
    """Return the API user's own exports of the object *of* in the past seven days, of all *statuses* or of those named.

    **Cost:** one call for each 300 jobs.
    """
    # The documents disagree on how several statuses are sent, so the choice is made here.
    wanted = {_status(name) for name in statuses}
    pages = token_pages(client, f"/bulk/v1/{of}/export.json", {"batchSize": _LIST_PAGE})
    jobs = [read_job(record, page.request_id) for page in pages for record in page.records]
    return [job for job in jobs if not wanted or job.status in wanted]


def read_job(record: Mapping[str, Any], request_id: str | None = None) -> ExportJob:
    """Return the job that *record* describes. Raises: UnreadableAnswer when it has no id or status."""
    export_id, state = record.get("exportId"), record.get("status")
    if not export_id or not state:
        raise UnreadableAnswer("Marketo described an export job without its id or status", None, request_id)
    checksum = str(record.get("fileChecksum") or "").lower().removeprefix("sha256:")
    error = record.get("errorMsg")
    return ExportJob(
        export_id=str(export_id),
        status=_status(str(state)),
        created_at=parse_moment(record.get("createdAt")),
        queued_at=parse_moment(record.get("queuedAt")),
        started_at=parse_moment(record.get("startedAt")),
        finished_at=parse_moment(record.get("finishedAt")),
        records=_integer(record.get("numberOfRecords")),
        file_bytes=_integer(record.get("fileSize")),
        checksum=checksum or None,
        error=said("", str(error)) if error else None,
        request_id=request_id,
        format=str(record.get("format") or "CSV"),
    )


def export_path(export_id: str, ending: str, of: str = LEADS) -> str:
    """Return the path of a job's *ending*: enqueue, status, file, cancel."""
    return f"/bulk/v1/{of}/export/{quote(export_id, safe='')}/{ending}.json"


def _only_job(answer: Answer) -> ExportJob:
    return read_job(answer.result[0] if answer.result else {}, answer.request_id)


def _status(text: str) -> str:
    name = text.strip().capitalize()
    return "Cancelled" if name == "Canceled" else name


def _integer(value: object) -> int | None:
    try:
        return int(str(value)) if value is not None else None
    except ValueError:
        return None
