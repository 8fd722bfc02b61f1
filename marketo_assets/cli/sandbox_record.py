"""Which sandbox the leads of a data folder came from, so that it can be started again as it was.

Why a file: the content of a sandbox follows from its seed and its first moment, and a data folder that holds one
instance must never be mixed with another. A folder with leads and without this file belongs to a real instance.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from marketo_assets.cli.endings import Failed, WrongUse
from marketo_assets.land.store import alone, write_atomically

LEAVE_SANDBOX = (
    "Remove the folders data and .dagster of this clone, which hold nothing but the sandbox's leads and runs, "
    "or copy the instance in another clone."
)
_FOLDER = "sandbox"
_FILES = ("work.duckdb", "marketo.duckdb", "releases", "landing", "ledger.sqlite", "start_month")
_BESIDE = (
    *("work.duckdb.wal", "work.lock", "work.tmp"),
    *("ledger.sqlite-wal", "ledger.sqlite-shm", "ledger.sqlite.lock", "export_jobs.jsonl", "instance"),
)


@dataclass(frozen=True)
class World:
    """How large a sandbox is, and its seed; None stands for whatever is there already, or the default."""

    leads: int | None = None
    months: int | None = None
    seed: int | None = None


_DEFAULT = {"leads": 10_000, "months": 24, "seed": 1}


@dataclass(frozen=True)
class SandboxRecord:
    """A sandbox as it was started, and how far it had come."""

    leads: int
    months: int
    seed: int
    now: datetime
    """Its first moment."""
    moment: datetime
    """The latest moment that it is known to have reached."""
    changes: tuple[dict[str, Any], ...] = ()
    """What was changed at its control desk since, in order."""

    @property
    def arguments(self) -> list[str]:
        """What to start the sandbox with."""
        named = {"leads": self.leads, "months": self.months, "seed": self.seed, "now": self.now.isoformat()}
        return [part for name, value in named.items() for part in (f"--{name}", str(value))]


def read_record(data_dir: Path) -> SandboxRecord | None:
    """Return the record in *data_dir*, or None. Raises: Failed when it cannot be read."""
    path = data_dir / _FOLDER / "sandbox.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        data |= {name: datetime.fromisoformat(data[name]) for name in ("now", "moment")}
        return SandboxRecord(**{**data, "changes": tuple(data["changes"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(
            f"{path} cannot be read ({type(error).__name__}), so it is not known whose leads {data_dir} holds. "
            "Delete that folder if it holds nothing but a sandbox's leads, or point MARKETO_DATA_DIR elsewhere."
        ) from error


def write_record(data_dir: Path, record: SandboxRecord) -> None:
    """Leave *record* in *data_dir*, whole or not at all."""
    folder = data_dir / _FOLDER
    for private in (data_dir, folder):  # a folder's parents would be made readable for everybody
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(folder / "sandbox.json", json.dumps(asdict(record), indent=1, default=datetime.isoformat).encode())


def holds_leads(data_dir: Path) -> bool:
    """Say whether anything of the pipeline lies in *data_dir*."""
    return any((data_dir / name).exists() or (data_dir / name).is_symlink() for name in _FILES)


def claim(data_dir: Path, asked: World, *, begin: datetime, is_fresh: bool = False) -> SandboxRecord:
    """Return the sandbox that *data_dir* belongs to: the one it was filled from, or a new one that begins at *begin*.

    With *is_fresh*, what an earlier sandbox left there is removed first, and nothing else.

    Raises: WrongUse when the folder holds a real instance's leads, or another sandbox's than *asked* for.
    """
    wanted = {name: number for name, number in asdict(asked).items() if number is not None}
    record = read_record(data_dir)
    if record is None:
        if holds_leads(data_dir):
            raise WrongUse(
                f"{data_dir} holds files of another Marketo instance, and two must not be mixed in one folder. "
                "Nothing was touched. Set MARKETO_DATA_DIR to another folder for the sandbox, for example data/demo."
            )
    elif is_fresh:
        clear(data_dir)
        record = None
    else:
        _check_same(record, wanted, data_dir)
    if record is None:
        record = SandboxRecord(**{**_DEFAULT, **wanted}, now=begin, moment=begin)
        write_record(data_dir, record)
    return record


def clear(data_dir: Path) -> None:
    """Remove what the pipeline keeps in *data_dir*, by name; other files stay. The folder must belong to a sandbox."""
    if read_record(data_dir) is None:
        raise WrongUse(f"{data_dir} does not belong to a sandbox; nothing was removed.")
    for name in (*_FILES, *_BESIDE):
        path = data_dir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Keep every other `demo` and `dev` out of *data_dir* while the block runs.

    Raises: WrongUse when one is at work there.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(data_dir / _FOLDER, 0.0, lambda: None))
        except TimeoutError as error:
            raise WrongUse(
                f"`marketo-assets demo` or `dev` is at work on {data_dir} already. "
                "Stop it with Ctrl-C first, or set MARKETO_DATA_DIR to another folder."
            ) from error
        yield


def later(record: SandboxRecord, moment: datetime, *changes: dict[str, Any]) -> SandboxRecord:
    """Return *record* as of *moment*, if that is later, with *changes* added."""
    return replace(record, moment=max(record.moment, moment.astimezone(UTC)), changes=(*record.changes, *changes))


def _check_same(record: SandboxRecord, wanted: dict[str, int], data_dir: Path) -> None:
    others = [f"--{name} {getattr(record, name)}" for name, number in wanted.items() if number != getattr(record, name)]
    if others:
        raise WrongUse(
            f"{data_dir} holds the leads of another sandbox ({', '.join(others)}). Leave these options out to go on "
            "with it, add --fresh to remove it and begin again, or set MARKETO_DATA_DIR to another folder."
        )
