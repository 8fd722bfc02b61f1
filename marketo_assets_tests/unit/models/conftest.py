"""A past to fill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketo_assets_tests.unit.models.past import Past, empty_past


@pytest.fixture
def past(data_dir: Path) -> Iterator[Past]:
    with empty_past(data_dir) as made:
        yield made
