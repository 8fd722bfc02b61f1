"""Streams an export file from disk, whole or a range of it, in constant memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

CHUNK_BYTES = 1 << 20
MEDIA_TYPES = {"CSV": "text/csv;charset=UTF-8", "TSV": "text/tab-separated-values;charset=UTF-8"}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class UnsatisfiableError(ValueError):
    """The range begins behind the end of the file."""


def read_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first and last byte that a Range *header* asks of a file of *size* bytes, or None for all of it.

    A header that is not one range of bytes is ignored, as RFC 9110 has it. Raises: UnsatisfiableError.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < int(first):
            return None
    if start >= size or (not first and int(last) == 0):
        raise UnsatisfiableError
    return start, end


class FileAnswer(Response):
    """HTTP 200 with the whole file, 206 with a range of it, or 416.

    **Cost:** one chunk of memory, whatever the size. **Guarantee:** a file removed meanwhile is still sent to its end.
    """

    def __init__(
        self, path: Path, size: int, range_header: str | None, *, media_type: str, on_sent: Callable[[int], None]
    ) -> None:
        self._path, self._on_sent = path, on_sent
        headers = {"accept-ranges": "bytes"}
        self._start, self._length, http_status = 0, size, 200
        try:
            span = read_range(range_header, size)
        except UnsatisfiableError:
            self._length, http_status = 0, 416
            headers["content-range"] = f"bytes */{size}"
        else:
            if span:
                self._start, self._length, http_status = span[0], span[1] - span[0] + 1, 206
                headers["content-range"] = f"bytes {span[0]}-{span[1]}/{size}"
        headers["content-length"] = str(self._length)
        super().__init__(None, http_status, headers, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send head and bytes; reading happens beside the event loop."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = self._length
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._start)
            while left > 0:
                chunk = await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._on_sent(len(chunk))
                if not chunk:
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
