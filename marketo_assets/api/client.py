"""The way to Marketo: sign in, take a reservation, ask, read the answer, and repeat what may be repeated.

Whether to repeat is a property of the error, not of the caller. Writes whose outcome is unknown are never replayed;
a token that is refused is renewed once, outside the count of tries.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from marketo_assets.api.answers import Answer, read_answer
from marketo_assets.api.auth import Auth, Token
from marketo_assets.api.codes import FREE_CODES, leaves_outcome_unknown
from marketo_assets.api.errors import (
    ConcurrencyLimited,
    DailyQuotaSpent,
    ExportQuotaSpent,
    GarbledAnswer,
    MarketoError,
    OutcomeUnknown,
    RateLimited,
    SignInAgain,
    Unreachable,
    UnreadableAnswer,
    WrongInstance,
)
from marketo_assets.api.limits import Ledger, Limits, Reservation
from marketo_assets.api.redact import Spoken
from marketo_assets.api.retrying import Patience
from marketo_assets.api.routes import route_of, timeout_seconds
from marketo_assets.api.usage import learn_usage
from marketo_assets.api.wire import build_request, open_http, translated
from marketo_assets.clock import Clock
from marketo_assets.settings import Secret, Settings

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Ask:
    """One call as it is to be made."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_repeatable: bool = True
    """Whether making it twice does no more than making it once."""

    @property
    def spoken(self) -> Spoken:
        """What of this call an error message must be careful with."""
        values = [self.params.get(name, "") for name in ("filterValues", "cookie")]
        names = [self.params.get(name, "") for name in ("fields", "filterType")]
        if isinstance(self.json, Mapping):
            names += [*self.json.get("fields", ()), *self.json.get("filter", ())]
        return Spoken(
            tuple(value for text in values for value in text.split(",") if value),
            frozenset(name for text in names for name in text.split(",") if name),
        )


