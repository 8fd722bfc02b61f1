"""What is known about an endpoint from its path alone: its name in accounts and logs, and how long it may take."""

from __future__ import annotations

import re

CONNECT_SECONDS = 10.0
"""How long a connection may take to come about."""

# Above Adobe's own server-side timeouts (developer guide, "Performance"): where the client gives up first, the
# outcome of a write is unknown without need. Bulk endpoints and program members have no documented timeout.
_TIMEOUTS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern), seconds)
    for pattern, seconds in (
        (r"^/identity/", 30.0),
        (r"^/bulk/", 120.0),
        (r"^/rest/asset/", 330.0),
        (r"^/rest/v1/activities/pagingtoken", 330.0),
        (r"^/rest/v1/activities/external", 105.0),
        (r"^/rest/v1/leads/\d+/merge", 195.0),
        (r"^/rest/v1/leads(/push)?\.json", 105.0),
        (r"^/rest/v1/leads/(partitions|\d+/associate)", 75.0),
        (r"^/rest/v1/lists?/", 75.0),
        (r"^/rest/v1/customobjects", 135.0),
        (r"^/rest/v1/namedaccounts", 135.0),
        (r"^/rest/v1/(namedAccountList|companies|opportunities|salespersons)", 75.0),
        (r"^/rest/v1/programs/", 120.0),
    )
)
_DEFAULT_SECONDS = 45.0
_ID = re.compile(r"(?<=/)(\d+|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})(?=/|\.json|$)")
_EXPORT_ID = re.compile(r"(?<=/export/)[^/]+(?=/)")


def timeout_seconds(path: str) -> float:
    """Return how long an answer to *path* may take, in the machine's seconds; always above Marketo's own limit."""
    return next((seconds for pattern, seconds in _TIMEOUTS if pattern.match(path)), _DEFAULT_SECONDS)


def route_of(path: str) -> str:
    """Return *path* with ids replaced, so that calls can be counted per endpoint."""
    return _ID.sub("{id}", _EXPORT_ID.sub("{id}", path))
