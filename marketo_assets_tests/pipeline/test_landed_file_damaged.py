"""A landed file is damaged on disk: it is never loaded, and having it again costs no export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marketo_assets.api.errors import MarketoError
from marketo_assets.land.lead_exports import lead_export_dir
from marketo_assets.land.manifest import LandingError
from marketo_assets_tests.pipeline.road import Road

MONTH = "2026-07"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a bit of the file turned": ("*.csv.zst", flip),
    "the file cut short": ("*.csv.zst", halve),
    "the file emptied": ("*.csv.zst", empty),
    "the file deleted": ("*.csv.zst", Path.unlink),
    "the manifest cut short": ("*.json", halve),
    "the manifest emptied": ("*.json", empty),
    "the manifest of another shape": ("*.json", lambda path: path.write_text("[]")),
}


def damage(road: Road, pattern: str, harm: Callable[[Path], object], place: int = 0) -> None:
    found = sorted(
        lead_export_dir(road.settings.landing_dir, MONTH).glob(pattern), key=lambda path: path.stat().st_mtime_ns
    )
    harm(found[place])


@pytest.mark.parametrize(("pattern", "harm"), DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_refused_and_mended_for_nothing(road: Road, pattern: str, harm: Callable[[Path], object]) -> None:
    """Load refuses what is damaged and says to land again; that fetches the same job's file, and all is well."""
    road.land(MONTH)
    damage(road, pattern, harm)

    with pytest.raises(LandingError, match=f"{MONTH} .*[Mm]aterialize landing/lead_exports for {MONTH} again"):
        road.load(MONTH)
    assert not road.warehouse.work_path.exists()

    road.travel("2026-06", MONTH, "2026-08")
    assert [] == road.differences()
    assert (3, 3, 4) == (road.exports("created"), road.exports("completed"), road.exports("downloads"))


def test_a_manifest_that_is_deleted_counts_as_not_landed(road: Road) -> None:
    """Without its manifest a file is not loaded; landing again fetches it, with no new export."""
    road.land(MONTH)
    damage(road, "*.json", Path.unlink)

    with pytest.raises(LandingError, match="Materialize landing/lead_exports for 2026-07 first"):
        road.load(MONTH)
    road.land(MONTH)
    assert road.load(MONTH).rows
    assert 1 == road.exports("created")


@pytest.mark.parametrize("place", [0, 1], ids=["the older export", "the newer export"])
@pytest.mark.parametrize("pattern", ["*.json", "*.csv.zst"], ids=["its manifest", "its file"])
def test_one_of_two_exports_is_damaged(road: Road, place: int, pattern: str) -> None:
    """With two exports of a month on disk and one of them damaged, landing again ends with the newer one loaded."""
    road.travel("2026-06", MONTH, "2026-08")
    lead_id = road.query("SELECT max(id) FROM main.leads WHERE strftime(createdAt, '%Y-%m') = ?", MONTH)[0][0]
    road.desk("PATCH", f"/leads/{lead_id}", values={"planName": "after the first export"})
    newer = road.land(MONTH, is_refresh=True)
    damage(road, pattern, halve, place)

    assert newer.export_id == road.land(MONTH).export_id
    road.load(MONTH)
    road.publish()
    assert [] == road.differences()
    assert 4 == road.exports("created")


def test_fetching_again_fails(road: Road) -> None:
    """As long as the file behind a damaged manifest cannot be had again, no older export of the month is loaded."""
    road.travel(MONTH)
    road.land(MONTH, is_refresh=True)
    damage(road, "*.json", halve, 1)
    road.desk("POST", "/faults", route="GET */status.json", kind="error", code="1001", count=None)
    with pytest.raises(MarketoError):
        road.land(MONTH)

    with pytest.raises(LandingError, match="damaged"):
        road.load(MONTH)
