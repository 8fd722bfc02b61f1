"""What `doctor` says of names in the settings that nothing has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from marketo_assets.api.client import MarketoClient
from marketo_assets.cli.doctor_choices import check_activity_types, check_choices
from marketo_assets.cli.findings import Findings
from marketo_assets.cli.screen import Screen
from marketo_assets.settings import Secret, Settings
from marketo_assets_tests.pipeline.road import local_road

SETTINGS = Settings("", Secret(""), Secret(""))


@contextmanager
def small_instance(data_dir: Path) -> Iterator[tuple[MarketoClient, Settings]]:
    with (
        local_road(data_dir, leads=0, months=1) as road,
        MarketoClient.open(road.settings, transport=road.transport) as client,
    ):
        yield client, road.settings


def test_objects_that_are_none() -> None:
    """The name is told, and what to put there; names that there are cause no finding."""
    findings = Findings(Screen(is_terminal=False))
    check_choices(replace(SETTINGS, objects=("programs", "email_templates")), findings)
    assert [] == findings.items
    check_choices(replace(SETTINGS, objects=("programs", "leads")), findings)
    (found,) = findings.items
    assert ("problem", "settings", True) == (found.level, found.subject, "'leads'" in found.text)
    assert "comma separated" in found.todo


@pytest.mark.parametrize("address", ["ftp://alerts.example", "T0-x", "https://", "http://[::1"])
def test_a_webhook_that_is_no_address(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said, without telling the address, which is a secret."""
    findings = Findings(Screen(is_terminal=False))
    check_choices(replace(SETTINGS, alert_webhook=Secret("https://alerts.example/T0/x")), findings)
    assert [] == findings.items
    check_choices(replace(SETTINGS, alert_webhook=Secret(address)), findings)
    assert ["warning"] == [found.level for found in findings.items]
    assert address not in capsys.readouterr().out


def test_activity_types_that_are_none(data_dir: Path) -> None:
    """What is to be copied must be there; what captures look at beside the known may be missing, and is told."""
    findings = Findings(Screen(is_terminal=False))
    with small_instance(data_dir) as (client, settings):
        check_activity_types(client, replace(settings, activity_types=("12", "visit webpage")), findings)
        check_activity_types(client, replace(settings, change_activity_types=("Change Owner",)), findings)
        assert ([], 2) == (findings.items, client.calls)
        check_activity_types(client, replace(settings, activity_types=("Vist Webpage",)), findings)
        check_activity_types(client, replace(settings, change_activity_types=("Nope",)), findings)
        check_activity_types(client, settings, findings)
        assert 4 == client.calls
    wrong, unknown = findings.items
    assert ("problem", True) == (wrong.level, "Did you mean Visit Webpage" in f"{wrong.text} {wrong.todo}")
    assert ("warning", True) == (unknown.level, "'Nope'" in unknown.text)
