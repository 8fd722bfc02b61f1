"""A connection to an empty warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketo_assets.warehouse import DuckDBConnection, Warehouse


@pytest.fixture
def con(data_dir: Path) -> Iterator[DuckDBConnection]:
    with Warehouse(data_dir).held() as con:
        yield con
