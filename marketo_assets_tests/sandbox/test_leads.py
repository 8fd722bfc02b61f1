"""Reading leads over REST: section 5 of the fact sheet."""

from __future__ import annotations

import pytest

from marketo_assets_tests.sandbox.caller import Caller, codes, errors

LEADS = "/rest/v1/leads.json"


def ids_of(marketo: Caller, count: int) -> list[int]:
    return [lead["id"] for lead in marketo.desk("GET", f"/leads?fields=id&limit={count}")["leads"]]


def added(marketo: Caller, *leads: dict[str, object]) -> list[int]:
    return marketo.desk("POST", "/leads", leads=list(leads))["ids"]


def test_leads_by_id_equal_the_true_state(marketo: Caller) -> None:
    """Every value of every readable field is what the instance holds; fields without a value are absent."""
    fields = [field["name"] for field in marketo.result("/rest/v1/leads/describe2.json")[0]["fields"]]
    ids = ids_of(marketo, 50)
    told = {"filterType": "id", "filterValues": ",".join(map(str, ids)), "fields": ",".join(fields)}
    answered = marketo.post(LEADS, params={"_method": "GET"}, data=told)["result"]
    truth = marketo.desk("GET", f"/leads?limit=50&fields={','.join(fields)}")["leads"]

    def utc(value: object) -> object:
        return value.replace("+0000", "Z") if isinstance(value, str) else value

    assert 50 == len(answered)
    assert [{k: v for k, v in lead.items() if v is not None} for lead in truth] == [
        {name: utc(value) for name, value in lead.items()} for lead in answered
    ]


def test_one_lead_by_id(marketo: Caller) -> None:
    """Get Lead by Id answers one item with the default fields."""
    (lead_id,) = added(marketo, {"email": "kim@example.com", "firstName": "Kim", "lastName": "Lee"})

    assert [
        {
            "id": lead_id,
            "email": "kim@example.com",
            "updatedAt": "2026-08-15T12:00:00Z",
            "createdAt": "2026-08-15T12:00:00Z",
            "firstName": "Kim",
            "lastName": "Lee",
        }
    ] == marketo.result(f"/rest/v1/lead/{lead_id}.json")


def test_an_unknown_id_is_1004_or_empty(marketo: Caller) -> None:
    """The sources do not say what an unknown id gives, so a switch chooses."""
    assert [("1004", "Lead not found")] == errors(marketo.get("/rest/v1/lead/999999999.json"))

    marketo.desk("PATCH", "/switches", missing_lead="empty")

    assert [] == marketo.result("/rest/v1/lead/999999999.json")


def test_absent_ids_are_silently_absent(marketo: Caller) -> None:
    """A filter by ids answers those that exist, and no match at all is an empty result."""
    first, gone, last = ids_of(marketo, 3)
    marketo.desk("DELETE", f"/leads/{gone}")
    asked = f"{last},{gone},{first},999999999"

    found = marketo.result(LEADS, filterType="id", filterValues=asked, fields="id")

    assert [{"id": first}, {"id": last}] == sorted(found, key=lambda lead: lead["id"])
    assert [] == marketo.result(LEADS, filterType="id", filterValues=gone)


def test_the_id_is_always_there(marketo: Caller) -> None:
    """A lead record carries its id, asked or not."""
    (lead_id,) = added(marketo, {"email": "kim@example.com"})

    assert [{"id": lead_id, "email": "kim@example.com"}] == marketo.result(
        LEADS, filterType="email", filterValues="kim@example.com", fields="email"
    )


def test_an_email_is_not_unique(marketo: Caller) -> None:
    """Two leads may share an address; both are found."""
    ids = added(marketo, {"email": "both@example.com"}, {"email": "both@example.com"})

    found = marketo.result(LEADS, filterType="email", filterValues="both@example.com")

    assert ids == [lead["id"] for lead in found]


def test_pages_cover_every_match_once(marketo: Caller) -> None:
    """With a small batch the pages tile the matches; the last has no token and says that there is no more."""
    ids = added(marketo, *({"email": "many@example.com"} for _ in range(7)))
    told = {"filterType": "email", "filterValues": "many@example.com", "fields": "id", "batchSize": 3}
    pages = [marketo.get(LEADS, **told)]
    while token := pages[-1].get("nextPageToken"):
        pages.append(marketo.get(LEADS, **told, nextPageToken=token))

    assert [True, True, False] == [page["moreResult"] for page in pages]
    assert ids == [lead["id"] for page in pages for lead in page["result"]]


