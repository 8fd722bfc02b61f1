"""Readings of reference objects, landed: one compressed file of records and a manifest for each.

A reading is landed when it has ended, each object for itself: a kill costs the reading under way and no other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import AccessDenied, FeatureAbsent
from marketo_assets.extract.instance import claim_folder
from marketo_assets.extract.objects import REFERENCE, ReferenceObject, choose_objects
from marketo_assets.extract.reference import Found, Known, Log, Reading, begin_since, read_object
from marketo_assets.land.manifest import LandingError
from marketo_assets.land.store import alone, compress, has_digest, write_atomically
from marketo_assets.settings import Settings

FOLDER = "reference"
KEPT = timedelta(hours=1)
"""A reading that was landed so lately and never loaded is taken up, rather than made again."""
_PATIENCE_SECONDS = 3600.0


@dataclass(frozen=True)
class LandedReading:
    """One reading on disk."""

    object: str
    name: str
    """Of its files; names sort in the order of the readings."""
    path: Path
    since: datetime | None
    as_of: datetime
    removed: tuple[str, ...]
    records: int
    pages: int
    calls: int
    warnings: tuple[str, ...]
    file_bytes: int
    sha256: str
    """Of the records, uncompressed."""
    stored_sha256: str
    """Of the file on disk."""
    landed_at: datetime
    was_adopted: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything there is was asked for."""
        return self.since is None


@dataclass(frozen=True)
class Landing:
    """What one run landed, and what it left out."""

    readings: tuple[LandedReading, ...]
    skipped: Mapping[str, str]
    """Objects that the credentials may not read, or that the subscription lacks, and why."""


def land_reference(
    client: MarketoClient, settings: Settings, known: Mapping[str, Known], *, log: Log, is_refresh: bool = False
) -> Landing:
    """Return one landed reading of each object that the settings choose; *known* is what is loaded of each.

    With *is_refresh* every object is read whole.

    **Cost:** as `read_object`, for each object.
    **Guarantee:** a reading is whole on disk or absent; one that was landed within the hour and not loaded costs
    nothing. Landings of one data folder happen one after the other.
    Raises: LandingError, SettingsError, MarketoError.
    """
    claim_folder(client.ledger, settings)
    folder = settings.landing_dir / FOLDER
    try:
        with alone(folder, _PATIENCE_SECONDS, lambda: log("Another run is reading reference objects; waiting for it")):
            return _land_all(client, settings, known, log, is_refresh)
    except TimeoutError as error:
        raise LandingError(
            "Another run has been reading reference objects for an hour. Let it finish or stop it, then run this again."
        ) from error


def pending_readings(landing_dir: Path, object_name: str, newest: str) -> list[LandedReading]:
    """Return the landed readings of an object after the one called *newest*, the oldest first; no file is checked."""
    folder = landing_dir / FOLDER / object_name
    paths = sorted(path for path in folder.glob("*.json") if path.stem > newest)
    return [_read_manifest(path) for path in paths]


def check_file(landed: LandedReading) -> Path:
    """Return the file of *landed*. Raises: LandingError when it is missing or damaged."""
    if not has_digest(landed.path, landed.stored_sha256):
        raise LandingError(_damage(landed.path))
    return landed.path


def _land_all(
    client: MarketoClient, settings: Settings, known: Mapping[str, Known], log: Log, is_refresh: bool
) -> Landing:
    chosen = choose_objects(settings)
    readings: list[LandedReading] = []
    skipped: dict[str, str] = {}
    for kind in REFERENCE:
        if kind.name not in chosen:
            continue
        try:
            readings.append(_land(client, settings, kind, known.get(kind.name, Known()), log, is_refresh))
        except (AccessDenied, FeatureAbsent) as error:
            skipped[kind.name] = f"{error} It takes the permission {kind.permission}."
            log(f"{kind.name} are left out, and what is held of them stays as it is: {skipped[kind.name]}")
    return Landing(tuple(readings), skipped)


