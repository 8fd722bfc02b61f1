"""`demo`: the main job from nothing: a sandbox, every month through Dagster, changes captured, and what it cost."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marketo_assets.cli.demo_changes import change_and_capture
from marketo_assets.cli.demo_report import tell_cost, tell_tables, tell_what_to_try
from marketo_assets.cli.endings import Failed
from marketo_assets.cli.project import Project, enter, shown
from marketo_assets.cli.sandbox_process import LocalMarketo, point_environment, running_sandbox
from marketo_assets.cli.sandbox_record import SandboxRecord, World, claim, held, later, read_record, write_record
from marketo_assets.cli.screen import Screen, megabytes
from marketo_assets.settings import store_start_month

if TYPE_CHECKING:
    from marketo_assets.defs.runs import MonthRun

# Marketo's time runs this much faster: an export that takes it two minutes is waited for an eighth of a second.
SCALE = 1000
_MONTHS_OF_ACTIVITIES = 2
# A demo begins in the past, so that its time ends near the machine's, where `dev` goes on.
_HEAD_START = timedelta(hours=24)


@dataclass(frozen=True)
class Demo:
    """What the steps of a demo share."""

    project: Project
    record: SandboxRecord
    sandbox: LocalMarketo
    screen: Screen


def run_demo(world: World, *, is_fresh: bool = False, screen: Screen | None = None) -> None:
    """Copy a sandbox month by month, change it, capture the changes, and tell what there is now and what it cost.

    The newest month comes first. Run again, it goes on with what it left: nothing is exported twice. With *is_fresh*
    that is removed first.

    **Guarantee:** the sandbox has ended when this returns; a folder with a real instance's leads is not touched.
    Raises: WrongUse, Failed, KeyboardInterrupt.
    """
    began, screen = time.monotonic(), screen or Screen()
    project = enter(os.environ)
    begin = (datetime.now(UTC) - _HEAD_START).replace(microsecond=0)
    with held(project.data_dir):
        record = claim(project.data_dir, world, begin=begin, is_fresh=is_fresh)
        with running_sandbox(record, "--time-scale", str(SCALE), moment=begin) as sandbox:
            demo = Demo(project, record, sandbox, screen)
            try:
                _perform(demo, began)
            finally:
                _remember(demo)


def _perform(demo: Demo, began: float) -> None:
    project, screen, sandbox = demo.project, demo.screen, demo.sandbox
    point_environment(os.environ, sandbox, project.data_dir)
    # The checkout's dagster.yaml says where the history is, wherever Dagster is told that its home is.
    os.environ.setdefault("DAGSTER_HOME", str(project.root))
    store_start_month(project.data_dir, sandbox.variables["MARKETO_START_MONTH"])
    live = sandbox.ask("/state")["leads"]["live"]
    screen.say(
        f"A local Marketo with {live:,} leads listens on {sandbox.base_url}; its time runs {SCALE:,} times as fast."
    )
    screen.say(f"Copying it month by month to {shown(project.data_dir)}, by bulk export, through Dagster.")
    # Settings are in place: only now may the definitions be loaded, which read the first month.
    from marketo_assets.defs.runs import RunFailed
    from marketo_assets.warehouse import WarehouseError

    try:
        runs = _copy_every_month(demo)
        change_and_capture(project.data_dir, sandbox, screen, runs)
        _copy_the_rest(demo, runs)
    except (RunFailed, WarehouseError) as error:
        raise Failed(
            f"{error}\nRun `marketo-assets demo` again: it goes on where it was; with --fresh it begins again."
        ) from error
    tell_tables(project.data_dir, sandbox, screen)
    tell_cost(sandbox, screen, began=began, scale=SCALE)
    tell_what_to_try(project.data_dir, screen)


def _copy_every_month(demo: Demo) -> list[MonthRun]:
    from marketo_assets.definitions import defs
    from marketo_assets.defs.runs import months, open_history, run_month

    runs = []
    keys = sorted(months(), reverse=True)  # as the run queue takes them: the newest first
    with open_history() as instance, demo.screen.counting("months", len(keys)) as advance:
        for month in keys:
            run = run_month(defs, instance, month)
            runs.append(run)
            advance(_line(run))
    return runs


def _copy_the_rest(demo: Demo, runs: Sequence[MonthRun]) -> None:
    """Copy what gives ids a name, members of programs, and the activities of the newest months."""
    from marketo_assets.definitions import defs
    from marketo_assets.defs.runs import open_history, run_job

    newest = [run.month for run in runs[:_MONTHS_OF_ACTIVITIES]]
    demo.screen.say()
    demo.screen.say(
        f"Reading programs, emails, lists and their like, who is in which program, and what happened in "
        f"{' and '.join(newest)}."
    )
    with open_history() as instance:
        for name in ("reference", "program_members"):
            run_job(defs, instance, name)
        for month in newest:
            run_job(defs, instance, "activities", month)
        # From here on activities are read as they happen; it also shows the tables that describe their types.
        run_job(defs, instance, "activity_polls")


def _line(run: MonthRun) -> str:
    taken = "  (landed before; not exported again)" if run.was_adopted else ""
    return f"{run.month}  {run.leads:>7,} leads  {megabytes(run.file_bytes):>8}  {run.calls:>2} calls{taken}"


def _remember(demo: Demo) -> None:
    # The changes were recorded as they were made; here only how far time has come.
    try:
        moment = demo.sandbox.now()
    except Failed:
        return
    record = read_record(demo.project.data_dir) or demo.record
    write_record(demo.project.data_dir, later(record, moment))
