"""The public dbt package dbt_marketo, unchanged, on a file that this project published.

    pip install dbt-duckdb                       # into an environment of its own, with DuckDB 1.5 or newer
    git clone https://github.com/fivetran/dbt_marketo FOLDER
    python -m marketo_assets_tests.tools.run_dbt_marketo FOLDER --dbt PATH/OF/dbt

Copies a small sandbox instance whose truth is known, builds every model of the package in FOLDER from it, twice (the
second time incrementally), runs the package's tests, and compares figures of the models with the truth.
`dbt deps` fetches what the package needs. Says why, and ends with 0, where the package or dbt is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marketo_assets.warehouse import connect_readonly
from marketo_assets_tests.pipeline.email_world import OPTIONS, copy_email_world, true_figures
from marketo_assets_tests.pipeline.road import local_road

DBT_SECONDS = 400.0
VARIABLES = {
    "marketo_database": "marketo",
    "marketo_schema": "fivetran_marketo",
    "marketo_lead_describe_identifier": "lead_describe_snake_case",
    "lead_history_columns": ["first_name"],
}
"""What the package is told; the last is for what is compared here."""
_PROJECT = {"name": "on_marketo_assets", "profile": "on_marketo_assets", "vars": VARIABLES}
_DAY = "main_marketo.marketo__lead_history"
_SENDS = "(SELECT coalesce(sum({}), 0)::BIGINT FROM main_marketo.marketo__email_sends)"
_FIGURES = {
    "leads": "(SELECT count(*) FROM main_marketo.marketo__leads)",
    "deleted leads": "(SELECT count(*) FROM main_marketo.marketo__leads WHERE is_deleted)",
    "merges": "(SELECT count(*) FROM main_marketo.marketo__leads WHERE is_merged)",
    "changed values": "(SELECT count(*) FROM main_marketo_source.stg_marketo__activity_change_data_value)",
    "first names that changed": f"(SELECT count(*) FROM {_DAY} AS day JOIN {_DAY} AS next ON next.lead_id = day.lead_id"
    " AND next.date_day = day.date_day + 1 WHERE next.first_name <> day.first_name)",
    "sends": _SENDS.format("1"),
    **{name: _SENDS.format(f"count_{name}") for name in ("opens", "clicks", "bounces", "deliveries", "unsubscribes")},
}


@dataclass(frozen=True)
class Outcome:
    """What came of running the package."""

    models: int
    tests: int
    failed: tuple[str, ...]
    """Models and tests that did not succeed."""
    differing: tuple[str, ...]
    """Figures of the models that are not those of the instance."""


def why_not(package: Path, dbt: str | None) -> str | None:
    """Return why the package cannot be run, or None where it can."""
    if not (package / "dbt_project.yml").is_file():
        return f"No dbt package lies in {package}: clone fivetran/dbt_marketo there."
    if dbt is None or shutil.which(dbt) is None:
        return "There is no dbt: install dbt-duckdb into an environment, and name its dbt with --dbt."
    return None


def run(package: Path, dbt: str, folder: Path) -> Outcome:
    """Return what came of the *package* on a sandbox's copy in *folder*.

    Raises: subprocess.CalledProcessError when dbt cannot fetch what the package needs.
    """
    with local_road(folder / "data", **OPTIONS) as road:
        truth = true_figures(road.control, copy_email_world(road))
        published = road.warehouse.published_path
    project = folder / "project"
    project.mkdir()
    _write(project, package, published)
    subprocess.run([dbt, "deps"], cwd=project, env=_env(project), check=True, timeout=DBT_SECONDS)
    results: dict[str, str] = {}
    for command in ("run", "run", "test"):
        results |= _results(dbt, command, project)
    with connect_readonly(project / "models.duckdb") as con:
        found = {name: con.execute(f"SELECT {sql}").fetchall()[0][0] for name, sql in _FIGURES.items()}
    return Outcome(
        models=sum(name.startswith("model.") for name in results),
        tests=sum(name.startswith("test.") for name in results),
        failed=tuple(name for name, status in results.items() if status not in ("success", "pass")),
        differing=tuple(
            f"{name}: the instance has {truth[name]}, the models have {value}"
            for name, value in found.items()
            if value != truth[name]
        ),
    )


def _write(project: Path, package: Path, published: Path) -> None:
    """Write the project around the package; JSON is YAML."""
    target = {
        "type": "duckdb",
        "path": str(project / "models.duckdb"),
        "attach": [{"path": str(published), "alias": "marketo", "read_only": True}],
    }
    profile = {"on_marketo_assets": {"target": "dev", "outputs": {"dev": target}}}
    packages = {"packages": [{"local": str(package.resolve())}]}
    for name, told in (("dbt_project", _PROJECT), ("profiles", profile), ("packages", packages)):
        (project / f"{name}.yml").write_text(json.dumps(told), "utf-8")


def _results(dbt: str, command: str, project: Path) -> dict[str, str]:
    """Return the status of each model or test that dbt came to, by its id."""
    subprocess.run([dbt, command], cwd=project, env=_env(project), check=False, timeout=DBT_SECONDS)
    told = json.loads((project / "target" / "run_results.json").read_text("utf-8"))
    return {one["unique_id"]: one["status"] for one in told["results"]}


def _env(project: Path) -> dict[str, str]:
    return {**os.environ, "DBT_PROFILES_DIR": str(project), "DO_NOT_TRACK": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the package in the folder that is named, print what came of it, and return 0 if all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, metavar="FOLDER", help="folder of dbt_marketo")
    parser.add_argument("--dbt", default="dbt", help="dbt's command, with dbt-duckdb installed beside it")
    told = parser.parse_args(arguments)
    if reason := why_not(told.package, told.dbt):
        print(f"skipped: {reason}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(told.package, told.dbt, Path(folder))
    print(f"{outcome.models} models, {outcome.tests} tests; failed: {', '.join(outcome.failed) or 'none'}")
    print("\n".join(outcome.differing) or "every figure is the instance's")
    return 1 if outcome.failed or outcome.differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
