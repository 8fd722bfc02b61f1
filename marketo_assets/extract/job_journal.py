"""A second memory of export jobs, beside the ledger: what was paid for is still known when the ledger is lost.

Why a journal: Marketo's own list of jobs does not say what each was asked for, so nobody could tell which month a job
holds. A line is appended whenever a job enters another state, and read only into a ledger that knows of no job at all.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = "export_jobs.jsonl"


def journal_path(ledger_path: Path) -> Path:
    """Return where the journal of the ledger at *ledger_path* lies."""
    return ledger_path.with_name(NAME)


def append_jobs(path: Path, jobs: Iterable[Mapping[str, object]]) -> None:
    """Add a line for each of *jobs*, on disk on return. Raises: OSError."""
    # The line break stands first: a line that a full disk or a kill cut short spoils no other.
    text = "".join(f"\n{json.dumps(dict(job))}" for job in jobs)
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_jobs(path: Path) -> list[dict[str, object]]:
    """Return every job as its last whole line tells it, in the order in which they were first seen."""
    found: dict[str, dict[str, object]] = {}
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            job = json.loads(line)
            found[str(job["export_id"])] = job
    return list(found.values())
