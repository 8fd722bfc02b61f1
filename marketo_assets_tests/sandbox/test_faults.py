"""Trouble on order: each kind strikes what it says, as often as it says, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from marketo_assets_tests.sandbox.caller import EXPORT, Caller, codes, errors

PARTITIONS = "/rest/v1/leads/partitions.json"
FILE = "GET /bulk/*/file.json"


def test_a_fault_lets_calls_pass_then_strikes_then_is_spent(marketo: Caller) -> None:
    """`skip` calls pass, `count` are struck, the rest pass; other routes never notice."""
    marketo.fault("error", f"GET {PARTITIONS}", code="713", skip=2, count=3)
    answers = [marketo.get(PARTITIONS)["success"] for _ in range(7)]

    assert [True, True, False, False, False, True, True] == answers
    assert marketo.get("/rest/v1/leads/describe2.json")["success"]
    (fault,) = marketo.desk("GET", "/faults")
    assert (7, 3) == (fault["seen"], fault["struck"])


@pytest.mark.parametrize(
    ("code", "message"),
    [("608", "API Temporarily Unavailable"), ("1003", "Something of its own"), ("9999", "System error")],
)
def test_any_code_and_message_can_be_ordered(marketo: Caller, code: str, message: str) -> None:
    """A code brings Marketo's message, unless another is given; a code of no table works too."""
    told = {} if code != "1003" else {"message": message}
    marketo.fault("error", code=code, **told)

    assert [(code, message)] == errors(marketo.get(PARTITIONS))


def test_an_error_strikes_identity_too(marketo: Caller) -> None:
    """The token route can be in trouble as any other."""
    marketo.fault("http", "GET /identity/*", status=503, body="busy", content_type="text/plain")

    answer = marketo.identify()

    assert (503, "busy") == (answer.status_code, answer.text)
    assert 200 == marketo.identify().status_code


