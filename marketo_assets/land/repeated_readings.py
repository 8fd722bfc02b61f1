"""Landed readings of reference objects, of which those go that told nothing new and that a later one repeats.

Why any stay: a lost database is made anew from them, with every version and when it was read. Exports stay for the
same reason; only that a reading comes each day, and most of them tell what the one before did.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from marketo_assets.extract.reference import Log
from marketo_assets.land.manifest import LandingError
from marketo_assets.land.readings import FOLDER, LandedReading, landed_readings, read_records, remove_reading
from marketo_assets.land.store import alone


def drop_repeated(landing_dir: Path, told: Mapping[str, Mapping[str, int]], log: Log) -> int:
    """Return how many readings were removed from disk; *told* is how much each changed that was loaded, by object.

    One goes when it changed nothing, and neither did the next, which has all records of it and was whole if it was.
    While somebody lands readings nothing goes; the next load sees to it.

    **Guarantee:** from what stays every version comes back, with the same moments.
    """
    try:
        with alone(landing_dir / FOLDER, 0, lambda: None):
            return sum(_drop(landing_dir, name, changed, log) for name, changed in told.items())
    except TimeoutError:
        return 0


def _drop(landing_dir: Path, name: str, changed: Mapping[str, int], log: Log) -> int:
    here = [landed for landed in landed_readings(landing_dir, name) if landed.name in changed]
    repeated = [
        landed
        for landed, following in pairwise(here)
        if not changed[landed.name] and not changed[following.name] and _is_repeated(landed, following)
    ]
    for landed in repeated:
        remove_reading(landed)
    if repeated:
        log(f"{name}: removed {len(repeated):,} landed readings that a later one repeats")
    return len(repeated)


def _is_repeated(landed: LandedReading, following: LandedReading) -> bool:
    if landed.is_whole and not following.is_whole:
        return False
    try:
        return not landed.records or _ids(landed) <= _ids(following)
    except LandingError:
        return False  # a damaged file is told of by whoever needs it


def _ids(landed: LandedReading) -> frozenset[str]:
    return frozenset(key for key, _ in read_records(landed))
