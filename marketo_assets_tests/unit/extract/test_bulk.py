"""An export job seen through: patience with queue and status, and a file that is whole or none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from marketo_assets.api.bulk_extract import ExportJob
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import FileGone, MarketoError
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.bulk import Exporter, ExportError
from marketo_assets.extract.export_jobs import ExportRequest, RecordedJob, find_adoptable, record_job
from marketo_assets.extract.windows import month_window
from marketo_assets_tests.unit.api.conftest import client_of
from marketo_assets_tests.unit.api.instance import Handler, Instance, Pieces, accepted, page, refusal
from marketo_assets_tests.unit.extract.test_export_jobs import NOW

BASE = "/bulk/v1/leads/export"
REQUEST = ExportRequest("leads", "2026-07", month_window("2026-07"), ("id", "email"))
FILE = b"id,email\n" + b"".join(b"%d,lead%d@example.com\n" % (n, n) for n in range(100))
FULL = refusal("1029", "Too many jobs in queue")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def marketo(clock: ManualClock) -> Instance:
    return Instance(clock)


@pytest.fixture
def client(marketo: Instance, clock: ManualClock, data_dir: Path) -> Iterator[MarketoClient]:
    with client_of(marketo, Ledger(data_dir / "ledger.sqlite", Limits(), clock), clock) as client:
        yield client


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def exporter(client: MarketoClient, clock: ManualClock, lines: list[str]) -> Exporter:
    return Exporter(client, client.ledger, clock, lines.append)


def told(export_id: str, status: str, **more: Any) -> httpx.Response:
    return accepted([{"exportId": export_id, "status": status, "createdAt": "2026-08-15T12:00:00Z", **more}])


def completed(export_id: str, content: bytes = FILE) -> httpx.Response:
    digest = hashlib.sha256(content).hexdigest()
    return told(export_id, "Completed", numberOfRecords=100, fileSize=len(content), fileChecksum=f"sha256:{digest}")


def script_job(
    marketo: Instance, export_id: str, *statuses: httpx.Response | Handler, enqueue: Sequence[httpx.Response] = ()
) -> None:
    """Let the next job be created as *export_id*, enqueued after these refusals, and then go through *statuses*."""
    marketo.script(f"{BASE}/create.json", told(export_id, "Created"))
    marketo.script(f"{BASE}/{export_id}/enqueue.json", *enqueue, told(export_id, "Queued"))
    marketo.script(f"{BASE}/{export_id}/status.json", *statuses)


def test_a_job_is_created_enqueued_and_followed(marketo: Instance, exporter: Exporter) -> None:
    """One create, one enqueue and a status a minute bring a job to its end, with the filter and fields asked for."""
    script_job(marketo, "a", told("a", "Queued"), told("a", "Processing"), completed("a"))
    job = exporter.complete(REQUEST)

    assert ("Completed", 100, len(FILE)) == (job.status, job.records, job.file_bytes)
    assert [1, 1, 3] == [len(marketo.asked(f"{BASE}/{path}.json")) for path in ("create", "a/enqueue", "a/status")]
    assert len(FILE) == exporter.ledger.exports.used()
    assert 0 == exporter.ledger.exports.reserved()


def test_a_job_that_never_got_into_the_queue_is_enqueued_again(marketo: Instance, exporter: Exporter) -> None:
    """An enqueue that said nothing may have done nothing; nobody waits a day for a job that is still Created."""
    silence = httpx.Response(200, json={"success": True})
    created = told("a", "Created")
    script_job(marketo, "a", created, created, created, told("a", "Processing"), completed("a"), enqueue=[silence])

    assert "Completed" == exporter.complete(REQUEST).status
    assert [1, 2] == [len(marketo.asked(f"{BASE}/{path}.json")) for path in ("create", "a/enqueue")]


def test_polls_get_rarer(marketo: Instance, exporter: Exporter, clock: ManualClock) -> None:
    """A job that runs for long is asked for less and less often: after one minute at first, after five in the end."""
    asked = [NOW]

    def note(_: httpx.Request) -> httpx.Response:
        asked.append(clock.now())
        return completed("a") if len(asked) == 30 else told("a", "Processing")

    script_job(marketo, "a", note)
    exporter.complete(REQUEST)
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(asked)]

    assert sorted(pauses) == pauses
    assert (60, 300) == (pauses[0], pauses[-1])


def test_a_full_queue_is_waited_for(
    marketo: Instance, exporter: Exporter, clock: ManualClock, lines: list[str]
) -> None:
    """While the queue is full the same job is offered again after one, two, then four minutes."""
    script_job(marketo, "a", completed("a"), enqueue=[FULL] * 4)
    exporter.complete(REQUEST)

    assert [1, 5] == [len(marketo.asked(f"{BASE}/{path}.json")) for path in ("create", "a/enqueue")]
    waited = (clock.now() - NOW).total_seconds() / 60
    assert 1 + 2 + 4 + 4 <= waited <= 1.2 * (1 + 2 + 4 + 4) + 2
    assert 4 == sum("the export queue is full" in line for line in lines)


@pytest.mark.parametrize("where", ["queue", "status"])
def test_the_deadline(marketo: Instance, exporter: Exporter, where: str) -> None:
    """After the deadline the run stops with a message, and the job is kept for the next one."""
    marketo.script(f"{BASE}/create.json", told("a", "Created"))
    marketo.script(f"{BASE}/a/enqueue.json", FULL if where == "queue" else told("a", "Queued"))
    marketo.script(f"{BASE}/a/status.json", told("a", "Processing"))
    with pytest.raises(ExportError, match=r"(?s)24 hours.*kept.*run the partition again"):
        exporter.complete(REQUEST)

    adoptable = find_adoptable(exporter.ledger, REQUEST, now=exporter.clock.now())
    assert "a" == (adoptable.export_id if adoptable else None)


@pytest.mark.parametrize("ending", ["Failed", "Cancelled", "Canceled", "lost"])
def test_a_job_that_ends_without_a_file(marketo: Instance, exporter: Exporter, lines: list[str], ending: str) -> None:
    """A job that Marketo fails, cancels or loses is replaced by a new one, and the log says why."""
    lost = refusal("1013", "Export job not found")
    script_job(marketo, "a", lost if ending == "lost" else told("a", ending, errorMsg="out of luck"))
    script_job(marketo, "b", completed("b"))

    assert "b" == exporter.complete(REQUEST).export_id
    assert 2 == len(marketo.asked(f"{BASE}/create.json"))
    assert ["not found" if ending == "lost" else "out of luck"] == [
        words for line in lines for words in ("out of luck", "not found") if words in line
    ]


def test_jobs_that_always_fail(marketo: Instance, exporter: Exporter) -> None:
    """After three failed jobs the run gives up, names them and the next step, and has set no bytes aside."""
    for export_id in "abc":
        script_job(marketo, export_id, told(export_id, "Failed", errorMsg="Out of luck. Sorry."))
    with pytest.raises(ExportError, match=r"failed 3 export jobs for 2026-07") as refused:
        exporter.complete(REQUEST)

    said, _, next_step = str(refused.value).partition(". ")
    assert said.endswith(
        "(a ended Failed: Out of luck; Sorry; b ended Failed: Out of luck; Sorry; c ended Failed: Out of luck; Sorry)"
    )
    assert next_step.startswith("Nothing was lost. Run the partition again later: it begins a new job; if it keeps")
    assert 0 == exporter.ledger.exports.reserved()

    script_job(marketo, "d", completed("d"))
    assert "d" == exporter.complete(REQUEST).export_id


def test_a_job_that_was_left_is_taken_up_where_it_stands(
    marketo: Instance, exporter: Exporter, client: MarketoClient, clock: ManualClock
) -> None:
    """A run that follows another one's job creates and enqueues none, and asks for its status once a minute as well."""
    script_job(marketo, "a", told("a", "Processing"), refusal("1001", "broken"), completed("a"))
    with pytest.raises(MarketoError, match="broken"):
        exporter.complete(REQUEST)
    left = clock.now()
    again = Exporter(client, client.ledger, clock, print).complete(REQUEST)

    assert ("a", "Completed") == (again.export_id, again.status)
    assert [1, 1, 3] == [len(marketo.asked(f"{BASE}/{path}.json")) for path in ("create", "a/enqueue", "a/status")]
    assert timedelta(0) <= clock.now() - left <= timedelta(seconds=60)


