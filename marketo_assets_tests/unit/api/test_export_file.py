"""A file comes as it is, from any byte on; an error never passes for a file."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import (
    BadRange,
    FileGone,
    FileInterrupted,
    MarketoError,
    RateLimited,
    UnreadableAnswer,
    WrongInstance,
)
from marketo_assets.api.export_file import CHUNK_BYTES, open_export_file
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock, SystemClock
from marketo_assets.settings import Secret
from marketo_assets_tests.unit.api.callers import places_taken
from marketo_assets_tests.unit.api.instance import Instance, Pieces, page, refusal

FILE = "/bulk/v1/leads/export/abc/file.json"
CONTENT = b"id,email\n" + b"".join(b"%d,lead%d@example.com\n" % (number, number) for number in range(200_000))


def whole(content: bytes = CONTENT, breaks: Exception | None = None, kind: str = "text/csv") -> httpx.Response:
    headers = {"content-type": kind, "content-length": str(len(content))}
    return httpx.Response(200, headers=headers, stream=Pieces(content, breaks))


def ranged(request: httpx.Request) -> httpx.Response:
    start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    if start >= len(CONTENT):
        return httpx.Response(416, stream=Pieces(b""))
    rest = CONTENT[start:]
    headers = {
        "content-type": "text/csv",
        "content-length": str(len(rest)),
        "content-range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}",
    }
    return httpx.Response(206, headers=headers, stream=Pieces(rest))


def test_a_whole_file_comes_in_large_chunks(client: MarketoClient, instance: Instance) -> None:
    """Chunks are a mebibyte or more, save the last, and together the file; the call is one."""
    instance.script(FILE, whole())

    with open_export_file(client, "abc") as file:
        chunks = list(file)

    assert b"".join(chunks) == CONTENT
    assert len(chunks) > 2
    assert min(len(chunk) for chunk in chunks[:-1]) >= CHUNK_BYTES
    assert (file.start, file.total_bytes, file.content_type, client.calls) == (0, len(CONTENT), "text/csv", 1)
    assert "range" not in instance.requests[0].headers
    assert instance.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
def test_files_of_any_size_are_whole(client: MarketoClient, instance: Instance, size: int) -> None:
    """Nothing is lost or added at the edges of chunks."""
    instance.script(FILE, whole(CONTENT[:size]))

    with open_export_file(client, "abc") as file:
        assert b"".join(file) == CONTENT[:size]


@pytest.mark.parametrize("start", [1, 725, CHUNK_BYTES, len(CONTENT) - 1])
def test_a_file_is_continued_from_a_byte(client: MarketoClient, instance: Instance, start: int) -> None:
    """The rest comes by Range, and its place in the file is verified."""
    instance.script(FILE, ranged)

    with open_export_file(client, "abc", start=start) as file:
        assert b"".join(file) == CONTENT[start:]

    assert (file.start, file.total_bytes) == (start, len(CONTENT))
    assert f"bytes={start}-" == instance.requests[0].headers["range"]


def part(content_range: str, length: int = 10) -> httpx.Response:
    headers = {"content-type": "text/csv", "content-range": content_range, "content-length": str(length)}
    return httpx.Response(206, headers=headers, stream=Pieces(b"x" * length))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole(), id="the whole file instead"),
        pytest.param(part("bytes 80-89/100"), id="another start"),
        pytest.param(part("bytes 90-98/100", 9), id="a byte too few, as in 2021"),
        pytest.param(part("bytes 90-99/100", 9), id="a length that disagrees"),
        pytest.param(part("", 10), id="no Content-Range"),
        pytest.param(part("items 90-99/100"), id="not in bytes"),
        pytest.param(httpx.Response(416, stream=Pieces(b"")), id="HTTP 416"),
    ],
)
def test_a_range_that_is_not_honoured_starts_over(
    client: MarketoClient, instance: Instance, answer: httpx.Response
) -> None:
    """Bytes from elsewhere are never appended."""
    instance.script(FILE, answer)

    with pytest.raises(BadRange, match="again at byte 0"), open_export_file(client, "abc", start=90):
        pass


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(httpx.Response(404, text="Not found", headers={"content-type": "text/plain"}), FileGone, id="404"),
        pytest.param(page(status=403), MarketoError, id="403"),
        pytest.param(page(), WrongInstance, id="a web page"),
        pytest.param(refusal("1003", "Invalid export"), MarketoError, id="an envelope"),
        pytest.param(whole(b'{"hello": 1}', kind="application/json"), UnreadableAnswer, id="other JSON"),
    ],
)
def test_what_is_no_file_is_an_error(
    client: MarketoClient, instance: Instance, answer: httpx.Response, kind: type[MarketoError]
) -> None:
    """404 means gone or not ready; anything else says what it is."""
    instance.script(FILE, answer)

    with pytest.raises(kind), open_export_file(client, "abc"):
        pass

    assert places_taken(client.ledger) == 0


@pytest.mark.parametrize("kind", ["application/json", "application/json;charset=UTF-8", "text/csv", ""])
def test_an_error_in_place_of_the_file_is_found_whatever_it_calls_itself(
    client: MarketoClient, instance: Instance, kind: str
) -> None:
    """HTTP 200 with Marketo's envelope is a refusal, and opening is repeated like any call."""
    body = b'{"requestId":"a1#b2","success":false,"errors":[{"code":"606","message":"Max rate limit"}]}'
    instance.script(FILE, whole(body, kind=kind), whole(b"id\n1\n"))

    with open_export_file(client, "abc") as file:
        assert b"".join(file) == b"id\n1\n"

    assert client.calls == 2


