"""How Marketo wraps what it says: HTTP 200, `success`, and a list of errors whose codes are strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

FREE_CODES = frozenset({"601", "602", "604", "605", "608", "611"})
"""Codes marked in Adobe's table as counted neither against the daily quota nor the rate."""

MESSAGES: Mapping[str, str] = {
    "601": "Access token invalid",
    "602": "Access token expired",
    "603": "Access denied",
    "604": "Request timed out",
    "605": "HTTP Method not supported",
    "606": "Max rate limit '100' exceeded with in '20' secs",
    "607": "Daily quota reached",
    "608": "API Temporarily Unavailable",
    "609": "Invalid JSON",
    "610": "Requested resource not found",
    "611": "System error",
    "612": "Invalid Content Type",
    "613": "Invalid Multipart Request",
    "614": "Invalid Subscription",
    "615": "Concurrent access limit reached",
    "702": "No data found for a given search scenario",
    "704": "Invalid date format",
    "713": "Transient error",
    "1003": "Invalid data",
    "1004": "Lead not found",
    "1013": "Object not found",
    "1029": "Too many jobs in queue",
    "1035": "Unsupported filter type for target subscription",
}


class ApiError(Exception):
    """A refusal in Marketo's own words: a response-level code and its message."""

    def __init__(self, code: str, message: str | None = None) -> None:
        self.code = code
        self.message = message or MESSAGES.get(code, "System error")
        super().__init__(f"{code}: {self.message}")


class HttpError(Exception):
    """A refusal by HTTP status, in plain text: 404 for files, 413 and 414."""

    def __init__(self, http_status: int, text: str) -> None:
        self.http_status = http_status
        self.text = text
        super().__init__(f"HTTP {http_status}: {text}")


def success(
    request_id: str, result: Sequence[Any] | None, *, has_empty_lists: bool = True, **more: Any
) -> JSONResponse:
    """Return the answer that carries *result*, if any; *more* are members such as `nextPageToken`."""
    body: dict[str, Any] = {"requestId": request_id, "success": True, "result": result, **more}
    if result is None:
        del body["result"]
    if has_empty_lists:
        body |= {"errors": [], "warnings": []}
    return JSONResponse(body)


def failure(request_id: str, code: str, message: str) -> JSONResponse:
    """Return the answer that refuses: HTTP 200 with `success: false` and one error."""
    return JSONResponse({"requestId": request_id, "success": False, "errors": [{"code": code, "message": message}]})


def plain(http_status: int, text: str) -> Response:
    """Return an answer that is not JSON at all."""
    return PlainTextResponse(text, http_status)
