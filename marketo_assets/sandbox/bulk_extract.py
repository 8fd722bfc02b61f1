"""Bulk export of every kind: create, enqueue, status, list, file, cancel. The queue itself is in export_queue.py."""

from __future__ import annotations

import base64
import binascii
import contextlib

from starlette.responses import Response

from marketo_assets.sandbox.activity_export import read_activity_export
from marketo_assets.sandbox.envelope import ApiError, HttpError
from marketo_assets.sandbox.export_job import ExportJob
from marketo_assets.sandbox.export_request import ExportRequest, Kind
from marketo_assets.sandbox.files import MEDIA_TYPES, FileAnswer
from marketo_assets.sandbox.lead_export import read_lead_export
from marketo_assets.sandbox.member_export import read_member_export
from marketo_assets.sandbox.routing import Call, Route

STATUSES = frozenset({"Created", "Queued", "Processing", "Canceled", "Cancelled", "Completed", "Failed"})
_NO_FILE = "Export file not found"
_PERMISSIONS: dict[Kind, frozenset[str]] = {
    "leads": frozenset({"Read-Only Lead", "Read-Write Lead"}),
    "activities": frozenset({"Read-Only Activity", "Read-Write Activity"}),
    "program/members": frozenset({"Read-Only Lead", "Read-Write Lead"}),
}


def routes() -> list[Route]:
    """Return the six operations of each kind of export."""
    return [route for kind in _PERMISSIONS for route in _routes(kind)]


def _routes(kind: Kind) -> list[Route]:
    base, may = f"/bulk/v1/{kind}/export", _PERMISSIONS[kind]
    one = f"{base}/{{exportId}}"
    paging = frozenset({"status", "batchSize", "nextPageToken"})
    return [
        Route("POST", f"{base}/create.json", create, may, takes_json=True),
        Route("GET", f"{base}.json", list_jobs, may, paging),
        Route("POST", f"{one}/enqueue.json", enqueue, may),
        Route("GET", f"{one}/status.json", status, may),
        Route("GET", f"{one}/file.json", file, may),
        Route("POST", f"{one}/cancel.json", cancel, may),
    ]


def _kind(call: Call) -> Kind:
    return next(kind for kind in _PERMISSIONS if call.route.path.startswith(f"/bulk/v1/{kind}/"))


def _read(call: Call) -> ExportRequest:
    sandbox = call.sandbox
    if _kind(call) == "activities":
        return read_activity_export(call.json, sandbox.activity_types, sandbox.switches)
    if _kind(call) == "program/members":
        return read_member_export(call.json, sandbox.world, sandbox.assets, sandbox.switches)
    return read_lead_export(call.json, sandbox.world, sandbox.assets, sandbox.switches)


async def create(call: Call) -> Response:
    """Create a job from the JSON body; it waits to be enqueued."""
    job = await call.sandbox.exports.create(call.user.user_id, _read(call))
    return call.success([job.view(job.created_at)])


async def enqueue(call: Call) -> Response:
    """Put a created job in the queue."""
    await _harm_if_ordered(call)
    job = await call.sandbox.exports.enqueue(_kind(call), call.user.user_id, call.path["exportId"])
    if ordered := call.effects.parameters("job_failed"):
        job.fails_with = str(ordered["message"])
    if slow := call.effects.parameters("job_slow"):
        job.slow_seconds = float(slow["seconds"])
    return call.success([job.view(job.queued_at or job.created_at)])


async def status(call: Call) -> Response:
    """Answer the job's state as of its last refresh."""
    await _harm_if_ordered(call)
    job = await call.sandbox.exports.find(_kind(call), call.user.user_id, call.path["exportId"])
    return call.success([_shown(call, job)])


async def cancel(call: Call) -> Response:
    """Stop a job; this answer spells the state with two l, as its samples do."""
    await _harm_if_ordered(call)
    job = await call.sandbox.exports.cancel(_kind(call), call.user.user_id, call.path["exportId"])
    return call.success([job.view(job.cancelled_at or job.created_at, cancelled_word="Cancelled")])


async def list_jobs(call: Call) -> Response:
    """List the caller's jobs of the past days; a token is present as long as there are more."""
    wanted = call.parameters.several("status")
    for name in wanted or ():
        if name not in STATUSES:
            raise ApiError("1003", f"Invalid status '{name}'")
    batch = call.parameters.integer("batchSize", 300, least=1, most=300)
    start = read_page_token(call.parameters.text("nextPageToken"))
    shown = [_shown(call, job) for job in await call.sandbox.exports.recent(_kind(call), call.user.user_id)]
    if wanted is not None:
        names = {name.replace("Cancelled", "Canceled") for name in wanted}
        shown = [job for job in shown if job["status"] in names]
    more = {"nextPageToken": write_page_token(start + batch)} if start + batch < len(shown) else {}
    return call.success(shown[start : start + batch], **more)


async def file(call: Call) -> Response:
    """Stream the file of a completed job, whole or by Range.

    Raises: HttpError 404 in plain text when it is not ready, expired, or of no job of this user.
    """
    await _harm_if_ordered(call)
    exports = call.sandbox.exports
    try:
        job = await exports.find(_kind(call), call.user.user_id, call.path["exportId"])
    except ApiError:
        raise HttpError(404, _NO_FILE) from None
    if call.effects.first("file_lost"):
        exports.drop_file(job)
    if job.state != "Completed" or job.file is None or job.file_is_lost:
        raise HttpError(404, _NO_FILE)
    exports.count(job, "downloads")
    media_type = MEDIA_TYPES.get(job.request.format, MEDIA_TYPES["CSV"])
    wanted = None if call.effects.first("range_ignored") else call.request.headers.get("range")
    return FileAnswer(job.file.path, job.file.file_bytes, wanted, media_type=media_type, on_sent=exports.count_sent)


def _shown(call: Call, job: ExportJob) -> dict[str, object]:
    now, every = call.sandbox.clock.now(), call.sandbox.limits.status_refresh_seconds
    return job.view(job.refreshed_at(now, every))


async def _harm_if_ordered(call: Call) -> None:
    if call.effects.first("job_lost"):
        await call.sandbox.exports.lose(_kind(call), call.user.user_id, call.path["exportId"])
    if call.effects.first("job_cancelled"):
        with contextlib.suppress(ApiError):
            await call.sandbox.exports.cancel(_kind(call), call.user.user_id, call.path["exportId"])


def write_page_token(offset: int) -> str:
    """Return *offset* as a paging token that says nothing to its reader."""
    return base64.b32encode(f"page:{offset}".encode()).decode()


def read_page_token(token: str | None) -> int:
    """Return the offset in a paging token, 0 without one.

    Raises: ApiError 1003 for a token that this sandbox did not give.
    """
    if token is None:
        return 0
    try:
        word, _, offset = base64.b32decode(token).decode().partition(":")
        if word == "page":
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise ApiError("1003", "Invalid paging token")
