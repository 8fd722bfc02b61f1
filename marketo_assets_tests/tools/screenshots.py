"""Pictures of the Dagster UI, for somebody to look at: what a person sees who opens it.

    pip install playwright                       # drives the Chromium that is on the machine; downloads no browser
    python -m marketo_assets_tests.tools.screenshots FOLDER

Starts a sandbox and a real `dagster dev`, has it load months until the export quota is spent, follows changes, and
takes a picture of each page into FOLDER, with what Dagster and the browser's console had to complain about in
`complaints.txt`. It takes some five minutes. `--url http://127.0.0.1:3000` takes the pages of a Dagster that runs
already, and `--only graph,ticks` some of them. `--chromium` names another browser than the first on PATH.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from marketo_assets_tests.pipeline.daemon import Daemon
from marketo_assets_tests.tools.ui_story import MONTH_RUNS, newest_run, play, staged

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOAD_SECONDS = 40.0
SPIN_SECONDS = 12
_LOCATION = "/locations/marketo_assets"
_LOADING = re.compile("Loading…|Loading\\.\\.\\.|fetching statuses")
_USUAL = {"width": 1600, "height": 1000}
_LARGE = {"width": 2600, "height": 1600}  # a whole group's graph, where a person would move about
_SPINNERS = "[aria-label='Loading'], .bp5-spinner, .bp4-spinner, .bp3-spinner, [class*='Spinner']"
_GROUPS = ("marketo", "leads", "activities", "reference", "bookkeeping", "fivetran")
_LEADS, _SNAPSHOTS = "/assets/marketo/leads", "/assets/marketo/raw/lead_snapshots"


def pages(runs: Mapping[str, str]) -> dict[str, str]:
    """Return each picture's name and the address of its page; *runs* holds a run of each job.

    What follows # is the name of a button that is pressed first, what follows ~ a text that the pointer rests on.
    """
    return {
        "graph": "/asset-groups",
        **{f"graph_{group}": f"{_LOCATION}/asset-groups/{group}/lineage" for group in _GROUPS},
        "catalog": "/assets",
        "leads_overview": f"{_LEADS}?view=overview",
        "leads_checks": f"{_LEADS}?view=checks",
        "leads_events": f"{_LEADS}?view=events",
        "leads_plots": f"{_LEADS}?view=overview#Plots",
        "leads_automation": f"{_LEADS}?view=automation",
        "exports_overview": "/assets/landing/lead_exports?view=overview",
        "exports_plots": "/assets/landing/lead_exports?view=overview#Plots",
        "snapshots_overview": f"{_SNAPSHOTS}?view=overview",
        "snapshots_partitions": f"{_SNAPSHOTS}?view=partitions&partition={datetime.now(UTC):%Y-%m}",
        "snapshots_checks": f"{_SNAPSHOTS}?view=checks",
        "changes_plots": "/assets/marketo/raw/lead_changes?view=overview#Plots",
        "activities_overview": "/assets/marketo/activities?view=overview",
        "reference_overview": "/assets/marketo/raw/reference_versions?view=overview",
        "api_usage_overview": "/assets/marketo/meta/api_usage?view=overview",
        "ticks_gate": f"{_LOCATION}/sensors/export_quota_gate~0 runs requested",
        "ticks_changes": f"{_LOCATION}/sensors/lead_changes_sensor~0 runs requested",
        "ticks_tables": f"{_LOCATION}/sensors/published_tables_sensor",
        "schedule": f"{_LOCATION}/schedules/lead_sweep_nightly",
        "automation": "/automation",
        "runs": "/runs",
        "runs_queued": "/runs?q%5B0%5D=status%3AQUEUED",
        "backfills": "/runs?view=backfills",
        **{f"run_{job}": f"/runs/{run}" for job, run in runs.items()},
        "launchpad": f"{_LOCATION}/jobs/lead_snapshots/playground",
        "jobs": "/jobs",
        "code_location": "/deployment/locations",
        "code_location_definitions": f"{_LOCATION}/definitions",
        "daemons": "/deployment/daemons",
        "concurrency": "/deployment/concurrency",
        "resources": f"{_LOCATION}/resources/marketo",
    }


def main() -> None:
    asked = _arguments()
    asked.folder.mkdir(parents=True, exist_ok=True)
    only = frozenset(filter(None, asked.only.split(",")))
    with browser(asked.chromium) as window:
        if asked.url:
            shoot(window, asked.url, asked.folder, only)
            return
        with tempfile.TemporaryDirectory() as scratch, staged(Path(scratch)) as stage:
            print(f"Dagster is on {stage.daemon.url}", flush=True)
            play(stage, lambda line: print(line, flush=True))
            shoot(window, stage.daemon.url, asked.folder, only)
            said = (stage.home / "dagster.log").read_text("utf-8", "replace")
            with (asked.folder / "complaints.txt").open("a", encoding="utf-8") as file:
                file.write(f"dagster dev said:\n{said or 'nothing'}\n")


def shoot(window: Any, url: str, folder: Path, only: frozenset[str] = frozenset()) -> None:
    """Leave a picture of each page in *folder*, and what the browser's console said of them."""
    told = [f"{name}: {text}" for name, text in _shots(window, url, folder, only)]
    (folder / "complaints.txt").write_text("the browser said:\n" + ("\n".join(told) or "nothing") + "\n", "utf-8")


