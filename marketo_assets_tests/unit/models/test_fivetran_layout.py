"""The layout that dbt_marketo reads: every table by its name, every column by its name and type, read or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.load.activity_rows import ensure_activities
from marketo_assets.load.activity_types import ensure_types
from marketo_assets.load.columns import Column, snake_case
from marketo_assets.load.compaction import compact
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_versions import fit_lead_tables, widen_lead_column
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.models.activities import TypedColumn, TypedView, refresh_activities
from marketo_assets.models.fivetran import refresh_fivetran
from marketo_assets.models.runner import refresh_models
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.handmade import lead_fields

NOW = datetime(2026, 8, 15, tzinfo=UTC)
_ACTIVITY = (
    "id:s lead_id:i activity_date:t activity_type_id:i campaign_id:i primary_attribute_value:s "
    "primary_attribute_value_id:i _fivetran_synced:t"
)
_STEP = f"{_ACTIVITY} campaign_run_id:i choice_number:i email_template_id:i step_id:i"
_DEVICE = f"{_STEP} test_variant:i device:s is_mobile_device:b platform:s user_agent:s"
STAGED = {
    "lead": "id:i created_at:t updated_at:t _fivetran_synced:t",
    "lead_describe": (
        "id:i data_type:s display_name:s length:i restname:s restread_only:b soapname:s soapread_only:b "
        "_fivetran_synced:t"
    ),
    "activity_send_email": f"{_STEP} action_result:s",
    "activity_email_delivered": f"{_STEP} test_variant:i",
    "activity_email_bounced": f"{_STEP} test_variant:i category:i details:s email:s subcategory:i",
    "activity_open_email": _DEVICE,
    "activity_click_email": f"{_DEVICE} link:s link_id:s",
    "activity_unsubscribe_email": (
        f"{_ACTIVITY} campaign_run_id:i email_template_id:i client_ip_address:s form_fields:s query_parameters:s "
        "referrer_url:s test_variant:i user_agent:s webform_id:i webpage_id:i"
    ),
    "activity_change_data_value": (
        f"{_ACTIVITY} api_method_name:s modifying_user:s new_value:s old_value:s reason:s request_id:s source:s"
    ),
    "activity_delete_lead": f"{_ACTIVITY} campaign:s",
    "activity_merge_leads": f"{_ACTIVITY} master_updated:b merge_ids:s merge_source:s merged_in_sales:b",
    "campaign": (
        "id:i _fivetran_synced:t _fivetran_deleted:b active:b created_at:t description:s name:s program_id:i type:s "
        "updated_at:t workspace_name:s computed_url:s flow_id:i folder_id:i folder_type:s "
        "is_communication_limit_enabled:b is_requestable:b is_system:b max_members:i qualification_rule_type:s "
        "qualification_rule_interval:i qualification_rule_unit:s recurrence_start_at:t recurrence_end_at:t "
        "recurrence_interval_type:s recurrence_interval:i recurrence_weekday_only:b recurrence_day_of_month:i "
        "recurrence_day_of_week:s recurrence_week_of_month:i smart_list_id:i status:s"
    ),
    "program": (
        "id:i _fivetran_synced:t _fivetran_deleted:b channel:s created_at:t description:s end_date:t name:s sfdc_id:s "
        "sfdc_name:s start_date:t status:s type:s updated_at:t url:s workspace:s"
    ),
    "email_template_history": (
        "id:i _fivetran_synced:t created_at:t description:s folder_folder_name:s folder_id:i folder_type:s "
        "folder_value:i from_email:s from_name:s name:s operational:b program_id:i publish_to_msi:b reply_email:s "
        "status:s subject:s template:i text_only:b updated_at:t url:s version:i web_view:b workspace:s"
    ),
}
"""What the staging models of dbt_marketo 1.4 read of each table, and the type they give what is not there."""
_TYPES = {"s": "VARCHAR", "i": "BIGINT", "t": "TIMESTAMP", "b": "BOOLEAN"}


@pytest.fixture
def con(data_dir: Path) -> Iterator[DuckDBConnection]:
    with Warehouse(data_dir).held() as con:
        yield con


def refresh(con: DuckDBConnection) -> None:
    """Make every model, as a release does."""
    ensure_tables(con)
    compact(con)
    refresh_models(con)
    refresh_fivetran(con, refresh_activities(con))


def columns_of(con: DuckDBConnection) -> dict[str, dict[str, str]]:
    """Return the columns of each table of the layout with their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'fivetran_marketo'"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def staged(table: str) -> dict[str, str]:
    """Return the columns of *table* that dbt_marketo stages, with their types."""
    pairs = (told.split(":") for told in STAGED[table].split())
    return {name: _TYPES[kind] for name, kind in pairs}


