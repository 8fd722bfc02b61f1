"""The part of the demo in which Marketo changes: edits, a deletion and a merge, captured one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketo_assets.cli.endings import Failed
from marketo_assets.cli.sandbox_process import LocalMarketo
from marketo_assets.cli.sandbox_record import later, read_record, write_record
from marketo_assets.cli.screen import Screen, table

if TYPE_CHECKING:
    from marketo_assets.defs.runs import MonthRun

_EDITED = 3
FIELD = "leadScore"


@dataclass(frozen=True)
class _Picked:
    """The leads that change, and their scores before."""

    scores: dict[int, int | None]
    deleted: int
    merged: int


def change_and_capture(data_dir: Path, sandbox: LocalMarketo, screen: Screen, runs: Sequence[MonthRun]) -> None:
    """Edit three leads, delete one and merge one away at the control desk, capture that, and show what came of it.

    **Cost:** a poll for changes: no export. Raises: Failed when the published rows do not show the changes.
    """
    from marketo_assets.definitions import defs
    from marketo_assets.defs.runs import open_history, run_job

    month = next((run.month for run in runs if run.leads > _EDITED + 1), None)
    picked = _pick(data_dir, month) if month else None
    if picked:
        _carry_out(data_dir, sandbox, picked)
        screen.say()
        screen.say(
            f"In Marketo, {_EDITED} leads got another {FIELD}, one was deleted and one merged into another. "
            "Reading what changed."
        )
    with open_history() as instance:
        told = run_job(defs, instance, "lead_changes")["captured_lead_changes"]
    if picked:
        _show(data_dir, screen, picked)
        screen.say(
            f"That took {told['calls']} calls and no export. What was is kept too: marketo.lead_history, leads_as_of."
        )


def _pick(data_dir: Path, month: str) -> _Picked:
    from marketo_assets.extract.windows import month_window

    window = month_window(month)
    span: tuple[datetime, datetime] = (window.start, window.end)
    query = f"SELECT id, {FIELD} FROM leads WHERE createdAt >= ? AND createdAt < ? ORDER BY id LIMIT {_EDITED + 2}"  # noqa: S608 - own name
    scores = dict(_read(data_dir, query, span))
    *edited, deleted, merged = scores
    return _Picked({lead: scores[lead] for lead in edited}, deleted, merged)


def _carry_out(data_dir: Path, sandbox: LocalMarketo, picked: _Picked) -> None:
    at = sandbox.now()
    changes: list[dict[str, Any]] = [
        {"edit": lead, "values": {FIELD: _changed(score)}} for lead, score in picked.scores.items()
    ]
    changes += [{"delete": picked.deleted}, {"merge": min(picked.scores), "losers": [picked.merged]}]
    dated = [{**change, "at": at.isoformat()} for change in changes]
    sandbox.tell("/changes", {"changes": dated})
    record = read_record(data_dir)
    if record:
        # A sandbox that is started again knows nothing of its past: it is told.
        write_record(data_dir, later(record, at, *dated))


def _show(data_dir: Path, screen: Screen, picked: _Picked) -> None:
    now = dict(_read(data_dir, f"SELECT id, {FIELD} FROM leads"))  # noqa: S608 - own name
    gone = dict(_read(data_dir, "SELECT id, merged_into_id FROM deleted_leads"))
    rows = [("lead", FIELD, "", "now")]
    rows += [(f"{lead}", _shown(score), "->", _shown(now.get(lead))) for lead, score in picked.scores.items()]
    rows += [(f"{picked.deleted}", "is", "->", "deleted" if picked.deleted in gone else "still there")]
    rows += [(f"{picked.merged}", "is", "->", "merged" if gone.get(picked.merged) else "still there")]
    for line in table(rows, right=frozenset({0, 1, 3})):
        screen.say(line)
    is_kept = all(now.get(lead) == _changed(score) for lead, score in picked.scores.items())
    if not is_kept or {picked.deleted, picked.merged} & set(now):
        raise Failed("marketo.leads does not show the changes that were made; please report this.")


def _changed(score: int | None) -> int:
    return (score or 0) + 100


def _shown(score: int | None) -> str:
    return "no value" if score is None else f"{score}"


def _read(data_dir: Path, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    from marketo_assets.warehouse import connect_readonly

    with connect_readonly(data_dir / "marketo.duckdb") as con:
        return con.execute(query, list(values)).fetchall()
