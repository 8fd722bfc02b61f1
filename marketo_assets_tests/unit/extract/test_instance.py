"""Two instances never share a folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock
from marketo_assets.extract.instance import claim_folder
from marketo_assets.settings import Secret, Settings, SettingsError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings("https://123-ABC-456.mktorest.com", Secret("id"), Secret("secret"), data_dir=tmp_path)


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(settings.ledger_path, Limits(), ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))


def test_a_folder_stays_with_its_instance(ledger: Ledger, settings: Settings) -> None:
    """The instance that claimed a folder may come back to it, in any spelling of its name."""
    claim_folder(ledger, settings)
    claim_folder(ledger, replace(settings, base_url="https://123-abc-456.mktorest.com"))


def test_another_instance_is_refused(ledger: Ledger, settings: Settings) -> None:
    """Another instance is refused with the names of both and what to do."""
    claim_folder(ledger, settings)
    with pytest.raises(SettingsError, match=r"123-abc-456.*999-zzz-999.*MARKETO_DATA_DIR"):
        claim_folder(ledger, replace(settings, base_url="https://999-ZZZ-999.mktorest.com"))


def test_a_sandbox_may_change_its_port(ledger: Ledger, settings: Settings) -> None:
    """A sandbox is the same instance at any port, and never a real one."""
    claim_folder(ledger, replace(settings, base_url="http://127.0.0.1:8600"))
    claim_folder(ledger, replace(settings, base_url="http://localhost:8601"))
    with pytest.raises(SettingsError, match="this machine"):
        claim_folder(ledger, settings)
