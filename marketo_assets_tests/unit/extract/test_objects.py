"""MARKETO_OBJECTS: what it chooses, from the environment and from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_assets.extract.objects import choose_objects, details_to_read, object_names, objects_to_read
from marketo_assets.models.reference_tables import TABLES
from marketo_assets.settings import Settings, load_settings


def settings(**environ: str) -> Settings:
    """Return the settings of an environment."""
    return load_settings(environ, is_local=True)


def test_without_a_choice_everything_is_copied() -> None:
    """Unset means every object; what may not be read is found out when it is read."""
    assert frozenset(object_names()) == choose_objects(settings())


@pytest.mark.parametrize("is_file", [False, True], ids=["environment", "file"])
def test_names_choose(tmp_path: Path, is_file: bool) -> None:
    """Names are separated by commas, or a list in a file; a detail brings the object that it belongs to."""
    config = tmp_path / "marketo.toml"
    config.write_text('objects = ["emails", "segments"]\n')
    given = {"MARKETO_CONFIG": str(config)} if is_file else {"MARKETO_OBJECTS": "emails , segments,"}
    chosen = choose_objects(settings(**given))

    assert {"emails", "segments"} == chosen
    assert ["emails", "segmentations"] == [kind.name for kind in objects_to_read(chosen)]
    assert ["segments"] == [detail.name for detail in details_to_read(chosen)]


def test_every_table_can_be_chosen() -> None:
    """Each reference table goes by its own name, statuses of channels with their channels."""
    assert TABLES.keys() - {"channel_statuses"} == set(object_names()) - {"program_members", "static_list_members"}
