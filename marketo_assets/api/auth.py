"""The access token: fetched when needed, renewed before it ends, shared by the threads of a process.

Marketo answers with the same token until it expires, and with its remaining seconds, so a renewal can bring no more
than a few of them; then the token is used to its end.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from marketo_assets.api.answers import media_type, parse_object, status_error
from marketo_assets.api.errors import BadCredentials, MarketoError, SignInAgain, UnreadableAnswer, WrongInstance
from marketo_assets.api.wire import build_request, translated
from marketo_assets.clock import Clock
from marketo_assets.settings import Secret

log = logging.getLogger(__name__)

MARGIN = timedelta(seconds=60)
_TOO_SHORT = timedelta(seconds=5)
_PATH = "/identity/oauth/token"


@dataclass(frozen=True)
class Token:
    """An access token and how long it serves."""

    value: Secret = field(repr=False)
    """What the Authorization header carries."""
    expires_at: datetime
    """When Marketo stops accepting it."""
    renew_at: datetime
    """When to ask for another."""
    owner: str | None = field(default=None, repr=False)
    """The API user, under the name that the usage statistics give it."""


class Auth:
    """The token of one custom service. **Cost:** no call of any quota; one request an hour."""

    def __init__(self, http: httpx.Client, *, client_id: Secret, client_secret: Secret, clock: Clock) -> None:
        self._http = http
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._guard = threading.Lock()
        self._token: Token | None = None

    def token(self) -> Token:
        """Return a token that is accepted now, fetched if there is none or the present one ends soon.

        However many threads ask, one of them fetches.
        Raises: BadCredentials, WrongInstance, or TryAgain when Identity cannot be reached.
        """
        token = self._token
        if token is not None and self._clock.now() < token.renew_at:
            return token
        with self._guard:
            token = self._token
            if token is None or self._clock.now() >= token.renew_at:
                token = self._token = self._renewed()
            return token

    @property
    def owner(self) -> str | None:
        """The API user of the token at hand, if there is one and Identity named it."""
        return self._token.owner if self._token else None

    def discard(self, token: Token) -> None:
        """Forget *token*, which Marketo refused, unless another thread has replaced it already."""
        with self._guard:
            if self._token is not None and self._token.value == token.value:
                self._token = None

    def _renewed(self) -> Token:
        token = self._fetched()
        left = token.expires_at - self._clock.now()
        if left < _TOO_SHORT:
            # The old token again, in its last seconds: Marketo makes a new one only after it has expired.
            self._clock.sleep(max(left.total_seconds(), 0.0) + 1.0)
            token = self._fetched()
        return token

    def _fetched(self) -> Token:
        request = build_request(
            self._http,
            "GET",
            _PATH,
            params={
                "grant_type": "client_credentials",
                "client_id": str(self._client_id),
                "client_secret": str(self._client_secret),
            },
        )
        with translated("asking for a token"):
            response = self._http.send(request)
        token = _read(response, self._clock.now())
        log.debug("token fetched, good until %s", token.expires_at.isoformat())
        return token


def _read(response: httpx.Response, now: datetime) -> Token:
    body = parse_object(response.content) or {}
    value, seconds = body.get("access_token"), body.get("expires_in")
    if response.status_code == httpx.codes.OK and isinstance(value, str) and value:
        try:
            expires_at = now + timedelta(seconds=float(seconds))  # type: ignore[arg-type]  # checked by the except
        except (TypeError, ValueError, OverflowError):
            raise UnreadableAnswer("Identity sent a token without its lifetime") from None
        renew_at = expires_at - MARGIN
        owner = body.get("scope")
        return Token(
            Secret(value),
            expires_at,
            renew_at if renew_at > now else expires_at,
            owner if isinstance(owner, str) else None,
        )
    raise _refused(response, is_json=bool(body))


def _refused(response: httpx.Response, *, is_json: bool) -> MarketoError:
    status = response.status_code
    if status in (400, 401) and (is_json or status == 401):
        return BadCredentials(f"Marketo's Identity refused the client id and secret with HTTP {status}", str(status))
    error = status_error(response)
    if status == httpx.codes.OK or isinstance(error, SignInAgain) or status == 404:
        kind = media_type(response) or "no content type"
        return WrongInstance(f"No Marketo Identity answers at the base URL (HTTP {status}, {kind})", str(status))
    return error
