"""A landed month of made-up activities: ten types that make most of an instance's log, and fifty that are rare."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from marketo_assets.api.activities import ActivityAttribute, ActivityType
from marketo_assets.extract.activity_fields import EXPORTED
from marketo_assets.extract.windows import month_window
from marketo_assets.land.manifest import LandedFile, write_manifest

MONTH = "2026-03"
_MAIL = ("Campaign Run ID", "Platform", "Device", "Mailing ID", "User Agent", "Is Mobile Device")
_SENT = ("Mailing ID", "Campaign Run ID", "Choice Number", "Has Predictive", "Step ID", "Test Variant")
_WHY = ("Source", "Reason", "New Value", "Old Value", "Request Id", "API Method Name")
_COMMON = {
    (1, "Visit Webpage"): (20, ("Webpage ID", "Client IP Address", "Query Parameters", "Referrer URL", "User Agent")),
    (6, "Send Email"): (18, _SENT),
    (7, "Email Delivered"): (17, _SENT),
    (10, "Open Email"): (12, _MAIL),
    (11, "Click Email"): (10, ("Link", "Link ID", *_MAIL)),
    (13, "Change Data Value"): (9, _WHY),
    (22, "Change Score"): (4, ("Change Value", "New Value", "Old Value", "Reason")),
    (24, "Add to List"): (3, ("Source",)),
    (104, "Change Status in Progression"): (
        3,
        ("Old Status", "Old Status ID", "New Status", "New Status ID", "Success"),
    ),
    (100001, "Renewal Call"): (2, ("Duration ID", "Note")),
}
_RARE = {(500 + number, f"Rare {number}"): (0.04, (f"Rare {number} ID", *_WHY)) for number in range(50)}
_KINDS = {**_COMMON, **_RARE}
_TRUTHS = ("Is Mobile Device", "Has Predictive", "Success")
_AGENTS = [f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/{n}.0.0.0" for n in range(90, 130)]
_WORDS = ["Webform fill", "Member", "Visited", "Web service API", 'café "x"', "iPhone", "Desktop"]
_POOL = 3000


def activity_types() -> tuple[ActivityType, ...]:
    """Return the types of the file, as Get Activity Types tells of them."""
    return tuple(
        ActivityType(number, name, None, tuple(ActivityAttribute(a, _data_type(a)) for a in attributes))
        for (number, name), (_, attributes) in _KINDS.items()
    )


def write_month(data_dir: Path, rows: int, *, seed: int = 1) -> LandedFile:
    """Return a landed month of *rows* activities below *data_dir*, the same for the same *seed*."""
    folder = data_dir / "landing" / "activity_exports" / MONTH
    folder.mkdir(parents=True)
    path, digest, size = folder / "made-up.csv.zst", hashlib.sha256(), 0
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    with path.open("wb") as target:
        for text in _blocks(random.Random(seed), rows):
            digest.update(text)
            size += len(text)
            target.write(packer.compress(text))
        target.write(packer.flush())
    window = month_window(MONTH)
    landed = LandedFile(
        partition=MONTH,
        path=path,
        export_id="made-up",
        request_hash="made up",
        window=window,
        fields=EXPORTED,
        described=EXPORTED,
        records=rows,
        file_bytes=size,
        sha256=digest.hexdigest(),
        stored_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        as_of=datetime(2026, 4, 2, 8, tzinfo=UTC),
        landed_at=datetime(2026, 4, 2, 9, tzinfo=UTC),
        types=activity_types(),
    )
    write_manifest(folder / "made-up.json", landed)
    return landed


def _blocks(rng: random.Random, rows: int, size: int = 50_000):  # type: ignore[no-untyped-def]
    kinds = list(_KINDS)
    weights = [_KINDS[kind][0] for kind in kinds]
    pool = {kind: [_cell(rng, _KINDS[kind][1]) for _ in range(_POOL)] for kind in kinds}
    yield (",".join(field.name for field in EXPORTED) + "\n").encode()
    for first in range(0, rows, size):
        count = min(size, rows - first)
        lines = [
            f"{4_000_000_000 + first + n},{rng.randrange(1, 400_000)},2026-03-{rng.randrange(1, 32):02d}T"
            f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z,{kind[0]},"
            f"{rng.randrange(9000) if n % 3 else 'null'},{rng.randrange(9999)},example.com/page-{rng.randrange(99)},"
            f"{rng.choice(pool[kind])},succeeded\n"
            for n, kind in enumerate(rng.choices(kinds, weights, k=count))
        ]
        yield "".join(lines).encode()


def _cell(rng: random.Random, attributes: tuple[str, ...]) -> str:
    told = {name: _value(rng, name) for name in attributes}
    text = json.dumps(
        {name: value for name, value in told.items() if value != ""}, ensure_ascii=False, separators=(",", ":")
    )
    return '"' + text.replace('"', '""') + '"'


def _value(rng: random.Random, name: str) -> object:
    if name in _TRUTHS:
        return rng.random() < 0.5
    if _data_type(name) == "integer":
        return rng.randrange(1, 99_999)
    if name == "User Agent":
        return rng.choice(_AGENTS)
    if "URL" in name or name == "Link":
        return f"https://www.example.com/p/{rng.randrange(1000)}?x={rng.randrange(100_000)}"
    return "" if name == "Old Value" and rng.random() < 0.5 else rng.choice(_WORDS)


def _data_type(name: str) -> str:
    if name in _TRUTHS:
        return "boolean"
    return "integer" if name.endswith((" ID", "Number")) else "string"
