"""Programs, lists, campaigns, emails, forms, pages and their like: asset API (7.8 to 7.11) and lead database."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketo_assets.sandbox.asset_kinds import KINDS, AssetKind
from marketo_assets_tests.sandbox.caller import Caller, Json, codes

BASE = "/rest/asset/v1"
NOTHING = ["No assets found for the given search criteria."]
PROGRAM = f"{BASE}/programs.json"
PAGED = [kind for kind in KINDS if "offset" in kind.browse]
DATED = [kind for kind in KINDS if "earliestUpdatedAt" in kind.browse]
VERSIONED = [kind for kind in KINDS if kind.has_versions and kind.by_id is not None]


def truth(marketo: Caller, kind: str) -> list[Json]:
    return marketo.desk("GET", f"/assets/{kind}")["assets"]


def browse(marketo: Caller, path: str, **params: Any) -> list[Json]:
    """Return every asset, page by page, until one says that there is no more."""
    found: list[Json] = []
    while True:
        answer = marketo.get(path, offset=len(found), **params)
        if "result" not in answer:
            assert (True, NOTHING) == (answer["success"], answer["warnings"])
            return found
        found += answer["result"]


def edit(marketo: Caller, kind: str, asset_id: int, **told: Any) -> Json:
    return marketo.desk("PATCH", f"/assets/{kind}/{asset_id}", **told)


def name_of(kind: AssetKind) -> str:
    return kind.name


@pytest.mark.parametrize("kind", PAGED, ids=name_of)
def test_a_browse_tells_everything_there_is(marketo: Caller, kind: AssetKind) -> None:
    """Pages of 20, or of 200, hold each asset once, in no order of ids; behind the last there is only a warning."""
    path = f"{BASE}/{kind.plural}.json"
    key = "tagType" if kind.name == "tag_type" else "id"
    expected = sorted(asset[key] for asset in truth(marketo, kind.name))

    assert expected == sorted(item[key] for item in browse(marketo, path))
    assert expected == sorted(item[key] for item in browse(marketo, path, maxReturn=200))
    assert min(20, len(expected)) == len(marketo.result(path))
    assert ["1003"] == codes(marketo.get(path, maxReturn=201))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.by_id is not None], ids=name_of)
def test_one_asset_by_id_and_by_name(marketo: Caller, kind: AssetKind) -> None:
    """By id one, by name every asset of exactly that name; an id that is not there is a warning."""
    path = f"{BASE}/{kind.singular}"
    one = truth(marketo, kind.name)[0]
    (by_id,) = marketo.result(f"{path}/{one['id']}.json")
    named = marketo.result(f"{path}/byName.json", name=one["name"])

    assert (one["id"], one["name"]) == (by_id["id"], by_id["name"])
    assert one["id"] in [item["id"] for item in named]
    assert {one["name"]} == {item["name"] for item in named}
    assert NOTHING == marketo.get(f"{path}/999999.json")["warnings"]
    assert NOTHING == marketo.get(f"{path}/byName.json", name=one["name"].upper() + "x")["warnings"]


@pytest.mark.parametrize("kind", DATED, ids=name_of)
def test_updated_at_chooses_and_edits_move_it(marketo: Caller, kind: AssetKind) -> None:
    """earliestUpdatedAt and latestUpdatedAt are both included; what was edited now is found from now on."""
    path = f"{BASE}/{kind.plural}.json"
    assets = truth(marketo, kind.name)
    before = sorted(assets, key=lambda asset: asset["updatedAt"])[len(assets) // 2]["updatedAt"]
    edit(marketo, kind.name, assets[0]["id"], values={"description": "Changed"})
    (changed,) = browse(marketo, path, earliestUpdatedAt="2026-08-15T12:00:00Z")
    told = {"earliestUpdatedAt": before, "latestUpdatedAt": before}

    assert (assets[0]["id"], "Changed") == (changed["id"], changed["description"])
    assert "2026-08-15T12:00:00Z+0000" == changed["updatedAt"]
    assert {asset["id"] for asset in assets[1:] if asset["updatedAt"] == before} <= {
        item["id"] for item in browse(marketo, path, **told)
    }
    assert {f"{before}+0000"} == {item["updatedAt"] for item in browse(marketo, path, **told)}
    assert ["704"] == codes(marketo.get(path, earliestUpdatedAt="yesterday"))
    assert marketo.get(path, latestUpdatedAt="2026-08-15T12:00:00.170278+00:00")["success"], (
        "valid ISO-8601, Adobe says"
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "folder" in kind.browse], ids=name_of)
def test_a_folder_chooses(marketo: Caller, kind: AssetKind) -> None:
    """`folder` is a reference in JSON; only what lies directly in it is told."""
    path = f"{BASE}/{kind.plural}.json"
    place = truth(marketo, kind.name)[0]["folder"]
    expected = {asset["id"] for asset in truth(marketo, kind.name) if asset["folder"] == place}

    assert expected == {item["id"] for item in browse(marketo, path, folder=json.dumps(place))}
    assert ["1001"] == codes(marketo.get(path, folder="14"))


@pytest.mark.parametrize("kind", VERSIONED, ids=name_of)
def test_an_asset_may_be_approved_a_draft_or_both(marketo: Caller, kind: AssetKind) -> None:
    """The status chooses a version; without it a switch says which version of both is told, or that both are."""
    path = f"{BASE}/{kind.plural}.json"
    one = truth(marketo, kind.name)[0]["id"]
    edit(marketo, kind.name, one, values={"status": "approved with draft", "draft": {"description": "Draft"}})
    told: dict[str, list[str]] = {}
    for version in ("approved", "draft", "both"):
        marketo.desk("PATCH", "/switches", asset_version=version)
        told[version] = [item["status"] for item in browse(marketo, path) if item["id"] == one]
    (draft,) = marketo.result(f"{BASE}/{kind.singular}/{one}.json", status="draft")
    (approved,) = marketo.result(f"{BASE}/{kind.singular}/{one}.json", status="approved")
    edit(marketo, kind.name, one, values={"status": "approved"})

    assert {"approved": ["approved"], "draft": ["draft"], "both": ["approved", "draft"]} == told
    assert "Draft" == draft["description"] != approved["description"]
    assert NOTHING == marketo.get(f"{BASE}/{kind.singular}/{one}.json", status="draft")["warnings"]
    assert ["1003"] == codes(marketo.get(path, status="published"))


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_the_desk_adds_and_deletes(marketo: Caller, kind: AssetKind) -> None:
    """A new asset is told, a deleted one no longer, and the desk still knows it."""
    values = {"tagType": "Tier"} if kind.name == "tag_type" else {}
    made = marketo.desk("POST", f"/assets/{kind.name}", name="New one", values=values)
    path = f"{BASE}/{kind.plural}.json"
    params = {"maxReturn": 200} if "maxReturn" in kind.browse else {}
    key = "tagType" if kind.name == "tag_type" else "id"

    assert made[key] in [item[key] for item in marketo.result(path, **params)]

    marketo.desk("DELETE", f"/assets/{kind.name}/{made['id']}")

    assert made[key] not in [item[key] for item in marketo.result(path, **params)]
    assert [made] == marketo.desk("GET", f"/assets/{kind.name}")["gone"]


def test_tags_and_costs_of_programs_need_a_call_each(marketo: Caller) -> None:
    """A browse tells neither; by id tells tags and null for costs; by name tells what is asked for."""
    one = next(asset for asset in truth(marketo, "program") if asset["tags"] and len(asset["costs"]) == 2)
    (browsed,) = [item for item in browse(marketo, PROGRAM) if item["id"] == one["id"]]
    (by_id,) = marketo.result(f"{BASE}/program/{one['id']}.json")
    (plain,) = marketo.result(f"{BASE}/program/byName.json", name=one["name"])
    (full,) = marketo.result(f"{BASE}/program/byName.json", name=one["name"], includeTags="true", includeCosts="true")

    assert not {"tags", "costs"} & set(browsed)
    assert (one["tags"], None) == (by_id["tags"], by_id["costs"])
    assert (None, None) == (plain["tags"], plain["costs"])
    assert (one["tags"], one["costs"]) == (full["tags"], full["costs"])
    assert {"type", "value", "folderName"} == set(by_id["folder"])


def test_a_name_with_a_comma_is_not_found(marketo: Caller) -> None:
    """Names with commas cannot be searched, so the costs of such a program cannot be asked for."""
    edit(marketo, "program", 1001, values={"name": "Spring, again"})

    assert NOTHING == marketo.get(f"{BASE}/program/byName.json", name="Spring, again", includeCosts="true")["warnings"]
    assert "Spring, again" == marketo.result(f"{BASE}/program/1001.json")[0]["name"]


@pytest.mark.parametrize("moves", [False, True], ids=["stays", "moves"])
def test_costs_may_leave_the_stamp_alone(marketo: Caller, moves: bool) -> None:
    """Nobody documents whether a program's updatedAt moves with its costs: a switch chooses."""
    marketo.desk("PATCH", "/switches", tags_move_stamps=moves)
    edit(marketo, "program", 1001, values={"costs": [{"startDate": "2026-08-01T00:00:00Z+0000", "cost": 5}]})

    assert ([1001] if moves else []) == [
        item["id"] for item in browse(marketo, PROGRAM, earliestUpdatedAt="2026-08-15T12:00:00Z")
    ]


