"""The control desk: time, true state, changes, switches, reset."""

from __future__ import annotations

import json

import pytest

from marketo_assets_tests.sandbox.caller import Caller


def test_time_is_read_moved_and_scaled(marketo: Caller) -> None:
    """by, to and scale; the answer names the moment and the MARKETO_CLOCK for clients."""
    moved = marketo.desk("POST", "/time", by=90)
    set_to = marketo.desk("POST", "/time", to="2027-01-01T00:00:00+01:00")
    scaled = marketo.desk("POST", "/time", scale=1000)
    anchor, moment, scale = (float(part) for part in scaled["marketo_clock"].split("/"))

    assert "2026-08-15T12:01:30Z" == moved["now"]
    assert "2026-12-31T23:00:00Z" == set_to["now"]
    assert (1000.0, 1798758000.0) == (scale, pytest.approx(moment, abs=5))
    assert anchor > 1_600_000_000


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/time", {"to": "noon"}),
        ("POST", "/time", {"by": "60"}),
        ("POST", "/time", {"scale": -1}),
        ("POST", "/time", {"speed": 2}),
        ("PATCH", "/limits", {"daily_calls": "many"}),
        ("PATCH", "/limits", {"hourly_calls": 5}),
        ("PATCH", "/switches", {"midnight": "Paris"}),
        ("PATCH", "/switches", {"updated_at_filter": 1}),
        ("POST", "/leads", {"leads": [{"nothing": 1}]}),
        ("POST", "/leads", {"leads": [{"leadScore": "high"}]}),
        ("POST", "/leads", {"leads": {"firstName": "Kim"}}),
        ("POST", "/leads", {}),
        ("POST", "/changes", {"changes": [{"edit": 5}]}),
        ("POST", "/changes", {"changes": [{"merge": 5, "losers": ["6"]}]}),
        ("POST", "/fields", {"name": "xy", "data_type": "string", "length": "long"}),
        ("POST", "/changes", {"changes": [{"forget": 5}]}),
        ("POST", "/fields", {"name": "x y", "data_type": "string"}),
        ("POST", "/fields", {"name": "xy", "data_type": "colour"}),
        ("POST", "/reset", {"leads": "all"}),
        ("POST", "/reset", {"months": 0}),
        ("POST", "/reset", {"fields": 1}),
        ("PUT", "/users/x", {"permissions": "all"}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else value,
)
def test_what_makes_no_sense_is_refused(marketo: Caller, method: str, path: str, told: dict[str, object]) -> None:
    """HTTP 400 with an error in words; nothing of the sandbox has changed."""
    before = marketo.desk("GET", "/state")
    answer = marketo.client.request(method, f"/sandbox{path}", json=told)

    assert 400 == answer.status_code, answer.text
    assert {"error"} == set(answer.json())
    assert before == marketo.desk("GET", "/state")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/leads/999999999"), ("DELETE", "/users/nobody")])
def test_what_is_not_there_is_404(marketo: Caller, method: str, path: str) -> None:
    """The desk knows what it does not know."""
    assert 404 == marketo.client.request(method, f"/sandbox{path}").status_code


def test_changes_are_carried_out_in_order(marketo: Caller) -> None:
    """Add, edit, merge and delete in one request, each at its moment; the true state shows it."""
    (first,) = marketo.desk("POST", "/leads", leads=[{"firstName": "Kim"}], at="2026-08-01T00:00:00Z")["ids"]
    changes = [
        {"add": {"firstName": "Lee", "phone": "+1 555"}, "at": "2026-08-02T00:00:00Z"},
        {"edit": first, "values": {"lastName": "Ada"}, "at": "2026-08-03T00:00:00Z"},
    ]
    second = marketo.desk("POST", "/changes", changes=changes)["ids"][0]
    marketo.desk("POST", "/changes", changes=[{"merge": first, "losers": [second], "at": "2026-08-04T00:00:00Z"}])
    lead = marketo.desk("GET", f"/leads/{first}")

    assert ("Kim", "Ada", "+1 555") == (lead["firstName"], lead["lastName"], lead["phone"])
    assert {"deleted": {}, "merged": {str(second): first}} == marketo.desk("GET", "/gone")

    marketo.desk("POST", "/changes", changes=[{"delete": first, "at": "2026-08-05T00:00:00Z"}])

    assert {str(first): "2026-08-05T00:00:00+00:00"} == marketo.desk("GET", "/gone")["deleted"]
    assert 404 == marketo.client.get(f"/sandbox/leads/{first}").status_code