def test_an_http_status_with_a_body_of_html(marketo: Caller) -> None:
    """A gateway's 502 comes as HTML."""
    marketo.fault("http", "* /rest/*")
    answer = marketo.call("GET", PARTITIONS)

    assert (502, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert answer.text.startswith("<html>")


def test_a_body_that_is_no_json(marketo: Caller) -> None:
    """HTTP 200, called JSON, and none."""
    marketo.fault("not_json")
    answer = marketo.call("GET", PARTITIONS)

    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_a_dropped_connection_ends_after_so_many_bytes(marketo: Caller) -> None:
    """The true length is announced, fewer bytes come, and the connection ends."""
    job = marketo.completed()
    whole = marketo.file(job["exportId"]).content
    marketo.fault("drop", FILE, after_bytes=1234)
    received: list[bytes] = []
    request = {"headers": {"Authorization": f"Bearer {marketo.token}"}}
    with marketo.client.stream("GET", f"{EXPORT}/{job['exportId']}/file.json", **request) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            received.extend(answer.iter_raw())

        assert str(job["fileSize"]) == answer.headers["content-length"]
    assert whole[:1234] == b"".join(received)


def test_a_call_whose_answer_is_dropped_has_had_its_effect(marketo: Caller) -> None:
    """A create whose answer is lost leaves a job behind: the orphan a client must find again."""
    marketo.fault("drop", "POST /bulk/*/create.json")
    with pytest.raises(httpx.RemoteProtocolError):
        marketo.create()

    assert ["Created"] == [job["status"] for job in marketo.result(f"{EXPORT}.json")]


def test_a_truncated_file_lies_about_its_length(marketo: Caller) -> None:
    """Content-Length agrees with the short body: only size and checksum of the job tell."""
    job = marketo.completed()
    whole = marketo.file(job["exportId"]).content
    marketo.fault("truncate", FILE, bytes=100)
    answer = marketo.file(job["exportId"])

    assert (200, "100", whole[:100]) == (answer.status_code, answer.headers["content-length"], answer.content)
    assert whole == marketo.file(job["exportId"]).content


def test_a_corrupted_file_differs_in_one_bit(marketo: Caller) -> None:
    """Length and all bytes but one are right, once or always."""
    job = marketo.completed()
    whole = marketo.file(job["exportId"]).content
    marketo.fault("corrupt", FILE, offset=500, count=None)
    for _ in range(2):
        damaged = marketo.file(job["exportId"]).content

        assert [500] == [place for place, pair in enumerate(zip(whole, damaged, strict=True)) if pair[0] != pair[1]]
        assert 1 == (whole[500] ^ damaged[500]).bit_count()


def test_a_slow_answer_is_an_answer(marketo: Caller) -> None:
    """After the ordered seconds the true answer comes."""
    marketo.fault("slow", seconds=0.05)

    assert marketo.call("GET", PARTITIONS).elapsed.total_seconds() >= 0.05


def test_a_call_held_back_goes_on_when_the_faults_are_cleared(marketo: Caller) -> None:
    """The desk tells that a call is being held, and lets it go."""
    marketo.fault("hold", f"GET {PARTITIONS}")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(marketo.get, PARTITIONS)
        marketo.until(lambda: marketo.desk("GET", "/faults")[0]["holding"] == 1)

        assert not held.done()

        marketo.desk("DELETE", "/faults")
        assert held.result(10)["success"]


def test_a_body_held_back_stops_in_the_middle(marketo: Caller) -> None:
    """The first bytes arrive, the others when the faults are cleared: time enough to kill a client."""
    job = marketo.completed()
    whole = marketo.file(job["exportId"]).content
    marketo.fault("hold", FILE, after_bytes=1000)
    request = {"headers": {"Authorization": f"Bearer {marketo.token}"}}
    with marketo.client.stream("GET", f"{EXPORT}/{job['exportId']}/file.json", **request) as answer:
        chunks = answer.iter_raw()
        received = next(chunks)

        assert whole[:1000] == received

        marketo.until(lambda: marketo.desk("GET", "/faults")[0]["holding"] == 1)
        marketo.desk("DELETE", "/faults")
        assert whole == received + b"".join(chunks)


@pytest.mark.parametrize("code", ["601", "602"])
def test_a_token_can_end_early(marketo: Caller, code: str) -> None:
    """The struck call says 601 or 602; a new token works."""
    marketo.fault("token_revoked", f"GET {PARTITIONS}", code=code)

    assert [code] == codes(marketo.get(PARTITIONS))
    assert ["601"] == codes(marketo.get(PARTITIONS))

    marketo.renew()
    assert marketo.get(PARTITIONS)["success"]


def test_a_job_can_fail(marketo: Caller) -> None:
    """It ends Failed with its message, has no file, and costs no allotment."""
    marketo.fault("job_failed", "POST /bulk/*/enqueue.json", message="disk full")
    export_id = marketo.enqueued()
    marketo.wait(180)
    job = marketo.status(export_id)

    assert ("Failed", "disk full") == (job["status"], job["errorMsg"])
    assert {"finishedAt"} <= set(job)
    assert not {"fileSize", "numberOfRecords", "fileChecksum"} & set(job)
    assert 404 == marketo.file(export_id).status_code
    assert 0 == marketo.desk("GET", "/counters")["bytes_exported_today"]


def test_a_job_can_disappear(marketo: Caller) -> None:
    """From the struck call on nobody knows it, and its place in the queue is free."""
    export_id = marketo.enqueued()
    marketo.fault("job_lost", "GET /bulk/*/status.json")

    assert ["1013"] == codes(marketo.get(f"{EXPORT}/{export_id}/status.json"))
    assert 404 == marketo.file(export_id).status_code
    assert [] == marketo.result(f"{EXPORT}.json")


def test_a_completed_file_can_be_gone(marketo: Caller) -> None:
    """The status still says Completed, the file is HTTP 404 for good."""
    job = marketo.completed()
    marketo.fault("file_lost", FILE)

    assert [404, 404] == [marketo.file(job["exportId"]).status_code for _ in range(2)]
    assert job == marketo.status(job["exportId"])


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "gremlin"},
        {},
        {"kind": "drop", "after": 5},
        {"kind": "drop", "after_bytes": -1},
        {"kind": "error", "count": "many"},
        {"kind": "error", "skip": None},
        {"kind": "error", "route": 5},
    ],
    ids=str,
)
def test_an_order_that_makes_no_sense_is_refused(marketo: Caller, order: dict[str, object]) -> None:
    """The desk says HTTP 400 and what is wrong."""
    answer = marketo.client.post("/sandbox/faults", json=order)

    assert 400 == answer.status_code
    assert answer.json()["error"]
    assert [] == marketo.desk("GET", "/faults")