def test_programs_by_filter_status_and_tag(marketo: Caller) -> None:
    """filterType needs filterValues; a tag finds its programs, in another order at every call."""
    tagged = {
        asset["id"] for asset in truth(marketo, "program") if {"tagType": "Region", "tagValue": "EMEA"} in asset["tags"]
    }
    by_tag = [
        [item["id"] for item in marketo.result(f"{BASE}/program/byTag.json", tagType="Region", tagValue="EMEA")]
        for _ in range(6)
    ]

    assert [1003] == [i["id"] for i in marketo.result(PROGRAM, filterType="id", filterValues="1003,77")]
    assert {1006, 1007} == {i["id"] for i in marketo.result(PROGRAM, status="on")}
    assert 24 == len(marketo.result(PROGRAM, filterType="workspace", filterValues="Default", maxReturn=200))
    assert ["1002"] == codes(marketo.get(PROGRAM, filterType="id"))
    assert ["1003"] == codes(marketo.get(PROGRAM, filterType="channel", filterValues="Webinar"))
    assert {frozenset(tagged)} == {frozenset(ids) for ids in by_tag}
    assert len({tuple(ids) for ids in by_tag}) > 1


def test_channels_and_tags_have_their_lists(marketo: Caller) -> None:
    """Statuses carry steps and success; allowed values of a tag come by name only, as a bracketed text."""
    (channel,) = marketo.result(f"{BASE}/channel/byName.json", name="Webinar")
    (tag,) = marketo.result(f"{BASE}/tagType/byName.json", name="Business Unit")

    assert [("Invited", 10, False), ("Registered", 20, False), ("No Show", 30, False), ("Attended", 40, True)] == [
        (status["name"], status["step"], status["success"]) for status in channel["progressionStatuses"]
    ]
    assert "[Core, Data, & Cloud]" == tag["allowableValues"]
    assert all("allowableValues" not in item for item in marketo.result(f"{BASE}/tagTypes.json"))


