"""Months of activities become one table and typed views: one row each, none lost, none shown in two ways."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.api.activities import ActivityAttribute, ActivityType
from marketo_assets.extract.activity_fields import EXPORTED
from marketo_assets.extract.windows import month_window
from marketo_assets.land.manifest import LandedFile
from marketo_assets.land.store import compress
from marketo_assets.load.activities import ActivityLoad, load_activities
from marketo_assets.load.file_reading import LoadError
from marketo_assets.warehouse import Warehouse
from marketo_assets_tests.pipeline.handmade import csv_text, published

MONTH, AS_OF = "2026-03", datetime(2026, 4, 2, 8, tzinfo=UTC)
CLICK = ActivityType(
    11,
    "Click Email",
    ActivityAttribute("Mailing ID", "integer"),
    (
        ActivityAttribute("Link"),
        ActivityAttribute("Link ID", "integer"),
        ActivityAttribute("Is Mobile Device", "boolean"),
        ActivityAttribute("Lead ID", "integer"),
        ActivityAttribute("Clicked At", "datetime"),
    ),
    "Clicks a link",
)
TYPES = (CLICK, ActivityType(100001, "click email!", None, (), None, "clickEmail"), ActivityType(12, "Types", None, ()))
Row = list[str | None]


def row(guid: str, attributes: str | None, *, lead: int = 7, kind: int = 11, at: str = "2026-03-05T10:00:00Z") -> Row:
    """Return a row of a file."""
    return [guid, str(lead), at, str(kind), "3", "71", "Spring, news", attributes, "succeeded"]


def land(
    data_dir: Path, rows: list[Row], *, as_of: datetime = AS_OF, types: tuple[ActivityType, ...] = TYPES
) -> LandedFile:
    """Return *rows* as `land_activity_export` would have landed them."""
    raw = csv_text([field.name for field in EXPORTED], rows).encode()
    folder = data_dir / "landing" / "activity_exports" / MONTH
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4()}.csv.zst"
    return LandedFile(
        partition=MONTH,
        path=path,
        export_id=path.name.partition(".")[0],
        request_hash="written by hand",
        window=month_window(MONTH),
        fields=EXPORTED,
        described=EXPORTED,
        records=len(rows),
        file_bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        stored_sha256=compress(io.BytesIO(raw), path)[1],
        as_of=as_of,
        landed_at=as_of,
        types=types,
    )


def load(data_dir: Path, landed: LandedFile, **more: int) -> ActivityLoad:
    """Return what was loaded of *landed*."""
    return load_activities(Warehouse(data_dir), landed, run_id="by-hand", now=landed.landed_at, **more)


def test_a_type_has_a_view_with_typed_attributes(data_dir: Path) -> None:
    """Names are snake case, types as declared, a name that is taken gets a suffix, and comments name the attribute."""
    told = '{"Link ID":21,"Link":"https://x/\\"a\\"","Is Mobile Device":true,"Lead ID":9,'
    told += '"Clicked At":"2026-03-05T09:00:00Z"}'
    load(data_dir, land(data_dir, [row("1", told), row("2", "null", kind=100001)]))

    query = "SELECT link, link_id, is_mobile_device, lead_id, lead_id_2, clicked_at FROM activity_click_email"
    assert [('https://x/"a"', 21, True, 7, 9, datetime(2026, 3, 5, 9, tzinfo=UTC))] == published(data_dir, query)
    assert [("2",)] == published(data_dir, "SELECT activity_guid FROM activity_click_email_2")
    assert [] == published(data_dir, "SELECT * FROM activity_types_2")
    comments = (
        "SELECT comment FROM duckdb_columns() "
        "WHERE schema_name = 'main' AND table_name = 'activity_click_email' AND column_name = ?"
    )
    assert [("Link ID (Marketo integer)",)] == published(data_dir, comments, "link_id")
    assert [("Mailing ID (Marketo integer)",)] == published(data_dir, comments, "primary_attribute_value")


def test_a_value_that_does_not_fit_stays_in_attributes(data_dir: Path) -> None:
    """The typed column is empty, the text is where it came, and nothing else of the row suffers."""
    load(data_dir, land(data_dir, [row("1", '{"Link ID":"twenty","Link":"a"}')]))

    query = "SELECT link, link_id FROM activity_click_email"
    assert [("a", None)] == published(data_dir, query)
    assert [("twenty",)] == published(data_dir, "SELECT attributes ->> 'Link ID' FROM activities")


def test_a_type_that_marketo_does_not_list_has_a_view_by_its_number(data_dir: Path) -> None:
    """Activities of unknown types are not lost; once Marketo lists the type, its view has its name."""
    load(data_dir, land(data_dir, [row("1", '{"a":1}', kind=777)]))
    assert [("1",)] == published(data_dir, "SELECT activity_guid FROM activity_type_777")

    later = ActivityType(777, "New Kind", None, (ActivityAttribute("a", "integer"),))
    load(data_dir, land(data_dir, [], as_of=AS_OF + timedelta(days=1), types=(*TYPES, later)))
    assert [(1,)] == published(data_dir, "SELECT a FROM activity_new_kind")
    assert [] == published(data_dir, "SELECT 1 FROM duckdb_views() WHERE view_name = 'activity_type_777'")


@pytest.mark.parametrize("is_newer_first", [False, True], ids=["in order", "newer first"])
def test_of_an_activity_that_comes_again_the_later_reading_stays(data_dir: Path, is_newer_first: bool) -> None:
    """A merge moves activities to the winner; whatever file is loaded last, the lead of the later reading is shown."""
    before = land(data_dir, [row("1", None, lead=7), row("2", None)])
    after = land(data_dir, [row("1", None, lead=8), row("2", None)], as_of=AS_OF + timedelta(days=1))
    for landed in (after, before) if is_newer_first else (before, after):
        load(data_dir, landed)

    assert [("1", 8), ("2", 7)] == published(data_dir, "SELECT activity_guid, lead_id FROM activities ORDER BY 1")


def test_an_activity_that_an_export_lacks_stays(data_dir: Path) -> None:
    """Marketo forgets; this table does not, unless the settings say so."""
    load(data_dir, land(data_dir, [row("1", None), row("1", None), row("2", None)]))
    again = load(data_dir, land(data_dir, [row("2", None)], as_of=AS_OF + timedelta(days=1)))
    assert (0, 1) == (again.rows, again.duplicates)
    assert [("1",), ("2",)] == published(data_dir, "SELECT activity_guid FROM activities ORDER BY 1")

    later = land(data_dir, [row("3", None, at="2026-06-01T00:00:00Z")], as_of=datetime(2026, 6, 2, tzinfo=UTC))
    assert 2 == load(data_dir, later, keep_months=2).forgotten
    assert [("3",)] == published(data_dir, "SELECT activity_guid FROM activities")


def test_stray_bytes_and_misfits_cost_no_row(data_dir: Path) -> None:
    """A number that is none and attributes that are no JSON are kept as rejected values; the row is there."""
    rows = [row("1", "{oops"), row("2", '{"Link":"a"}'), ["3", "7", "2026-03-05T10:00:00+0000", "11", "x", *[None] * 4]]
    told = load(data_dir, land(data_dir, rows))

    assert (3, 2) == (told.rows, told.rejected_values)
    found = published(data_dir, "SELECT activity_guid, campaign_id, attributes FROM activities ORDER BY 1")
    assert [("1", 3, "{}"), ("2", 3, '{"Link":"a"}'), ("3", None, "{}")] == found
    rejected = published(data_dir, "SELECT field, value FROM meta.rejected_values ORDER BY 1")
    assert [("attributes", "{oops"), ("campaignId", "x")] == rejected


def test_a_file_that_lacks_rows_is_not_loaded(data_dir: Path) -> None:
    """What Marketo counts must be there, or nothing changes."""
    landed = land(data_dir, [row("1", None)])
    short = LandedFile(**{**vars(landed), "records": 2})
    with pytest.raises(LoadError, match="Marketo reports 2 records"):
        load(data_dir, short)
