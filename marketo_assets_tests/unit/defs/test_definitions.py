"""What Dagster is shown: names are public, so a change here is a decision."""

from __future__ import annotations

import dagster as dg
import pytest

from marketo_assets.definitions import defs
from marketo_assets.models.fivetran_layout import LAYOUT
from marketo_assets.models.reference_tables import TABLES

CHANGES = ["marketo/raw/lead_changes", "marketo/raw/lead_deletions", "marketo/raw/lead_merges"]
REFERENCE = list(TABLES)
ASSETS = {
    **{key: ["marketo_api/leads"] for key in CHANGES},
    "marketo/raw/lead_changes": ["marketo_api/lead_fields", "marketo_api/leads"],
    "landing/activity_exports": ["marketo_api/activities"],
    "landing/activity_polls": ["marketo_api/activities"],
    "marketo/activities": ["landing/activity_exports"],
    "marketo/activities_with_leads": ["landing/activity_polls", "marketo/activities", "marketo/leads"],
    "marketo/activity_attributes": ["landing/activity_polls", "marketo/activities"],
    "marketo/activity_types": ["landing/activity_polls", "marketo/activities"],
    "marketo_api/activities": [],
    "landing/lead_exports": ["marketo_api/lead_fields", "marketo_api/leads"],
    "landing/lead_ids": ["marketo_api/leads"],
    "landing/lead_updates": ["marketo_api/lead_fields", "marketo_api/leads"],
    "marketo/lead_fields": ["marketo/raw/lead_snapshots"],
    "marketo/deleted_leads": [*CHANGES, "marketo/raw/lead_snapshots"],
    "marketo/leads": ["landing/lead_ids", "landing/lead_updates", *CHANGES, "marketo/raw/lead_snapshots"],
    "marketo/lead_history": [*CHANGES, "marketo/raw/lead_snapshots"],
    "marketo/meta/api_usage": ["marketo/leads"],
    "marketo/meta/coverage_gaps": ["marketo/leads"],
    "marketo/meta/audits": ["marketo/leads"],
    "marketo/meta/export_jobs": ["marketo/leads"],
    "marketo/meta/loads": ["marketo/leads"],
    "marketo/meta/rejected_values": ["marketo/leads"],
    "marketo/meta/repairs": ["marketo/leads"],
    "marketo/meta/schema_changes": ["marketo/leads"],
    "marketo/meta/watermarks": ["marketo/leads"],
    "marketo/raw/lead_snapshots": ["landing/lead_exports"],
    "marketo_api/lead_fields": [],
    "marketo_api/leads": [],
    "marketo_api/reference_objects": [],
    "landing/reference": ["marketo_api/reference_objects"],
    "marketo/raw/reference_versions": ["landing/reference"],
    **{f"marketo/{name}": ["marketo/raw/reference_versions"] for name in REFERENCE},
    **{
        f"marketo/fivetran_marketo/{name}": sorted(f"marketo/{source}" for source in layout.sources)
        for name, layout in LAYOUT.items()
    },
    "marketo_api/memberships": [],
    "marketo/program_members": ["marketo/programs", "marketo_api/memberships"],
    "marketo/static_list_members": ["marketo/static_lists", "marketo_api/memberships"],
}
CHECKS = {
    "marketo/activities": [
        "leads_known",
        "listed_types",
        "nothing_falls_off",
        "unique_activities",
        "values_fit_their_type",
    ],
    "landing/activity_exports": ["no_long_waits"],
    "landing/lead_exports": ["no_long_waits"],
    "landing/lead_ids": ["agrees_with_marketo"],
    "marketo/leads": ["has_every_lead", "months_repaired", "unique_ids"],
    "marketo/program_members": ["not_suddenly_empty", "read_whole", "unique_members"],
    "marketo/static_list_members": ["not_suddenly_empty", "read_whole", "unique_members"],
    "marketo/raw/lead_changes": ["nothing_unseen", "unique_changes"],
    "marketo/raw/lead_deletions": ["gone_or_here", "known_leads", "unique_deletions"],
    "marketo/raw/lead_merges": ["one_winner"],
    "marketo/raw/reference_versions": [
        "not_suddenly_empty",
        "objects_are_read",
        "unique_objects",
        "values_fit_their_type",
    ],
    "marketo/raw/lead_snapshots": [
        "created_inside_month",
        "landed_equals_loaded",
        "values_fit_their_type",
    ],
}
PARTITIONED = [
    "landing/activity_exports",
    "landing/lead_exports",
    "marketo/activities",
    "marketo/raw/lead_snapshots",
]

KINDS_WITH_ICONS = {"source", "csv", "file", "duckdb"}
"""Of those that Dagster 1.13 draws, the ones that are used here."""

GRAPH = defs.resolve_asset_graph()


def address(key: dg.AssetKey) -> str:
    return "/".join(key.path)


def test_asset_keys_and_what_they_come_from() -> None:
    """Asset keys are addresses in the published file, and the graph begins at Marketo."""
    found = {address(node.key): sorted(map(address, node.parent_keys)) for node in GRAPH.asset_nodes}

    assert ASSETS == found


