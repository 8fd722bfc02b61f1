"""Create Export Lead Job: what a request may say, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import AUGUST, Caller, codes, errors

FULL_MONTH = {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-07-31T23:59:59Z"}
THIRTY_ONE_DAYS = {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-08-01T00:00:00Z"}


def window(start: object, end: object) -> dict[str, Any]:
    return {"createdAt": {"startAt": start, "endAt": end}}


def test_the_documented_body_is_accepted(marketo: Caller) -> None:
    """The example of the fact sheet gives a job in state Created, with only what is known by then."""
    answer = marketo.create(
        fields=["id", "createdAt", "updatedAt", "email", "unsubscribed"],
        format="CSV",
        filter=window("2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z"),
    )
    (job,) = answer["result"]

    assert {"exportId", "format", "status", "createdAt"} == set(job)
    assert ("CSV", "Created", "2026-08-15T12:00:00Z") == (job["format"], job["status"], job["createdAt"])


@pytest.mark.parametrize(
    "told",
    [
        window("2026-08-01T00:00:00Z", "2026-08-31T23:59:59Z"),
        window("2026-08-01T00:00:00", "2026-08-31T23:59:59"),
        window("2026-08-01T00:00:00-05:00", "2026-08-31T23:59:59+02:00"),
        window("2026-08-01T00:00:00+0000", "2026-08-01T00:00:00+0000"),
        {"createdAt": FULL_MONTH},
        {"createdAt": THIRTY_ONE_DAYS},
        {"updatedAt": FULL_MONTH},
    ],
)
def test_these_filters_are_accepted(marketo: Caller, told: dict[str, Any]) -> None:
    """ISO-8601 to the second with Z, an offset or no zone; up to 31 days; by creation or by latest update."""
    assert marketo.create(filter=told)["success"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"fields": None}, "1002"),
        ({"fields": []}, "1002"),
        ({"fields": "id,email"}, "1001"),
        ({"fields": ["id", 5]}, "1001"),
        ({"fields": ["id", "nothing"]}, "1006"),
        ({"fields": ["ID"]}, "1006"),
        ({"fields": ["id", "id"]}, "1003"),
        ({"filter": None}, "1002"),
        ({"filter": {}}, "1002"),
        ({"filter": "createdAt"}, "1001"),
        ({"filter": {"createdAt": AUGUST, "updatedAt": AUGUST}}, "1003"),
        ({"filter": {"leadStatus": "Open"}}, "1003"),
        ({"filter": {"createdAt": "2026-08-01"}}, "1001"),
        ({"filter": {"createdAt": {"startAt": "2026-08-01T00:00:00Z"}}}, "1002"),
        ({"filter": {"createdAt": {**AUGUST, "zone": "UTC"}}}, "1003"),
        ({"filter": window("2026-08-01T00:00:00.000Z", "2026-08-02T00:00:00Z")}, "704"),
        ({"filter": window("2026-08-01", "2026-08-02")}, "704"),
        ({"filter": window("2026-08-32T00:00:00Z", "2026-09-02T00:00:00Z")}, "704"),
        ({"filter": window(1754006400, 1754092800)}, "1001"),
        ({"filter": window("2026-08-02T00:00:00Z", "2026-08-01T00:00:00Z")}, "1003"),
        ({"filter": window("2026-07-01T00:00:00Z", "2026-08-01T00:00:01Z")}, "1003"),
        ({"filter": {"staticListId": 1}}, "1013"),
        ({"filter": {"staticListName": "Everybody"}}, "1013"),
        ({"filter": {"staticListId": "1"}}, "1001"),
        ({"filter": {"smartListId": 1}}, "1035"),
        ({"filter": {"smartListName": "Everybody"}}, "1035"),
        ({"format": "csv"}, "1003"),
        ({"format": "XLS"}, "1003"),
        ({"columnHeaderNames": {"phone": "Phone"}}, "1003"),
        ({"columnHeaderNames": {"email": 5}}, "1001"),
        ({"columnHeaderNames": ["email"]}, "1001"),
        ({"compression": "gzip"}, "1003"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_these_requests_are_refused(marketo: Caller, changes: dict[str, Any], code: str) -> None:
    """Everything that the documents do not allow gets an error, and no job comes of it."""
    assert [code] == codes(marketo.create(**changes))
    assert [] == marketo.desk("GET", "/jobs")


def test_without_the_updated_at_filter_it_is_1035(marketo: Caller) -> None:
    """A subscription without that filter says so on create, and takes createdAt as ever."""
    marketo.desk("PATCH", "/switches", updated_at_filter=False)

    assert [("1035", "Unsupported filter type for target subscription")] == errors(
        marketo.create(filter={"updatedAt": AUGUST})
    )
    assert marketo.create()["success"]


def test_formula_fields_cannot_be_exported(marketo: Caller) -> None:
    """A formula is described, but no export takes it."""
    (described,) = marketo.result("/rest/v1/leads/describe2.json")
    formulas = [field["name"] for field in described["fields"] if field["dataType"] == "formula"]

    for name in formulas:
        assert ["1006"] == codes(marketo.create(fields=["id", name]))
    assert formulas


def test_every_other_described_field_can_be_exported(marketo: Caller) -> None:
    """One job may ask for all fields that describe2 names, formulas apart."""
    (described,) = marketo.result("/rest/v1/leads/describe2.json")
    names = [field["name"] for field in described["fields"] if field["dataType"] != "formula"]

    assert marketo.create(fields=names)["success"]
