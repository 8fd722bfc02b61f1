"""One month, landed in one piece or, where no day's share of the quota has room for its file, in several.

Why one file in the end: whoever loads or looks at a month need not know that it came in pieces. What differs is when
Marketo was read for a row, and the manifest tells that.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import zstandard

from marketo_assets.api.activities import ActivityType
from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.bulk import Exporter
from marketo_assets.extract.export_jobs import FILE_KEPT, ExportRequest, find_adoptable, is_current
from marketo_assets.extract.export_sizes import expected_bytes
from marketo_assets.extract.pieces import Known, next_piece, piece_of
from marketo_assets.land.landing import alone_with, is_intact, is_taken_up, land_request, read_manifests
from marketo_assets.land.manifest import LandedFile, LandingError, Piece, write_manifest
from marketo_assets.land.store import compress, open_private

_FOLDER = "pieces"
# Days pass between the pieces of a month, and who gave it up may take it up again; rows tell when they were read.
_KEPT = timedelta(days=30)
_CHUNK = 1 << 20
_NO_BYTES = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class _What:
    """What is asked for, beside the request itself."""

    fields: tuple[LeadField, ...]
    described: tuple[LeadField, ...]
    types: tuple[ActivityType, ...]
    is_refresh: bool


def land_month(
    exporter: Exporter,
    request: ExportRequest,
    folder: Path,
    *,
    fields: Sequence[LeadField],
    described: Sequence[LeadField],
    types: Sequence[ActivityType] = (),
    is_refresh: bool = False,
) -> LandedFile:
    """Return the landed file of a month's *request*, as `land_request` does, whatever its size.

    A month that may be larger than a day's share of the export quota is asked for in pieces. Each lies below *folder*
    until all are there; then they are put together and checked, and it is one month.

    **Cost:** as `land_request`, for each piece: two of them for each day that the month takes, and one more.
    **Guarantee:** after a kill or a spent quota the next call goes on where this one ended, and no piece is paid for
    again. Raises: LandingError, ExportError, MarketoError; ExportQuotaSpent when the rest has to wait for another day.
    """
    what = _What(tuple(fields), tuple(described), tuple(types), is_refresh)
    if not (_is_begun(folder) or _is_too_large(exporter, request, is_refresh=is_refresh)):
        return _land(exporter, request, folder, what)
    with alone_with(folder, request, exporter):
        found, damaged = read_manifests(folder, request.partition, exporter.log)
        newest = found[0] if found else None
        if newest and not (is_refresh or damaged) and is_taken_up(newest, request, exporter):
            shutil.rmtree(folder / _FOLDER, ignore_errors=True)
            return newest.as_adopted(exporter.calls)
        # What a kill left after the whole was written is no beginning of the next.
        done = {piece.export_id for landed in found for piece in landed.pieces}
        pieces = _land_pieces(exporter, request, folder / _FOLDER, what, done, newest)
        landed = _put_together(exporter, request, folder, what, pieces)
        manifest = folder / f"{landed.export_id}.json"
        write_manifest(manifest, landed)
        for path in (*(path for path in damaged if path != manifest), *folder.glob("*.part")):
            path.unlink(missing_ok=True)
        shutil.rmtree(folder / _FOLDER, ignore_errors=True)
        return landed


def _is_begun(folder: Path) -> bool:
    return any((folder / _FOLDER).glob("*/*.json"))


def _is_too_large(exporter: Exporter, request: ExportRequest, *, is_refresh: bool) -> bool:
    ledger = exporter.ledger
    if expected_bytes(ledger, request) <= ledger.exports.daily_bytes:
        return False
    # One that Marketo has queued already ends, however large it is; it is paid for.
    under_way = find_adoptable(ledger, request, now=exporter.clock.now(), is_refresh=is_refresh)
    return under_way is None or under_way.status == "Created"


def _land(exporter: Exporter, request: ExportRequest, folder: Path, what: _What) -> LandedFile:
    return land_request(
        exporter,
        request,
        folder,
        fields=what.fields,
        described=what.described,
        types=what.types,
        is_refresh=what.is_refresh,
    )


def _land_pieces(
    exporter: Exporter, request: ExportRequest, folder: Path, what: _What, done: set[str], newest: LandedFile | None
) -> list[LandedFile]:
    """Return the pieces of *request*, which touch and are the whole window, those that are here already included."""
    here = [piece for piece in _landed_pieces(exporter, request, folder) if piece.export_id not in done]
    here = _of_one_attempt(here, exporter.clock.now()) if what.is_refresh else here
    expected, pieces, known = expected_bytes(exporter.ledger, request), list[LandedFile](), Known(request.window.start)
    while known.until < request.window.end:
        piece = next((piece for piece in here if piece.window.start == known.until), None)
        if piece is None:
            asked = next_piece(
                exporter.ledger,
                request,
                known,
                expected=expected,
                now=exporter.clock.now(),
                is_refresh=what.is_refresh,
                not_before=newest.as_of if newest else None,
            )
            exporter.log(
                f"{request.partition}: too large for a day's share of the quota; next {asked.window.start:%d %H:%M} to "
                f"{asked.window.last_second:%d %H:%M}, some {asked.likely_bytes or 0:,} bytes"
            )
            piece = _land(exporter, asked, folder / asked.partition, what)
        else:
            piece = piece.as_adopted(exporter.calls)
            exporter.log(f"{request.partition}: took up the piece landed at {piece.landed_at:%Y-%m-%d %H:%M} UTC")
        pieces.append(piece)
        known = Known(piece.window.end, known.file_bytes + piece.file_bytes)
    return pieces


def _landed_pieces(exporter: Exporter, request: ExportRequest, folder: Path) -> list[LandedFile]:
    """Return what lies in *folder* of an attempt that did not come to its end, as far as it can stand for *request*."""
    found, now = list[LandedFile](), exporter.clock.now()
    for path in folder.glob("*/"):
        found += read_manifests(path, path.name, exporter.log)[0][:1]
    return [
        piece
        for piece in found
        if piece.request_hash == piece_of(request, piece.window).request_hash
        and (
            now - piece.as_of < _KEPT
            if piece.as_of >= piece.window.end
            else is_current(piece.as_of, piece.window, now=now, is_fetched=True)
        )
        and is_intact(piece)
    ]


def _of_one_attempt(pieces: Sequence[LandedFile], now: datetime) -> list[LandedFile]:
    """Return those of *pieces* that belong to the attempt under way.

    An attempt may rest for as long as Marketo keeps a file. What was read before a longer rest was given up: whoever
    has a month exported anew would not expect it there.
    """
    found, later = list[LandedFile](), now
    for piece in sorted(pieces, key=lambda piece: piece.as_of, reverse=True):
        if later - piece.as_of >= FILE_KEPT:
            break
        found.append(piece)
        later = piece.as_of
    return found


def _put_together(
    exporter: Exporter, request: ExportRequest, folder: Path, what: _What, pieces: Sequence[LandedFile]
) -> LandedFile:
    """Return the month that *pieces* are; its file is in *folder*, and no manifest tells of it yet."""
    last, counts = pieces[-1], [piece.records for piece in pieces if piece.records is not None]
    path, sha256, stored_sha256 = None, _NO_BYTES, ""
    if any(piece.path for piece in pieces):
        path = folder / f"{last.export_id}.csv.zst"
        sha256, stored_sha256 = _join(pieces, path, request)
    return replace(
        last,
        partition=request.partition,
        path=path,
        request_hash=request.request_hash,
        window=request.window,
        described=what.described,
        types=what.types,
        records=sum(counts) if len(counts) == len(pieces) else None,
        file_bytes=sum(piece.file_bytes for piece in pieces),
        sha256=sha256,
        stored_sha256=stored_sha256,
        as_of=min(piece.as_of for piece in pieces),
        landed_at=exporter.clock.now(),
        calls=exporter.calls,
        waited_seconds=exporter.waited_seconds,
        worked_seconds=exporter.worked_seconds,
        was_adopted=all(piece.was_adopted for piece in pieces),
        pieces=tuple(_told(piece) for piece in pieces),
    )


def _told(piece: LandedFile) -> Piece:
    return Piece(
        export_id=piece.export_id,
        request_hash=piece.request_hash,
        window=piece.window,
        records=piece.records,
        file_bytes=piece.file_bytes,
        sha256=piece.sha256,
        as_of=piece.as_of,
        landed_at=piece.landed_at,
    )


def _join(pieces: Sequence[LandedFile], packed: Path, request: ExportRequest) -> tuple[str, str]:
    """Leave the rows of all *pieces* below one header at *packed*; return the SHA-256 of the text and of the file."""
    raw, header, spare = packed.with_suffix(".part"), b"", b""
    try:
        with open_private(raw) as target:
            for path in (piece.path for piece in pieces if piece.path):
                with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
                    text = io.BufferedReader(reader, _CHUNK)
                    first = text.readline()
                    if not text.peek(1):
                        # Nothing but a header, perhaps without the end of its line: it adds no row.
                        spare = spare or first
                        continue
                    header = header or first
                    if first != header:
                        shutil.rmtree(packed.parent / _FOLDER, ignore_errors=True)
                        raise LandingError(
                            f"The pieces of {request.partition} have different columns. Materialize "
                            f"landing/{packed.parent.parent.name} for it again with refresh switched on."
                        )
                    _copy(text, target, first if target.tell() == 0 else b"")
            target.write(b"" if header else spare)
        with raw.open("rb") as whole:
            digests = compress(whole, packed)
        raw.unlink()
    except OSError as error:
        raise LandingError(
            f"The pieces of {request.partition} could not be put together: {error.strerror}. Free some space for the "
            f"landing folder and run the {request.unit} again: all pieces are kept."
        ) from error
    return digests


def _copy(text: io.BufferedIOBase, target: BinaryIO, beginning: bytes) -> None:
    last = beginning
    target.write(beginning)
    while chunk := text.read(_CHUNK):
        target.write(chunk)
        last = chunk
    if last and not last.endswith(b"\n"):
        target.write(b"\n")
