"""Every family of endpoints is read to its last page, and no loop runs for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import StuckPaging
from marketo_assets.api.paging import asset_pages, token_pages
from marketo_assets.clock import ManualClock
from marketo_assets_tests.unit.api.instance import Instance, accepted

PATH = "/rest/v1/activities.json"
FOLDERS = "/rest/asset/v1/folders.json"


def ids(pages: object) -> list[int]:
    return [record["id"] for page in pages for record in page.records]  # type: ignore[attr-defined]  # pages of ours


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(
            [
                accepted([{"id": 1}], moreResult=True, nextPageToken="b"),
                accepted([{"id": 2}], moreResult=False, nextPageToken="c"),
            ],
            [1, 2],
            id="moreResult, with a token on the last page",
        ),
        pytest.param(
            [
                accepted([], moreResult=True, nextPageToken="b"),
                accepted([], moreResult=True, nextPageToken="c"),
                accepted([{"id": 3}], moreResult=False, nextPageToken="d"),
            ],
            [3],
            id="empty pages before the first record",
        ),
        pytest.param(
            [accepted([{"id": 1}], nextPageToken="b"), accepted([{"id": 2}])],
            [1, 2],
            id="tokens without moreResult",
        ),
        pytest.param([accepted([{"id": 1}])], [1], id="one page that says nothing"),
        pytest.param(
            [
                httpx.Response(200, json={"success": True, "moreResult": True, "nextPageToken": "b"}),
                accepted([{"id": 9}], moreResult=False),
            ],
            [9],
            id="a page without a result member",
        ),
    ],
)
def test_pages_are_read_to_the_last(
    client: MarketoClient, instance: Instance, answers: list[httpx.Response], expected: list[int]
) -> None:
    """`moreResult` decides; where it is missing, the token does."""
    instance.script(PATH, *answers)

    assert expected == ids(token_pages(client, PATH, {"nextPageToken": "a"}))
    tokens = [request.url.params["nextPageToken"] for request in instance.asked(PATH)]
    assert ["a", "b", "c"][: len(answers)] == tokens


def test_the_last_page_gives_the_token_for_a_later_start(client: MarketoClient, instance: Instance) -> None:
    """Position can be kept although nothing more was there."""
    instance.script(PATH, accepted([], moreResult=False, nextPageToken="later"))

    assert [page.next_token for page in token_pages(client, PATH, {"nextPageToken": "a"})] == ["later"]


def test_a_token_that_repeats_with_empty_pages_ends_by_deadline(
    client: MarketoClient, instance: Instance, clock: ManualClock
) -> None:
    """Marketo may be slow to move; after ten minutes it is stuck, and waiting has cost few calls."""
    instance.script(PATH, accepted([], moreResult=True, nextPageToken="a"))
    began = clock.now()

    with pytest.raises(StuckPaging, match="no new token"):
        list(token_pages(client, PATH, {"nextPageToken": "a"}))

    assert timedelta(minutes=10) < clock.now() - began < timedelta(minutes=12)
    assert len(instance.asked(PATH)) < 20


def test_a_token_that_repeats_for_a_while_is_forgiven(client: MarketoClient, instance: Instance) -> None:
    """Empty answers under the same token are not yet the end."""
    same = accepted([], moreResult=True, nextPageToken="a")
    instance.script(PATH, same, same, accepted([{"id": 1}], moreResult=False, nextPageToken="b"))

    assert ids(token_pages(client, PATH, {"nextPageToken": "a"})) == [1]


def test_empty_pages_under_new_tokens_may_go_on(client: MarketoClient, instance: Instance, clock: ManualClock) -> None:
    """A long empty stretch is progress: neither a count nor the time since the start ends it."""

    def empty(request: httpx.Request) -> httpx.Response:
        clock.sleep(30)
        number = int(request.url.params["nextPageToken"]) + 1
        return accepted([], moreResult=number < 100, nextPageToken=str(number))

    instance.script(PATH, empty)

    assert len(list(token_pages(client, PATH, {"nextPageToken": "0"}))) == 100


@pytest.mark.parametrize("members", [{"nextPageToken": "a"}, {}], ids=["same token", "no token"])
def test_records_without_a_new_token_are_not_read_twice(
    client: MarketoClient, instance: Instance, members: dict[str, str]
) -> None:
    """Asking again would bring the same records for ever."""
    instance.script(PATH, accepted([{"id": 1}], moreResult=True, **members))

    with pytest.raises(StuckPaging):
        list(token_pages(client, PATH, {"nextPageToken": "a"}))

    assert len(instance.asked(PATH)) == 1


def folders(total: int) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        offset, most = int(request.url.params["offset"]), int(request.url.params["maxReturn"])
        found = [{"id": number} for number in range(offset, min(offset + most, total))]
        warning = {"success": True, "warnings": ["No assets found for the given search criteria."]}
        return accepted(found) if found else httpx.Response(200, json=warning)

    return answer


@pytest.mark.parametrize(("total", "calls"), [(0, 1), (1, 1), (199, 1), (200, 2), (201, 2), (400, 3), (450, 3)])
def test_assets_are_read_until_a_page_is_short(
    client: MarketoClient, instance: Instance, total: int, calls: int
) -> None:
    """Two hundred at a time, until a page is shorter, or empty with a warning."""
    instance.script(FOLDERS, folders(total))

    assert list(range(total)) == ids(asset_pages(client, FOLDERS, {}))
    assert calls == len(instance.asked(FOLDERS))


def test_a_page_of_assets_that_never_changes_is_not_read_for_ever(client: MarketoClient, instance: Instance) -> None:
    """An endpoint that ignores the offset is noticed at its second page."""
    instance.script(FOLDERS, accepted([{"id": number} for number in range(200)]))

    with pytest.raises(StuckPaging):
        list(asset_pages(client, FOLDERS, {}))

    assert len(instance.asked(FOLDERS)) == 2
