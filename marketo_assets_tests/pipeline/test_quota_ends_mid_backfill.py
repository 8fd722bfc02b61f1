"""A backfill that needs several days of export quota, in a real Dagster: it pauses, resumes, and ends green.

    python -m pytest -m slow marketo_assets_tests/pipeline/test_quota_ends_mid_backfill.py -s

Webserver, daemon, run queue and SQLite are the real ones; a day of Marketo's lasts a minute or two, and the client's
clock follows. The short story takes about two and a half minutes, the long one about seven.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_assets.clock import ScaledClock, parse_clock, quota_day
from marketo_assets_tests.doors import RunningSandbox, running_sandbox
from marketo_assets_tests.pipeline.daemon import Daemon, Run, running_dagster
from marketo_assets_tests.pipeline.road import months_until

pytestmark = pytest.mark.slow

ENDED = ("COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED")
EXPORTS, SNAPSHOTS = ["landing", "lead_exports"], ["marketo", "raw", "lead_snapshots"]
AT_WORK = ("STARTING", "STARTED", "NOT_STARTED")
LEADS_A_MONTH = 580
"""About 200 kB a month: five months make a megabyte."""


@dataclass(frozen=True)
class Moment:
    """What the UI shows at a moment."""

    at: float
    limit: int
    queued: int
    at_work: int
    processes: int


@dataclass
class Story:
    """A backfill as it was watched."""

    status: str = ""
    seconds: float = 0.0
    moments: list[Moment] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    processes_at_rest: int = 0

    def pauses(self) -> list[list[Moment]]:
        """The stretches of at least five seconds in which the pool was closed and runs waited in the queue."""
        stretches: list[list[Moment]] = [[]]
        for moment in self.moments:
            if moment.limit == 0 and moment.queued:
                stretches[-1].append(moment)
            elif stretches[-1]:
                stretches.append([])
        return [stretch for stretch in stretches if stretch and stretch[-1].at - stretch[0].at >= 5]

    def failed(self) -> list[Run]:
        """The runs that failed."""
        return [run for run in self.runs if run.status == "FAILURE"]


def begin() -> datetime:
    """The moment at which Marketo's first day begins, in the past, so that each of its months is a partition."""
    return (datetime.now(UTC) - timedelta(days=12)).replace(hour=6, minute=5, second=0, microsecond=0)


def _look_on(moment: Moment) -> None:
    pass


def watch(
    daemon: Daemon, months: Sequence[str], *, patience_seconds: float, on_moment: Callable[[Moment], None] = _look_on
) -> Story:
    """Return the story of a backfill of *months*; *on_moment* sees each second of it."""
    story = Story(processes_at_rest=daemon.processes())
    backfill = daemon.launch_backfill(months, EXPORTS, SNAPSHOTS)
    began = time.monotonic()
    while story.seconds < patience_seconds and story.status not in ENDED:
        time.sleep(1.0)
        story.status, story.runs = daemon.backfill_status(backfill), daemon.runs()
        story.seconds = time.monotonic() - began
        counted = Counter(run.status for run in story.runs)
        at_work = sum(counted[status] for status in AT_WORK)
        processes = daemon.processes()
        story.moments.append(Moment(story.seconds, daemon.pool_limit(), counted["QUEUED"], at_work, processes))
        on_moment(story.moments[-1])
    return story


def failed_by_day(story: Story, sandbox: RunningSandbox) -> Counter[str]:
    """Return how many runs failed on each of Marketo's days."""
    clock = parse_clock(sandbox.variables["MARKETO_CLOCK"])
    assert isinstance(clock, ScaledClock)

    def day(seconds: float) -> str:
        passed = datetime.fromtimestamp(seconds, UTC) - clock.anchor
        return quota_day(clock.moment + passed * clock.scale).isoformat()

    return Counter(day(run.end_time or 0) for run in story.failed())


def bytes_by_day(sandbox: RunningSandbox) -> Counter[str]:
    """Return how many bytes Marketo exported on each of its days."""
    counted: Counter[str] = Counter()
    for job in sandbox.control.get("/jobs").json():
        if job["status"] == "Completed":
            counted[quota_day(datetime.fromisoformat(job["finishedAt"])).isoformat()] += job["fileSize"]
    return counted


