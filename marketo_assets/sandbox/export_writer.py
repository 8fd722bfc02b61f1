"""Writes the file of an export job beside the event loop, counted and hashed as it goes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from marketo_assets.sandbox.export_job import ExportFile, ExportJob
from marketo_assets.sandbox.export_request import ExportRequest, Kind
from marketo_assets.sandbox.options import Switches
from marketo_assets.sandbox.render import Sink

_DELIMITERS = {"CSV": ",", "TSV": "\t"}


Source = Callable[[ExportRequest, Sink, str, datetime], int]
"""Writes what a request asks for as of a moment, with a delimiter between the columns; returns the number of rows."""


class ExportWriter:
    """Writes one file at a time, each from the world as it is when its job starts."""

    def __init__(self, sources: Mapping[Kind, Source], folder: Path, switches: Callable[[], Switches]) -> None:
        self._sources, self._folder, self._switches = sources, folder, switches
        self._pen = asyncio.Lock()

    async def write(self, job: ExportJob) -> ExportFile:
        """Return the finished file of *job*; of a job cancelled meanwhile nothing is left on disk.

        **Cost:** constant memory; a thread for as long as it takes.
        """
        async with self._pen:
            file = await asyncio.to_thread(self._write, job)
        if job.cancelled_at:
            file.path.unlink(missing_ok=True)
        return file

    def _write(self, job: ExportJob) -> ExportFile:
        request = job.request
        path = self._folder / f"{job.export_id}.{request.format.lower()}"
        delimiter = _DELIMITERS.get(request.format, self._switches().ssv_delimiter)
        with path.open("wb") as raw:
            out = _Checked(raw)
            records = self._sources[request.kind](request, out, delimiter, job.started_at or job.created_at)
        return ExportFile(path, records, out.file_bytes, out.digest.hexdigest())


class _Checked:
    """A writer that counts and hashes what passes through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.file_bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self.digest.update(data)
        self.file_bytes += len(data)
        return self._raw.write(data)
