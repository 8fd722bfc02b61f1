"""The way of every call: token, limits, route, permission, parameters, answer. Marketo's errors at each step."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from marketo_assets.sandbox.damage import KINDS as DAMAGES
from marketo_assets.sandbox.damage import damaged
from marketo_assets.sandbox.envelope import FREE_CODES, ApiError, HttpError, failure, plain
from marketo_assets.sandbox.faults import Effects
from marketo_assets.sandbox.identity import ApiUser
from marketo_assets.sandbox.limits import Ticket
from marketo_assets.sandbox.parameters import FORM, content_type, read_body, read_form, read_json, read_pairs
from marketo_assets.sandbox.routing import Call, Route, Router
from marketo_assets.sandbox.state import Sandbox

IDENTITY = "/identity/oauth/token"
_GET_BY_FORM = ("_method", "GET")
_LOG = logging.getLogger("marketo_assets.sandbox")


class Gateway:
    """An ASGI application: everything but the control desk."""

    def __init__(self, sandbox: Sandbox, routes: list[Route]) -> None:
        self._sandbox = sandbox
        self._router = Router(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with the faults ordered for it."""
        request = Request(scope, receive)
        effects = self._sandbox.faults.draw(f"{request.method} {scope['path']}")
        body_fault = effects.first(*DAMAGES)
        if body_fault and body_fault.parameters.get("after_bytes", 0) is not None:
            send = damaged(send, body_fault)
        if revoked := effects.parameters("token_revoked"):
            self._sandbox.tokens.revoke(expired=str(revoked["code"]) == "602")
        if effects.first("paging_tokens_void"):
            self._sandbox.token_series += 1
        if scope["path"] == IDENTITY:
            await effects.delay()
            await (await self._identify(request, effects))(scope, receive, send)
        else:
            await self._serve(request, effects, send)

    async def _identify(self, request: Request, effects: Effects) -> Response:
        # Neither counted nor limited, says the identity Swagger file.
        self._sandbox.meter.tally.identity_calls += 1
        try:
            if request.method not in ("GET", "POST"):
                raise ApiError("605")
            asked = request.query_params.multi_items()
            if self._sandbox.switches.lenient and content_type(request) == FORM:
                asked += read_form(request, await read_body(request, self._sandbox.limits.body_bytes))
            return _instead(effects) or self._sandbox.tokens.answer(dict(asked))
        except ApiError as error:
            return self._refuse(error, self._sandbox.request_id(), None)
        except HttpError as error:
            return plain(error.http_status, error.text)

    async def _serve(self, request: Request, effects: Effects, send: Send) -> None:
        meter, request_id = self._sandbox.meter, self._sandbox.request_id()
        ticket: Ticket | None = None
        try:
            try:
                self._check_uri(request)
                user = self._sandbox.tokens.user_of(request.headers.get("authorization"))
                ticket = meter.arrive(user.user_id)
                meter.admit(ticket)
                response = await self._answer(request, user, request_id, effects)
            except ApiError as error:
                response = self._refuse(error, request_id, ticket)
            except HttpError as error:
                response = plain(error.http_status, error.text)
            except Exception:
                _LOG.exception("The sandbox itself failed at %s %s", request.method, request.scope["path"])
                meter.tally.own_failures += 1
                response = self._refuse(ApiError("611"), request_id, ticket)
            await response(request.scope, request.receive, send)
        finally:
            if ticket is not None:
                meter.leave()

    def _refuse(self, error: ApiError, request_id: str, ticket: Ticket | None) -> Response:
        self._sandbox.meter.count_error(error.code)
        if ticket is not None and error.code in FREE_CODES:
            self._sandbox.meter.refund(ticket)
        return failure(request_id, error.code, error.message)

    def _check_uri(self, request: Request) -> None:
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        size = len(raw) + len(request.scope["query_string"]) + 1
        limits = self._sandbox.limits
        is_asset = request.scope["path"].startswith("/rest/asset/")
        if size > (limits.asset_uri_bytes if is_asset else limits.uri_bytes):
            raise HttpError(414, "Request-URI Too Large")

    async def _answer(self, request: Request, user: ApiUser, request_id: str, effects: Effects) -> Response:
        await effects.delay()
        body = await read_body(request, self._sandbox.limits.body_bytes)
        is_lenient = self._sandbox.switches.lenient
        query = request.query_params.multi_items()
        is_form = content_type(request) == FORM
        if is_lenient and is_form and _GET_BY_FORM not in query and _GET_BY_FORM in read_form(request, body):
            query.append(_GET_BY_FORM)
        is_form_get = [value for name, value in query if name == "_method"] == ["GET"]
        route, path = self._router.find(request.method, request.scope["path"], is_form_get=is_form_get)
        self._sandbox.meter.tally.calls_by_route[route.label] += 1
        if instead := _instead(effects):
            return instead
        if route.permissions and not route.permissions & user.permissions:
            raise ApiError("603")
        call = Call(self._sandbox, request, route, user, request_id, effects, path)
        if route.by_form and request.method == "POST":
            query = [pair for pair in query if pair != _GET_BY_FORM] + read_form(request, body)
        elif route.takes_json or (route.takes_json_if_any and body):
            call.json = read_json(request, body)
        elif body and content_type(request) != "application/json":
            raise ApiError("612")
        call.parameters = read_pairs(query, route.parameters, is_lenient=is_lenient)
        return await route.handle(call)


def _instead(effects: Effects) -> Response | None:
    """Return the answer that a fault puts in the place of the true one."""
    fault = effects.first("error", "http", "not_json")
    if fault is None:
        return None
    told = fault.parameters
    if fault.kind == "error":
        raise ApiError(str(told["code"]), told["message"])
    if fault.kind == "http":
        return Response(told["body"], told["status"], media_type=told["content_type"])
    return Response(told["body"], media_type="application/json")
