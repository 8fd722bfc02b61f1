"""Both doors behave alike for a client, streams and broken connections included."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from marketo_assets_tests.doors import in_process_transport

CHUNK = b"x" * 1000


@pytest.fixture
def sent() -> list[int]:
    return []


@pytest.fixture
def client(sent: list[int]) -> Iterator[httpx.Client]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        kind = scope["path"].removeprefix("/")
        if kind == "fail":
            raise LookupError("the application's own mistake")
        if kind == "silent":
            return
        body = (await receive())["body"] if kind == "echo" else b""
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-kind", kind.encode())]})
        for number in range(100 if kind == "stream" else 0):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
            sent.append(number)
        if kind != "broken":
            await send({"type": "http.response.body", "body": body})

    with httpx.Client(transport=in_process_transport(app), base_url="http://app") as client:
        yield client


def test_status_headers_and_body_go_through(client: httpx.Client) -> None:
    """A request's body arrives and an answer comes back whole."""
    answer = client.post("/echo", content=b"\x00\xff")

    assert (201, "echo", b"\x00\xff") == (answer.status_code, answer.headers["x-kind"], answer.content)


def test_a_body_is_streamed_not_gathered(client: httpx.Client, sent: list[int]) -> None:
    """The application is held back until the client reads on."""
    with client.stream("GET", "/stream") as answer:
        chunks = answer.iter_raw()
        next(chunks)

        assert len(sent) < 10
        assert 99 * CHUNK == b"".join(chunks)


@pytest.mark.parametrize("path", ["/silent", "/broken"])
def test_an_answer_that_ends_early_is_a_broken_connection(client: httpx.Client, path: str) -> None:
    """Before the head or within the body, the client sees what a socket would show."""
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(path)


def test_the_applications_own_mistake_is_shown(client: httpx.Client) -> None:
    """An exception in the application reaches the test instead of an HTTP 500."""
    with pytest.raises(LookupError, match="own mistake"):
        client.get("/fail")


def test_many_threads_may_share_a_client(client: httpx.Client) -> None:
    """Requests from several threads each get their own answer."""
    with ThreadPoolExecutor(8) as pool:
        bodies = [str(number).encode() for number in range(50)]

        assert bodies == [
            answer.content for answer in pool.map(lambda body: client.post("/echo", content=body), bodies)
        ]
