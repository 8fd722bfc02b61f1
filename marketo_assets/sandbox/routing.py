"""Which address is which operation, and what one call of it carries."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from marketo_assets.sandbox.envelope import ApiError, success
from marketo_assets.sandbox.identity import ApiUser
from marketo_assets.sandbox.parameters import Parameters

if TYPE_CHECKING:
    from marketo_assets.sandbox.faults import Effects
    from marketo_assets.sandbox.state import Sandbox


@dataclass(frozen=True)
class Route:
    """One operation of Marketo's API as this sandbox answers it."""

    method: str
    path: str
    """Address with `{name}` for its variable parts, as in Adobe's Swagger files."""
    handle: Callable[[Call], Awaitable[Response]]
    permissions: frozenset[str] = frozenset()
    """Any one of these opens the route; empty means that none is needed."""
    parameters: frozenset[str] = frozenset()
    """Query parameters it takes; any other is refused."""
    takes_json: bool = False
    """Whether the body must be JSON."""
    takes_json_if_any: bool = False
    """Whether a body, if there is one, must be JSON."""
    by_form: bool = False
    """Whether `POST …?_method=GET` with a form body stands for it."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression that its paths match."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))

    @property
    def label(self) -> str:
        """Method and address, the name under which calls are counted."""
        return f"{self.method} {self.path}"


@dataclass
class Call:
    """One admitted request, taken apart."""

    sandbox: Sandbox
    request: Request
    route: Route
    user: ApiUser
    request_id: str
    effects: Effects
    path: dict[str, str] = field(default_factory=dict)
    parameters: Parameters = field(default_factory=lambda: Parameters({}))
    json: dict[str, Any] = field(default_factory=dict)

    def success(self, result: Iterable[Any], **more: Any) -> JSONResponse:
        """Return the lead database's answer that carries *result*."""
        has_empty_lists = self.sandbox.switches.empty_lists
        return success(self.request_id, list(result), has_empty_lists=has_empty_lists, **more)

    def done(self, **more: Any) -> JSONResponse:
        """Return the lead database's answer that has no result at all."""
        has_empty_lists = self.sandbox.switches.empty_lists
        return success(self.request_id, None, has_empty_lists=has_empty_lists, **more)


class Router:
    """Finds the operation for a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)

    def find(self, method: str, path: str, *, is_form_get: bool) -> tuple[Route, dict[str, str]]:
        """Return the route for *method* and *path* with the path's variable parts.

        Raises: ApiError 610 for an address nobody answers, 605 for another method on a known one.
        """
        if "//" in path:
            # Adobe: REST API announces that a double slash in gateway URLs is refused.
            raise ApiError("610")
        candidates = [(route, match) for route in self.routes if (match := route.pattern.fullmatch(path))]
        if not candidates:
            raise ApiError("610")
        wanted = "GET" if is_form_get and method == "POST" and any(r.by_form for r, _ in candidates) else method
        for route, match in candidates:
            if route.method == wanted:
                return route, match.groupdict()
        raise ApiError("605")
