"""Job pages do not say that automation is off while it is on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.asset_daemon import get_auto_materialize_paused, set_auto_materialize_paused

from marketo_assets.defs.automation_switch import show_automation_as_on
from marketo_assets.defs.export_gate import export_quota_gate
from marketo_assets_tests.unit.defs.history import open_history


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_history(tmp_path) as made:
        yield made


@pytest.mark.usefixtures("data_dir")
def test_the_gates_first_tick_puts_the_switch_on(instance: dg.DagsterInstance) -> None:
    """What webserver and job pages ask Dagster says "on" once the gate has looked."""
    assert get_auto_materialize_paused(instance)

    with dg.build_sensor_context(instance) as context:
        export_quota_gate(context)

    assert not get_auto_materialize_paused(instance)


def test_a_hand_on_the_switch_is_heeded(instance: dg.DagsterInstance) -> None:
    """Somebody who switched it off finds it off."""
    set_auto_materialize_paused(instance, True)

    show_automation_as_on(instance)

    assert get_auto_materialize_paused(instance)
