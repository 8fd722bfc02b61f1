"""What every operation of the control desk shares: plain JSON in and out, and errors that say what is wrong."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Answer = Callable[[Request], Awaitable[Any]]


class DeskError(ValueError):
    """A request to the control desk that cannot be carried out; the message says why."""


def operation(path: str, method: str, answer: Answer) -> Route:
    """Return a route that answers with what *answer* returns, as JSON, or with HTTP 400 or 404 and an `error`."""

    async def respond(request: Request) -> Response:
        try:
            told = await answer(request)
        except LookupError as error:
            return JSONResponse({"error": str(error)}, 404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return told if isinstance(told, Response) else JSONResponse(told)

    return Route(path, respond, methods=[method])


async def read(request: Request, *known: str) -> dict[str, Any]:
    """Return the JSON object sent, `{}` for an empty body.

    Raises: DeskError for anything else, and for a member that is not in *known* (none means any).
    """
    body = await request.body()
    try:
        told = json.loads(body) if body else {}
    except ValueError:
        raise DeskError("the body is not JSON") from None
    if not isinstance(told, dict):
        raise DeskError("the body is a JSON object")
    unknown = sorted(set(told) - set(known))
    if known and unknown:
        raise DeskError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return told


def read_instant(text: object) -> datetime:
    """Return an ISO-8601 text as a moment, UTC where it names no zone.

    Raises: DeskError for anything else.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise DeskError(f"{text!r} is not a moment; write 2026-08-01T10:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def read_whole(text: str, name: str) -> int:
    """Return *text* as a whole number.

    Raises: DeskError naming *name*.
    """
    if not text.isascii() or not text.isdigit():
        raise DeskError(f"{name} is a whole number")
    return int(text)


def read_objects(told: object, name: str) -> list[dict[str, Any]]:
    """Return *told* as a list of objects.

    Raises: DeskError naming *name*.
    """
    if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
        raise DeskError(f"{name} is a list of objects")
    return told
