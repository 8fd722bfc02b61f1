"""A Marketo of a few lines, for the client's tests: it signs callers in and answers what it was told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx

from marketo_assets.clock import Clock

Handler = Callable[[httpx.Request], httpx.Response]


class Instance:
    """An application behind `httpx.MockTransport`: identity as documented, everything else scripted per path."""

    client_id = "the-client-id"
    client_secret = "the-client-secret"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.requests: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []
        self.token_lasts = timedelta(seconds=3600)
        self.identity: Handler | None = None
        """Answers token requests instead of the documented way."""
        self._answers: dict[str, list[httpx.Response | Exception | Handler]] = {}
        self._token: tuple[str, datetime] | None = None
        self._made = 0
        self._guard = threading.Lock()

    @property
    def token(self) -> str:
        """The token that is accepted now."""
        return self._token[0] if self._token else ""

    def revoke(self) -> None:
        """Stop accepting the present token; the next request to Identity makes a new one."""
        self._token = None

    def script(self, path: str, *answers: httpx.Response | Exception | Handler) -> None:
        """Answer calls to *path* with these, one after the other; the last one stays."""
        self._answers.setdefault(path, []).extend(answers)

    def asked(self, path: str) -> list[httpx.Request]:
        """Return the requests that came for *path*."""
        return [request for request in self.requests if request.url.path == path]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._guard:
            return streamed(self._answered(request))

    def _answered(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/identity/oauth/token":
            self.token_requests.append(request)
            return (self.identity or self.sign_in)(request)
        self.requests.append(request)
        return self._refused(request) or self._scripted(request)

    def sign_in(self, request: httpx.Request) -> httpx.Response:
        """Answer a token request as documented: the same token until it has expired."""
        given = dict(request.url.params)
        if given != {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }:
            return httpx.Response(401, json={"error": "unauthorized", "error_description": "Bad client credentials"})
        now = self.clock.now()
        if self._token is None or now >= self._token[1]:
            self._made += 1
            self._token = (f"token-number-{self._made}:sj", now + self.token_lasts)
        left = int((self._token[1] - now).total_seconds())
        return httpx.Response(
            200,
            json={
                "access_token": self._token[0],
                "token_type": "bearer",
                "expires_in": left,
                "scope": "api@example.com",
            },
        )

    def _refused(self, request: httpx.Request) -> httpx.Response | None:
        held = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._token is None or held != self._token[0]:
            return refusal("601", "Access token invalid")
        if self.clock.now() >= self._token[1]:
            return refusal("602", "Access token expired")
        return None

    def _scripted(self, request: httpx.Request) -> httpx.Response:
        waiting = self._answers.get(request.url.path)
        if not waiting:
            return refusal("610", "Requested resource not found")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)


class Pieces(httpx.SyncByteStream):
    """A body in pieces of a network's size, which may break off."""

    def __init__(self, content: bytes, breaks: Exception | None = None) -> None:
        self.content = content
        self.breaks = breaks
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True

    def __iter__(self) -> Iterator[bytes]:
        for first in range(0, len(self.content), 65_536):
            yield self.content[first : first + 65_536]
        if self.breaks is not None:
            raise self.breaks


def streamed(answer: httpx.Response) -> httpx.Response:
    """Return a fresh copy of *answer* as the network would deliver it: a stream that can be read once."""
    stream = answer.stream
    pieces = stream if isinstance(stream, Pieces) else Pieces(answer.content)
    return httpx.Response(answer.status_code, headers=answer.headers, stream=pieces)


def accepted(result: Iterable[Mapping[str, Any]] = (), **more: object) -> httpx.Response:
    """Return an envelope with `success: true`."""
    return httpx.Response(200, json={"requestId": "e1#2", "success": True, "result": list(result), **more})


def refusal(code: str, message: str, request_id: str | None = "a1#b2") -> httpx.Response:
    """Return an envelope with `success: false`, as Marketo sends it: with HTTP 200."""
    body = {"requestId": request_id, "success": False, "errors": [{"code": code, "message": message}]}
    return httpx.Response(200, json=body)


def page(text: str = "<html>Welcome</html>", status: int = 200) -> httpx.Response:
    """Return a web page."""
    return httpx.Response(status, text=text, headers={"content-type": "text/html; charset=utf-8"})
