"""What the pages of assets show once every job has run: columns with their meaning, personal data, numbers to plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.definitions import defs
from marketo_assets.defs.resources import MarketoResource, WarehouseResource
from marketo_assets.settings import Settings
from marketo_assets_tests.pipeline.road import Road, local_road

MONTH = "2026-08"
JOBS = (
    ("lead_snapshots", MONTH),
    ("activities", MONTH),
    ("reference", None),
    ("lead_changes", None),
    ("activity_polls", None),
    ("program_members", None),
    ("list_members", None),
    ("lead_sweep", None),
    ("lead_audit", None),
)
# Their files are of many kinds, or their rows lie elsewhere.
WITHOUT_COLUMNS = {"landing/reference", "landing/lead_ids", "landing/lead_updates", "landing/activity_polls"}
# Worked out when somebody asks; counting it would cost more than a release.
NOT_COUNTED = {"marketo/lead_history"}
ASKS_MARKETO = {
    "landing/activity_exports",
    "landing/activity_polls",
    "landing/lead_exports",
    "landing/lead_ids",
    "landing/lead_updates",
    "landing/reference",
    "marketo/program_members",
    "marketo/raw/lead_changes",
    "marketo/static_list_members",
}
EXPORTS = {"landing/activity_exports", "landing/lead_exports", "landing/lead_ids", "landing/lead_updates"}
PERSONAL = {
    "landing/lead_exports": {"email": "yes", "lastName": "yes"},
    "marketo/activities": {"attributes": "possible", "primary_attribute_value": "possible", "lead_id": None},
    "marketo/activities_with_leads": {"lead_email": "yes", "attributes": "possible", "lead_id": None},
    "marketo/deleted_leads": {"email": "yes", "id": None, "deleted_at": None},
    "marketo/emails": {"from_email": "possible", "subject": None},
    "marketo/lead_history": {"value": "possible", "field": None},
    "marketo/leads": {"email": "yes", "id": None, "createdAt": None, "_load_id": None},
    "marketo/meta/rejected_values": {"value": "possible"},
    "marketo/raw/lead_changes": {"old_value": "possible", "new_value": "possible", "lead_id": None},
    "marketo/raw/lead_snapshots": {"email": "yes", "_partition": None},
    "marketo/raw/reference_versions": {"record": "possible"},
}
MATERIALIZED = sorted("/".join(node.key.path) for node in defs.resolve_asset_graph().asset_nodes if node.is_executable)
Shown = Mapping[str, Mapping[str, Any]]


def resources_of(road: Road) -> dict[str, dg.ConfigurableResource[Any]]:
    """The instance in this process, and the folder of the road."""

    class LocalMarketo(MarketoResource):
        def settings(self) -> Settings:
            return road.settings

        def open_client(self, settings: Settings, *, is_backfill: bool = False) -> MarketoClient:
            return MarketoClient.open(settings, transport=road.transport, is_backfill=is_backfill)

    class LocalWarehouse(WarehouseResource):
        def settings(self) -> Settings:
            return road.settings

    return {"marketo": LocalMarketo(), "warehouse": LocalWarehouse()}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The metadata of each asset's last materialization, after every job has run once."""
    folder: Path = tmp_path_factory.mktemp("shown")
    with local_road(folder, leads=60) as road, dg.DagsterInstance.ephemeral() as instance:
        resources = resources_of(road)
        for name, month in JOBS:
            result = defs.resolve_job_def(name).execute_in_process(
                resources=resources, instance=instance, partition_key=month, raise_on_error=False
            )
            assert result.success, name
            if name == "lead_changes":
                lead = road.desk("GET", "/leads?fields=id")["leads"][0]["id"]
                road.desk("POST", "/changes", changes=[{"edit": lead, "values": {"leadScore": 7}}])
        events = {key: instance.get_latest_materialization_event(dg.AssetKey(key.split("/"))) for key in MATERIALIZED}
        yield {
            key: {name: value.value for name, value in event.asset_materialization.metadata.items()}
            for key, event in events.items()
            if event and event.asset_materialization
        }


def test_every_asset_belongs_to_a_job(shown: Shown) -> None:
    """Once every job has run, every asset has been materialized."""
    assert [] == [key for key in MATERIALIZED if key not in shown]


@pytest.mark.parametrize("key", [key for key in MATERIALIZED if key not in WITHOUT_COLUMNS])
def test_columns_are_explained(shown: Shown, key: str) -> None:
    """Every column has a type and a description."""
    schema = shown[key]["dagster/column_schema"]

    assert schema.columns
    assert [] == [column.name for column in schema.columns if not (column.type and column.description)]


@pytest.mark.parametrize("key", PERSONAL)
def test_personal_columns_are_tagged(shown: Shown, key: str) -> None:
    """Columns that hold a person's data, or may, say so; ids, times and our own do not."""
    tags = {column.name: column.tags.get("pii") for column in shown[key]["dagster/column_schema"].columns}

    assert PERSONAL[key] == {name: tags[name] for name in PERSONAL[key]}


@pytest.mark.parametrize("key", MATERIALIZED)
def test_numbers_have_the_same_names_everywhere(shown: Shown, key: str) -> None:
    """Rows, calls and bytes are numbers under one name each, so that their plots go on from run to run."""
    told = shown[key]
    wanted = {
        "calls": key in ASKS_MARKETO,
        "file_bytes": key in EXPORTS,
        "calls_left_today": key in ASKS_MARKETO,
        "export_mb_left_today": key in ASKS_MARKETO,
    }

    assert [] == [
        name for name, is_wanted in wanted.items() if is_wanted and not isinstance(told.get(name), int | float)
    ]
    if key not in NOT_COUNTED:
        rows = told.get("dagster/row_count", told.get("dagster/partition_row_count"))
        assert isinstance(rows, int)