def test_active_campaigns_and_segments(marketo: Caller) -> None:
    """isActive keeps active campaigns; a segmentation's segments are read one by one."""
    active = marketo.result(f"{BASE}/smartCampaigns.json", isActive="true", maxReturn=200)
    segments = marketo.result(f"{BASE}/segmentation/9100/segments.json")

    assert {True} == {item["isActive"] for item in active}
    assert ["EMEA", "APAC", "Americas", "Default"] == [segment["name"] for segment in segments]
    assert {9100} == {segment["segmentationId"] for segment in segments}
    assert all("segments" not in item for item in marketo.result(f"{BASE}/segmentation.json"))


@pytest.mark.parametrize(("path", "kind"), [("lists", "static_list"), ("campaigns", "smart_campaign")])
def test_the_lead_database_knows_lists_and_campaigns(marketo: Caller, path: str, kind: str) -> None:
    """300 at a time with a token, plain UTC dates, the program's name; found by id, name, program and workspace."""
    assets = truth(marketo, kind)
    first = marketo.get(f"/rest/v1/{path}.json", batchSize=20)
    second = marketo.get(f"/rest/v1/{path}.json", batchSize=20, nextPageToken=first["nextPageToken"])
    found = [*first["result"], *second["result"]]
    inside = (
        next(item for item in found if item.get("programName") == "Spring Webinar") if path == "campaigns" else None
    )

    assert {asset["id"] for asset in assets} == {item["id"] for item in found}
    assert "nextPageToken" not in second
    assert {asset["updatedAt"] for asset in assets} == {item["updatedAt"] for item in found}
    assert [found[0]] == marketo.result(f"/rest/v1/{path}/{found[0]['id']}.json")
    assert [found[0]] == marketo.result(f"/rest/v1/{path}.json", id=found[0]["id"], workspaceName="Default")
    assert [] == marketo.result(f"/rest/v1/{path}.json", name="nothing")
    assert ["1013"] == codes(marketo.get(f"/rest/v1/{path}/77.json"))
    assert inside is None or inside in marketo.result(f"/rest/v1/{path}.json", programName="Spring Webinar")


