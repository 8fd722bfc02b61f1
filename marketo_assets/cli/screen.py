"""Where a command speaks: with colours and a progress bar on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Screen:
    """Standard output, as a person or a log file wants it."""

    def __init__(self, *, is_terminal: bool | None = None) -> None:
        self.is_terminal = sys.stdout.isatty() if is_terminal is None else is_terminal

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print *text* as it is; *style* (of rich) counts on a terminal only."""
        if not self.is_terminal:
            print(text, flush=True)
            return
        from rich.console import Console

        Console(highlight=False).print(text, style=style or None, markup=False, soft_wrap=True)

    @contextmanager
    def counting(self, title: str, total: int) -> Iterator[Callable[[str], None]]:
        """Yield a function that prints a line and counts one more of *total* as done."""
        if not self.is_terminal:
            done = 0

            def advance(line: str) -> None:
                nonlocal done
                done += 1
                print(f"{done:>{len(str(total))}}/{total}  {line}", flush=True)

            print(title, flush=True)
            yield advance
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        with Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as progress:
            task = progress.add_task(title, total=total)

            def advance_bar(line: str) -> None:
                progress.console.print(line, markup=False, highlight=False)
                progress.advance(task)

            yield advance_bar


def table(rows: Sequence[tuple[str, ...]], *, right: frozenset[int] = frozenset(), indent: str = "  ") -> list[str]:
    """Return *rows* as lines whose columns are aligned, those in *right* to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def megabytes(size: int) -> str:
    """Return a size as Marketo counts it, 1,000,000 bytes to the megabyte."""
    return f"{size / 1e6:,.1f} MB".replace(".0 MB", " MB")