def _land(
    client: MarketoClient, settings: Settings, kind: ReferenceObject, known: Known, log: Log, is_refresh: bool
) -> LandedReading:
    now, lookback = settings.clock.now(), timedelta(seconds=settings.lookback_seconds)
    if not is_refresh and (pending := _fresh(settings.landing_dir, kind.name, known.newest, now)):
        log(f"{kind.name}: took up what was read at {pending.as_of:%Y-%m-%d %H:%M:%S} UTC")
        return replace(pending, calls=0, was_adopted=True)
    since = None if is_refresh else begin_since(kind, known, now, lookback)
    reading = read_object(client, kind, since=since, known=known.ids)
    for warning in reading.warnings:
        log(f"{kind.name}: {warning}")
    return store_reading(settings.landing_dir, reading, now)


def _fresh(landing_dir: Path, name: str, newest: str, now: datetime) -> LandedReading | None:
    pending = pending_readings(landing_dir, name, newest)[-1:]
    fresh = [landed for landed in pending if now - landed.as_of < KEPT]
    return fresh[0] if fresh and has_digest(fresh[0].path, fresh[0].stored_sha256) else None


def store_reading(landing_dir: Path, reading: Reading, now: datetime) -> LandedReading:
    """Return *reading* as it lies on disk now; nobody else may be landing.

    Guarantee: without its manifest a file counts as not landed, and the next landing removes it.
    """
    folder = landing_dir / FOLDER / reading.object
    folder.mkdir(mode=0o700, exist_ok=True)
    manifests = {path.stem for path in folder.glob("*.json")}
    for stray in folder.glob("*.zst*"):
        if stray.name.partition(".")[0] not in manifests:
            stray.unlink()
    number = max((int(name.rpartition("-")[2]) for name in manifests), default=0) + 1
    name = f"{reading.as_of:%Y%m%dT%H%M%SZ}-{number:06d}"
    path = folder / f"{name}.jsonl.zst"
    data = _lines(reading.found)
    try:
        plain, stored = compress(BytesIO(data), path)
        landed = LandedReading(
            object=reading.object,
            name=name,
            path=path,
            since=reading.since,
            as_of=reading.as_of,
            removed=reading.removed,
            records=len(reading.found),
            pages=reading.pages,
            calls=reading.calls,
            warnings=reading.warnings,
            file_bytes=len(data),
            sha256=plain,
            stored_sha256=stored,
            landed_at=now,
        )
        _write_manifest(folder / f"{name}.json", landed)
    except OSError as error:
        raise LandingError(
            f"What was read of {reading.object} could not be written: {error.strerror}. Free some space for the "
            "landing folder, then run this again."
        ) from error
    return landed


def _lines(found: Sequence[Found]) -> bytes:
    # Members in one order, so that a record which Marketo tells in another order is still the same.
    lines = (
        json.dumps(
            {"place": place, "id": item.id, "request_id": item.request_id, "record": item.record},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )
        for place, item in enumerate(found)
    )
    # Half of a pair of surrogates is JSON for Marketo and none for DuckDB.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _write_manifest(path: Path, landed: LandedReading) -> None:
    data = asdict(landed) | {"path": landed.path.name}
    write_atomically(path, json.dumps(data, indent=1, default=lambda moment: moment.isoformat()).encode())


def _read_manifest(path: Path) -> LandedReading:
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        since = data.pop("since")
        return LandedReading(
            path=path.parent / data.pop("path"),
            since=datetime.fromisoformat(since) if since else None,
            as_of=datetime.fromisoformat(data.pop("as_of")),
            landed_at=datetime.fromisoformat(data.pop("landed_at")),
            removed=tuple(data.pop("removed")),
            warnings=tuple(data.pop("warnings")),
            **data,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandingError(_damage(path)) from error


def _damage(path: Path) -> str:
    return (
        f"The landed reading {path.parent.name}/{path.name} is missing or damaged. Delete the files of that name below "
        f"landing/{FOLDER}/{path.parent.name}, then materialize landing/reference again. Nothing was loaded from it."
    )
