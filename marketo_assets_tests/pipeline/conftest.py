"""An instance in this process whose time stands still, and one in a process of its own whose time flies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from marketo_assets.settings import load_settings
from marketo_assets_tests.doors import RunningSandbox, running_sandbox
from marketo_assets_tests.pipeline.road import NOW, Road, local_road

TIME_SCALE = 600.0
"""A minute of Marketo's takes a tenth of a second where processes share an instance."""
MakeRoad = Callable[..., Road]


@pytest.fixture
def make_road(data_dir: Path) -> Iterator[MakeRoad]:
    """Makes a road to a new instance in this process; `leads`, `months`, `seed` and more of its options may be told."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(local_road(data_dir, **options))


@pytest.fixture
def road(make_road: MakeRoad) -> Road:
    """A road to an instance with three months of leads, the running one, 2026-08, included."""
    return make_road()


@pytest.fixture(scope="session")
def process() -> Iterator[RunningSandbox]:
    """One sandbox process for all stories in which processes die or meet."""
    with running_sandbox("--now", NOW.isoformat(), "--time-scale", str(TIME_SCALE)) as running:
        yield running


@pytest.fixture
def environment(process: RunningSandbox, data_dir: Path) -> dict[str, str]:
    """What a process needs to find an instance as new, with 300 leads in three months."""
    return begin_again(process, data_dir, leads=300, months=3)


@pytest.fixture
def far_road(process: RunningSandbox, environment: dict[str, str]) -> Road:
    """A road to the same instance over HTTP, in the test's own process."""
    return Road(load_settings(environment), process.control)


def begin_again(process: RunningSandbox, data_dir: Path, **options: Any) -> dict[str, str]:
    """Return the environment for the instance, made anew with *options*."""
    told = {"seed": 7, "now": NOW.isoformat(), "time_scale": TIME_SCALE, **options}
    state = process.control.post("/reset", json=told).raise_for_status().json()
    return {
        **process.variables,
        "MARKETO_CLOCK": state["marketo_clock"],
        "MARKETO_START_MONTH": state["start_month"],
        "MARKETO_DATA_DIR": str(data_dir),
    }