def test_folders_come_and_move_and_go(marketo: Caller) -> None:
    """A new folder is told; another name or place changes the paths below it; a deleted one takes them along."""
    made = marketo.desk("POST", "/folders", name="EMEA", parent_id=100)
    inside = marketo.desk("POST", "/folders", name="Nurture", parent_id=made["id"])
    marketo.desk("PATCH", f"/folders/{made['id']}", name="APAC", parent_id=101)
    (moved,) = marketo.result(f"{BASE}/folder/{inside['id']}.json", type="Folder")
    browsed = marketo.result(f"{BASE}/folders.json", maxReturn=200, maxDepth=10)
    marketo.desk("DELETE", f"/folders/{made['id']}")

    assert "/Marketing Activities/Marketing Activities 1/EMEA/Nurture" == inside["path"]
    assert "/Design Studio/Design Studio 2/APAC/Nurture" == moved["path"]
    assert moved in browsed
    assert NOTHING == marketo.get(f"{BASE}/folder/{inside['id']}.json", type="Folder")["warnings"]


def test_lead_partitions_come_and_go(marketo: Caller) -> None:
    """The desk makes, renames and deletes lead partitions."""
    path = "/rest/v1/leads/partitions.json"
    before = marketo.result(path)
    marketo.desk("PUT", "/partitions/2", name="EMEA", description="Europe")
    marketo.desk("PUT", "/partitions/2", name="Europe")
    after = marketo.result(path)
    marketo.desk("DELETE", "/partitions/2")

    assert [*before, {"id": 2, "name": "Europe", "description": "Europe"}] == after
    assert before == marketo.result(path)


def test_every_asset_call_counts(marketo: Caller) -> None:
    """Browses count against the day and the rate as any other call."""
    for kind in KINDS:
        marketo.get(f"{BASE}/{kind.plural}.json")

    assert len(KINDS) == marketo.desk("GET", "/counters")["calls_today"]


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/rest/asset/v1/programs.json", "Read-Only Assets"),
        ("/rest/asset/v1/staticLists.json", "Read-Only Assets"),
        ("/rest/v1/lists.json", "Read-Only Lead"),
        ("/rest/v1/campaigns.json", "Read-Only Campaign"),
        ("/rest/v1/activities/types.json", "Read-Only Activity"),
    ],
)
def test_each_object_has_its_permission(marketo: Caller, path: str, permission: str) -> None:
    """A service without the permission is refused with 603, one with it alone is served."""
    every = {"Read-Only Assets", "Read-Only Lead", "Read-Only Campaign", "Read-Only Activity"}
    for name, permissions in (("all-but", sorted(every - {permission})), ("only", [permission])):
        marketo.desk("PUT", f"/users/{name}", client_secret="s", permissions=permissions)
    all_but, only = (Caller(marketo.client, {"client_id": name, "client_secret": "s"}) for name in ("all-but", "only"))

    assert ["603"] == codes(all_but.get(path))
    assert only.get(path)["success"]
