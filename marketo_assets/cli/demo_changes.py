"""The part of the demo in which Marketo changes: edits and a deletion, and one month that is read again."""

from __future__ import annotations

from collections.abc import Sequence
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


def change_and_read_again(data_dir: Path, sandbox: LocalMarketo, screen: Screen, runs: Sequence[MonthRun]) -> None:
    """Edit three leads and delete one at the control desk, export their month again, and show what became of the rows.

    Changes cannot be followed one by one yet; until they can, a month that is read again brings them.

    **Cost:** one export of that month. Raises: Failed when the published rows do not show the changes.
    """
    from marketo_assets.definitions import defs
    from marketo_assets.defs.runs import open_history, run_month, run_published

    month = next((run.month for run in runs if run.leads > _EDITED), None)
    if month is None:
        return
    before = _scores(data_dir, month)
    edited, deleted = list(before)[:_EDITED], list(before)[_EDITED]
    _carry_out(data_dir, sandbox, [_edit(lead, before[lead]) for lead in edited] + [{"delete": deleted}])
    screen.say()
    screen.say(
        f"In Marketo, {_EDITED} leads of {month} got another {FIELD} and one was deleted. Reading {month} again."
    )
    with open_history() as instance:
        run_month(defs, instance, month, is_refresh=True)
        run_published(defs, instance)
    after = _scores(data_dir, month)
    rows = [("lead", FIELD, "", "now")]
    rows += [(f"{lead}", _shown(before[lead]), "->", _shown(after.get(lead))) for lead in edited]
    rows += [(f"{deleted}", _shown(before[deleted]), "->", "gone" if deleted not in after else "still there")]
    for line in table(rows, right=frozenset({0, 1, 3})):
        screen.say(line)
    if deleted in after or any(after.get(lead) != _changed(before[lead]) for lead in edited):
        raise Failed(f"marketo.leads does not show the changes that were made in {month}; please report this.")


def _carry_out(data_dir: Path, sandbox: LocalMarketo, changes: list[dict[str, Any]]) -> None:
    at = sandbox.now()
    dated = [{**change, "at": at.isoformat()} for change in changes]
    sandbox.tell("/changes", {"changes": dated})
    record = read_record(data_dir)
    if record:
        # A sandbox that is started again knows nothing of its past: it is told.
        write_record(data_dir, later(record, at, *dated))


def _edit(lead: int, score: int | None) -> dict[str, Any]:
    return {"edit": lead, "values": {FIELD: _changed(score)}}


def _changed(score: int | None) -> int:
    return (score or 0) + 100


def _shown(score: int | None) -> str:
    return "no value" if score is None else f"{score}"


def _scores(data_dir: Path, month: str) -> dict[int, int | None]:
    from marketo_assets.extract.windows import month_window
    from marketo_assets.warehouse import connect_readonly

    window = month_window(month)
    span: tuple[datetime, datetime] = (window.start, window.end)
    with connect_readonly(data_dir / "marketo.duckdb") as con:
        rows = con.execute(
            f"SELECT id, {FIELD} FROM leads WHERE createdAt >= ? AND createdAt < ? ORDER BY id",  # noqa: S608 - own name
            span,
        ).fetchall()
    return dict(rows)
