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


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return how many workers `-n auto` means: none where somebody watches, or where time is measured."""
    is_watched = config.option.capture == "no" or any("::" in argument for argument in config.args)
    is_slow_wanted = "slow" in config.option.markexpr.replace("not slow", "")
    return 0 if is_watched or is_slow_wanted else None


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that nothing else uses; it does not exist yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MARKETO_DATA_DIR", str(folder))
    return folder
