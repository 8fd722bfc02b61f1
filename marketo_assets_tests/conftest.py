"""What every test starts from: no settings of the machine, and a data folder of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

# Before any test is imported: definitions read the start month when they load, and must not find the developer's.
if not os.environ.get("MARKETO_LIVE"):
    for name in [name for name in os.environ if name.startswith(("MARKETO_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["MARKETO_DATA_DIR"] = str(Path(tempfile.gettempdir()) / "marketo_assets_tests" / "no-such-folder")
    os.environ["MARKETO_START_MONTH"] = "2024-01"


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that nothing else uses; it does not exist yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MARKETO_DATA_DIR", str(folder))
    return folder