def test_another_users_job_is_left_alone(marketo: Instance, exporter: Exporter) -> None:
    """After a change of the API user the month is exported anew, and the job of the other user stays recorded."""
    created = ExportJob("theirs", "Completed", created_at=NOW - timedelta(hours=1))
    record_job(exporter.ledger, REQUEST, created, now=NOW - timedelta(hours=1))
    marketo.script(f"{BASE}/theirs/status.json", refusal("603", "Access denied"))
    script_job(marketo, "ours", completed("ours"))

    assert "ours" == exporter.complete(REQUEST).export_id
    assert find_adoptable(exporter.ledger, REQUEST, now=NOW) is not None


def test_a_create_whose_answer_was_lost(marketo: Instance, exporter: Exporter) -> None:
    """A create without an answer is made once more; the job it may have left was never enqueued and costs nothing."""
    before = replace(REQUEST, partition="2026-06", window=month_window("2026-06"))
    record_job(exporter.ledger, before, ExportJob("z", "Completed"), now=NOW)
    marketo.script("/rest/v1/leads/describe2.json", accepted())
    marketo.script(f"{BASE}/create.json", httpx.ReadTimeout("no answer"))
    script_job(marketo, "b", completed("b"))

    assert "b" == exporter.complete(REQUEST).export_id
    assert 2 == len(marketo.asked(f"{BASE}/create.json"))
    assert 1 == len(marketo.asked(f"{BASE}/b/enqueue.json"))


