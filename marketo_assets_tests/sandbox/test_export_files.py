"""The file of an export: its cells, its bytes, its ranges, and the moment it shows."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime
from typing import Any

import pytest

from marketo_assets_tests.sandbox.caller import AUGUST, Caller

NOT_FOUND = (404, "text/plain; charset=utf-8")


def rows_of(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=delimiter))


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def test_the_file_holds_the_true_state_of_the_window(marketo: Caller) -> None:
    """Every lead created in the window, both ends included, with every value; nothing else."""
    (described,) = marketo.result("/rest/v1/leads/describe2.json")
    types = {field["name"]: field["dataType"] for field in described["fields"] if field["dataType"] != "formula"}
    job = marketo.completed(fields=list(types))
    header, *rows = rows_of(marketo.file(job["exportId"]).content)
    truth = marketo.desk("GET", f"/leads?fields={','.join(types)}")["leads"]
    expected = {lead["id"]: lead for lead in truth if lead["createdAt"] >= AUGUST["startAt"]}

    assert list(types) == header
    assert sorted(expected) == sorted(int(row[0]) for row in rows)
    assert job["numberOfRecords"] == len(rows)
    for row in rows:
        lead = expected[int(row[0])]
        for name, cell in zip(header, row, strict=True):
            assert as_text(lead[name]) == _normal(cell, types[name])


def _normal(cell: str, data_type: str) -> str:
    if data_type == "boolean":
        return {"0": "false", "1": "true"}.get(cell, cell)
    if data_type in ("percent", "float", "currency") and cell != "null":
        return str(float(cell)) if "." in cell else cell
    return cell.replace("+0000", "Z") if data_type == "datetime" else cell


def test_size_and_checksum_are_those_of_the_raw_bytes(marketo: Caller) -> None:
    """fileSize and fileChecksum describe the file exactly as it is sent."""
    job = marketo.completed()
    answer = marketo.file(job["exportId"])

    assert (200, job["fileSize"]) == (answer.status_code, len(answer.content))
    assert str(job["fileSize"]) == answer.headers["content-length"]
    assert f"sha256:{hashlib.sha256(answer.content).hexdigest()}" == job["fileChecksum"]
    assert "content-encoding" not in answer.headers


def test_both_ends_of_the_window_are_included(marketo: Caller) -> None:
    """A lead of the first second and one of the last are in; the seconds beside them are out."""
    moments = [f"2026-02-{day:02}T{time}Z" for day, time in ((9, "23:59:59"), (10, "00:00:00"))]
    moments += [f"2026-02-{day:02}T{time}Z" for day, time in ((11, "12:00:00"), (11, "12:00:01"))]
    ids = [marketo.desk("POST", "/leads", leads=[{}], at=moment)["ids"][0] for moment in moments]
    job = marketo.completed(fields=["id"], filter={"createdAt": {"startAt": moments[1], "endAt": moments[2]}})

    assert [["id"], [str(ids[1])], [str(ids[2])]] == rows_of(marketo.file(job["exportId"]).content)


@pytest.mark.parametrize(("name", "delimiter"), [("CSV", ","), ("TSV", "\t"), ("SSV", ";"), ("SSV", " ")])
def test_each_format_has_its_delimiter(marketo: Caller, name: str, delimiter: str) -> None:
    """Comma, tab, and semicolon or space: the pages disagree on SSV, so a switch chooses."""
    if delimiter == " ":
        marketo.desk("PATCH", "/switches", ssv_delimiter=" ")
    values = {"firstName": f"A{delimiter}B", "lastName": 'C"D', "address": "E\nF"}
    marketo.desk("POST", "/leads", leads=[values], at="2026-02-10T00:00:00Z")
    window = {"startAt": "2026-02-01T00:00:00Z", "endAt": "2026-02-28T23:59:59Z"}
    job = marketo.completed(fields=list(values), filter={"createdAt": window}, format=name)
    data = marketo.file(job["exportId"]).content

    assert name == job["format"]
    assert [list(values), list(values.values())] == rows_of(data, delimiter)
    assert data.startswith(f"firstName{delimiter}lastName{delimiter}address\n".encode())


def test_columns_may_be_renamed(marketo: Caller) -> None:
    """columnHeaderNames renames the header of the fields it names."""
    job = marketo.completed(fields=["id", "email"], columnHeaderNames={"email": "E-mail, main"})

    assert ["id", "E-mail, main"] == rows_of(marketo.file(job["exportId"]).content)[0]


@pytest.mark.parametrize(("quoted", "cell"), [(True, b'"null"'), (False, b"null")], ids=["quoted", "bare"])
def test_a_real_null_is_quoted_or_not(marketo: Caller, quoted: bool, cell: bytes) -> None:
    """The word null as a value is told from a missing one by quotes, or, by switch, not at all."""
    marketo.desk("PATCH", "/switches", quote_null_text=quoted)
    window = {"startAt": "2026-02-01T00:00:00Z", "endAt": "2026-02-28T23:59:59Z"}
    marketo.desk("POST", "/leads", leads=[{"lastName": "null"}], at="2026-02-10T00:00:00Z")
    job = marketo.completed(fields=["firstName", "lastName"], filter={"createdAt": window})

    assert b"firstName,lastName\nnull," + cell + b"\n" == marketo.file(job["exportId"]).content


def test_an_empty_window_is_completed_with_no_records(marketo: Caller) -> None:
    """Without a lead the job completes, says 0 records, and its file has a header only."""
    job = marketo.completed(
        fields=["id"], filter={"createdAt": {"startAt": "2007-01-01T00:00:00Z", "endAt": "2007-01-31T23:59:59Z"}}
    )

    assert 0 == job["numberOfRecords"]
    assert b"id\n" == marketo.file(job["exportId"]).content


def test_the_file_shows_the_moment_processing_started(marketo: Caller) -> None:
    """A change before the start is in the file, one while it is processing is not."""
    lead_id = marketo.desk("GET", "/leads?fields=id&limit=1")["leads"][0]["id"]
    window = {"startAt": "2026-06-01T00:00:00Z", "endAt": "2026-06-30T23:59:59Z"}
    export_id = marketo.enqueued(fields=["id", "company"], filter={"createdAt": window})
    marketo.desk("PATCH", f"/leads/{lead_id}", values={"company": "Before"})
    marketo.wait(30)
    marketo.desk("PATCH", f"/leads/{lead_id}", values={"company": "After"})
    marketo.wait(300)
    rows = dict(rows_of(marketo.file(export_id).content)[1:])

    assert "Before" == rows[str(lead_id)]


def test_the_updated_at_filter_sees_every_field_the_column_only_standard_ones(marketo: Caller) -> None:
    """A change of a custom field moves a lead into the filter's window and leaves the visible column behind."""
    marketo.desk("POST", "/fields", name="favouriteTea", data_type="string")
    (lead_id,) = marketo.desk("POST", "/leads", leads=[{}], at="2026-02-10T00:00:00Z")["ids"]
    marketo.desk("PATCH", f"/leads/{lead_id}", values={"favouriteTea": "Assam"}, at="2026-08-14T10:00:00Z")
    window = {"startAt": "2026-08-14T10:00:00Z", "endAt": "2026-08-14T10:00:00Z"}
    job = marketo.completed(fields=["id", "updatedAt"], filter={"updatedAt": window})

    assert [str(lead_id), "2026-02-10T00:00:00Z"] in rows_of(marketo.file(job["exportId"]).content)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-10", 10, 10),
        ("bytes=0-999999999", 0, None),
    ],
)
def test_a_range_is_206_with_exactly_those_bytes(marketo: Caller, asked: str, start: int, end: int | None) -> None:
    """Range gives HTTP 206, Content-Range and Content-Length, the last byte included."""
    job = marketo.completed()
    size = job["fileSize"]
    whole = marketo.file(job["exportId"]).content
    answer = marketo.file(job["exportId"], Range=asked)
    first = start if start >= 0 else size + start
    last = size - 1 if end is None else end

    assert (206, whole[first : last + 1]) == (answer.status_code, answer.content)
    assert f"bytes {first}-{last}/{size}" == answer.headers["content-range"]
    assert (str(last - first + 1), "bytes") == (answer.headers["content-length"], answer.headers["accept-ranges"])


