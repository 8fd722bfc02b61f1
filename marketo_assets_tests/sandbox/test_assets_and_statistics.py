"""Folders (7.12) and the usage and error statistics (7.13)."""

from __future__ import annotations

import json

import pytest

from marketo_assets_tests.sandbox.caller import Caller, codes

FOLDERS = "/rest/asset/v1/folders.json"
NOTHING = ["No assets found for the given search criteria."]


def test_a_folder_has_the_documented_members(marketo: Caller) -> None:
    """Every member of the fact sheet's example is there, moments with Marketo's `Z+0000`."""
    folder = marketo.result(FOLDERS)[-1]

    assert {
        "id", "name", "folderId", "folderType", "parent", "path", "createdAt", "updatedAt", "isArchive", "isSystem",
        "accessZoneId", "workspace", "url", "description",
    } == set(folder)  # fmt: skip
    assert folder["createdAt"].endswith("Z+0000")
    assert {"id": folder["id"], "type": "Folder"} == folder["folderId"]


def test_the_oldest_folder_predates_every_lead_and_hides_behind_page_one(marketo: Caller) -> None:
    """Twenty folders, the default, do not show the oldest; two hundred do, and it is older than the first lead."""
    first = marketo.result(FOLDERS, maxDepth=1)
    every = marketo.result(FOLDERS, maxDepth=1, maxReturn=200)
    leads = marketo.desk("GET", "/leads?fields=id,createdAt")["leads"]
    oldest = min(folder["createdAt"] for folder in every)

    assert (20, 28) == (len(first), len(every))
    assert oldest not in {folder["createdAt"] for folder in first}
    assert oldest < min(lead["createdAt"] for lead in leads)


@pytest.mark.parametrize(("depth", "count"), [(0, 4), (1, 28), (2, 52), (None, 52)])
def test_depth_goes_so_far_down(marketo: Caller, depth: int | None, count: int) -> None:
    """0 is the root only, 1 its direct level, 2 the default."""
    told = {} if depth is None else {"maxDepth": depth}

    assert count == len(marketo.result(FOLDERS, maxReturn=200, **told))


def test_paging_by_offset_ends_without_a_result(marketo: Caller) -> None:
    """Pages tile the folders; behind the last there is no result at all, only a warning in plain text."""
    pages = [marketo.result(FOLDERS, offset=offset) for offset in (0, 20, 40)]
    last = marketo.get(FOLDERS, offset=60)

    assert [20, 20, 12] == [len(page) for page in pages]
    assert 52 == len({folder["id"] for page in pages for folder in page})
    assert (True, NOTHING) == (last["success"], last["warnings"])
    assert "result" not in last


def test_a_root_is_named_in_json(marketo: Caller) -> None:
    """`root` is a folder reference; what lies below it is answered."""
    root = marketo.result(FOLDERS, maxDepth=0)[0]
    below = marketo.result(FOLDERS, root=json.dumps(root["folderId"]), maxDepth=1)

    assert root == below[-1]
    assert {root["id"]} == {folder["parent"]["id"] for folder in below[:-1]}


def test_one_folder_by_id_wants_its_type(marketo: Caller) -> None:
    """Folder ids and program ids are separate: without a type 1002, with the other type nothing."""
    folder = marketo.result(FOLDERS)[0]
    path = f"/rest/asset/v1/folder/{folder['id']}.json"

    assert [folder] == marketo.result(path, type="Folder")
    assert NOTHING == marketo.get(path, type="Program")["warnings"]
    assert ["1002"] == codes(marketo.get(path))
    assert ["1003"] == codes(marketo.get(path, type="folder"))


def test_a_name_may_have_several_folders(marketo: Caller) -> None:
    """byName answers every folder of exactly that name."""
    found = marketo.result("/rest/asset/v1/folder/byName.json", name="Archive")

    assert 24 == len(found)
    assert {"Archive"} == {folder["name"] for folder in found}
    assert NOTHING == marketo.get("/rest/asset/v1/folder/byName.json", name="archive")["warnings"]


def test_the_content_of_a_folder(marketo: Caller) -> None:
    """content names id and type of what lies directly in a folder."""
    inside = marketo.result("/rest/asset/v1/folder/10/content.json", type="Folder")

    assert 6 == len(inside)
    assert {"id", "type"} == set(inside[0])


def test_usage_counts_calls_by_user(marketo: Caller) -> None:
    """Totals for the day and a row per user; the asking call is counted itself."""
    marketo.desk("PUT", "/users/other", client_secret="s", user_id="crm-api@sandbox.example")
    other = Caller(marketo.client, {"client_id": "other", "client_secret": "s"})
    for caller in (marketo, marketo, other):
        caller.get("/rest/v1/leads/partitions.json")

    users = [
        {"userId": "crm-api@sandbox.example", "count": 1},
        {"userId": "warehouse-api@sandbox.example", "count": 3},
    ]
    assert [{"date": "2026-08-15", "total": 4, "users": users}] == marketo.result("/rest/v1/stats/usage.json")


def test_errors_count_by_code(marketo: Caller) -> None:
    """Each error code with how often it was answered."""
    for path in ("/rest/v1/nothing.json", "/rest/v1/nothing.json", "/rest/v1/lead/999999999.json"):
        marketo.get(path)

    counts = [{"errorCode": "1004", "count": 1}, {"errorCode": "610", "count": 2}]
    assert [{"date": "2026-08-15", "total": 3, "errors": counts}] == marketo.result("/rest/v1/stats/errors.json")


def test_a_week_is_seven_quota_days(marketo: Caller) -> None:
    """Days follow midnight Central: 04:59 UTC in summer is still the day before. The eighth day is gone."""
    marketo.get("/rest/v1/nothing.json")
    marketo.desk("POST", "/time", to="2026-08-16T04:59:59Z")
    marketo.renew()
    marketo.get("/rest/v1/nothing.json")
    marketo.wait(1)
    marketo.get("/rest/v1/nothing.json")
    usage = marketo.result("/rest/v1/stats/usage/last7days.json")
    errors = marketo.result("/rest/v1/stats/errors/last7days.json")

    assert [("2026-08-16", 2), ("2026-08-15", 2)] == [(day["date"], day["total"]) for day in usage]
    assert [("2026-08-16", 1), ("2026-08-15", 2)] == [(day["date"], day["total"]) for day in errors]

    marketo.desk("POST", "/time", to="2026-08-22T12:00:00Z")
    marketo.renew()

    assert ["2026-08-22", "2026-08-16"] == [
        day["date"] for day in marketo.result("/rest/v1/stats/usage/last7days.json")
    ]
