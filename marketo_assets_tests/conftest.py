"""What every test starts from: no settings of the machine, and a data folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Before any test is imported: definitions read the start month when they load, and must not find the developer's.
if not os.environ.get("MARKETO_LIVE"):
    for name in [name for name in os.environ if name.startswith(("MARKETO_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ["MARKETO_DATA_DIR"] = str(Path(tempfile.gettempdir()) / "marketo_assets_tests" / "no-such-folder")
    os.environ["MARKETO_START_MONTH"] = "2024-01"

_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a private folder in it
_MEMORY_BYTES = 4 * 2**30
"""What has to be free there: a run keeps little, as the folders of tests that pass are removed at once."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory where there is enough: thousands of databases wait for a disk a tenth of the time.

    Tests that measure keep to the disk, and whoever sets `TMPDIR` is obeyed. Nothing is proved of a power failure.
    """
    is_told = "TMPDIR" in os.environ or config.option.basetemp
    if is_told or _is_slow_wanted(config) or not _MEMORY.is_dir():
        return
    if os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return how many workers `-n auto` means: none where somebody watches, or where time is measured."""
    is_watched = config.option.capture == "no" or any("::" in argument for argument in config.args)
    return 0 if is_watched or _is_slow_wanted(config) else None


def _is_slow_wanted(config: pytest.Config) -> bool:
    return "slow" in config.option.markexpr.replace("not slow", "")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that nothing else uses; it does not exist yet."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MARKETO_DATA_DIR", str(folder))
    return folder
