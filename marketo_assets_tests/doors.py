"""The sandbox through two doors: in process without sockets, and as a real process over HTTP.

`in_process_transport(app)` is an `httpx.BaseTransport`: give it to any synchronous client. `running_sandbox(...)`
starts `python -m marketo_assets.sandbox` with those arguments and stops it at the end of the `with`.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import queue
import shlex
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

READY_SECONDS = 120.0
"""How long a sandbox process may take to make its leads and listen."""
STOP_SECONDS = 10.0
"""How long it may take to end when told to."""
ANSWER_SECONDS = 120.0
"""How long an answer in process may take before a test fails rather than hangs."""
_MESSAGES_AHEAD = 4

Message = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]


def in_process_transport(app: App) -> httpx.BaseTransport:
    """Return a transport whose requests *app* answers on a background event loop, bodies streamed as they are sent.

    All transports share one loop, so several clients and threads may use the same application. A connection that the
    application ends early shows as `httpx.RemoteProtocolError`, as it does over a socket.
    """
    return _AppTransport(app)


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox in a process of its own."""

    base_url: str
    variables: dict[str, str]
    """What it printed for a client's environment: `MARKETO_BASE_URL` and the others."""
    control: httpx.Client
    """A client whose addresses begin at the control desk: `control.post("/time", json={"by": 60})`."""
    process: subprocess.Popen[str]


@contextmanager
def running_sandbox(*arguments: str) -> Iterator[RunningSandbox]:
    """Yield a sandbox started with *arguments* on a free port, ready to answer; it has ended when this returns.

    It also ends when the test process dies, because its standard input ends with it.
    """
    command = [sys.executable, "-m", "marketo_assets.sandbox", "--port", "0", "--stop-with-stdin", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(READY_SECONDS, process.kill)
        watchdog.start()
        try:
            variables = _read_variables(process)
            watchdog.cancel()
            base_url = variables["MARKETO_BASE_URL"]
            with httpx.Client(base_url=f"{base_url}/sandbox", timeout=ANSWER_SECONDS) as control:
                yield RunningSandbox(base_url, variables, control, process)
        finally:
            watchdog.cancel()
            _stop(process)


def _read_variables(process: subprocess.Popen[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    # The last line of the announcement is a comment.
    while line := (process.stdout.readline() if process.stdout else ""):
        if line.startswith("#"):
            return variables
        name, _, value = shlex.split(line)[1].partition("=")
        variables[name] = value
    raise RuntimeError(f"the sandbox ended with exit code {process.wait(STOP_SECONDS)} before it was ready")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox-in-process", daemon=True)
    thread.start()

    def stop() -> None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_SECONDS)
        loop.close()

    atexit.register(stop)
    return loop


class _AppTransport(httpx.BaseTransport):
    """Hands each request to an application and its answer back, message by message."""

    def __init__(self, app: App) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        exchange = _Exchange(self._app, request)
        status, headers = exchange.head()
        return httpx.Response(status, headers=headers, stream=exchange, request=request)


class _Exchange(httpx.SyncByteStream):
    """One request under way; iterating it gives the body."""

    def __init__(self, app: App, request: httpx.Request) -> None:
        self._body = request.read()
        self._messages: queue.Queue[Message | BaseException | None] = queue.Queue()
        self._room = asyncio.Semaphore(_MESSAGES_AHEAD)
        self._is_asked = False
        self._request = request
        self._future = asyncio.run_coroutine_threadsafe(self._run(app), _loop())

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        message = self._next()
        if message is None:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=self._request)
        return message["status"], list(message["headers"])

    def __iter__(self) -> Iterator[bytes]:
        while True:
            message = self._next()
            if message is None:
                raise httpx.RemoteProtocolError("peer closed connection", request=self._request)
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return

    def close(self) -> None:
        if not self._future.done():
            self._future.cancel()

    def _next(self) -> Message | None:
        try:
            message = self._messages.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise httpx.ReadTimeout("no answer in process", request=self._request) from None
        if isinstance(message, BaseException):
            raise message
        _loop().call_soon_threadsafe(self._room.release)
        return message

    async def _run(self, app: App) -> None:
        try:
            await app(self._scope(), self._receive, self._send)
        except Exception as error:
            self._messages.put(error)
        finally:
            self._messages.put(None)

    def _scope(self) -> dict[str, Any]:
        url = self._request.url
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self._request.method,
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }

    async def _receive(self) -> Message:
        if self._is_asked:
            await asyncio.Event().wait()
        self._is_asked = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def _send(self, message: Message) -> None:
        await self._room.acquire()
        self._messages.put(message)
