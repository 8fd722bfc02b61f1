"""What a demo ends with: the tables, what they cost, queries to try, and how to open the UI."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from marketo_assets.cli.endings import Failed
from marketo_assets.cli.project import shown
from marketo_assets.cli.sandbox_process import LocalMarketo
from marketo_assets.cli.screen import Screen, megabytes, table

QUERIES = (
    (
        "Leads by year and country",
        "SELECT year(createdAt) AS year, country, count(*) AS leads FROM leads GROUP BY ALL ORDER BY ALL",
    ),
    (
        "From which file and export job a row came",
        "SELECT id, partition, export_id, file FROM leads JOIN meta.loads ON _load_id = load_id ORDER BY id LIMIT 5",
    ),
    ("What every day cost", "SELECT day, calls, export_bytes FROM meta.api_usage ORDER BY day"),
)
_IMPORT = "from marketo_assets.warehouse import connect_readonly"


def tell_tables(data_dir: Path, sandbox: LocalMarketo, screen: Screen) -> None:
    """Print every published table with its rows. Raises: Failed when there are not as many leads as in the sandbox."""
    counts = count_rows(data_dir / "marketo.duckdb")
    rows = [(f"marketo.{name}", f"{count:,}") for name, count in counts.items()]
    screen.say()
    screen.say(f"Tables in {shown(data_dir / 'marketo.duckdb')}:")
    for line in table(rows, right=frozenset({1})):
        screen.say(line)
    screen.say(
        "Beside them a typed view for each type of activity (marketo.activity_click_email, ...), and all of it once "
        "more as dbt_marketo reads it (schema fivetran_marketo)."
    )
    live = int(sandbox.ask("/state")["leads"]["live"])
    if counts.get("leads") != live:
        raise Failed(
            f"The sandbox has {live:,} leads, marketo.leads {counts.get('leads', 0):,}. Was it changed meanwhile? "
            "If not, please report this."
        )
    screen.say(f"The sandbox has {live:,} leads now, and so has marketo.leads.")


def count_rows(path: Path) -> dict[str, int]:
    """Return the rows of tables and views that people read, by name: `leads` first, `raw` and `meta` later.

    Without what shows the same rows again: views of one activity type, and the layout of dbt_marketo.
    """
    from marketo_assets.warehouse import connect_readonly

    with connect_readonly(path) as con:
        found = con.execute(
            "SELECT schema_name, name FROM (SELECT schema_name, table_name AS name FROM duckdb_tables() UNION ALL "
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal "
            "AND NOT (schema_name = 'main' AND starts_with(view_name, 'activity_'))) "
            "WHERE schema_name IN ('main', 'raw', 'meta') "
            "ORDER BY list_position(['main', 'raw', 'meta'], schema_name), name <> 'leads', name"
        ).fetchall()
        counts = {}
        for schema, name in found:
            row = con.execute(f'SELECT count(*) FROM "{schema}"."{name}"').fetchone()  # noqa: S608 - names from the catalog
            counts[name if schema == "main" else f"{schema}.{name}"] = int(row[0]) if row else 0
    return counts


def tell_cost(sandbox: LocalMarketo, screen: Screen, *, began: float, scale: int) -> None:
    """Print what the sandbox counted: calls, megabytes, and how long it had exports under way; and the time it took."""
    spent, limits = sandbox.ask("/counters"), sandbox.ask("/limits")
    under_way = sum((_time_under_way(job) for job in sandbox.ask("/jobs")), timedelta())
    screen.say()
    screen.say(
        f"Spent, by the sandbox's own count: {spent['calls']:,} calls (of {limits['daily_calls']:,} a day) and "
        f"{megabytes(spent['bytes_exported'])} of exports (of {megabytes(limits['daily_export_bytes'])} a day); "
        f"at most {spent['most_calls_in_window']} calls in {spent['window_seconds']:g} s and "
        f"{spent['most_calls_at_once']} at once."
    )
    screen.say(
        f"It took {time.monotonic() - began:.1f} s. Marketo had exports under way for {under_way} of its own time, "
        f"which runs {scale:,} times as fast here."
    )


def _time_under_way(job: Mapping[str, Any]) -> timedelta:
    if not job.get("finishedAt"):
        return timedelta()
    return datetime.fromisoformat(job["finishedAt"]) - datetime.fromisoformat(job["createdAt"])


def tell_what_to_try(data_dir: Path, screen: Screen) -> None:
    """Print three commands that can be pasted into a shell, and how to open the UI and the notebooks."""
    screen.say()
    screen.say("Try, also while runs are writing:")
    for title, command in commands_to_try(data_dir):
        screen.say(f"  # {title}")
        screen.say(f"  {command}")
    screen.say()
    command = _beside_python("marketo-assets")
    screen.say(f"See the same in Dagster, with every run of this demo:  {command} dev")
    screen.say(f"See it in notebooks, as tables and charts (extra `notebook`):  {command} notebook")


def commands_to_try(data_dir: Path) -> list[tuple[str, str]]:
    """Return titles and shell commands that read the published file."""
    path = shown(data_dir / "marketo.duckdb")
    python = _beside_python("python")
    return [
        (title, f"{python} -c \"{_IMPORT}; connect_readonly('{path}').sql('{query}').show()\"")
        for title, query in QUERIES
    ]


def _beside_python(name: str) -> str:
    # Called from a virtual environment that is not activated, the bare name would not be found.
    script = Path(sys.executable).with_name(name)
    return shown(script) if script.exists() else name