class MarketoClient:
    """A Marketo instance, asked politely; threads may share one.

    **Cost:** each call takes one reservation from *ledger*; signing in takes none.
    **Guarantee:** no call is made beyond the limits of the ledger, and no write is made twice unknowingly.
    """

    def __init__(
        self,
        *,
        base_url: str,
        client_id: Secret,
        client_secret: Secret,
        ledger: Ledger,
        clock: Clock,
        transport: httpx.BaseTransport | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self.calls = 0
        """Calls made by this client so far; signing in is none."""
        self.heard_at: datetime | None = None
        """Marketo's own time, as its last answer told it: what is asked for now is read then or later."""
        self._patience = patience or Patience()
        self._counting = threading.Lock()
        self._http = open_http(base_url, connections=ledger.limits.concurrency + 1, transport=transport)
        self._auth = Auth(self._http, client_id=client_id, client_secret=client_secret, clock=clock)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        patience: Patience | None = None,
        is_backfill: bool = False,
    ) -> Self:
        """Return a client with the ledger that *settings* name; no call is made yet.

        A backfill, which can wait, leaves part of the limits to everybody else.
        """
        return cls(
            base_url=settings.base_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            ledger=Ledger(
                settings.ledger_path, Limits.from_settings(settings), settings.clock, is_backfill=is_backfill
            ),
            clock=settings.clock,
            transport=transport,
            patience=patience,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def api_user(self) -> str | None:
        """The API user that Identity named, once a call was made."""
        return self._auth.owner

    def close(self) -> None:
        """Close connections and ledger."""
        self._http.close()
        self.ledger.shut()

    def sign_in(self) -> None:
        """Return when the credentials were accepted. **Cost:** no call.

        Raises: BadCredentials, WrongInstance, Unreachable.
        """
        self._repeat(Ask("GET", "/identity/oauth/token"), self._auth.token)

    def get(self, path: str, params: Mapping[str, object] | None = None) -> Answer:
        """Return the answer to a GET; a long one for the Lead Database goes as POST with `_method=GET`.

        **Cost:** one call, and one for each repetition. Raises: MarketoError.
        """
        return self._answer(Ask("GET", path, _texts(params)))

    def post(
        self,
        path: str,
        json: object = None,
        params: Mapping[str, object] | None = None,
        *,
        is_repeatable: bool = False,
    ) -> Answer:
        """Return the answer to a POST; *is_repeatable* says that making it twice does no more than making it once.

        **Cost:** one call, and one for each repetition.
        Raises: OutcomeUnknown when it may have happened and cannot be repeated; any other MarketoError.
        """
        return self._answer(Ask("POST", path, _texts(params), json, is_repeatable=is_repeatable))

    def open_stream(
        self,
        path: str,
        headers: Mapping[str, str],
        read: Callable[[httpx.Response, Reservation], T],
        held: ExitStack,
    ) -> T:
        """Return what *read* makes of the answer's head; the body stays open, and its place taken, until *held* closes.

        Opening is repeated like any GET; reading on is the caller's business. **Cost:** one call for each try.
        """
        ask = Ask("GET", path, headers=headers)
        return self._repeat(ask, lambda: self._signed(ask, read, held))

    def _answer(self, ask: Ask) -> Answer:
        answer = self._repeat(
            ask, lambda: self._signed(ask, lambda response, _: read_answer(response, ask.spoken), None)
        )
        self.heard_at = answer.answered_at or self.heard_at
        if self.ledger.is_backfill and self.ledger.day.is_usage_wanted():
            learn_usage(self)
        return answer

    def _repeat(self, ask: Ask, once: Callable[[], T]) -> T:
        return self._patience.repeat(once, clock=self.clock, doing=f"{ask.method} {route_of(ask.path)}")

    def _signed(self, ask: Ask, read: Callable[[httpx.Response, Reservation], T], held: ExitStack | None) -> T:
        token = self._auth.token()
        try:
            return self._once(ask, token, read, held)
        except SignInAgain:
            self._auth.discard(token)
        token = self._auth.token()
        try:
            return self._once(ask, token, read, held)
        except SignInAgain as error:
            self._auth.discard(token)
            raise WrongInstance(
                "Marketo refused a token that it had just given out", error.code, error.request_id
            ) from error

    def _once(
        self,
        ask: Ask,
        token: Token,
        read: Callable[[httpx.Response, Reservation], T],
        held: ExitStack | None,
    ) -> T:
        headers = {**ask.headers, "Authorization": f"Bearer {token.value}"}
        request = build_request(self._http, ask.method, ask.path, params=ask.params, json=ask.json, headers=headers)
        route = route_of(ask.path)
        with ExitStack() as stack:
            place = self.ledger.call(route=route, timeout_seconds=timeout_seconds(ask.path))
            reservation = stack.enter_context(place)
            with self._counting:
                self.calls += 1
            try:
                with translated(f"asking {route}"):
                    response = self._http.send(request, stream=True)
                    stack.callback(response.close)
                    answer = read(response, reservation)
            except MarketoError as error:
                log.debug("%s %s -> %s, requestId %s", request.method, route, error.code, error.request_id)
                self._learn(error, reservation)
                unknown = None if ask.is_repeatable else _unknown_outcome(error, route)
                if unknown is None:
                    raise
                raise unknown from error
            request_id = getattr(answer, "request_id", None)
            log.debug("%s %s -> %s, requestId %s", request.method, route, response.status_code, request_id)
            if held is not None:
                held.push(stack.pop_all())
            return answer

    def _learn(self, error: MarketoError, reservation: Reservation) -> None:
        if error.code in FREE_CODES:
            reservation.refund()
        if isinstance(error, RateLimited | ConcurrencyLimited):
            self.ledger.back_off(error.after_seconds)
        elif isinstance(error, DailyQuotaSpent):
            error.resets_at = self.ledger.close_day()
        elif isinstance(error, ExportQuotaSpent):
            error.resets_at = self.ledger.exports.close()


def _unknown_outcome(error: MarketoError, route: str) -> OutcomeUnknown | None:
    was_sent = isinstance(error, Unreachable) and error.was_sent
    if was_sent or isinstance(error, UnreadableAnswer | GarbledAnswer) or leaves_outcome_unknown(error):
        return OutcomeUnknown(f"Whether {route} took effect is unknown: {error.message}", error.code, error.request_id)
    return None


def _texts(params: Mapping[str, object] | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (params or {}).items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return str(value)
