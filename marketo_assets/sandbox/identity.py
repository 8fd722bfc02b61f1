"""Who is calling: custom services, their API users, and the tokens they hold.

Source: `GET|POST /identity/oauth/token`. A token belongs to one custom service; export jobs and statistics
belong to the API user behind it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.responses import JSONResponse

from marketo_assets.sandbox.clock import SandboxClock
from marketo_assets.sandbox.envelope import ApiError


@dataclass(frozen=True)
class ApiUser:
    """A custom service with the API-only user it acts as."""

    client_id: str
    client_secret: str = field(repr=False)
    user_id: str
    permissions: frozenset[str]


@dataclass
class Token:
    """An access token and its end."""

    text: str = field(repr=False)
    client_id: str
    expires_at: datetime
    is_revoked: bool = False
    was_refused: bool = False


class TokenDesk:
    """Gives tokens for credentials and users for tokens."""

    def __init__(self, clock: SandboxClock, random_source: random.Random, token_seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random_source
        self._token_seconds = token_seconds
        self.users: dict[str, ApiUser] = {}
        self.issued = 0
        self._newest: dict[str, Token] = {}
        self._tokens: dict[str, Token] = {}

    def answer(self, asked: Mapping[str, str]) -> JSONResponse:
        """Return the token answer, or HTTP 401 when what was *asked* is not right. Not counted by any limit."""
        user = self.users.get(asked.get("client_id", ""))
        if asked.get("grant_type") != "client_credentials" or set(asked) - {"grant_type", "client_id", "client_secret"}:
            return _unauthorized("invalid_request", "grant_type, client_id and client_secret are required")
        if user is None or user.client_secret != asked.get("client_secret"):
            return _unauthorized("unauthorized", "Bad client credentials")
        token = self._current(user)
        seconds = int((token.expires_at - self._clock.now()).total_seconds())
        return JSONResponse(
            {"access_token": token.text, "token_type": "bearer", "expires_in": seconds, "scope": user.user_id}
        )

    def user_of(self, authorization: str | None) -> ApiUser:
        """Return the user who holds the token in an Authorization header.

        Raises: ApiError 603 without a token, 602 at the first use after its end, 601 ever after and for any other text.
        """
        kind, _, text = (authorization or "").partition(" ")
        if kind != "Bearer" or not text:
            raise ApiError("603")
        token = self._tokens.get(text)
        if token is None or token.is_revoked or token.client_id not in self.users:
            raise ApiError("601")
        if token.expires_at <= self._clock.now():
            # Adobe's error-handling post: expired at the first use after the end, invalid at every later one.
            code = "601" if token.was_refused else "602"
            token.was_refused = True
            raise ApiError(code)
        return self.users[token.client_id]

    def revoke(self, client_id: str | None = None, *, expired: bool = False) -> int:
        """End every live token (of *client_id*) now and return how many: 601 from here on, or 602 once if *expired*."""
        now = self._clock.now()
        live = [
            token
            for token in self._tokens.values()
            if client_id in (None, token.client_id) and not token.is_revoked and token.expires_at > now
        ]
        for token in live:
            token.is_revoked = not expired
            token.expires_at = now
        return len(live)

    def _current(self, user: ApiUser) -> Token:
        token = self._newest.get(user.client_id)
        if token is None or token.is_revoked or token.expires_at <= self._clock.now():
            digits = f"{self._random.getrandbits(128):032x}"
            text = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}:sj"
            token = Token(text, user.client_id, self._clock.now() + timedelta(seconds=self._token_seconds()))
            self._newest[user.client_id] = self._tokens[text] = token
            self.issued += 1
        return token


def _unauthorized(error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, 401)
