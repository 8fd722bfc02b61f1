"""What the gate of the export pool expects of the export that comes next."""

from __future__ import annotations

from pathlib import Path

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.cli.plan import Wish, run_plan
from marketo_assets.cli.screen import Screen
from marketo_assets.extract.estimate.next_export import next_bytes
from marketo_assets.extract.estimate.plan import foreseen_bytes
from marketo_assets.extract.export_sizes import usual_bytes
from marketo_assets.extract.pieces import LEAST_OF_DAY
from marketo_assets_tests.pipeline.road import Road, local_road

MONTHS = ["2026-05", "2026-06", "2026-07", "2026-08"]


def ledger_of(road: Road) -> Ledger:
    return Ledger(road.settings.ledger_path, Limits.from_settings(road.settings), road.settings.clock)


def sample(road: Road) -> None:
    run_plan(
        Wish(first=MONTHS[0], calls=60),
        screen=Screen(is_terminal=False),
        transport=road.transport,
        settings=road.settings,
    )


def test_the_next_month_is_known_from_the_sample(data_dir: Path) -> None:
    """From new to old, each time the newest month that is not here, wherever the backfill began; then those of late."""
    with local_road(data_dir, leads=300, months=4) as road:
        sample(road)
        ledger = ledger_of(road)
        assert MONTHS == sorted(foreseen_bytes(ledger))
        for here, follows in (
            (None, "2026-08"),
            ("2026-07", "2026-06"),
            ("2026-06", "2026-05"),
            ("2026-05", "2026-08"),
        ):
            if here:
                road.land(here)
            assert foreseen_bytes(ledger)[follows] == next_bytes(ledger), here
        road.land("2026-08")
        assert usual_bytes(ledger) == next_bytes(ledger)
        ledger.shut()


def test_of_a_month_larger_than_a_day_a_piece_comes_next(data_dir: Path) -> None:
    """An eighth of the day's share is enough for it."""
    with local_road(data_dir, leads=300, months=4) as made:
        road = made.with_settings(daily_export_mb=0.02, quota_share=0.5)
        sample(road)
        ledger = ledger_of(road)
        assert round(LEAST_OF_DAY * 10_000) == next_bytes(ledger)
        ledger.shut()


def test_without_a_sample_those_of_late_tell(data_dir: Path) -> None:
    """Before the first export it is a quarter of the share."""
    with local_road(data_dir, leads=100, months=4) as road:
        assert road.land("2026-07")
        ledger = ledger_of(road)
        assert usual_bytes(ledger) == next_bytes(ledger)
        ledger.shut()
