"""The ledger is deleted or damaged: nothing that was paid for is paid again, and the day's spending is learnt again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import ExportQuotaSpent, MarketoError
from marketo_assets.extract.export_jobs import recorded_jobs
from marketo_assets.settings import SettingsError
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07")


def delete(road: Road) -> None:
    for path in road.settings.data_dir.glob("ledger.sqlite*"):
        path.unlink()


def damage(road: Road) -> None:
    delete(road)
    road.settings.ledger_path.write_bytes(b"not a database at all" * 400)


def delete_with_journal(road: Road) -> None:
    delete(road)
    (road.settings.data_dir / "export_jobs.jsonl").unlink()


HARMS = {"deleted": delete, "damaged": damage, "deleted with its journal": delete_with_journal}


@pytest.fixture(params=HARMS.values(), ids=HARMS.keys())
def harm(request: pytest.FixtureRequest) -> Callable[[Road], None]:
    return request.param  # type: ignore[no-any-return]


def spent(road: Road) -> tuple[int, int]:
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        return client.ledger.exports.used(), client.ledger.exports.reserved()


def test_landed_months_are_not_exported_again(make_road: MakeRoad, harm: Callable[[Road], None]) -> None:
    """Months that lie on disk, and one whose file was damaged too, come without a new export; today's bytes count."""
    road = make_road(leads=300)
    landed = road.travel(*MONTHS)
    before = spent(road)
    harm(road)
    path = landed[0].path
    assert path is not None
    path.write_bytes(b"damaged")
    road.travel(*MONTHS)

    assert (2, 2) == (road.exports("created"), road.exports("enqueued"))
    assert before == spent(road)
    assert before[0] == road.desk("GET", "/counters")["bytes_exported_today"]


def test_landed_activities_are_not_exported_again(make_road: MakeRoad, harm: Callable[[Road], None]) -> None:
    """What was landed of activities is known again as such, whatever is exported first after the ledger was lost."""
    road = make_road(leads=30, activities=10)
    path = road.land_activities("2026-07").path
    before = spent(road)
    harm(road)
    assert path is not None
    path.write_bytes(b"damaged")
    assert not road.land_activities("2026-07").was_adopted

    assert (1, 2) == (road.exports("enqueued"), road.exports("downloads"))
    assert before == spent(road)
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        assert ["activities"] == [job.object for job in recorded_jobs(client.ledger)]


@pytest.mark.parametrize("harm", [delete, damage], ids=["deleted", "damaged"])
def test_an_export_under_way_is_taken_up(make_road: MakeRoad, harm: Callable[[Road], None]) -> None:
    """A job that was queued when the ledger was lost is followed to its end, and is the only one."""
    road = make_road(leads=300)
    road.desk("POST", "/faults", route="GET */status.json", kind="error", code="603", message="Access denied")
    with pytest.raises(MarketoError):
        road.land("2026-07")
    harm(road)
    road.travel("2026-07")

    assert (1, 1) == (road.exports("created"), road.exports("enqueued"))
    assert (road.desk("GET", "/counters")["bytes_exported_today"], 0) == spent(road)


def test_a_share_that_was_spent_stays_spent(make_road: MakeRoad) -> None:
    """Deleting the ledger is no way to a second share of the day's bytes."""
    road = make_road(leads=300)
    size = road.land("2026-07").file_bytes
    tight = road.with_settings(daily_export_mb=1, quota_share=size * 1.2 / 1_000_000)
    delete(road)

    with pytest.raises(ExportQuotaSpent, match="This project's share"):
        tight.land("2026-06")


def test_a_folder_keeps_its_instance(make_road: MakeRoad) -> None:
    """Without its ledger a folder still knows whose data it holds."""
    road = make_road(leads=30)
    road.land("2026-07")
    delete(road)
    road.settings = replace(road.settings, base_url="https://123-abc-456.mktorest.com")

    with pytest.raises(SettingsError, match="holds the data of this machine"):
        road.land("2026-07")


def test_calls_of_the_day_are_learnt_again(make_road: MakeRoad) -> None:
    """A backfill with a new ledger asks Marketo once what this API user has spent today."""
    road = make_road(leads=300)
    road.travel("2026-07")
    delete(road)
    with MarketoClient.open(road.settings, transport=road.transport, is_backfill=True) as client:
        assert 0 == client.ledger.exports.reserved()
        assert 1 == len(recorded_jobs(client.ledger))
        client.get("/rest/v1/leads/describe2.json")
        assert road.desk("GET", "/counters")["calls"] == client.ledger.calls_spent()
