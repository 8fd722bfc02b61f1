"""The commands and their options; what they do lies in the module of each, loaded when it is called."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from marketo_assets.cli.endings import CommandError

app = typer.Typer(
    help="Adobe Marketo Engage in DuckDB: an exact, frugal and always readable copy, kept by Dagster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def demo(
    leads: Annotated[
        int | None, typer.Option(min=0, max=300_000, help="Leads in the sandbox.", show_default="10000")
    ] = None,
    months: Annotated[int | None, typer.Option(min=1, max=240, help="Months they came in.", show_default="24")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same leads.", show_default="1")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Remove what an earlier demo left, and begin again.")] = False,
) -> None:
    """Copy a local Marketo into DuckDB, month by month, and show what came of it. Needs no account.

    Uses MARKETO_DATA_DIR or ./data, and refuses a folder that holds a real instance's leads. Called again, it goes on
    with what it left. Afterwards `marketo-assets dev` shows every run.
    """
    with _ending("Nothing is lost: call `marketo-assets demo` again, it goes on where it was."):
        from marketo_assets.cli.demo import run_demo
        from marketo_assets.cli.sandbox_record import World

        run_demo(World(leads, months, seed), is_fresh=fresh)


@app.command()
def dev(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the UI.", show_default="the first free one from 3000")
    ] = None,
) -> None:
    """Serve the Dagster UI until Ctrl-C; against a sandbox of its own, if MARKETO_BASE_URL is not set."""
    with _ending("Everything has ended. The history is kept: `marketo-assets dev` shows it again.", interrupted=0):
        from marketo_assets.cli.dev import run_dev

        run_dev(port)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def sandbox(context: typer.Context) -> None:
    """Serve a local Marketo and print the variables that lead a client to it. See `sandbox --help`."""
    from marketo_assets.cli.sandbox import run_sandbox

    run_sandbox(context.args)


@app.command()
def doctor() -> None:
    """Check settings, credentials, permissions, fields, quotas, clock and disk; find and store the start month.

    Costs a dozen calls, no export quota. Every finding ends with what to do. Exit code 1: something prevents work.
    """
    with _ending("Not every check was made."):
        from marketo_assets.cli.doctor import run_doctor

        run_doctor()


@app.command()
def plan(
    first: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM", help="First month.", show_default="the start month")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="YYYY-MM", help="Last month.", show_default="the running one")
    ] = None,
    fields: Annotated[
        str | None, typer.Option(help="REST names, comma separated.", show_default="MARKETO_LEAD_FIELDS")
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="REST names to leave out.", show_default="MARKETO_LEAD_FIELDS_EXCLUDE")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Most calls that looking up ids may cost.")] = 200,
    no_calls: Annotated[bool, typer.Option("--no-calls", help="Use only what is known here.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Look up ids although a sample is known.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=10, help="Months that run at once.")] = 4,
    changes_a_day: Annotated[
        int | None, typer.Option(min=0, help="Leads that change in a day.", show_default="as captured")
    ] = None,
    activities: Annotated[bool, typer.Option(help="Plan activities too, for at most as many calls again.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a backfill, and a day of captures, will cost in calls, megabytes and days, before spending it.

    Spends no export quota. Where months were not exported before, a sample of ids, and one of activities, is looked up
    and remembered.
    """
    with _ending("Nothing is lost: what was looked up so far is looked up again."):
        from marketo_assets.cli.plan import Wish, run_plan

        budget = 0 if no_calls else calls
        wish = Wish(first, last, fields, leave_out, budget, again, at_once, changes_a_day, activities)
        run_plan(wish, is_json=as_json)


@app.command()
def notebook(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of JupyterLab.", show_default="the first free one from 8888"),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open it in a browser.")] = True,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="-- OPTION", help="Options of JupyterLab, such as --allow-root.")
    ] = None,
) -> None:
    """Open the notebooks in JupyterLab until Ctrl-C. Needs the extra: pip install -e '.[notebook]'.

    They are copied to `notebooks` in the data folder. Copies that you edited are never written to: when the package
    brings a newer one, it is laid beside yours.
    """
    with _ending("Notebooks are as they were saved."):
        from marketo_assets.cli.notebook import run_notebook

        run_notebook(port, has_browser=browser, more=more or ())


@contextmanager
def _ending(on_interrupt: str, *, interrupted: int = 1) -> Iterator[None]:
    # A polite request to end, from a terminal or a service manager, lets the command clear up after itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except CommandError as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(error.exit_code) from None
    except OSError as error:
        typer.echo(
            f"{error.strerror}: {error.filename}. Free space or correct the folder, and call this again.", err=True
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo(f"\nStopped. {on_interrupt}", err=True)
        raise typer.Exit(interrupted) from None
