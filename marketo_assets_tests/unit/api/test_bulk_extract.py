"""Export jobs: created once, enqueued, watched and listed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import pytest

from marketo_assets.api.bulk_extract import ExportJob, cancel, create_export, enqueue, list_exports, status
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    ExportQuotaSpent,
    GiveUp,
    NotFound,
    OutcomeUnknown,
    QueueFull,
    UnreadableAnswer,
    UnsupportedFilter,
)
from marketo_assets_tests.unit.api.instance import Instance, accepted, refusal

ID = "5d0f0c3e-4b5e-4c31-9a0b-9b7b3f2a1d44"
LIST = "/bulk/v1/leads/export.json"
CREATE = "/bulk/v1/leads/export/create.json"
ENQUEUE = f"/bulk/v1/leads/export/{ID}/enqueue.json"
STATUS = f"/bulk/v1/leads/export/{ID}/status.json"
CANCEL = f"/bulk/v1/leads/export/{ID}/cancel.json"
WINDOW = {"createdAt": {"startAt": "2026-07-01T00:00:00Z", "endAt": "2026-07-31T23:59:59Z"}}

CREATED = {"exportId": ID, "format": "CSV", "status": "Created", "createdAt": "2026-08-01T10:00:02Z"}
COMPLETED = {
    **CREATED,
    "status": "Completed",
    "queuedAt": "2026-08-01T10:00:09Z",
    "startedAt": "2026-08-01T02:01:30-08:00",
    "finishedAt": "2026-08-01T10:07:11+0000",
    "numberOfRecords": 48211,
    "fileSize": 9120344,
    "fileChecksum": "sha256:9F2C" + "0" * 60,
    "errorMsg": None,
}


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 8, 1, hour, minute, second, tzinfo=UTC)


def test_a_job_is_created_as_documented(client: MarketoClient, instance: Instance) -> None:
    """Fields, format and filter travel as JSON; the job comes back with its id, for one call."""
    instance.script(CREATE, accepted([CREATED]))

    job = create_export(client, filter=WINDOW, fields=("id", "createdAt"))

    assert ExportJob(ID, "Created", created_at=at(10, 0, 2)) == job
    (request,) = instance.requests
    assert json.loads(request.content) == {"fields": ["id", "createdAt"], "format": "CSV", "filter": WINDOW}
    assert request.headers["content-type"] == "application/json"
    assert client.calls == 1


def test_a_completed_job_is_read_in_full(client: MarketoClient, instance: Instance) -> None:
    """Times in any zone, size, records, and the checksum as bare hex."""
    instance.script(STATUS, accepted([COMPLETED]))

    assert status(client, ID) == ExportJob(
        ID,
        "Completed",
        created_at=at(10, 0, 2),
        queued_at=at(10, 0, 9),
        started_at=at(10, 1, 30),
        finished_at=at(10, 7, 11),
        records=48211,
        file_bytes=9120344,
        checksum="9f2c" + "0" * 60,
    )


@pytest.mark.parametrize("spelling", ["Canceled", "Cancelled", "canceled", "CANCELLED"])
def test_cancelled_is_one_word(client: MarketoClient, instance: Instance, spelling: str) -> None:
    """Adobe spells it in two ways."""
    instance.script(STATUS, accepted([{**CREATED, "status": spelling}]))

    assert status(client, ID).status == "Cancelled"


def test_a_failed_job_says_why_without_telling_on_a_person(client: MarketoClient, instance: Instance) -> None:
    """The reason is kept, the address in it is not."""
    failed = {**CREATED, "status": "Failed", "errorMsg": "Row of kim@example.com is broken"}
    instance.script(STATUS, accepted([failed]))

    assert status(client, ID).error == "Row of *** is broken"


@pytest.mark.parametrize("record", [{}, {"exportId": ID}, {"status": "Created"}], ids=["nothing", "no status", "no id"])
def test_a_job_without_id_or_status_is_no_job(
    client: MarketoClient, instance: Instance, record: dict[str, str]
) -> None:
    """A job that cannot be followed is an error, not a guess."""
    instance.script(STATUS, accepted([record]))

    with pytest.raises(UnreadableAnswer, match="without its id or status"):
        status(client, ID)


@pytest.mark.parametrize(
    "answer", [accepted([]), refusal("702", "No data found")], ids=["an empty result", "no data found"]
)
def test_a_job_that_marketo_no_longer_has_is_not_found(
    client: MarketoClient, instance: Instance, answer: httpx.Response
) -> None:
    """An answer without a job says that there is none, so that another one can be made."""
    instance.script(STATUS, answer)

    with pytest.raises(NotFound):
        status(client, ID)


def test_an_answer_without_a_result_does_not_lose_the_job(client: MarketoClient, instance: Instance) -> None:
    """`result` may be missing: after an enqueue the status tells; of a status it is no proof that the job is gone."""
    nothing = httpx.Response(200, json={"success": True})
    instance.script(ENQUEUE, nothing)
    instance.script(STATUS, accepted([{**CREATED, "status": "Queued"}]), nothing)

    assert "Queued" == enqueue(client, ID).status
    with pytest.raises(UnreadableAnswer):
        status(client, ID)


def test_an_enqueued_job_is_queued(client: MarketoClient, instance: Instance) -> None:
    """One call puts it in the queue."""
    instance.script(ENQUEUE, accepted([{**CREATED, "status": "Queued"}]))

    assert enqueue(client, ID).status == "Queued"
    assert [request.method for request in instance.requests] == ["POST"]


def test_enqueueing_twice_is_no_trouble(client: MarketoClient, instance: Instance) -> None:
    """Marketo says that it is queued already; then its status is what counts."""
    instance.script(ENQUEUE, refusal("1029", "Job already queued"))
    instance.script(STATUS, accepted([{**CREATED, "status": "Processing"}]))

    assert enqueue(client, ID).status == "Processing"


def test_an_enqueue_whose_answer_was_lost_is_repeated(client: MarketoClient, instance: Instance) -> None:
    """The second try finds it queued already."""
    instance.script(ENQUEUE, httpx.ReadTimeout("slow"), refusal("1029", "Job already queued"))
    instance.script(STATUS, accepted([{**CREATED, "status": "Queued"}]))

    assert enqueue(client, ID).status == "Queued"


def test_a_full_queue_is_the_callers_to_wait_for(client: MarketoClient, instance: Instance) -> None:
    """Ten jobs wait: the client does not sit it out with a call's patience."""
    instance.script(ENQUEUE, refusal("1029", "Too many jobs in queue"))

    with pytest.raises(QueueFull) as caught:
        enqueue(client, ID)

    assert caught.value.after_seconds == 60.0
    assert len(instance.requests) == 1


