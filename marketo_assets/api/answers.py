"""What an HTTP answer says: Marketo's envelope, or the error that it is.

HTTP 200 says nothing: `success` does. A body that is no envelope is classified by its HTTP status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from marketo_assets.api.codes import error_for
from marketo_assets.api.errors import (
    AccessDenied,
    FeatureAbsent,
    FixRequest,
    GarbledAnswer,
    MarketoError,
    NoData,
    RateLimited,
    ServerTrouble,
    SignInAgain,
    UnreadableAnswer,
    WrongInstance,
)
from marketo_assets.api.moments import parse_http_date
from marketo_assets.api.redact import NOTHING, Spoken, mark, said
from marketo_assets.api.values import Number


@dataclass(frozen=True)
class Answer:
    """An accepted call: its records, the whole body, and what Marketo remarked."""

    result: list[dict[str, Any]]
    """The records; empty where Marketo sent none, or no `result` at all."""
    body: dict[str, Any] = field(repr=False)
    """The envelope as it came."""
    request_id: str | None
    """What Marketo support asks for."""
    warnings: tuple[str, ...] = ()
    """Marketo's warnings, each as text."""
    answered_at: datetime | None = None
    """When Marketo answered, by its own clock (the `Date` header, whole seconds); None where it does not tell."""

    @property
    def is_doubtful(self) -> bool:
        """Whether nothing came and it may be for another reason than that nothing is there.

        An accepted call hides a failed search behind a missing `result`, or behind an empty one with warnings.
        """
        has_list = isinstance(self.body.get("result"), list)
        return self.body.get("success") is True and not self.result and (not has_list or bool(self.warnings))


def read_answer(response: httpx.Response, spoken: Spoken = NOTHING) -> Answer:
    """Return what *response* answers to a request that said *spoken*; code 702 is an empty answer.

    Raises: the MarketoError that says what to do next.
    """
    body = parse_object(response.read())
    answered_at = parse_http_date(response.headers.get("date"))
    refused = refusal(body, spoken) if body is not None else None
    if isinstance(refused, NoData):
        return Answer([], body or {}, refused.request_id, (str(refused),), answered_at)
    if refused is not None:
        raise refused
    if response.status_code != httpx.codes.OK:
        raise status_error(response)
    if body is None or body.get("success") is not True:
        raise unreadable(response, request_id_of(body), is_garbled=body is None)
    return Answer(_records(body), body, request_id_of(body), _warnings(body.get("warnings")), answered_at)


def parse_object(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object in *content*, or None when it is anything else."""
    try:
        body = json.loads(content, parse_float=Number)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def refusal(body: Mapping[str, Any], spoken: Spoken = NOTHING) -> MarketoError | None:
    """Return the error that an envelope with `success: false` carries, or None."""
    if body.get("success") is True:
        return None
    errors = body.get("errors")
    for item in errors if isinstance(errors, list) else [errors]:
        if isinstance(item, Mapping):
            message = item.get("message")
            text = message if isinstance(message, str) else ""
            return error_for(mark(item.get("code", ""), 16), text, request_id_of(body), spoken=spoken)
    if body.get("success") is False:
        text = next((item for item in errors if isinstance(item, str)), "") if isinstance(errors, list) else ""
        return UnreadableAnswer(
            f"Marketo refused the call without a code: {said('', text, spoken)}", None, request_id_of(body)
        )
    return None


def status_error(response: httpx.Response) -> MarketoError:
    """Return the error that the HTTP status of *response* means when its body is no envelope."""
    status = response.status_code
    shown = f"HTTP {status}"
    if status in (413, 414):
        return error_for(str(status), f"The request is too large for Marketo, {shown}")
    if status == 401:
        return SignInAgain("The token was refused with HTTP 401", "401")
    if status == 403:
        return AccessDenied("Access was refused with HTTP 403, by Marketo or by a gateway on the way", "403")
    if status == 404:
        return FeatureAbsent(
            "Nothing is found at this address, HTTP 404",
            "404",
            next_step="Check MARKETO_BASE_URL; if it is right, this instance has no such endpoint.",
        )
    if status == 429:
        return RateLimited("Too many calls, HTTP 429", "429")
    if 300 <= status < 400:
        return WrongInstance(f"The address sends elsewhere with {shown}; redirects are not followed", str(status))
    if status >= 500 or status == 408:
        known = error_for(str(status), f"Marketo, or a gateway on the way, failed with {shown}")
        return known if isinstance(known, ServerTrouble) else ServerTrouble(known.message, str(status))
    return FixRequest(f"The request was refused with {shown}", str(status)) if status >= 400 else unreadable(response)


def unreadable(response: httpx.Response, request_id: str | None = None, *, is_garbled: bool = False) -> MarketoError:
    """Return the error for a body that cannot be Marketo's; the body itself is not repeated.

    *is_garbled* says that it is no JSON object, so that the same request may bring one.
    """
    kind = media_type(response) or "no content type"
    if kind == "text/html":
        return WrongInstance(f"A web page came instead of an answer (HTTP {response.status_code}, {kind})")
    found = GarbledAnswer if is_garbled else UnreadableAnswer
    return found(f"The answer is not Marketo's JSON (HTTP {response.status_code}, {kind})", None, request_id)


def media_type(response: httpx.Response) -> str:
    """Return the content type of *response* without parameters, in lower case; empty when there is none."""
    text = str(response.headers.get("content-type", ""))
    return text.partition(";")[0].strip().lower()[:80]


def request_id_of(body: Mapping[str, Any] | None) -> str | None:
    """Return the requestId of an envelope, bounded, or None."""
    found = (body or {}).get("requestId")
    return mark(found, 64) if found else None


def _records(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = body.get("result")
    records = result if isinstance(result, list) else []
    # A record left out would pass for one that does not exist, so nothing is left out.
    if result is not None and (records is not result or not all(isinstance(item, dict) for item in records)):
        raise UnreadableAnswer("The result of an accepted call is not a list of records", None, request_id_of(body))
    return records


def _warnings(found: object) -> tuple[str, ...]:
    # Lead database: objects of code and message; assets: plain strings.
    items = found if isinstance(found, list) else [found]
    return tuple(
        said("", f"{item.get('code', '')} {item.get('message', '')}")
        if isinstance(item, Mapping)
        else said("", str(item))
        for item in items
        if item
    )