def test_all_tables_are_there_before_anything_is_read(con: DuckDBConnection) -> None:
    """dbt finds every table with every column in the type it stages, and no row, also where nothing was read yet."""
    refresh(con)

    found = columns_of(con)
    for table in STAGED:
        assert staged(table).items() <= found[table].items(), table
        assert [(0,)] == con.execute(f"SELECT count(*) FROM fivetran_marketo.{table}").fetchall()


def test_tables_and_columns_explain_themselves(con: DuckDBConnection) -> None:
    """Every table says what its rows are, and every column what it holds."""
    fill(con)
    refresh(con)

    where = "WHERE schema_name = 'fivetran_marketo' AND coalesce(comment, '') = ''"
    assert [] == con.execute(f"SELECT view_name FROM duckdb_views() {where}").fetchall()
    assert [] == con.execute(f"SELECT table_name, column_name FROM duckdb_columns() {where}").fetchall()


def fill(con: DuckDBConnection) -> None:
    """Put two leads and an unlisted type of activity there."""
    ensure_tables(con)
    fields = lead_fields({"leadScore": "integer", "lead_score": "string", "anonymousIP": "string", "Legacy__c": "date"})
    register_fields(con, fields, fields, NOW)
    con.execute(
        "CREATE TABLE raw.lead_snapshots AS SELECT *, TIMESTAMPTZ '2026-08-15 01:02:03+02' AS _as_of, "
        "_as_of AS createdAt, _as_of AS updatedAt FROM (VALUES "
        "(1, 7, 'seven', '10.0.0.1', DATE '2020-02-29', '2026-06', 'bulk export', 1), "
        "(2, NULL, NULL, NULL, NULL, '2026-06', 'bulk export', 1)) "
        'AS t(id, leadScore, lead_score, anonymousIP, "Legacy__c", _partition, _source, _load_id)'
    )
    ensure_activities(con)
    ensure_types(con)
    con.execute(
        "INSERT INTO main.activities (activity_guid, lead_id, activity_date, activity_type_id, attributes, _as_of) "
        "VALUES ('a', 1, TIMESTAMPTZ '2026-08-14 23:30:00+00', 99, '{}', TIMESTAMPTZ '2026-08-15 00:00:00+00')"
    )


def test_leads_are_named_as_fivetran_names_them(con: DuckDBConnection) -> None:
    """REST names become snake case, moments UTC, and of two fields with one name the second gets a number."""
    fill(con)
    refresh(con)
    con.execute("SET TimeZone = 'America/Los_Angeles'")

    row = con.execute(
        "SELECT lead_score, lead_score_2, anonymous_ip, legacy_c, created_at, _fivetran_synced, _fivetran_deleted "
        "FROM fivetran_marketo.lead WHERE id = 1"
    ).fetchone()
    at = datetime(2026, 8, 14, 23, 2, 3)  # noqa: DTZ001
    assert (7, "seven", "10.0.0.1", datetime(2020, 2, 29).date(), at, at, False) == row  # noqa: DTZ001


@pytest.mark.parametrize(
    "name",
    ["id", "firstName", "anonymousIP", "SICCode", "leadScore2", "Foo__c", "ABC123", "SAP_CRM_Id", "x1Y", "mktoIPv6"],
)
def test_names_are_spelt_the_same_way_twice(con: DuckDBConnection, name: str) -> None:
    """What lead_describe_snake_case calls a field is what lead calls its column."""
    ensure_tables(con)
    fields = [replace(field, id=7) for field in lead_fields({name: "string"}) if field.name == name]
    register_fields(con, fields, fields, NOW)
    refresh(con)

    found = con.execute("SELECT restname FROM fivetran_marketo.lead_describe_snake_case").fetchall()
    assert [(snake_case(name),)] == found


