"""The road of reference objects: land, load, publish and compare, each step beginning with what lies on disk."""

from __future__ import annotations

from typing import Any

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.land.reference import Landing, land_reference
from marketo_assets.load.reference import ReadingLoad, load_reference, read_known
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.reference_truth import reference_differences


def land(road: Road, *, is_refresh: bool = False, transport: httpx.BaseTransport | None = None) -> Landing:
    """Return what one run lands, over another *transport* if one is given."""
    known = read_known(road.warehouse)
    with MarketoClient.open(road.settings, transport=transport or road.transport) as client:
        return land_reference(client, road.settings, known, log=road.log.append, is_refresh=is_refresh)


def load(road: Road) -> list[ReadingLoad]:
    """Return what every landed reading changed that was not loaded yet."""
    settings = road.settings
    return load_reference(
        road.warehouse, settings.landing_dir, run_id="a-run", now=settings.clock.now(), log=road.log.append
    )


def read(road: Road, *, is_refresh: bool = False) -> list[ReadingLoad]:
    """Land and load, and return what changed."""
    land(road, is_refresh=is_refresh)
    return load(road)


def reference_diff(road: Road, *tables: str) -> list[str]:
    """Publish, and return what differs between the *tables*, or all of them, and the instance."""
    road.publish()
    with road.reading() as con:
        return reference_differences(con, road.control, tables=tables)


def peek(road: Road, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on what is committed."""
    with road.warehouse.held() as con:
        return con.execute(sql).fetchall()
