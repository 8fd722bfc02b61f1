"""How a landed CSV is read: strictly and fast, else leniently, else with its stray bytes set right."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from marketo_assets.land.manifest import LandedFile
from marketo_assets.load import parse
from marketo_assets.warehouse import DuckDBSpaceError, DuckDBTextError, Warehouse

T = TypeVar("T")


class LoadError(RuntimeError):
    """A landed file could not be loaded, and nothing was; the message says what to do."""


@dataclass(frozen=True)
class FileReading:
    """One of the ways to read a file."""

    is_strict: bool = True
    """Whether every text must fit its column exactly."""
    is_repaired: bool = False
    """Whether stand-ins take the place of stray carriage returns."""


_WAYS = (FileReading(), FileReading(is_strict=False), FileReading(is_strict=False, is_repaired=True))


def read_as_needed(landed: LandedFile, load: Callable[[FileReading], T]) -> T:
    """Return what *load* returns for the first way of reading that the file of *landed* takes.

    Raises: LoadError when it takes none, or the disk is full.
    """
    for way in _WAYS:
        try:
            return load(way)
        except DuckDBTextError as error:
            # Some text does not fit its type exactly, or the reader lost its way: only the next reading can tell.
            reason = str(error).partition("\n")[0].partition("Original Line")[0].partition("Input:")[0]
        except DuckDBSpaceError as error:
            raise LoadError(
                f"{landed.partition} could not be loaded: {type(error).__name__}. Nothing changed. "
                "Most likely the disk is full: free some space and run the partition again; nothing is exported anew."
            ) from error
    # The reader's own message shows the line it stumbled over, which is a person's data.
    asset = landed.path.parent.parent.name if landed.path else ""
    raise LoadError(
        f"The landed file of {landed.partition} (export job {landed.export_id}) is not CSV that can be read: {reason} "
        f"Nothing changed. Materialize landing/{asset} again with refresh switched on."
    )


@contextlib.contextmanager
def readable(warehouse: Warehouse, landed: LandedFile, way: FileReading) -> Iterator[Path | None]:
    """Give the file that *way* reads, or None where nothing was exported; a repaired copy is gone afterwards."""
    if landed.path is None or not way.is_repaired:
        yield landed.path
        return
    with tempfile.TemporaryDirectory(dir=warehouse.data_dir, prefix=".repair-") as folder:
        repaired = Path(folder) / landed.path.name
        parse.without_bare_returns(landed.path, parse.read_header(landed.path)[1], repaired)
        yield repaired