def tell(name: str, story: Story, sandbox: RunningSandbox, ticks: Sequence[str]) -> None:
    """Print what was measured."""
    most = max((moment.processes for moment in story.moments), default=0)
    print(f"\n{name}: {story.status} after {story.seconds:.0f} s; runs {Counter(run.status for run in story.runs)}")
    print(f"  failed attempts a day: {dict(failed_by_day(story, sandbox))}; bytes a day: {dict(bytes_by_day(sandbox))}")
    print(f"  processes: {story.processes_at_rest} at rest, {most} at most; pauses:")
    for stretch in story.pauses():
        last = stretch[-1]
        print(
            f"    {stretch[0].at:.0f} to {last.at:.0f} s: {last.queued} queued, {last.processes} processes at its end"
        )
    print("  " + "\n  ".join(dict.fromkeys(reversed(ticks))))


def assert_uneventful(story: Story, sandbox: RunningSandbox, months: Sequence[str]) -> None:
    """Check what a person may expect of every backfill that meets the end of the export quota."""
    assert_green(story, sandbox, months)
    assert [] == [day for day, failed in failed_by_day(story, sandbox).items() if failed > 2]
    assert story.pauses()
    for stretch in story.pauses():
        assert (0, story.processes_at_rest) == (stretch[-1].at_work, stretch[-1].processes)


def assert_green(story: Story, sandbox: RunningSandbox, months: Sequence[str]) -> None:
    """Check what a person may expect of every backfill that meets the end of a quota, however it comes."""
    assert "COMPLETED_SUCCESS" == story.status
    exports = sandbox.control.get("/counters").json()["exports"]
    enqueued = {month: [c["enqueued"] for key, c in exports.items() if f'"{month}-' in key] for month in months}
    assert {month: [1] for month in months} == enqueued
    assert [] == [run.run_id for run in story.failed() if "marketo/paused_for" not in run.tags]


def options(months: int, *, scale: float, megabytes: float, export_seconds: float) -> list[str]:
    """Return what a sandbox is started with; *export_seconds* are the machine's."""
    told = {
        "--leads": LEADS_A_MONTH * months,
        "--months": months,
        "--fields": 30,
        "--seed": 7,
        "--now": begin().isoformat(),
        "--time-scale": scale,
        "--queue-seconds": 0,
        "--export-seconds": scale * export_seconds,
        "--daily-export-mb": megabytes,
    }
    return [str(part) for pair in told.items() for part in pair]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home"


def play(
    name: str,
    folder: Path,
    data_dir: Path,
    sandbox: RunningSandbox,
    months: Sequence[str],
    *,
    on_moment: Callable[[Moment], None] = _look_on,
    **more: str,
) -> tuple[Story, list[str], list[str]]:
    """Return the story, what the gate said, and what the failed runs said."""
    environment = {**sandbox.variables, "MARKETO_DATA_DIR": str(data_dir), **more}
    with running_dagster(folder, environment) as daemon:
        story = watch(daemon, months, patience_seconds=900, on_moment=on_moment)
        ticks, said = daemon.gate_ticks(), [daemon.failure(run.run_id) for run in story.failed()]
    tell(name, story, sandbox, ticks)
    print("  " + "\n  ".join(said))
    return story, ticks, said


def test_24_months_over_five_days(folder: Path, data_dir: Path) -> None:
    """With quota for five months a day, 24 months end COMPLETED_SUCCESS; each is exported once."""
    months = months_until(begin(), 24)
    # The share is half of the instance's, so the project stops by its own account before Marketo refuses.
    with running_sandbox(*options(24, scale=1152, megabytes=2, export_seconds=1.5)) as sandbox:
        story, ticks, said = play("24 months", folder, data_dir, sandbox, months)
        assert_uneventful(story, sandbox, months)
        assert [] == [day for day, size in bytes_by_day(sandbox).items() if size > 1_100_000]
        assert len(story.pauses()) >= 4
    assert [] == [text for text in said if not text.startswith("Paused, not failed: ")]
    assert any("paused: export quota spent, " in text and "resumes 06:00 UTC, in " in text for text in ticks)
    # The newest is last in time: after a pause the gate said that it had opened again.
    told = "".join("p" if text.startswith("paused: ") else "o" for text in reversed(ticks))
    assert told.count("po") >= 3


def test_six_months_when_marketo_refuses(folder: Path, data_dir: Path) -> None:
    """When others have spent the quota, Marketo's 1029 pauses the backfill, and it ends COMPLETED_SUCCESS too."""
    months = months_until(begin(), 6)
    with running_sandbox(*options(6, scale=800, megabytes=0.5, export_seconds=5)) as sandbox:
        told = {"MARKETO_DAILY_EXPORT_MB": "500"}
        story, ticks, said = play("six months", folder, data_dir, sandbox, months, **told)
        assert_uneventful(story, sandbox, months)
    assert said
    assert any("1029" in json.dumps(text) or "quota" in text for text in said)
    assert any("paused: export quota spent by Marketo's count, resumes 06:00 UTC, in " in text for text in ticks)
