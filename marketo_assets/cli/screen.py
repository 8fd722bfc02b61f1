"""Where a command speaks: with colours and a progress bar on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

WIDEST = 100
"""Columns that nothing passes but what is to be copied."""


class Screen:
    """Standard output, as a person or a log file wants it.

    Colours come on a terminal only, and not where `NO_COLOR` is set. *columns* are the terminal's own unless told.
    """

    def __init__(self, *, is_terminal: bool | None = None, columns: int | None = None) -> None:
        self.is_terminal = sys.stdout.isatty() if is_terminal is None else is_terminal
        found = columns or (shutil.get_terminal_size((WIDEST, 24)).columns if self.is_terminal else WIDEST)
        self.width = min(found, WIDEST)
        """Columns that a line may take."""

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print *text* as it is; *style* (of rich) counts on a terminal only."""
        self.say_parts((text, style))

    def say_parts(self, *parts: tuple[str, str]) -> None:
        """Print texts beside each other as one line, each in its own style."""
        if not self.is_terminal:
            print("".join(text for text, _ in parts), flush=True)
            return
        from rich.console import Console
        from rich.text import Text

        # Lines end where they are told to: a terminal breaks those to be copied without adding anything to them.
        Console(highlight=False).print(Text.assemble(*parts), soft_wrap=True)

    def paragraph(self, text: str, *, style: str = "") -> None:
        """Print *text* in lines that fit."""
        for line in wrapped(text, self.width):
            self.say(line, style=style)

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


def wrapped(text: str, width: int) -> list[str]:
    """Return *text* in lines of at most *width*; a word that is longer has a line of its own, whole."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def megabytes(size: int) -> str:
    """Return a size as Marketo counts it, 1,000,000 bytes to the megabyte."""
    return f"{size / 1e6:,.1f} MB".replace(".0 MB", " MB")
