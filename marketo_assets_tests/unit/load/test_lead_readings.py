"""Leads as REST answers them become typed rows, with nothing lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime

from marketo_assets.api.answers import parse_object
from marketo_assets.load.lead_fields import register_fields
from marketo_assets.load.lead_readings import Reading, append_readings
from marketo_assets.load.lead_versions import fit_lead_tables
from marketo_assets.load.ledger import ensure_tables
from marketo_assets.warehouse import DuckDBConnection
from marketo_assets_tests.pipeline.handmade import lead_fields

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
KINDS = {"money": "currency", "count": "integer", "yes": "boolean", "day": "date", "share": "percent", "note": "string"}


def append(con: DuckDBConnection, leads: str, asked: tuple[int, ...]) -> tuple[int, int]:
    body = parse_object(f'{{"leads": [{leads}]}}'.encode())
    assert body is not None
    fields = lead_fields(KINDS)
    ensure_tables(con)
    registry = register_fields(con, fields, fields, NOW)
    fit_lead_tables(con, [registry.columns[field.name] for field in fields])
    return append_readings(con, [Reading(asked, NOW, body["leads"])], fields, registry, 5)


def test_values_keep_what_they_are(con: DuckDBConnection) -> None:
    """Numbers keep every digit, truths are truths, texts their signs; a field that is absent has no value."""
    leads = """{"id": 1, "money": 1234567890123456789.12345, "count": 9223372036854775807, "yes": false,
        "day": "2026-02-03", "share": 0.1, "note": "a\\n\\u2028\\ud83d\\ude00 \\u0000 null"}, {"id": 2, "note": null}"""

    assert (2, 0) == append(con, leads, (1, 2))
    rows = con.execute(
        "SELECT money::TEXT, count, yes, day::TEXT, share, note, _as_of, _source, _load_id "
        "FROM raw.lead_readings ORDER BY id"
    ).fetchall()
    assert [
        ("1234567890123456789.12345", 2**63 - 1, False, "2026-02-03", 0.1, "a\n\u2028\U0001f600 \0 null"),
        (None,) * 6,
    ] == [row[:6] for row in rows]
    assert [(NOW, "rest", 5)] * 2 == [row[6:] for row in rows]


def test_what_does_not_fit_is_kept(con: DuckDBConnection) -> None:
    """A value that is not of its field's type is no value in the row, and a rejected value with its text."""
    assert (1, 2) == append(con, '{"id": 1, "count": 1.5, "day": "soon", "note": {"a": [1]}}', (1,))
    assert [(None, None, '{"a": [1]}')] == con.execute("SELECT count, day, note FROM raw.lead_readings").fetchall()
    assert [(5, 1, "count", "1.5"), (5, 1, "day", "soon")] == con.execute(
        "SELECT * FROM meta.rejected_values ORDER BY field"
    ).fetchall()


def test_who_was_not_asked_for_and_who_does_not_come(con: DuckDBConnection) -> None:
    """A lead nobody asked for is left out, one that comes twice is there once, one that does not come is missing."""
    assert (1, 0) == append(con, '{"id": 1, "note": "first"}, {"id": 1, "note": "last"}, {"id": 9}', (1, 2))
    assert [(1, "last")] == con.execute("SELECT id, note FROM raw.lead_readings").fetchall()
    assert [(2, NOW, NOW, 5)] == con.execute("SELECT * FROM meta.missing_leads").fetchall()
