"""A warehouse that an older version left: brought into today's shape at the next step, with nothing asked again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from marketo_assets.warehouse import DuckDBConnection
from marketo_assets_tests.pipeline.member_road import (
    begin,
    capture_lists,
    capture_members,
    wrong_lists,
    wrong_members,
)
from marketo_assets_tests.pipeline.road import Recording, Road

MONTHS = ("2026-06", "2026-07", "2026-08")
SNAPSHOTS = "SELECT * EXCLUDE _load_id FROM raw.lead_snapshots ORDER BY id"
# Snapshots and readings were tables; whatever was not shown stood in meta.superseded_rows, for ever.
OLDER = """
CREATE TABLE hidden AS FROM meta.superseded_rows UNION ALL SELECT id, _load_id FROM raw.past_lead_versions;
CREATE TABLE snapshots AS FROM raw.lead_snapshots;
CREATE TABLE readings AS FROM raw.lead_readings;
DROP VIEW raw.lead_snapshots; DROP VIEW raw.lead_readings; DROP VIEW main.deleted_leads; DROP TABLE main.leads;
DROP TABLE raw.past_lead_versions; DROP TABLE raw.lead_differences;
CREATE TABLE raw.lead_snapshots AS FROM snapshots;
CREATE TABLE raw.lead_readings AS FROM readings;
UPDATE raw.lead_snapshots SET company = '' WHERE company IS NULL;
DELETE FROM meta.superseded_rows;
INSERT INTO meta.superseded_rows FROM hidden;
DROP TABLE hidden; DROP TABLE snapshots; DROP TABLE readings;
CREATE VIEW main.leads AS SELECT * FROM raw.lead_snapshots UNION ALL BY NAME SELECT * FROM raw.lead_readings;
CREATE VIEW main.deleted_leads AS SELECT * FROM raw.lead_snapshots LIMIT 0;
"""


def make_older(con: DuckDBConnection) -> None:
    for statement in OLDER.strip().rstrip(";").split(";"):
        con.execute(statement)


def load_again(road: Road) -> None:
    road.load(MONTHS[0])
    road.publish()


def capture_again(road: Road) -> None:
    road.capture()
    road.publish()


STEPS: dict[str, tuple[Callable[[Road], object], bool]] = {
    "publish": (Road.publish, False),
    "load": (load_again, False),
    "capture": (capture_again, True),
}


@pytest.mark.parametrize(("step", "may_ask"), STEPS.values(), ids=STEPS.keys())
def test_the_next_step_converts(road: Road, step: Callable[[Road], object], may_ask: bool) -> None:
    """Whichever step comes first, leads and snapshots are as they were, and Marketo is not asked for leads again."""
    road.travel(*MONTHS)
    first, second, third = (row[0] for row in road.query("SELECT id FROM main.leads ORDER BY id LIMIT 3"))
    for changes in ([{"edit": first, "values": {"firstName": "Edited"}}, {"delete": second}], [{"delete": third}]):
        road.desk("POST", "/changes", changes=changes)
        road.settings.clock.sleep(60)
        road.capture()
    road.publish()
    snapshots = road.query(SNAPSHOTS)
    with road.warehouse.transaction() as con:
        make_older(con)
    assert isinstance(road.transport, Recording)
    asked = len(road.transport.calls())
    step(road)

    assert [] == road.differences()
    assert [second, third] == [row[0] for row in road.query("SELECT id FROM main.deleted_leads ORDER BY id")]
    assert snapshots == road.query(SNAPSHOTS)
    assert [(0,)] == road.query("SELECT count(*) FROM meta.superseded_rows")
    later = road.transport.calls()[asked:]
    assert [] == [call for call in later if call.path.endswith("v1/leads.json") or "bulk" in call.path]
    assert may_ask or not later


def test_readings_of_members_are_converted(road: Road) -> None:
    """What an earlier version knows of programs and lists gets the column that it lacks, and is not read again."""
    begin(road)
    for capture in (capture_members, capture_lists):
        capture(road)
    road.publish()
    with road.warehouse.transaction() as con:
        con.execute("ALTER TABLE meta.member_readings DROP COLUMN empty_since")
    road.settings.clock.sleep(3600)

    assert 0 == capture_members(road).read_whole
    assert ([], []) == (wrong_members(road), (capture_lists(road), wrong_lists(road))[1])
