"""Bad weather by a seed, and the harm that it may do to jobs, files and paging tokens."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import httpx
import pytest

from marketo_assets.sandbox.chaos import ANYWHERE, SOMEWHERE, SPELLS, SPENT, Chaos
from marketo_assets.sandbox.clock import SandboxClock, day_end
from marketo_assets.sandbox.faults import Fault, parse_fault
from marketo_assets_tests.sandbox.caller import EXPORT, Caller, codes

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PARTITIONS = "/rest/v1/leads/partitions.json"
LABELS = (
    "GET /identity/oauth/token",
    "GET /rest/v1/leads/describe2.json",
    "GET /rest/v1/activities/leadchanges.json",
    "POST /bulk/v1/leads/export/create.json",
    "POST /bulk/v1/leads/export/an-id/enqueue.json",
    "GET /bulk/v1/leads/export/an-id/status.json",
    "GET /bulk/v1/leads/export/an-id/file.json",
)


def drawn(seed: int, calls: int = 2_000) -> list[list[Fault]]:
    """Return what strikes each of many calls, a minute apart."""
    clock = SandboxClock(NOW, 0)
    chaos, found = Chaos(seed, clock, lambda now: day_end(now, "CST")), []
    for number in range(calls):
        found.append(chaos.draw(LABELS[number % len(LABELS)]))
        clock.move_by(60)
    return found


def _spent(chaos: Chaos) -> bool:
    return chaos.thrown[-1].get("code") == "607"


def test_the_same_seed_draws_the_same_faults() -> None:
    """For the same calls; another seed draws others."""
    first, again, another = ([[fault.describe() for fault in faults] for faults in drawn(seed)] for seed in (3, 3, 4))

    assert first == again
    assert first != another


def test_every_fault_strikes_in_the_end() -> None:
    """Each order is drawn by some seed, and many calls are left alone."""
    found = [faults for seed in range(6) for faults in drawn(seed)]
    told = {(fault.kind, str(sorted(fault.parameters.items()))) for faults in found for fault in faults}
    orders = [parse_fault(order) for _, order in (*ANYWHERE, *SOMEWHERE, *SPELLS, *SPENT)]

    assert [] == [order for order in orders if (order.kind, str(sorted(order.parameters.items()))) not in told]
    assert len(found) / 3 < Counter(map(len, found))[0]


def test_a_spent_allotment_is_there_again_on_the_next_day() -> None:
    """Every 607 of a spell comes on the day on which it began."""
    clock = SandboxClock(NOW, 0)
    spent = 0
    for seed in range(40):
        clock.move_to(NOW)
        chaos = Chaos(seed, clock, lambda now: day_end(now, "CST"))
        while len(chaos.thrown) < 50:
            chaos.draw(LABELS[1])
        spent += _spent(chaos)
        clock.move_to(datetime(2026, 8, 16, 6, 0, 1, tzinfo=UTC))
        before = len(chaos.thrown)
        chaos.draw(LABELS[1])

        assert before == len(chaos.thrown) or not _spent(chaos)
    assert spent


def test_weather_begins_and_ends_at_the_desk(marketo: Caller) -> None:
    """The desk tells the seed and what was thrown; afterwards every call is answered."""
    assert 5 == marketo.desk("PUT", "/chaos", seed=5)["seed"]
    for _ in range(60):
        with suppress(httpx.RemoteProtocolError):  # a connection that is dropped
            marketo.identify()
        marketo.wait(60)
    thrown = marketo.desk("DELETE", "/chaos")["thrown"]

    assert thrown
    assert {"at", "call", "kind"} <= set(thrown[0])
    assert {"seed": None, "thrown": []} == marketo.desk("GET", "/chaos")
    marketo.renew()
    assert marketo.get(PARTITIONS)["success"]


@pytest.mark.parametrize("seed", [None, "5", 1.5, True], ids=str)
def test_a_seed_is_a_whole_number(marketo: Caller, seed: object) -> None:
    """Anything else is HTTP 400, and the weather stays as it is."""
    assert 400 == marketo.client.put("/sandbox/chaos", json={"seed": seed}).status_code
    assert marketo.desk("GET", "/chaos")["seed"] is None


def test_a_job_can_be_cancelled_by_somebody(marketo: Caller) -> None:
    """It is Canceled at the next look and has no file."""
    export_id = marketo.enqueued()
    marketo.fault("job_cancelled", "GET /bulk/*/status.json")
    marketo.wait(60)

    assert "Canceled" == marketo.status(export_id)["status"]
    assert 404 == marketo.file(export_id).status_code


def test_a_finished_job_cannot_be_cancelled(marketo: Caller) -> None:
    """It stays Completed, whoever tries."""
    job = marketo.completed()
    marketo.fault("job_cancelled", "GET /bulk/*/status.json")

    assert job == marketo.status(job["exportId"])


def test_a_job_can_take_longer(marketo: Caller) -> None:
    """By the ordered seconds of the sandbox's time."""
    marketo.fault("job_slow", "POST /bulk/*/enqueue.json", seconds=3_600.0)
    export_id = marketo.enqueued()
    marketo.wait(3_500)
    assert "Processing" == marketo.status(export_id)["status"]
    marketo.wait(300)
    marketo.renew()
    assert "Completed" == marketo.status(export_id)["status"]


def test_rows_can_come_again(marketo: Caller) -> None:
    """The first leads of a file stand at its end once more, and are counted as records."""
    marketo.desk("PATCH", "/switches", repeated_rows=3)
    job = marketo.completed()
    lines = marketo.file(job["exportId"]).text.splitlines()
    marketo.desk("PATCH", "/switches", repeated_rows=0)
    once = marketo.completed()

    assert once["numberOfRecords"] + 3 == job["numberOfRecords"]
    assert lines[1:4] == lines[-3:]


def test_a_range_can_be_ignored(marketo: Caller) -> None:
    """The whole file comes with HTTP 200."""
    job = marketo.completed()
    marketo.fault("range_ignored", "GET /bulk/*/file.json")
    path, headers = f"{EXPORT}/{job['exportId']}/file.json", {"Range": "bytes=100-199"}
    whole, part = (marketo.call("GET", path, headers=headers) for _ in range(2))

    assert (200, job["fileSize"]) == (whole.status_code, len(whole.content))
    assert (206, whole.content[100:200]) == (part.status_code, part.content)


def test_paging_tokens_can_end(marketo: Caller) -> None:
    """A token given before is refused with 1003, at the struck call and later; a new one works."""
    minted = "/rest/v1/activities/pagingtoken.json"
    old = marketo.get(minted, sinceDatetime="2026-08-01T00:00:00Z")["nextPageToken"]
    marketo.fault("paging_tokens_void", "GET /rest/v1/activities*")
    path = "/rest/v1/activities/deletedleads.json"

    assert [["1003"], ["1003"]] == [codes(marketo.get(path, nextPageToken=old)) for _ in range(2)]
    new = marketo.get(minted, sinceDatetime="2026-08-01T00:00:00Z")["nextPageToken"]
    assert marketo.get(path, nextPageToken=new)["success"]
