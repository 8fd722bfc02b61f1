"""The page on going live: the permissions that it names suffice for everything, and none of them is too many."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import pytest

from marketo_assets.api.asset_api import oldest_folder_created_at
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied
from marketo_assets_tests.pipeline import member_road, reference_road
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.unit.cli.checkout import ROOT

PAGE = (ROOT / "marketo_assets" / "docs" / "going_live.md").read_text("utf-8")
PERMISSIONS = re.findall(r"^ *\| \*(Read-[\w -]+)\* \|", PAGE, re.MULTILINE)
MONTH = "2026-08"


def find_first_month(road: Road) -> None:
    with MarketoClient.open(road.settings, transport=road.transport) as client:
        if oldest_folder_created_at(client) is None:
            raise AccessDenied("no folder is shown")


def read_names(road: Road) -> None:
    some = road.with_settings(objects=("programs", "campaigns", "lead_partitions"))
    skipped = reference_road.land(some).skipped
    if skipped:
        raise AccessDenied(f"{sorted(skipped)}")


WORK: dict[str, Callable[[Road], object]] = {
    "months": lambda road: road.travel(MONTH),
    "changes": lambda road: road.capture(),
    "activities": lambda road: road.load_activities(road.land_activities(MONTH)),
    "new activities": lambda road: road.capture_activities(),
    "first month": find_first_month,
    "names": read_names,
    "members of programs": lambda road: member_road.capture_members(member_road.begin(road)),
    "members of lists": lambda road: member_road.capture_lists(road),
}


NEEDED = dict(zip(PERMISSIONS, ("months", "changes", "first month", "names"), strict=True))
"""For each permission, something that takes it."""


def refused(make_road: MakeRoad, permissions: Collection[str], names: Collection[str]) -> list[str]:
    """Return what of the work by these *names* cannot be done with these *permissions*."""
    road, found = make_road(leads=5, months=1, permissions=tuple(permissions)), []
    for name in names:
        try:
            WORK[name](road)
        except AccessDenied:
            found.append(name)
    return found


def test_the_permissions_of_the_page_suffice(make_road: MakeRoad) -> None:
    """A role with nothing but what the page names can do all there is."""
    assert [] == refused(make_road, PERMISSIONS, WORK)


@pytest.mark.parametrize("name", PERMISSIONS)
def test_none_of_them_is_too_many(make_road: MakeRoad, name: str) -> None:
    """Without any one of them, something is refused."""
    others = [other for other in PERMISSIONS if other != name]
    assert [NEEDED[name]] == refused(make_road, others, [NEEDED[name]])
