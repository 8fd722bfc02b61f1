"""Others spend the rest of a quota at one stroke while four runs are under way, in a real Dagster: it ends green.

    python -m pytest -m slow marketo_assets_tests/pipeline/test_quota_spent_by_others.py -s

Each story takes about three minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from marketo_assets_tests.doors import RunningSandbox, running_sandbox
from marketo_assets_tests.pipeline.road import months_until
from marketo_assets_tests.pipeline.test_quota_ends_mid_backfill import (
    Moment,
    Story,
    assert_green,
    begin,
    failed_by_day,
    options,
    play,
)

pytestmark = pytest.mark.slow

MONTHS = 6


@dataclass
class Others:
    """Other integrations: once four runs are under way, nothing of a quota is left until the next day."""

    sandbox: RunningSandbox
    limit: str
    spent: int
    usual: int
    under_way: int = 0
    """How many runs were at work when it happened."""
    queued: int = 0
    """How many exports Marketo had queued or worked on then."""
    is_over: bool = False
    said: list[str] = field(default_factory=list)

    def see(self, moment: Moment) -> None:
        """Spend the quota when the time has come; have it back once all rests, for that is the next day's."""
        if not self.under_way and moment.at_work >= 4 and len(self._jobs()) >= 4:
            self._set(self.spent)
            self.under_way, self.queued = moment.at_work, len(self._jobs())
        elif self.under_way and not self.is_over and moment.limit == 0 and moment.at_work == 0:
            self._set(self.usual)
            self.is_over = True

    def _jobs(self) -> list[dict[str, Any]]:
        jobs = self.sandbox.control.get("/jobs").json()
        return [job for job in jobs if job["status"] in ("Queued", "Processing")]

    def _set(self, value: int) -> None:
        self.sandbox.control.patch("/limits", json={self.limit: value}).raise_for_status()


def tell(name: str, others: Others, story: Story) -> None:
    failures = dict(failed_by_day(story, others.sandbox))
    print(f"{name}: {others.under_way} runs and {others.queued} exports under way; failed attempts a day {failures}")


@pytest.mark.parametrize(
    ("limit", "spent", "usual", "reason", "most_failed"),
    [
        ("daily_calls", 0, 50_000, "daily_calls", 4),
        ("daily_export_bytes", 1, 500_000_000, "export_quota", 2),
    ],
    ids=["607", "1029"],
)
def test_a_quota_that_is_gone_at_one_stroke(
    tmp_path: Path, data_dir: Path, limit: str, spent: int, usual: int, reason: str, most_failed: int
) -> None:
    """Runs whose exports are queued go on after 1029; with no call left each fails once, is paid for, and ends well."""
    months = months_until(begin(), MONTHS)
    with running_sandbox(*options(MONTHS, scale=800, megabytes=500, export_seconds=25)) as sandbox:
        others = Others(sandbox, limit, spent, usual)
        story, ticks, said = play(f"{limit} gone", tmp_path / "home", data_dir, sandbox, months, on_moment=others.see)
        tell(limit, others, story)
        assert_green(story, sandbox, months)
        assert others.is_over
        # The pool is closed while four of unknown size are under way, too; then runs are at work, and that is no pause.
        ends = [(stretch[-1].at_work, stretch[-1].processes) for stretch in story.pauses()]
        assert (0, story.processes_at_rest) in ends
        failed = failed_by_day(story, sandbox)
    assert [] == [day for day, count in failed.items() if count > most_failed], failed
    assert {reason} == {run.tags["marketo/paused_for"] for run in story.failed()}
    assert [] == [text for text in said if not text.startswith("Paused, not failed: ")]
    assert any("by Marketo's count, resumes 06:00 UTC, in " in text for text in ticks)
    # What a pause takes of the retries, it gives back: as many are left for crashes as before.
    assert all(int(run.tags["dagster/max_retries"]) >= 2 + 1 for run in story.failed())
