"""The bytes of an export file, as they come: from any byte on, never all in memory, never an error's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from marketo_assets.api.answers import media_type, parse_object, refusal, status_error, unreadable
from marketo_assets.api.bulk_extract import LEADS, export_path
from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import BadRange, FileGone, FileInterrupted, Unreachable
from marketo_assets.api.limits import Reservation
from marketo_assets.api.wire import translated
from marketo_assets.clock import Clock

CHUNK_BYTES = 1 << 20
"""Least size of a chunk, save the last: large enough that Python's share of the work is small."""
_LONGEST_REFUSAL_BYTES = 1 << 20
_RENEW_AFTER = timedelta(seconds=30)
_REFUSAL = re.compile(rb'\s*\{\s*"(requestId|success|errors)"\s*:')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass
class FileAnswer:
    """An open file; iterate it once for its bytes, chunk by chunk.

    **Guarantee:** nothing is repeated while reading; an interruption raises FileInterrupted, and every byte yielded
    before it is good.
    """

    start: int
    """Position in the file of the first byte that comes."""
    total_bytes: int | None
    """Size of the whole file, where Marketo says it."""
    content_type: str
    _pieces: Iterator[bytes] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


@contextmanager
def open_export_file(client: MarketoClient, export_id: str, *, of: str = LEADS, start: int = 0) -> Iterator[FileAnswer]:
    """Open the file of a Completed job of the object *of* from byte *start* on, in one place of the concurrent calls.

    **Cost:** one call; Marketo does not count its bytes again. Memory does not grow with the file.
    Raises: FileGone (not ready, or expired), BadRange (begin again at 0), FileInterrupted while reading.
    """
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with ExitStack() as held:
        yield client.open_stream(
            export_path(export_id, "file", of),
            headers,
            lambda response, reservation: _opened(response, reservation, start, client.clock),
            held,
        )


def _opened(response: httpx.Response, reservation: Reservation, start: int, clock: Clock) -> FileAnswer:
    if response.status_code not in (200, 206):
        raise _refused(response)
    total = _total_bytes(response, start)
    raw = response.iter_raw()
    first = next(raw, b"")
    if _is_no_file(response, first):
        raise _hidden_refusal(response, first, raw)
    return FileAnswer(start, total, media_type(response), _chunks(first, raw, reservation, clock))


def _is_no_file(response: httpx.Response, first: bytes) -> bool:
    if media_type(response) == "text/html":
        return True
    if response.status_code != 200:  # the rest of a file may begin with anything
        return False
    # Adobe's specification calls the file itself application/json, so that name alone says nothing.
    is_object = media_type(response) == "application/json" and first.lstrip().startswith(b"{")
    return is_object or _REFUSAL.match(first) is not None


def _total_bytes(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    if response.status_code == 200:
        if start:
            raise BadRange(f"Marketo sent the whole file instead of the part from byte {start} on", "200")
        return int(length) if length.isdigit() else None
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if match is None or int(match[1]) != start:
        raise BadRange(f"Marketo sent another part of the file than the one from byte {start} on", "206")
    expected = int(match[2]) - start + 1
    is_whole_rest = match[3] == "*" or int(match[2]) + 1 == int(match[3])
    if not is_whole_rest or (length.isdigit() and int(length) != expected):
        raise BadRange(f"Marketo sent less of the file than the rest from byte {start} on", "206")
    return None if match[3] == "*" else int(match[3])


def _chunks(first: bytes, raw: Iterator[bytes], reservation: Reservation, clock: Clock) -> Iterator[bytes]:
    pieces, size, renewed = [first], len(first), clock.now()
    ended: Unreachable | None = None
    while ended is None:
        try:
            with translated("downloading a file"):
                while size < CHUNK_BYTES and (piece := next(raw, b"")):
                    pieces.append(piece)
                    size += len(piece)
        except Unreachable as error:
            ended = error
        if size:
            yield b"".join(pieces)
        if ended is None and size < CHUNK_BYTES:
            return
        pieces, size = [], 0
        renewed = _kept(reservation, renewed, clock.now())
    raise FileInterrupted(f"The download ended early: {ended.message}") from None


def _kept(reservation: Reservation, renewed: datetime, now: datetime) -> datetime:
    if now - renewed < _RENEW_AFTER:
        return renewed
    reservation.renew()
    return now


def _refused(response: httpx.Response) -> Exception:
    body = parse_object(response.read())
    refused = refusal(body) if body is not None else None
    if refused is not None:
        return refused
    if response.status_code == 404:
        return FileGone("There is no file for this export job (HTTP 404)", "404")
    if response.status_code == 416:
        return BadRange("The file does not reach as far as the byte that was asked for (HTTP 416)", "416")
    return status_error(response)


def _hidden_refusal(response: httpx.Response, first: bytes, raw: Iterator[bytes]) -> Exception:
    content = first
    while len(content) <= _LONGEST_REFUSAL_BYTES and (piece := next(raw, b"")):
        content += piece
    body = parse_object(content)
    refused = refusal(body) if body is not None else None
    return refused or unreadable(response)