def _shots(window: Any, url: str, folder: Path, only: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name, address in pages(_runs(url)).items():
        if only and name not in only:
            continue
        said: list[str] = []
        page = window.new_page()
        page.set_viewport_size(_LARGE if "lineage" in address else _USUAL)
        page.on("console", lambda message, said=said: message.type == "error" and said.append(message.text))
        path, button, resting = re.fullmatch(r"([^#~]*)(?:#([^~]*))?(?:~(.*))?", address).groups()
        page.goto(url + path, wait_until="load", timeout=1000 * LOAD_SECONDS)
        yield from ((name, text) for text in _settle(page))
        if button:
            shown = page.locator("button", has_text=button).first
            shown.click()
            shown.evaluate("button => button.scrollIntoView({block: 'start'})")
            page.wait_for_timeout(2_000)
        if resting and page.get_by_text(resting).count():
            page.get_by_text(resting).nth(1).hover()
            page.wait_for_timeout(1_000)
        page.screenshot(path=folder / f"{name}.png")
        page.close()
        print(f"{name}: {address}", flush=True)
        yield from ((name, text) for text in said)


def _settle(page: Any) -> Iterator[str]:
    """Wait until nothing spins any more; yield a complaint if something does for long, as a run under way may."""
    page.wait_for_timeout(3_000)
    for _ in range(2 * SPIN_SECONDS):
        if not page.locator(_SPINNERS).count() and not page.get_by_text(_LOADING).count():
            page.wait_for_timeout(1_500)
            return
        page.wait_for_timeout(500)
    yield "something spins still"


def _runs(url: str) -> dict[str, str]:
    # Only asked: nothing is started, so no process stands behind this one.
    daemon, found = Daemon(url, None), {}  # type: ignore[arg-type]
    for job in (
        "lead_snapshots",
        "lead_changes",
        "activities",
        "activity_polls",
        "reference",
        "program_members",
        MONTH_RUNS,
    ):
        try:
            found[job.strip("_").lower()] = newest_run(daemon, job)
        except (StopIteration, httpx.HTTPError):
            print(f"no run of {job} ended well", flush=True)
    return found


@contextmanager
def browser(chromium: str | None) -> Iterator[Any]:
    """Yield a browser."""
    from playwright.sync_api import sync_playwright

    found = chromium or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise SystemExit(f"None of {', '.join(BROWSERS)} is on PATH. Install one, or name it with --chromium.")
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield opened.new_context()
        finally:
            opened.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--url", help="of a Dagster that runs already")
    parser.add_argument("--only", default="", help="names of some pictures, comma separated")
    parser.add_argument("--chromium", help="path of the browser")
    return parser.parse_args()


if __name__ == "__main__":
    main()
