"""The sandbox as an ASGI application: Marketo's addresses, and the control desk under `/sandbox`.

What it does not do. It holds no companies and no custom objects; of assets it tells what an extraction reads, not their
content, and nobody can write them but the control desk; it has no bulk import, no custom activities by REST, no
workspaces, no CRM, no schema endpoints, no gzip. What is not there answers 610, or 605 where the address takes another
method. Where Adobe's pages are silent it does what would catch a careless client, and where they contradict each other
a switch chooses (options.py). What it says proves something about a client, never about Marketo.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from marketo_assets.sandbox import (
    activity_routes,
    asset_routes,
    bulk_extract,
    control,
    custom_type_routes,
    describe,
    folder_routes,
    lead_routes,
    lead_write_routes,
    list_routes,
    member_routes,
    statistics,
)
from marketo_assets.sandbox.gateway import Gateway
from marketo_assets.sandbox.routing import Route
from marketo_assets.sandbox.server_date import ServerDate
from marketo_assets.sandbox.state import Sandbox


def create_app(sandbox: Sandbox) -> Starlette:
    """Return the application that answers for *sandbox*, to be served or called in process."""
    desk = Mount("/sandbox", routes=control.routes(sandbox))
    dated = Middleware(ServerDate, now=lambda: sandbox.clock.now())  # a reset brings another clock
    return Starlette(routes=[desk, Mount("/", Gateway(sandbox, marketo_routes()))], middleware=[dated])


def marketo_routes() -> list[Route]:
    """Return every operation of Marketo's that is answered here."""
    rooms = (describe, lead_routes, lead_write_routes, activity_routes, bulk_extract, folder_routes, asset_routes)
    more = (custom_type_routes, list_routes, member_routes, statistics)
    return [route for room in (*rooms, *more) for route in room.routes()]
