"""The manifest beside a landed file: what was asked, when Marketo's state was read, and what came."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from marketo_assets.api.activities import ActivityAttribute, ActivityType
from marketo_assets.api.lead_database import LeadField
from marketo_assets.extract.windows import Window
from marketo_assets.land.store import write_atomically


class LandingError(RuntimeError):
    """A landed file is missing, damaged or cannot be written; the message says what to do."""


@dataclass(frozen=True)
class Piece:
    """One of the exports that a landed file was put together from."""

    export_id: str
    request_hash: str
    window: Window
    records: int | None
    file_bytes: int
    sha256: str
    """Of the bytes as Marketo delivered them."""
    as_of: datetime
    landed_at: datetime


@dataclass(frozen=True)
class LandedFile:
    """One verified export on disk."""

    partition: str
    path: Path | None
    """Compressed CSV, or None when there is nothing in the month."""
    export_id: str
    request_hash: str
    window: Window
    fields: tuple[LeadField, ...]
    """The exported fields, in the order asked for."""
    described: tuple[LeadField, ...]
    """Everything Describe showed when the export was asked for."""
    records: int | None
    """What Marketo says the file holds."""
    file_bytes: int
    """Size as Marketo delivers and counts it, uncompressed."""
    sha256: str
    """Of the bytes as Marketo delivers them."""
    stored_sha256: str
    """Of the compressed file on disk."""
    as_of: datetime
    """When Marketo's state was read, or a moment before; of several pieces, when the first was."""
    landed_at: datetime
    calls: int = 0
    waited_seconds: float = 0.0
    worked_seconds: float = 0.0
    was_adopted: bool = False
    types: tuple[ActivityType, ...] = ()
    """Every kind of activity that the instance had, where activities were exported."""
    pieces: tuple[Piece, ...] = ()
    """What it was put together from, the earliest window first; none where one export brought all of it."""
    members_of: tuple[int, ...] = ()
    """The programs, or the static list, whose members were exported."""

    def as_adopted(self, calls: int) -> LandedFile:
        """Return the same file as taken up again by a run that spent *calls*."""
        return replace(self, calls=calls, waited_seconds=0.0, worked_seconds=0.0, was_adopted=True)


def write_manifest(path: Path, landed: LandedFile) -> None:
    """Leave a manifest at *path* from which `read_manifest` returns *landed*.

    Guarantee: the manifest is whole or absent; without one, a file counts as not landed.
    """
    data = asdict(landed)
    data["path"] = landed.path.name if landed.path else None  # relative, so that the data folder may be moved
    data["fields"] = [field.name for field in landed.fields]
    write_atomically(path, json.dumps(data, indent=1, default=lambda moment: moment.isoformat()).encode())


def read_manifest(path: Path) -> LandedFile:
    """Return what the manifest at *path* says; the landed file itself is not read.

    Raises: LandingError when the manifest is damaged.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        described = tuple(LeadField(**field) for field in data.pop("described"))
        by_name = {field.name: field for field in described}
        window = _read_window(data.pop("window"))
        types = tuple(_read_type(kind) for kind in data.pop("types", ()))
        return LandedFile(
            path=path.parent / name if (name := data.pop("path")) else None,
            described=described,
            fields=tuple(by_name[name] for name in data.pop("fields")),
            window=window,
            as_of=datetime.fromisoformat(data.pop("as_of")),
            landed_at=datetime.fromisoformat(data.pop("landed_at")),
            types=types,
            members_of=tuple(data.pop("members_of", ())),
            pieces=tuple(_read_piece(piece) for piece in data.pop("pieces", ())),
            **data,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandingError(damage(path, path.parent.name)) from error


def _read_window(data: dict[str, str]) -> Window:
    return Window(datetime.fromisoformat(data["start"]), datetime.fromisoformat(data["end"]))


def _read_piece(data: dict[str, Any]) -> Piece:
    return Piece(
        window=_read_window(data.pop("window")),
        as_of=datetime.fromisoformat(data.pop("as_of")),
        landed_at=datetime.fromisoformat(data.pop("landed_at")),
        **data,
    )


def _read_type(data: dict[str, Any]) -> ActivityType:
    primary = data.pop("primary_attribute")
    return ActivityType(
        primary_attribute=ActivityAttribute(**primary) if primary else None,
        attributes=tuple(ActivityAttribute(**attribute) for attribute in data.pop("attributes")),
        **data,
    )


def damage(path: Path, partition: str) -> str:
    """Return what to tell a person whose landed file at *path* cannot be used."""
    return (
        f"The landed file {path.name} of {partition} is missing or damaged. Materialize "
        f"landing/{path.parent.parent.name} for {partition} again: while Marketo keeps the file (about 7 days) that "
        "costs no export quota. Nothing was loaded from it."
    )
