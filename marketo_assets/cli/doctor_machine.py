"""What `doctor` looks at on this machine: the data folder, who may read it, and the room on its disk."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from marketo_assets.api.local_disk import network_file_system
from marketo_assets.cli.endings import Failed
from marketo_assets.cli.findings import Findings
from marketo_assets.cli.project import is_on_this_machine, shown
from marketo_assets.cli.sandbox_record import LEAVE_SANDBOX, read_record
from marketo_assets.settings import Settings

_LEAST_FREE_BYTES = 100_000_000
_DEFAULT_EXPORT_BYTES = 250_000_000


def check_folder(data_dir: Path, findings: Findings) -> bool:
    """Say whether files can be kept in *data_dir*, and warn when others may read there."""
    if kind := network_file_system(data_dir):
        findings.add(
            "problem",
            "data folder",
            f"{shown(data_dir)} lies on a network file system ({kind}), where locks do not hold.",
            "Set MARKETO_DATA_DIR to a folder on a disk of this machine.",
        )
        return False
    if not data_dir.exists():
        above = next(folder for folder in data_dir.parents if folder.exists())
        if os.access(above, os.W_OK | os.X_OK):
            findings.add("ok", "data folder", f"{shown(data_dir)} does not exist yet; it will be made, for you alone.")
            return True
        findings.add(
            "problem", "data folder", f"{data_dir} cannot be made.", "Set MARKETO_DATA_DIR to a folder of yours."
        )
        return False
    try:
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as error:
        findings.add(
            "problem",
            "data folder",
            f"nothing can be written to {data_dir} ({error.strerror}).",
            "Make it a writable folder of yours on a local disk with free space, or set MARKETO_DATA_DIR to another.",
        )
        return False
    if stat.S_IMODE(data_dir.stat().st_mode) & 0o077:
        findings.add(
            "warning",
            "data folder",
            f"others on this machine may look into {shown(data_dir)}, and it is personal data.",
            f"Run: chmod 700 {shown(data_dir)}",
        )
    else:
        findings.add("ok", "data folder", f"{shown(data_dir)} can be written, and only you can read it.")
    return True


def check_space(data_dir: Path, settings: Settings | None, findings: Findings) -> None:
    """Compare the room on the disk with what a day of exports and the next release may take."""
    folder = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    work = _size(data_dir / "work.duckdb")
    share = round(settings.daily_export_mb * 1e6 * settings.quota_share) if settings else _DEFAULT_EXPORT_BYTES
    # A file lies on the disk as it came while it is compressed, and once more as rows; a release is a whole copy.
    needed = work + 2 * share
    text = (
        f"{_room(free)} free; the copy takes {_room(_tree_size(data_dir))} now, "
        f"a day of exports and the next release may take {_room(needed)}."
    )
    if free < work + _LEAST_FREE_BYTES:
        findings.add("problem", "disk", text, "Free some space, or set MARKETO_DATA_DIR to a folder on a larger disk.")
    elif free < needed:
        findings.add("warning", "disk", text, "Free some space before a backfill; a run that finds none loses nothing.")
    else:
        findings.add("ok", "disk", text)


def check_mixing(data_dir: Path, settings: Settings, findings: Findings) -> None:
    """Find a folder in which a sandbox's leads and a real instance's would meet."""
    is_sandbox = is_on_this_machine(settings.base_url)
    try:
        record = read_record(data_dir)
    except Failed as error:
        said, _, todo = f"{error}".partition(". ")
        findings.add("problem", "data folder", f"{said}.", todo)
        return
    if record is not None and not is_sandbox:
        findings.add(
            "problem",
            "data folder",
            f"{shown(data_dir)} holds a sandbox's leads, and MARKETO_BASE_URL names a real instance.",
            LEAVE_SANDBOX,
        )
    elif is_sandbox and (data_dir / "work.duckdb").exists() and record is None:
        findings.add(
            "note",
            "data folder",
            f"{shown(data_dir)} holds leads and MARKETO_BASE_URL names a sandbox that you started yourself.",
            "Make sure that they came from the same sandbox, started with the same --seed and --now.",
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tree_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _room(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
