"""An export job's life: its states, the queue, the slots, who sees it and for how long."""

from __future__ import annotations

import pytest

from marketo_assets_tests.sandbox.caller import EXPORT, JULY, Caller, codes, errors

UNTIMED = {"queue_seconds": 0.0, "export_seconds": 60.0, "export_seconds_per_mb": 0.0}


def test_a_job_goes_through_its_states_and_shows_each_moment(marketo: Caller) -> None:
    """Created, Queued, Processing, Completed: members appear as their state is reached."""
    export_id = marketo.created()
    marketo.wait(10)
    (queued,) = marketo.enqueue(export_id)["result"]
    marketo.wait(60)
    processing = marketo.status(export_id)
    marketo.wait(60)
    completed = marketo.status(export_id)

    assert {"exportId", "format", "status", "createdAt", "queuedAt"} == set(queued)
    assert set(queued) | {"startedAt"} == set(processing)
    assert set(processing) | {"finishedAt", "numberOfRecords", "fileSize", "fileChecksum"} == set(completed)
    assert ("Queued", "Processing", "Completed") == (queued["status"], processing["status"], completed["status"])
    assert ("2026-08-15T12:00:00Z", "2026-08-15T12:00:10Z", "2026-08-15T12:00:15Z", "2026-08-15T12:01:45Z") == tuple(
        completed[name] for name in ("createdAt", "queuedAt", "startedAt", "finishedAt")
    )


def test_the_status_moves_once_in_60_seconds(marketo: Caller) -> None:
    """A status asked early is the one of the last refresh, whatever has happened since."""
    export_id = marketo.enqueued()
    seen = []
    for seconds in (0, 59, 1, 59, 1):
        marketo.wait(seconds)
        seen.append(marketo.status(export_id)["status"])

    assert ["Queued", "Queued", "Processing", "Processing", "Completed"] == seen


def test_two_jobs_are_processed_and_the_others_wait(marketo: Caller) -> None:
    """The third job starts when the first is over."""
    marketo.desk("PATCH", "/switches", **UNTIMED)
    marketo.desk("PATCH", "/limits", status_refresh_seconds=0.0)
    ids = [marketo.enqueued() for _ in range(5)]
    seen = []
    for _ in range(4):
        seen.append([marketo.status(export_id)["status"] for export_id in ids])
        marketo.wait(60)

    p, q, c = "Processing", "Queued", "Completed"
    assert [[p, p, q, q, q], [c, c, p, p, q], [c, c, c, c, p], [c, c, c, c, c]] == seen


def test_looking_late_tells_the_same_story(marketo: Caller) -> None:
    """Jobs nobody looked at have started and finished at the moments at which they were due."""
    marketo.desk("PATCH", "/switches", **UNTIMED)
    ids = [marketo.enqueued() for _ in range(5)]
    marketo.wait(1800)
    jobs = [marketo.status(export_id) for export_id in ids]

    assert ["12:00:00", "12:00:00", "12:01:00", "12:01:00", "12:02:00"] == [job["startedAt"][11:19] for job in jobs]
    assert ["12:01:00", "12:01:00", "12:02:00", "12:02:00", "12:03:00"] == [job["finishedAt"][11:19] for job in jobs]


def test_the_eleventh_job_in_the_queue_is_1029(marketo: Caller) -> None:
    """Ten jobs may be queued, the running ones included; a place comes free when one is over."""
    marketo.desk("PATCH", "/switches", **UNTIMED)
    for _ in range(10):
        marketo.enqueued()
    export_id = marketo.created()

    assert [("1029", "Too many jobs in queue")] == errors(marketo.enqueue(export_id))

    marketo.wait(60)

    assert marketo.enqueue(export_id)["success"]


def test_the_queue_is_shared_by_all_users(marketo: Caller) -> None:
    """Another integration's jobs fill the same queue."""
    marketo.desk("PUT", "/users/other", client_secret="s")
    other = Caller(marketo.client, {"client_id": "other", "client_secret": "s"})
    for _ in range(10):
        other.enqueued()

    assert [("1029", "Too many jobs in queue")] == errors(marketo.enqueue(marketo.created()))


@pytest.mark.parametrize("seconds", [0, 30, 240], ids=["queued", "processing", "completed"])
def test_a_job_enqueued_twice_is_1029(marketo: Caller, seconds: int) -> None:
    """Enqueue takes a created job only; any other is said to be queued already."""
    export_id = marketo.enqueued()
    marketo.wait(seconds)

    assert [("1029", "Job already queued")] == errors(marketo.enqueue(export_id))


def test_a_full_allotment_is_1029_on_create_and_on_enqueue(marketo: Caller) -> None:
    """What was exported today counts; both steps are refused until midnight Central, jobs under way finish."""
    first, second = marketo.enqueued(), marketo.enqueued(filter={"createdAt": JULY})
    waiting = marketo.created()
    marketo.desk("PATCH", "/limits", daily_export_bytes=1000)
    marketo.wait(240)

    assert ["Completed", "Completed"] == [marketo.status(first)["status"], marketo.status(second)["status"]]
    assert [("1029", "Export daily quota exceeded")] == errors(marketo.enqueue(waiting))
    assert [("1029", "Export daily quota exceeded")] == errors(marketo.create())

    marketo.desk("POST", "/time", to="2026-08-16T04:59:59Z")
    marketo.renew()
    assert [("1029", "Export daily quota exceeded")] == errors(marketo.create())

    marketo.wait(1)
    assert marketo.enqueue(waiting)["success"]