def test_the_true_state_comes_in_pages_or_lines(marketo: Caller) -> None:
    """JSON pages chained by next_after_id and NDJSON lines tell the same leads, ascending by id."""
    pages, after_id = [], 0
    while after_id is not None:
        page = marketo.desk("GET", f"/leads?limit=250&after_id={after_id}")
        pages += page["leads"]
        after_id = page["next_after_id"]
    lines = marketo.client.get("/sandbox/leads?format=ndjson").text.split("\n")

    assert 600 == len(pages)
    assert pages == [json.loads(line) for line in lines if line]
    assert sorted(lead["id"] for lead in pages) == [lead["id"] for lead in pages]


def test_reset_gives_the_same_instance_again_or_another(marketo: Caller) -> None:
    """Without options everything is as at the start; another seed is another instance."""
    before = marketo.desk("GET", "/leads")
    marketo.desk("POST", "/leads", leads=[{"firstName": "Kim"}])
    marketo.desk("PATCH", "/limits", daily_calls=5)
    marketo.desk("PATCH", "/switches", updated_at_filter=False)
    marketo.fault("error")
    marketo.desk("PUT", "/users/other")
    marketo.desk("POST", "/time", by=5000)
    state = marketo.desk("POST", "/reset")

    assert before == marketo.desk("GET", "/leads")
    assert (50_000, True, []) == (
        state["limits"]["daily_calls"],
        state["switches"]["updated_at_filter"],
        state["faults"],
    )
    assert ("2026-08-15T12:00:00Z", 1) == (state["now"], len(marketo.desk("GET", "/users")))

    marketo.desk("POST", "/reset", seed=8, leads=50)
    other = marketo.desk("GET", "/leads")["leads"]
    marketo.desk("POST", "/reset", seed=7, leads=600)

    assert 50 == len(other)
    assert other != before["leads"][:50]
    assert before == marketo.desk("GET", "/leads")


def test_secrets_are_not_told(marketo: Caller) -> None:
    """Neither state nor users show a client secret."""
    told = json.dumps([marketo.desk("GET", "/state"), marketo.desk("GET", "/users")])

    assert marketo.service["client_secret"] not in told


def test_the_sandbox_never_failed_by_itself(marketo: Caller) -> None:
    """A 611 that nobody ordered would be counted as the sandbox's own failure."""
    for path in ("/rest/v1/leads.json", "/bulk/v1/leads/export.json", "/rest/v1/stats/usage.json"):
        marketo.get(path)

    assert 0 == marketo.desk("GET", "/counters")["own_failures"]


def test_counters_can_start_anew(marketo: Caller) -> None:
    """Cleared, they count from zero; jobs and the day's bytes stay."""
    job = marketo.completed()
    marketo.file(job["exportId"])
    counters = marketo.desk("DELETE", "/counters")

    assert (0, 0, 0, {}) == tuple(counters[name] for name in ("calls", "bytes_exported", "bytes_sent", "exports"))
    assert job["fileSize"] == counters["bytes_exported_today"]


def test_the_same_seed_gives_the_same_ids_and_files(marketo: Caller) -> None:
    """After a reset the same calls give the same token, the same export id and the same bytes."""
    told = []
    for _ in range(2):
        marketo.desk("POST", "/reset")
        marketo.renew()
        told.append((marketo.token, marketo.completed()))

    assert told[0] == told[1]
