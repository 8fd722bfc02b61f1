"""The road of memberships: capture, publish and compare, each step beginning with what lies on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.load.list_capture import ListCapture, capture_list_members
from marketo_assets.load.member_capture import MemberCapture, ReadingTerms, capture_program_members
from marketo_assets_tests.membership_truth import list_differences, member_differences
from marketo_assets_tests.pipeline import reference_road
from marketo_assets_tests.pipeline.road import Road
from marketo_assets_tests.pipeline.storm import Dying

ALL_NOW = ReadingTerms(is_whole=True)


def begin(road: Road) -> Road:
    """Let the road know which programs and lists there are now."""
    only = road.with_settings(objects=("programs", "static_lists"))
    only.kept = road.kept
    reference_road.read(only, is_refresh=True)
    only.publish()
    return road


@contextmanager
def kept_open(road: Road) -> Iterator[Road]:
    """Keep the database open meanwhile, which is half of what a capture costs."""
    road.kept = Dying(road.settings.data_dir)
    with road.kept.held():
        yield road


def capture_members(
    road: Road, terms: ReadingTerms | None = None, *, transport: httpx.BaseTransport | None = None
) -> MemberCapture:
    """Return what was captured of program members, over another *transport* if one is given."""
    with MarketoClient.open(road.settings, transport=transport or road.transport) as client:
        return capture_program_members(
            client, road.warehouse, road.settings, run_id="a-run", log=road.log.append, terms=terms
        )


def capture_lists(
    road: Road, terms: ReadingTerms | None = None, *, transport: httpx.BaseTransport | None = None
) -> ListCapture:
    """Return what was captured of list members, over another *transport* if one is given."""
    with MarketoClient.open(road.settings, transport=transport or road.transport) as client:
        return capture_list_members(
            client, road.warehouse, road.settings, run_id="a-run", log=road.log.append, terms=terms
        )


def wrong_members(road: Road) -> list[str]:
    """Publish, and return what differs of program members."""
    road.publish()
    with road.reading() as con:
        return member_differences(con, road.control)


def wrong_lists(road: Road) -> list[str]:
    """Publish, and return what differs of list members."""
    road.publish()
    with road.reading() as con:
        return list_differences(con, road.control)


def change_program(road: Road, program_id: int, lead_ids: Sequence[int], status: str | None, **values: object) -> None:
    """Give leads a status in a program, and member fields their values."""
    told = {"status": status} if status else {}
    road.desk("POST", f"/programs/{program_id}/members", lead_ids=[*lead_ids], values=values, **told)


def change_list(road: Road, list_id: int, *, add: Sequence[int] = (), remove: Sequence[int] = ()) -> None:
    """Put leads on a list and take others off it."""
    road.desk("POST", f"/lists/{list_id}/members", add=[*add], remove=[*remove])


def in_program(road: Road, program_id: int) -> list[int]:
    """Return the ids of the members of a program."""
    return [member["leadId"] for member in road.desk("GET", f"/programs/{program_id}/members")]


def on_list(road: Road, list_id: int) -> list[int]:
    """Return the ids of the leads on a list."""
    return [member["lead_id"] for member in road.desk("GET", f"/lists/{list_id}/members")]


def lead_ids(road: Road) -> list[int]:
    """Return the ids of all leads."""
    return [lead["id"] for lead in road.desk("GET", "/leads")["leads"]]


def calls(road: Road, part: str) -> int:
    """Return how many calls had *part* in their path."""
    return sum(part in asked.path for asked in road.transport.asked)  # type: ignore[union-attr]