def test_a_lead_that_is_gone_stays_and_says_so(con: DuckDBConnection) -> None:
    """Deleted leads have a row with what they were last, one among deletions, and merged ones name the winner."""
    fill(con)
    con.execute("INSERT INTO raw.lead_merges VALUES ('m', 2, 1, TIMESTAMPTZ '2026-08-15 02:00:00+00', 'r', 9)")
    con.execute("DELETE FROM raw.lead_snapshots WHERE id = 2")
    refresh(con)

    query = "SELECT id, _fivetran_deleted FROM fivetran_marketo.lead ORDER BY id"
    assert [(1, False), (2, True)] == con.execute(query).fetchall()
    assert [(2, 1)] == con.execute("SELECT merged_lead, into_lead FROM fivetran_marketo.merged_lead").fetchall()
    assert [(2,)] == con.execute("SELECT lead_id FROM fivetran_marketo.activity_delete_lead").fetchall()
    merges = "SELECT id, lead_id, merge_ids, activity_type_id FROM fivetran_marketo.activity_merge_leads"
    assert [("m", 1, "[2]", 32)] == con.execute(merges).fetchall()


def test_changes_that_only_polls_told_are_there(con: DuckDBConnection) -> None:
    """A change has a row for each field, under a key that no other row has."""
    fill(con)
    told = "'c', 1, TIMESTAMPTZ '2026-08-15 02:00:00+00', 13"
    con.execute(
        f"INSERT INTO raw.lead_changes VALUES ({told}, 'leadScore', '6', '7', 'why', 'api', 5, 'r', 9), "
        f"({told}, 'anonymousIP', NULL, '10.0.0.1', 'why', 'api', 5, 'r', 9), "
        "('n', 1, TIMESTAMPTZ '2026-08-15 02:00:00+00', 12, NULL, NULL, NULL, NULL, NULL, NULL, 'r', 9)"
    )
    refresh(con)

    rows = con.execute(
        "SELECT id, primary_attribute_value, old_value, new_value, reason FROM "
        "fivetran_marketo.activity_change_data_value ORDER BY id"
    ).fetchall()
    expected = [
        ("c-anonymousIP", "Anonymousip", None, "10.0.0.1", "why"),
        ("c-leadScore", "Leadscore", "6", "7", "why"),
    ]
    assert [row[:1] + row[2:] for row in expected] == [row[:1] + row[2:] for row in rows]


def test_nothing_is_made_anew_without_need(con: DuckDBConnection) -> None:
    """Views stay as long as their columns do; a new field and a type that is no longer met are followed."""
    fill(con)
    refresh(con)
    query = "SELECT view_name, view_oid FROM duckdb_views() WHERE schema_name = 'fivetran_marketo'"
    before = dict(con.execute(query).fetchall())
    refresh(con)
    assert before == dict(con.execute(query).fetchall())
    assert "activity_type_99" in before

    fit_lead_tables(con, [Column("colour", "colour", "VARCHAR")])
    con.execute("DELETE FROM main.activities")
    refresh(con)
    after = dict(con.execute(query).fetchall())
    assert {"lead", "activity_type_99"} == {name for name, oid in before.items() if after.get(name) != oid}
    assert "colour" in columns_of(con)["lead"]


def test_odd_names_stop_no_release(con: DuckDBConnection) -> None:
    """Attributes and fields may be called what the layout calls something else, or what no language spells alike."""
    fill(con)
    odd = ("id", "ID_2", "_fivetran_synced", "action_result", "Email_Template_Id", "größe", "select", "lead_id", "a b")
    columns = tuple(TypedColumn(name, f'{name} "of" it', "datetime", False) for name in odd)
    fit_lead_tables(con, [Column(name, name, "VARCHAR") for name in ("Größe", "gr_e", "ß", "_fivetran_synced", "ID2")])
    refresh(con)
    refresh_fivetran(
        con, [TypedView(name, 99, "Odd.", None, columns) for name in ("activity_odd", "activity_send_email")]
    )

    for table in ("activity_odd", "activity_send_email"):
        assert [("a", 1)] == con.execute(f"SELECT id, lead_id FROM fivetran_marketo.{table}").fetchall()
    assert [(2,)] == con.execute("SELECT count(*) FROM (SELECT * FROM fivetran_marketo.lead)").fetchall()
    names = [name.lower() for table in columns_of(con).values() for name in table]
    assert len(columns_of(con)["lead"]) == len({name.lower() for name in columns_of(con)["lead"]})
    assert "" not in names


def test_a_column_that_got_wider_is_followed(con: DuckDBConnection) -> None:
    """Where a field no longer fits its type, the layout shows it in the new one."""
    fill(con)
    refresh(con)
    widen_lead_column(con, "leadScore", "BIGINT", "VARCHAR")
    refresh(con)

    assert [("7",)] == con.execute("SELECT lead_score FROM fivetran_marketo.lead WHERE id = 1").fetchall()
