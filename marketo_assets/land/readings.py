"""Readings on disk: one compressed file of records and a manifest for each, written once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import zstandard

from marketo_assets.api.values import Number
from marketo_assets.extract.listing import Found
from marketo_assets.extract.reference import Log, Reading
from marketo_assets.land.manifest import LandingError
from marketo_assets.land.store import compress, has_digest, write_atomically

FOLDER = "reference"


@dataclass(frozen=True)
class LandedReading:
    """One reading on disk."""

    object: str
    name: str
    """Of its files; names sort in the order of the readings."""
    path: Path
    is_whole: bool
    """Whether everything there is was asked for."""
    since: datetime | None
    """Since when what was updated was asked for."""
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


def pending_readings(landing_dir: Path, object_name: str, newest: str) -> list[LandedReading]:
    """Return the landed readings of an object after the one called *newest*, the oldest first; no file is checked."""
    folder = landing_dir / FOLDER / object_name
    paths = sorted(path for path in folder.glob("*.json") if path.stem > newest)
    return [_read_manifest(path) for path in paths]


def landed_readings(landing_dir: Path, object_name: str) -> list[LandedReading]:
    """Return all landed readings of an object whose manifest can be read, the oldest first; no file is checked."""
    found = []
    for path in sorted((landing_dir / FOLDER / object_name).glob("*.json")):
        try:
            found.append(_read_manifest(path))
        except LandingError:
            continue  # whoever needs it says so
    return found


def remove_reading(landed: LandedReading) -> None:
    """Remove *landed* from disk: its manifest first, without which its file counts as not landed."""
    (landed.path.parent / f"{landed.name}.json").unlink(missing_ok=True)
    landed.path.unlink(missing_ok=True)


def drop_damaged(landing_dir: Path, object_name: str, newest: str, log: Log) -> None:
    """Remove the landed readings of an object after the one called *newest* that cannot be read any more.

    What they told is read again: the next reading begins where the last loaded one ended.
    """
    for path in (landing_dir / FOLDER / object_name).glob("*.json"):
        if path.stem > newest:
            try:
                check_file(_read_manifest(path))
            except LandingError:
                log(f"{object_name}: what was landed as {path.stem} is damaged; it is read again")
                path.unlink()


def check_file(landed: LandedReading) -> Path:
    """Return the file of *landed*. Raises: LandingError when it is missing or damaged."""
    if not has_digest(landed.path, landed.stored_sha256):
        raise LandingError(_damage(landed.path))
    return landed.path


def read_records(landed: LandedReading) -> Iterator[tuple[str, Any]]:
    """Yield id and record of everything in the file of *landed*, in the order in which it came.

    Raises: LandingError when the file is missing or damaged.
    """
    with check_file(landed).open("rb") as packed:
        text = zstandard.ZstdDecompressor().stream_reader(packed).read().decode()
    for line in text.split("\n"):
        if line:
            told = json.loads(line)
            yield told["id"], told["record"]


def store_reading(landing_dir: Path, reading: Reading, now: datetime, *, newest: str = "") -> LandedReading:
    """Return *reading* as it lies on disk now, named after the one called *newest*; nobody else may be landing.

    Guarantee: without its manifest a file counts as not landed, and the next landing removes it.
    """
    folder = landing_dir / FOLDER / reading.object
    folder.mkdir(mode=0o700, exist_ok=True)
    manifests = {path.stem for path in folder.glob("*.json")}
    for stray in folder.glob("*.zst*"):
        if stray.name.partition(".")[0] not in manifests:
            stray.unlink()
    # Counted, for the clocks of Marketo's machines may differ by a second; also where what was landed is lost.
    number = max((int(name.partition("-")[0]) for name in (*manifests, newest) if name), default=0) + 1
    name = f"{number:08d}-{reading.as_of:%Y%m%dT%H%M%SZ}"
    path = folder / f"{name}.jsonl.zst"
    data = _lines(reading.found)
    try:
        plain, stored = compress(BytesIO(data), path)
        landed = LandedReading(
            object=reading.object,
            name=name,
            path=path,
            is_whole=reading.is_whole,
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
            {"place": place, "id": item.id, "request_id": item.request_id, "record": _exact(item.record)},
            ensure_ascii=False,
            sort_keys=True,
            separators=(",", ":"),
        )
        for place, item in enumerate(found)
    )
    # Half of a pair of surrogates is JSON for Marketo and none for DuckDB.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _exact(told: Any) -> Any:
    """Return *told* with numbers that no float holds, such as large costs, as the texts that they came as."""
    if isinstance(told, Number):
        # JSON readers, DuckDB's too, would round them.
        return told if Decimal(told.spelled) == Decimal(repr(float(told))) else told.spelled
    if isinstance(told, Mapping):
        return {name: _exact(value) for name, value in told.items()}
    return [_exact(value) for value in told] if isinstance(told, list | tuple) else told


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
        f"The landed reading {path.parent.name}/{path.name} is missing or damaged. Materialize landing/reference "
        "again: what it told is read anew. Nothing was loaded from it."
    )