@pytest.fixture
def job(marketo: Instance, exporter: Exporter) -> RecordedJob:
    script_job(marketo, "a", completed("a"))
    return exporter.complete(REQUEST)


def ranged(request: httpx.Request) -> httpx.Response:
    """Answer as Marketo does: the whole file, or the rest of it."""
    start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
    if not start:
        return httpx.Response(200, content=FILE)
    headers = {"content-range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"}
    return httpx.Response(206, content=FILE[start:], headers=headers)


DROPPED = httpx.Response(200, stream=Pieces(FILE[:700], httpx.ReadError("connection reset")))
GOOD = hashlib.sha256(FILE).hexdigest()
FETCHES: dict[str, tuple[bytes, list[Any], int]] = {
    "at once": (b"", [ranged], 1),
    "from where a killed run stopped": (FILE[:500], [ranged], 1),
    "already whole": (FILE, [ranged], 0),
    "after a connection that dropped": (b"", [DROPPED, ranged], 2),
    "after a file cut short": (b"", [httpx.Response(200, content=FILE[:100]), ranged], 2),
    "after a file that was damaged": (b"", [httpx.Response(200, content=FILE[::-1]), ranged], 2),
    "after a beginning that was damaged": (b"\0" * 500, [ranged], 2),
    "after a beginning that is too long": (FILE + b"more", [ranged], 1),
    "after a Range that was not honoured": (FILE[:500], [httpx.Response(200, content=FILE), ranged], 2),
    "after a page in its place": (b"", [page("<html>busy</html>", 502), ranged], 2),
    "after an error in its place": (b"", [refusal("606", "Max rate limit exceeded"), ranged], 2),
}


@pytest.mark.parametrize(("kept", "answers", "calls"), FETCHES.values(), ids=FETCHES.keys())
def test_the_file_arrives_whole(
    marketo: Instance, exporter: Exporter, job: RecordedJob, kept: bytes, answers: list[Any], calls: int
) -> None:
    """Whatever happens on the way, what is left in the end is the file, byte for byte, at the least number of calls."""
    marketo.script(f"{BASE}/a/file.json", *answers)
    sink = io.BytesIO(kept)
    exporter.fetch(REQUEST, job, sink)

    assert GOOD == hashlib.sha256(sink.getvalue()).hexdigest()
    assert calls == len(marketo.asked(f"{BASE}/a/file.json"))


def test_a_file_that_is_always_damaged(marketo: Instance, exporter: Exporter, job: RecordedJob) -> None:
    """A file that never has its checksum is refused after three tries, and the job is kept."""
    marketo.script(f"{BASE}/a/file.json", lambda _: httpx.Response(200, content=FILE[::-1]))
    with pytest.raises(ExportError, match=r"damaged 3 times.*Nothing was loaded. Run the partition again"):
        exporter.fetch(REQUEST, job, io.BytesIO())

    assert 3 == len(marketo.asked(f"{BASE}/a/file.json"))


def test_a_file_that_is_gone(marketo: Instance, exporter: Exporter, job: RecordedJob) -> None:
    """A file that has expired is told apart from one that is damaged, at once."""
    marketo.script(f"{BASE}/a/file.json", httpx.Response(404, text="Not found"))
    with pytest.raises(FileGone):
        exporter.fetch(REQUEST, job, io.BytesIO())

    assert 1 == len(marketo.asked(f"{BASE}/a/file.json"))