def test_a_range_behind_the_end_is_416(marketo: Caller) -> None:
    """Nothing is left to send: HTTP 416 and the true size."""
    job = marketo.completed()
    answer = marketo.file(job["exportId"], Range=f"bytes={job['fileSize']}-")

    assert (416, b"") == (answer.status_code, answer.content)
    assert f"bytes */{job['fileSize']}" == answer.headers["content-range"]


@pytest.mark.parametrize("asked", ["bytes=", "bytes=5-3", "lines=0-5", "bytes=0-5,10-15"])
def test_what_is_not_one_range_of_bytes_is_ignored(marketo: Caller, asked: str) -> None:
    """Another Range header gives the whole file with HTTP 200."""
    job = marketo.completed()
    answer = marketo.file(job["exportId"], Range=asked)

    assert (200, job["fileSize"]) == (answer.status_code, len(answer.content))


def test_there_is_no_file_before_completion_nor_of_an_unknown_job(marketo: Caller) -> None:
    """Until then, and for an id nobody knows, the file route answers HTTP 404 in plain text."""
    export_id = marketo.created()
    answers = [marketo.file(export_id)]
    marketo.enqueue(export_id)
    answers.append(marketo.file(export_id))
    marketo.wait(30)
    answers += [marketo.file(export_id), marketo.file("5d0f0c3e-4b5e-4c31-9a0b-9b7b3f2a1d44")]

    assert [NOT_FOUND] * 4 == [(answer.status_code, answer.headers["content-type"]) for answer in answers]


def test_moments_are_whole_seconds(marketo: Caller) -> None:
    """createdAt in the file is ISO-8601 to the second."""
    job = marketo.completed(fields=["createdAt"])
    (header, *rows) = rows_of(marketo.file(job["exportId"]).content)

    assert ["createdAt"] == header
    assert all(datetime.strptime(cell, "%Y-%m-%dT%H:%M:%SZ") for (cell,) in rows)  # noqa: DTZ007 - the Z is in the form
