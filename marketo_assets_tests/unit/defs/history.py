"""A Dagster instance on SQLite, as `dagster dev` keeps one: its tables are made once, and copied for each test."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg


@contextmanager
def open_history(folder: Path, overrides: Mapping[str, Any] | None = None) -> Iterator[dg.DagsterInstance]:
    """Give an instance in *folder* to which nothing has happened, configured by *overrides* as dagster.yaml would.

    **Cost:** a third of making its tables anew.
    """
    for name, content in _begun().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with dg.DagsterInstance.local_temp(str(folder), overrides=dict(overrides or {})) as made:
        yield made


@functools.cache
def _begun() -> dict[Path, bytes]:
    """Return the files of an instance that was just made."""
    with tempfile.TemporaryDirectory() as folder:
        with dg.DagsterInstance.local_temp(folder):
            pass
        return {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
