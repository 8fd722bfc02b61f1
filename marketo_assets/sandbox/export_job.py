"""One export job: what was asked, when it reached each state, and how it looks from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from marketo_assets.sandbox.clock import spell
from marketo_assets.sandbox.export_request import ExportRequest


@dataclass(frozen=True)
class ExportFile:
    """A rendered file."""

    path: Path
    records: int
    file_bytes: int
    sha256: str


@dataclass
class ExportJob:
    """An export job; its state follows from the moments it has reached."""

    export_id: str
    user_id: str
    request: ExportRequest
    created_at: datetime
    queued_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancelled_at: datetime | None = None
    fails_with: str | None = None
    """Message with which a fault lets it end Failed."""
    slow_seconds: float = 0.0
    """So much longer a fault lets it take."""
    rendering: asyncio.Task[ExportFile] | None = field(default=None, repr=False)
    file: ExportFile | None = None
    file_is_lost: bool = False
    busy_until: datetime | None = None
    """It was still being written at this moment, so it cannot have finished before."""

    def status_at(self, moment: datetime) -> str:
        """Return the state it was in at *moment*."""
        if self.cancelled_at and self.cancelled_at <= moment:
            return "Canceled"
        if self.finished_at and self.finished_at <= moment:
            return "Failed" if self.fails_with else "Completed"
        if self.started_at and self.started_at <= moment:
            return "Processing"
        return "Queued" if self.queued_at and self.queued_at <= moment else "Created"

    def refreshed_at(self, now: datetime, every_seconds: float) -> datetime:
        """Return when the state shown at *now* was read: Marketo reads it once in *every_seconds*."""
        since = self.cancelled_at or self.queued_at or self.created_at
        if every_seconds <= 0 or now <= since:
            return now
        return since + timedelta(seconds=(now - since).total_seconds() // every_seconds * every_seconds)

    def view(self, moment: datetime, *, cancelled_word: str = "Canceled") -> dict[str, Any]:
        """Return the job as an answer shows it, as of *moment*; members of states not yet reached are absent."""
        status = self.status_at(moment)
        shown: dict[str, Any] = {
            "exportId": self.export_id,
            "format": self.request.format,
            "status": cancelled_word if status == "Canceled" else status,
        }
        stamps = {
            "createdAt": self.created_at,
            "queuedAt": self.queued_at,
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
        }
        shown |= {name: spell(stamp) for name, stamp in stamps.items() if stamp and stamp <= moment}
        if status == "Completed" and self.file:
            shown["numberOfRecords"] = self.file.records
            shown["fileSize"] = self.file.file_bytes
            shown["fileChecksum"] = f"sha256:{self.file.sha256}"
        if status == "Failed":
            shown["errorMsg"] = self.fails_with
        return shown

    def finished_on(self, day: Callable[[datetime], date]) -> date | None:
        """Return the quota day, as *day* tells it, on which it finished."""
        return day(self.finished_at) if self.finished_at else None

    @property
    def state(self) -> str:
        """The state it is in now."""
        return self.status_at(datetime.max.replace(tzinfo=self.created_at.tzinfo))


def describe_job(job: ExportJob) -> dict[str, Any]:
    """Return all that is known of *job*, for the control desk."""
    return {
        **job.view(job.cancelled_at or job.finished_at or job.started_at or job.queued_at or job.created_at),
        "user": job.user_id,
        "filter": job.request.key,
        "fields": list(job.request.fields),
        "file_is_lost": job.file_is_lost,
    }