@pytest.mark.parametrize("step", ["create", "enqueue"])
def test_a_spent_quota_costs_no_further_call(client: MarketoClient, instance: Instance, step: str) -> None:
    """Once Marketo said that the day is spent, nobody asks again before the reset."""
    for path in (CREATE, ENQUEUE):
        instance.script(path, refusal("1029", "Export daily quota exceeded"))
    for _ in range(3):
        with pytest.raises(ExportQuotaSpent) as caught:
            create_export(client, filter=WINDOW, fields=["id"]) if step == "create" else enqueue(client, ID)
        assert datetime(2026, 1, 15, 6, tzinfo=UTC) == caught.value.resets_at

    assert len(instance.requests) == 1


def test_a_filter_that_the_subscription_lacks_is_a_capability(client: MarketoClient, instance: Instance) -> None:
    """1035 is told apart from every other refusal."""
    instance.script(CREATE, refusal("1035", "Unsupported filter type for target subscription: updatedAt"))

    with pytest.raises(UnsupportedFilter, match="createdAt is accepted everywhere"):
        create_export(client, filter={"updatedAt": {}}, fields=["id"])


def test_a_create_whose_answer_was_lost_is_not_repeated(client: MarketoClient, instance: Instance) -> None:
    """There may be an orphan now: the caller is told to look in the list."""
    instance.script(CREATE, httpx.ReadTimeout("slow"))

    with pytest.raises(OutcomeUnknown, match="list of jobs"):
        create_export(client, filter=WINDOW, fields=["id"])

    assert len(instance.requests) == 1


def test_a_job_can_be_cancelled(client: MarketoClient, instance: Instance) -> None:
    """One call ends it."""
    instance.script(CANCEL, accepted([{**CREATED, "status": "Cancelled"}]))

    assert cancel(client, ID).status == "Cancelled"


def test_cancelling_a_finished_job_leaves_it_as_it_is(client: MarketoClient, instance: Instance) -> None:
    """Marketo refuses with 1029, which is no trouble."""
    instance.script(CANCEL, refusal("1029", "Words that no document has"))
    instance.script(STATUS, accepted([COMPLETED]))

    assert cancel(client, ID).status == "Completed"


def test_other_refusals_of_a_cancel_are_errors(client: MarketoClient, instance: Instance) -> None:
    """Only 1029 is expected there."""
    instance.script(CANCEL, refusal("9999", "Unheard of"))

    with pytest.raises(GiveUp):
        cancel(client, ID)


def test_jobs_are_listed_page_by_page_and_chosen_here(client: MarketoClient, instance: Instance) -> None:
    """The list goes on while a token comes; how several statuses are sent is disputed, so none is."""
    cancelled = {**CREATED, "exportId": "b", "status": "Canceled"}
    instance.script(
        LIST,
        accepted([CREATED, cancelled], nextPageToken="more"),
        accepted([{**COMPLETED, "exportId": "c"}]),
        accepted([CREATED, cancelled]),
    )

    assert [job.export_id for job in list_exports(client)] == [ID, "b", "c"]
    assert [job.export_id for job in list_exports(client, statuses=["Cancelled"])] == ["b"]
    assert [dict(request.url.params) for request in instance.requests] == [
        {"batchSize": "300"},
        {"batchSize": "300", "nextPageToken": "more"},
        {"batchSize": "300"},
    ]


def test_an_odd_id_cannot_leave_its_place_in_the_path(client: MarketoClient, instance: Instance) -> None:
    """Ids are opaque, so they are quoted."""
    instance.script("/bulk/v1/leads/export/a/../b?c/status.json", accepted([CREATED]))
    status(client, "a/../b?c")

    assert instance.requests[0].url.raw_path == b"/bulk/v1/leads/export/a%2F..%2Fb%3Fc/status.json"