def test_jobs_sensors_and_resources() -> None:
    """The names that people and scripts use."""
    assert {
        "lead_snapshots",
        "lead_changes",
        "lead_sweep",
        "lead_audit",
        "activities",
        "activity_polls",
        "reference",
        "program_members",
        "list_members",
    } == {job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")}
    assert [
        "published_tables_sensor",
        "export_quota_gate",
        "failure_alerts",
        "lead_changes_sensor",
        "activities_sensor",
    ] == [sensor.name for sensor in defs.sensors or ()]
    assert [
        "lead_sweep_nightly",
        "lead_audit_weekly",
        "reference_daily",
        "program_members_nightly",
        "list_members_nightly",
    ] == [schedule.name for schedule in defs.schedules or ()]
    assert ["marketo", "warehouse"] == sorted(defs.resources or ())


def test_checks() -> None:
    """Each table carries the checks that the README promises."""
    found: dict[str, list[str]] = {}
    for key in sorted(GRAPH.asset_check_keys):
        found.setdefault(address(key.asset_key), []).append(key.name)

    assert CHECKS == found


def test_what_is_partitioned() -> None:
    """Exports and their rows are kept by month; what people read is one table."""
    assert PARTITIONED == sorted(address(node.key) for node in GRAPH.asset_nodes if node.is_partitioned)


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_explains_itself(name: str) -> None:
    """Every asset says its grain; what is not Marketo's, where it comes from, when and at what cost; who owns it."""
    node = GRAPH.get(dg.AssetKey(name.split("/")))
    promised = ["Grain"] if name.startswith("marketo_api/") else ["Grain", "Source", "Refresh", "Cost"]

    assert [] == [word for word in promised if f"**{word}:**" not in (node.description or "")]
    assert node.group_name in ("marketo", "leads", "activities", "reference", "bookkeeping", "fivetran")
    assert node.kinds & KINDS_WITH_ICONS
    assert ["team:data"] == list(node.owners)


NEVER_MADE = ("marketo_api/", "marketo/fivetran_marketo/")
"""What the graph shows, and no run makes."""


@pytest.mark.parametrize("name", [key for key in ASSETS if key not in PARTITIONED and not key.startswith(NEVER_MADE)])
def test_every_table_says_when_it_is_stale(name: str) -> None:
    """What is not kept by month has an age from which its page warns."""
    policy = GRAPH.get(dg.AssetKey(name.split("/"))).freshness_policy

    assert policy is not None


def test_what_people_read_follows_by_itself() -> None:
    """Tables that no load or capture writes itself are brought up by automation, with no trigger made by hand."""
    behind = ("landing/", "marketo/raw/", *NEVER_MADE)
    made_by_hand = {"marketo/activities", "marketo/program_members", "marketo/static_list_members"}
    waiting = {
        address(node.key)
        for node in GRAPH.asset_nodes
        if node.automation_condition is None and not address(node.key).startswith(behind)
    }

    assert made_by_hand == waiting


def test_only_exports_take_a_place_in_the_pool() -> None:
    """Sweeps and audits export too; loads wait for the file lock, not for export slots, and lists are read by pages."""
    members = ("marketo/program_members", "marketo/static_list_members")
    keys = [dg.AssetKey(path.split("/")) for path in (*PARTITIONED, *members)]
    pools = {key: defs.resolve_assets_def(key).op.pool for key in keys}

    assert {
        "landing/activity_exports": "marketo_export",
        "landing/lead_exports": "marketo_export",
        "marketo/activities": None,
        "marketo/program_members": "marketo_export",
        "marketo/raw/lead_snapshots": None,
        "marketo/static_list_members": None,
    } == {address(key): pool for key, pool in pools.items()}


def test_steps_share_their_run_process() -> None:
    """Each run is a process already, so steps run in it."""
    assert defs.resolve_job_def("lead_snapshots").executor_def is dg.in_process_executor


def test_the_launchpad_is_described() -> None:
    """Whatever a run of an asset can be told has a type, a default and a description."""
    job = defs.resolve_implicit_global_asset_job_def()
    fields = {
        f"{op.name}.{name}": field
        for op in job.all_node_defs
        if isinstance(op, dg.OpDefinition) and op.config_schema
        for name, field in getattr(op.config_schema.config_type, "fields", {}).items()
    }

    assert {"landing__lead_exports.refresh", "landing__reference.refresh"} <= set(fields)
    assert [] == [name for name, field in fields.items() if not (field.description and field.default_provided)]


def test_columns_of_the_fivetran_layout_say_whose_they_are() -> None:
    """Columns in which a person's data may stand are tagged there as well, and others are not."""
    spec = GRAPH.get(dg.AssetKey(["marketo", "fivetran_marketo", "activity_email_bounced"]))
    tagged = {column.name for column in spec.metadata["dagster/column_schema"].columns if column.tags.get("pii")}

    assert {"details", "email", "primary_attribute_value"} == tagged