def test_the_allotment_is_the_bytes_of_completed_files(marketo: Caller) -> None:
    """One byte short of what was exported refuses, one byte more lets pass; downloads cost nothing."""
    job = marketo.completed()
    for _ in range(3):
        marketo.file(job["exportId"])

    marketo.desk("PATCH", "/limits", daily_export_bytes=job["fileSize"])
    assert ["1029"] == codes(marketo.create())

    marketo.desk("PATCH", "/limits", daily_export_bytes=job["fileSize"] + 1)
    assert marketo.create()["success"]
    counters = marketo.desk("GET", "/counters")
    assert (job["fileSize"], 3 * job["fileSize"]) == (counters["bytes_exported_today"], counters["bytes_sent"])


@pytest.mark.parametrize("seconds", [None, 0, 30], ids=["created", "queued", "processing"])
def test_a_cancelled_job_is_spelled_both_ways(marketo: Caller, seconds: int | None) -> None:
    """The cancel answer says Cancelled, status and list say Canceled; there is never a file."""
    export_id = marketo.created()
    if seconds is not None:
        marketo.enqueue(export_id)
        marketo.wait(seconds)
    (cancelled,) = marketo.post(f"{EXPORT}/{export_id}/cancel.json")["result"]
    marketo.wait(300)

    assert ("Cancelled", "Canceled") == (cancelled["status"], marketo.status(export_id)["status"])
    assert ["Canceled"] == [job["status"] for job in marketo.result(f"{EXPORT}.json")]
    assert 404 == marketo.file(export_id).status_code


def test_cancelling_frees_the_place(marketo: Caller) -> None:
    """A slot that a cancelled job held goes to the next in the queue at once."""
    marketo.desk("PATCH", "/switches", **UNTIMED)
    first, _, third = (marketo.enqueued() for _ in range(3))
    marketo.wait(10)
    marketo.post(f"{EXPORT}/{first}/cancel.json")
    marketo.wait(60)

    assert "2026-08-15T12:00:10Z" == marketo.status(third)["startedAt"]


def test_a_finished_job_cannot_be_cancelled(marketo: Caller) -> None:
    """Cancel of a completed job is 1029, and the file stays."""
    job = marketo.completed()

    assert ["1029"] == codes(marketo.post(f"{EXPORT}/{job['exportId']}/cancel.json"))
    assert 200 == marketo.file(job["exportId"]).status_code


def test_jobs_belong_to_the_user_who_created_them(marketo: Caller) -> None:
    """Another API user neither sees nor touches them; another service of the same user does."""
    job = marketo.completed()
    export_id = job["exportId"]
    marketo.desk("PUT", "/users/other", client_secret="s")
    marketo.desk("PUT", "/users/twin", client_secret="s", user_id="warehouse-api@sandbox.example")
    other = Caller(marketo.client, {"client_id": "other", "client_secret": "s"})
    twin = Caller(marketo.client, {"client_id": "twin", "client_secret": "s"})

    assert [] == other.result(f"{EXPORT}.json")
    assert ["1013"] == codes(other.get(f"{EXPORT}/{export_id}/status.json"))
    assert ["1013"] == codes(other.enqueue(export_id))
    assert ["1013"] == codes(other.post(f"{EXPORT}/{export_id}/cancel.json"))
    assert 404 == other.file(export_id).status_code
    assert job == twin.status(export_id)


def test_the_list_filters_and_pages(marketo: Caller) -> None:
    """Statuses may be repeated or comma separated; a token is there as long as there is more."""
    completed = marketo.completed()["exportId"]
    created = [marketo.created() for _ in range(3)]
    first = marketo.get(f"{EXPORT}.json", batchSize=2, status="Created")
    second = marketo.get(f"{EXPORT}.json", batchSize=2, status="Created", nextPageToken=first["nextPageToken"])

    assert created == [job["exportId"] for page in (first, second) for job in page["result"]]
    assert "nextPageToken" not in second
    for status in (["Completed", "Queued"], "Completed,Queued"):
        assert [completed] == [job["exportId"] for job in marketo.result(f"{EXPORT}.json", status=status)]


def test_files_statuses_and_list_entries_end(marketo: Caller) -> None:
    """The file is gone after 7 days, the list entry too, the status after 30."""
    job = marketo.completed()
    export_id, day = job["exportId"], 86_400
    marketo.wait(6 * day)
    marketo.renew()
    assert 200 == marketo.file(export_id).status_code
    assert [job] == marketo.result(f"{EXPORT}.json")

    marketo.wait(day)
    marketo.renew()
    assert 404 == marketo.file(export_id).status_code
    assert [] == marketo.result(f"{EXPORT}.json")
    assert job == marketo.status(export_id)

    marketo.wait(23 * day)
    marketo.renew()
    assert ["1013"] == codes(marketo.get(f"{EXPORT}/{export_id}/status.json"))


def test_bigger_files_take_longer(marketo: Caller) -> None:
    """Processing time grows with the megabytes."""
    marketo.desk("PATCH", "/switches", export_seconds_per_mb=1_000_000.0)
    export_id = marketo.enqueued()
    marketo.wait(600)

    assert "Processing" == marketo.status(export_id)["status"]
    assert 404 == marketo.file(export_id).status_code


def test_exports_are_counted_by_filter(marketo: Caller) -> None:
    """The desk tells how often each window was created, enqueued, completed and downloaded."""
    export_id = marketo.completed()["exportId"]
    marketo.file(export_id)
    marketo.created(filter={"createdAt": JULY})
    counted = marketo.desk("GET", "/counters")["exports"]

    assert [{"created": 1, "enqueued": 1, "completed": 1, "downloads": 1}, {"created": 1}] == list(counted.values())
