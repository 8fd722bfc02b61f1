"""An instance in this process, and the resources that reach it, for jobs and sensors in a Dagster of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.settings import Settings
from marketo_assets_tests.pipeline.road import Road, local_road


@pytest.fixture
def road(data_dir: Path) -> Iterator[Road]:
    with local_road(data_dir, leads=60) as made:
        yield made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def marketo(road: Road) -> MarketoResource:
    class LocalMarketo(MarketoResource):
        """The instance in this process."""

        def settings(self) -> Settings:
            return road.settings

        def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
            return MarketoClient.open(settings, transport=road.transport, is_backfill=is_backfill)

    return LocalMarketo()


@pytest.fixture
def warehouse(road: Road) -> WarehouseResource:
    class LocalWarehouse(WarehouseResource):
        """The folder of the road, in its time."""

        def settings(self) -> Settings:
            return road.settings

    return LocalWarehouse()
