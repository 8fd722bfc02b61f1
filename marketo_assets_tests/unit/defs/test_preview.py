"""Previews and schemas show no person."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import zstandard

from marketo_assets.api.lead_database import LeadField
from marketo_assets.defs.preview import preview_export, preview_table
from marketo_assets.defs.privacy import MASK, is_personal, may_show
from marketo_assets.defs.table_columns import TableColumn, export_schema, table_schema
from marketo_assets.warehouse import Warehouse


def field(name: str, data_type: str) -> LeadField:
    return LeadField(name, name, data_type, None, None, is_read_only=False, is_crm_managed=False, is_searchable=False)


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        ("email", "email"),
        ("backupContact", "email"),
        ("reachMeAt", "phone"),
        ("firstName", "string"),
        ("dateOfBirth", "date"),
        ("personalTaxID__c", "integer"),
        ("Mobile_Number", "float"),
        ("postalCode", "string"),
        ("leadNotes", "text"),
    ],
)
def test_personal_fields_are_known_by_type_or_name(name: str, data_type: str) -> None:
    """A field is personal if its type is email or phone, or if its name says so, whatever its type."""
    assert is_personal(name, data_type)
    assert not may_show(name, data_type)


@pytest.mark.parametrize("data_type", ["string", "text", "url", "reference", "textarea", "array", "something new"])
def test_a_text_nobody_knows_is_masked(data_type: str) -> None:
    """When in doubt, a value is not shown."""
    assert not may_show("favouriteColour__c", data_type)


@pytest.mark.parametrize(
    ("name", "data_type"),
    [("leadScore", "score"), ("createdAt", "datetime"), ("emailInvalid", "boolean"), ("leadSource", "string")],
)
def test_plain_values_are_shown(name: str, data_type: str) -> None:
    """Numbers, moments, yes and no, and texts from short public lists say nothing about who somebody is."""
    assert may_show(name, data_type)


def test_the_preview_of_an_export_is_masked(tmp_path: Path) -> None:
    """The first ten rows of a landed file, personal values masked, missing ones left empty."""
    text = io.StringIO()
    rows = [[number, f"p{number}@example.com", "null", "a|b\nc", 7] for number in range(12)]
    csv.writer(text).writerows([["id", "email", "firstName", "leadSource", "leadScore"], *rows])
    path = tmp_path / "export.csv.zst"
    path.write_bytes(zstandard.compress(text.getvalue().encode()))
    kinds = {"id": "integer", "email": "email", "firstName": "string", "leadSource": "string", "leadScore": "score"}

    lines = preview_export(path, [field(name, kind) for name, kind in kinds.items()]).splitlines()

    assert "| id | email | firstName | leadSource | leadScore |" == lines[0]
    assert f"| 0 | {MASK} |  | a\\|b c | 7 |" == lines[2]
    assert 12 == len(lines)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"id,leadSource\n1,\xff\xfe\n", "| 1 | \ufffd\ufffd |", id="bytes that are not UTF-8"),
        pytest.param(b'id,leadSource\n1,"' + b"x" * 200_000, "the first rows cannot be shown", id="a cell of 200,000"),
        pytest.param(b"", "the first rows cannot be shown", id="no byte at all"),
    ],
)
def test_a_preview_never_fails_a_landed_file(tmp_path: Path, content: bytes, expected: str) -> None:
    """What was paid for is landed; whether it can be read is the load's to say."""
    path = tmp_path / "export.csv.zst"
    path.write_bytes(zstandard.compress(content))

    preview = preview_export(path, [field("id", "integer"), field("leadSource", "string")])

    assert expected == preview.splitlines()[-1]


def test_an_empty_month_has_a_sentence_for_a_preview() -> None:
    """A month without leads has no file, and says so."""
    assert "nothing happened in this month" == preview_export(None, [])


def test_the_preview_of_a_table_is_masked(data_dir: Path) -> None:
    """Ten rows of a table, lowest id first; only columns that may be shown leave their values."""
    columns = [
        TableColumn("id", "BIGINT", None, "id", "integer"),
        TableColumn('se"lect', "VARCHAR", None, "select", "string"),
        TableColumn("_load_id", "BIGINT", None),
    ]
    with Warehouse(data_dir).transaction() as con:
        con.execute(
            'CREATE TABLE main.shown AS SELECT 100 - i AS id, \'Ann\' AS "se""lect", 3 AS _load_id FROM range(99) t(i)'
        )
        lines = preview_table(con, "main.shown", columns).splitlines()

    assert [f"| {number} | {MASK} | 3 |" for number in range(2, 12)] == lines[2:]


def test_personal_columns_are_tagged() -> None:
    """The column schema says which columns are personal, which may be, and which are not."""
    kinds = {"id": "integer", "email": "email", "note2": "text", "colour": "string", "leadScore": "score"}
    expected = {
        "id": {},
        "email": {"pii": "yes"},
        "note2": {"pii": "yes"},
        "colour": {"pii": "possible"},
        "leadScore": {},
    }

    exported = export_schema([field(name, kind) for name, kind in kinds.items()], of="lead_exports")
    table = table_schema([TableColumn(name, "VARCHAR", None, name, kind) for name, kind in kinds.items()], unique="id")

    assert expected == {column.name: column.tags for column in exported.columns}
    assert expected == {column.name: column.tags for column in table.columns}
    assert ["id"] == [column.name for column in table.columns if column.constraints.unique]