def test_more_than_1000_matches_are_refused(marketo: Caller) -> None:
    """1,000 matches pass, 1,001 are 1003 with the documented words."""
    added(marketo, *({"email": "crowd@example.com"} for _ in range(1000)))
    told = {"filterType": "email", "filterValues": "crowd@example.com"}

    assert 300 == len(marketo.result(LEADS, **told))

    added(marketo, {"email": "crowd@example.com"})

    assert [("1003", "Too many results match the filter")] == errors(marketo.get(LEADS, **told))


def test_more_than_300_values_are_refused(marketo: Caller) -> None:
    """300 filter values pass, 301 do not."""
    values = [str(number) for number in range(1, 302)]

    assert marketo.get(LEADS, filterType="id", filterValues=",".join(values[:300]))["success"]
    assert ["1003"] == codes(marketo.get(LEADS, filterType="id", filterValues=",".join(values)))


@pytest.mark.parametrize("name", ["firstNam", "firstname", "FIRSTNAME"])
def test_an_unknown_field_is_1006(marketo: Caller, name: str) -> None:
    """A field that Describe does not name, to the letter, is 1006."""
    assert [("1006", f"Field '{name}' not found")] == errors(
        marketo.get(LEADS, filterType="id", filterValues="1", fields=f"id,{name}")
    )


def test_only_searchable_fields_filter(marketo: Caller) -> None:
    """Every field of describe2's searchableFields filters; another is 1011."""
    (described,) = marketo.result("/rest/v1/leads/describe2.json")
    searchable = [name for (name,) in described["searchableFields"]]

    for name in searchable:
        assert marketo.get(LEADS, filterType=name, filterValues="1")["success"]
        marketo.wait(1)
    assert "createdAt" not in searchable
    assert ["1011"] == codes(marketo.get(LEADS, filterType="createdAt", filterValues="2026-08-01"))


def test_a_hidden_field_is_gone_and_comes_back(marketo: Caller) -> None:
    """Hidden at the desk, a field vanishes from Describe, from leads and from filters."""
    told = {"filterType": "id", "filterValues": "1", "fields": "phone"}
    marketo.desk("POST", "/fields/phone/hide")
    (described,) = marketo.result("/rest/v1/leads/describe2.json")

    assert "phone" not in {field["name"] for field in described["fields"]}
    assert ["1006"] == codes(marketo.get(LEADS, **told))

    marketo.desk("POST", "/fields/phone/hide", hidden=False)

    assert marketo.get(LEADS, **told)["success"]


def test_a_new_field_is_described_and_filled(marketo: Caller) -> None:
    """A field added at the desk can be read at once; describe tells its numeric id, describe2 its type."""
    marketo.desk("POST", "/fields", name="favouriteTea", data_type="string", display_name="Favourite Tea")
    (lead_id,) = added(marketo, {"favouriteTea": "Assam, loose"})
    described = {
        item["rest"]["name"]: item for item in marketo.result("/rest/v1/leads/describe.json") if "rest" in item
    }

    assert ("Favourite Tea", "string", 255) == tuple(
        described["favouriteTea"][name] for name in ("displayName", "dataType", "length")
    )
    assert [{"id": lead_id, "favouriteTea": "Assam, loose"}] == marketo.result(
        f"/rest/v1/lead/{lead_id}.json", fields="favouriteTea"
    )


def test_a_retyped_field_is_described_with_its_new_type(marketo: Caller) -> None:
    """A type changed in the UI is what describe2 tells from then on; the values are spoken in it."""
    marketo.desk("POST", "/fields", name="shoeSize", data_type="integer")
    (lead_id,) = added(marketo, {"shoeSize": 42})
    marketo.desk("POST", "/fields/shoeSize/retype", data_type="string")
    (described,) = marketo.result("/rest/v1/leads/describe2.json")

    assert "string" == next(field["dataType"] for field in described["fields"] if field["name"] == "shoeSize")
    assert [{"id": lead_id, "shoeSize": "42"}] == marketo.result(f"/rest/v1/lead/{lead_id}.json", fields="shoeSize")


def test_both_describes_tell_of_the_same_fields(marketo: Caller) -> None:
    """Fields with a rest block in describe are exactly those of describe2; the others REST cannot use."""
    described = marketo.result("/rest/v1/leads/describe.json")
    (described2,) = marketo.result("/rest/v1/leads/describe2.json")
    by_rest = {item["rest"]["name"]: item for item in described if "rest" in item}

    assert "API Lead" == described2["name"]
    assert list(by_rest) == [field["name"] for field in described2["fields"]]
    for field in described2["fields"]:
        item = by_rest[field["name"]]
        assert (item["dataType"], item["rest"]["readOnly"]) == (field["dataType"], not field["updateable"])


def test_there_is_one_partition(marketo: Caller) -> None:
    """Partitions have id, name and description."""
    assert [{"id", "name", "description"}] == [set(item) for item in marketo.result("/rest/v1/leads/partitions.json")]
