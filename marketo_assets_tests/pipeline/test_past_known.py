"""What can be known of the past, after things that no activity tells and after pauses; and that its judge sees harm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from marketo_assets_tests.past_truth import as_of_differences, history_differences, read_past, second
from marketo_assets_tests.pipeline.road import NOW, Road, local_road

MONTHS = ("2026-06", "2026-07", "2026-08")
AS_OF = "SELECT {} FROM main.leads_as_of(?) WHERE id = ?"


def test_a_company_edit(road: Road) -> None:
    """A company's new value has no activity: it counts from the reading that found it, and what was before is kept."""
    road.travel(*MONTHS)
    ((lead_id, key, before),) = road.query(
        "SELECT id, company, numberOfEmployees FROM main.leads WHERE company IS NOT NULL ORDER BY id LIMIT 1"
    )
    road.desk("POST", "/changes", changes=[{"company": key, "by": "company", "values": {"numberOfEmployees": 4711}}])
    road.settings.clock.sleep(600)
    landed = road.travel(*MONTHS, is_refresh=True)
    read_at = max(one.as_of for one in landed)
    history = road.query(
        "SELECT value, valid_to IS NULL, _evidence FROM main.lead_history "
        "WHERE lead_id = ? AND field = 'numberOfEmployees' ORDER BY valid_from",
        lead_id,
    )
    found = [road.query(AS_OF.format("numberOfEmployees"), at, lead_id) for at in (NOW + timedelta(minutes=5), read_at)]

    assert [(None if before is None else str(before), False, "reading"), ("4711", True, "reading")] == history
    assert [[(before,)], [(4711,)]] == found


def test_a_month_is_exported_again_before_a_release(road: Road) -> None:
    """What a capture found changed in silence is told although the month it was compared with is replaced at once."""
    (lead, *_) = road.desk("GET", "/leads?fields=id,createdAt")["leads"]
    steps = [
        {"edit": lead["id"], "values": {"externalCompanyId": "C-000001"}},
        {"company": "C-000001", "values": {"company": "One"}},
        {"company": "C-000001", "values": {"company": "Two"}},
        {"edit": lead["id"], "values": {"firstName": "Edited"}},
    ]
    road.desk("POST", "/changes", changes=steps[:2])
    road.settings.clock.sleep(7200)
    road.travel(*MONTHS)
    road.settings.clock.sleep(60)
    moment = road.settings.clock.now()
    road.settings.clock.sleep(60)
    road.desk("POST", "/changes", changes=steps[2:])
    road.settings.clock.sleep(60)
    road.capture()
    road.land(lead["createdAt"][:7], is_refresh=True)
    road.load(lead["createdAt"][:7])
    road.publish()

    assert [("One",)] == road.query(AS_OF.format("company"), moment, lead["id"])
    assert [("Two",)] == road.query("SELECT company FROM main.leads WHERE id = ?", lead["id"])


def test_a_pause_of_months(road: Road) -> None:
    """What was told before the pause stays known, what Marketo forgot never will be, and what it kept is known."""
    road.travel(*MONTHS)
    lead_id = road.query("SELECT min(id) FROM main.leads")[0][0]
    edit = {"edit": lead_id, "values": {"firstName": "Before"}}
    road.desk("POST", "/changes", changes=[edit])
    for pause in (timedelta(minutes=1), timedelta(hours=1)):
        road.settings.clock.sleep(pause.total_seconds())
        road.capture()
    road.settings.clock.sleep(timedelta(days=100).total_seconds())
    edit["values"] = {"firstName": "After"}
    road.desk("POST", "/changes", changes=[edit])
    road.settings.clock.sleep(60)
    road.capture()
    road.publish()
    pauses = (timedelta(minutes=30), timedelta(days=5), timedelta(days=50), timedelta(days=101))
    moments = [NOW + pause for pause in pauses]
    found = [road.query(AS_OF.format("firstName, _is_known"), at, lead_id) for at in moments]

    assert [("changes",), ("deletions",)] == road.query("SELECT missing FROM meta.coverage_gaps ORDER BY 1")
    assert [[("Before", False)], [(None, False)], [("Before", True)], [("After", True)]] == found


HARMS = {
    "a value that was told otherwise": "UPDATE raw.lead_changes SET new_value = 'X' WHERE new_value = 'Two'",
    "an old value that was told otherwise": "UPDATE raw.lead_changes SET old_value = 'X' WHERE new_value = 'Two'",
    "a change that is missing": "DELETE FROM raw.lead_changes WHERE new_value IN ('One', 'Two')",
    "a change a second later": (
        "UPDATE raw.lead_changes SET activity_date = activity_date + INTERVAL 1 SECOND WHERE new_value = 'Two'"
    ),
    "a change of another lead": "UPDATE raw.lead_changes SET lead_id = lead_id + 1 WHERE new_value = 'Two'",
    "a deletion that is missing": "DELETE FROM raw.lead_deletions",
    "a deletion a second later": "UPDATE raw.lead_deletions SET deleted_at = deleted_at + INTERVAL 1 SECOND",
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    """A road along which a name changed twice, in seconds of their own, and a lead was deleted."""
    with local_road(tmp_path_factory.mktemp("past") / "data") as road:
        road = road.with_settings(lead_fields=("firstName", "email"))
        road.travel(*MONTHS)
        ids = [row[0] for row in road.query("SELECT id FROM main.leads ORDER BY id LIMIT 2")]
        for change in (
            {"edit": ids[0], "values": {"firstName": "One"}},
            {"edit": ids[0], "values": {"firstName": "Two"}},
            {"delete": ids[1]},
        ):
            road.settings.clock.sleep(10)
            road.desk("POST", "/changes", changes=[change])
        road.settings.clock.sleep(60)
        road.capture()
        road.publish()
        yield road


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_a_wrong_past_is_found(copied: Road, harm: str) -> None:
    """One harm done to what was captured, and the judge of the past finds a difference where there was none."""
    past, names = read_past(copied.control), ["firstName", "email", "createdAt", "updatedAt"]
    seconds = [second(step["at"]) for step in past.steps]
    moments = [at + timedelta(seconds=more) for at in seconds for more in (-1, 0)]
    with copied.warehouse.held() as con:

        def judge() -> list[str]:
            found = history_differences(con, past, names)
            for moment in moments:
                found += as_of_differences(con, copied.control, past, moment, names)
            return found

        assert [] == judge()
        con.execute("BEGIN")
        con.execute(harm)
        found = judge()
        con.execute("ROLLBACK")

    assert [] != found
