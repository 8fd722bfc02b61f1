"""The manifest beside a landed file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from marketo_assets.land.lead_exports import lead_export_dir, read_landed
from marketo_assets.land.manifest import LandingError, read_manifest, write_manifest
from marketo_assets_tests.pipeline.handmade import MONTH, lead_field, lead_fields
from marketo_assets_tests.pipeline.handmade import land as land_by_hand


def manifest_of(data_dir: Path) -> Path:
    (path,) = lead_export_dir(data_dir / "landing", MONTH).glob("*.json")
    return path


@pytest.mark.parametrize("content", ["id,createdAt,updatedAt\n", None], ids=["a file", "an empty month"])
def test_what_is_written_is_read(data_dir: Path, content: str | None) -> None:
    """A manifest gives back what it was written from: fields with all Describe told, window, moments, digests."""
    described = (*lead_fields({"Größe": "string"}), lead_field("hidden later", "datetime"))
    landed = land_by_hand(data_dir, content, {"Größe": "string"}, described=described, records=0)

    assert landed == read_manifest(manifest_of(data_dir))
    assert landed == read_landed(data_dir / "landing", MONTH)


def test_the_data_folder_may_be_moved(data_dir: Path, tmp_path: Path) -> None:
    """A manifest names its file without its folder, so a landing folder that was moved is as good as before."""
    landed = land_by_hand(data_dir, "id\n", {})
    data_dir.rename(tmp_path / "elsewhere")
    moved = read_landed(tmp_path / "elsewhere" / "landing", MONTH)

    assert replace(landed, path=moved.path) == moved
    assert moved.path is not None
    assert moved.path.is_file()


def test_the_newest_reading_is_the_one(data_dir: Path) -> None:
    """Of several landed exports of a month the one that Marketo was asked for last is loaded."""
    first = land_by_hand(data_dir, "id\n1\n", {})
    second = land_by_hand(data_dir, "id\n2\n", {}, as_of=first.as_of + timedelta(hours=1))

    assert second == read_landed(data_dir / "landing", MONTH)


BROKEN = {
    "not JSON": "{",
    "another kind of JSON": "[1, 2]",
    "without a member": None,
    "with a moment that is none": "as_of",
    "with a field that was not described": "fields",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_manifest(data_dir: Path, how: str) -> None:
    """A manifest that cannot be read is told as damage, with the month, the file and what to do."""
    land_by_hand(data_dir, "id\n", {})
    path = manifest_of(data_dir)
    data = json.loads(path.read_text("utf-8"))
    changed = {
        "without a member": {name: value for name, value in data.items() if name != "sha256"},
        "with a moment that is none": {**data, "as_of": "yesterday"},
        "with a field that was not described": {**data, "fields": ["id", "nobody"]},
    }.get(how)
    path.write_text(json.dumps(changed) if changed else str(BROKEN[how]), "utf-8")
    with pytest.raises(LandingError, match=f"{path.name} of {MONTH} is missing or damaged.*costs no export quota"):
        read_manifest(path)


def test_nothing_landed(data_dir: Path) -> None:
    """A month without a landed file is told by name, with what to materialize."""
    with pytest.raises(LandingError, match=f"Nothing has been landed for {MONTH}. Materialize landing/lead_exports"):
        read_landed(data_dir / "landing", MONTH)


def test_a_manifest_holds_no_secret_and_no_lead(data_dir: Path) -> None:
    """A manifest speaks of fields, sizes and moments, never of a person."""
    land_by_hand(data_dir, "id,email\n1,somebody@example.com\n", {"email": "email"})

    assert "somebody" not in manifest_of(data_dir).read_text("utf-8")


def test_writing_again_replaces(data_dir: Path) -> None:
    """A manifest written again under the same name is the later one."""
    landed = land_by_hand(data_dir, "id\n", {})
    later = replace(landed, calls=7, was_adopted=True)
    write_manifest(manifest_of(data_dir), later)

    assert later == read_manifest(manifest_of(data_dir))