def test_an_error_that_stays_is_raised(client: MarketoClient, instance: Instance) -> None:
    """After its tries the refusal is let through."""
    instance.script(FILE, lambda _: refusal("606", "Max rate limit"))

    with pytest.raises(RateLimited), open_export_file(client, "abc"):
        pass


def test_a_file_that_begins_like_json_is_still_a_file(client: MarketoClient, instance: Instance) -> None:
    """Only Marketo's envelope is taken for one."""
    instance.script(FILE, whole(b'{"name"}\n1\n'))

    with open_export_file(client, "abc") as file:
        assert b"".join(file) == b'{"name"}\n1\n'


def test_a_file_that_is_called_json_is_still_a_file(client: MarketoClient, instance: Instance) -> None:
    """Adobe's specification says that the endpoint produces application/json; the bytes decide."""
    content = b'id,bio\n1,"{""requestId"":1}"\n'
    headers = {"content-type": "application/json", "content-range": f"bytes 11-{len(content) - 1}/{len(content)}"}
    instance.script(
        FILE, whole(content, kind="application/json"), httpx.Response(206, headers=headers, stream=Pieces(content[11:]))
    )

    with open_export_file(client, "abc") as file:
        assert content == b"".join(file)
    with open_export_file(client, "abc", start=11) as file:
        assert content[11:] == b"".join(file)


def test_a_token_that_expires_before_the_download_is_renewed(client: MarketoClient, instance: Instance) -> None:
    """Opening signs in again by itself."""
    instance.script(FILE, whole(b"id\n"))
    client.sign_in()
    instance.revoke()

    with open_export_file(client, "abc") as file:
        assert b"".join(file) == b"id\n"


def test_an_interruption_gives_all_bytes_before_it(client: MarketoClient, instance: Instance) -> None:
    """Reading is not repeated behind the caller's back: what came is good, and the rest can be asked for."""
    cut = CONTENT[:2_500_000]
    instance.script(FILE, whole(cut, breaks=httpx.RemoteProtocolError("peer closed connection")))
    got: list[bytes] = []
    with open_export_file(client, "abc") as file, pytest.raises(FileInterrupted, match="by Range"):
        collect(file, got)

    assert b"".join(got) == cut
    assert client.calls == 1
    assert places_taken(client.ledger) == 0


def test_a_download_holds_its_place_and_keeps_it(
    client: MarketoClient, instance: Instance, clock: ManualClock, ledger: Ledger
) -> None:
    """However long it takes, a download counts as one of the concurrent calls, and no longer than it lasts."""
    instance.script(FILE, whole())
    with open_export_file(client, "abc") as file:
        for _ in file:
            clock.sleep(150)
            with ledger.call(route="/other"):
                assert places_taken(ledger) == 2

    assert places_taken(ledger) == 0


def test_a_download_that_is_given_up_closes_its_connection(client: MarketoClient, instance: Instance) -> None:
    """Leaving the block early frees connection and place."""
    answer = whole()
    instance.script(FILE, answer)
    with open_export_file(client, "abc") as file:
        next(iter(file))

    assert isinstance(answer.stream, Pieces)
    assert answer.stream.is_closed
    assert places_taken(client.ledger) == 0


def collect(file: Iterable[bytes], got: list[bytes]) -> None:
    for chunk in file:
        got.append(chunk)


def serve(listener: socket.socket, answers: list[bytes]) -> None:
    for answer in answers:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)


def test_a_connection_cut_mid_body_is_an_interruption(tmp_path: Path) -> None:
    """Over a real socket: fewer bytes than announced are never taken for the whole file."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    token = b'{"access_token":"t","expires_in":3600}'
    answers = [head % (b"application/json", len(token)) + token, head % (b"text/csv", 1000) + b"id\n" * 100]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, answers))
        thread.start()
        client = MarketoClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            client_id=Secret("a"),
            client_secret=Secret("b"),
            ledger=Ledger(tmp_path / "ledger.sqlite", Limits(), SystemClock()),
            clock=SystemClock(),
        )
        got: list[bytes] = []
        with client, open_export_file(client, "abc") as file, pytest.raises(FileInterrupted):
            collect(file, got)
        thread.join(30)

    assert b"".join(got) == b"id\n" * 100
