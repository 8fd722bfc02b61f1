"""What `doctor` found: each finding says how bad it is, what is so, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from marketo_assets.api.errors import MarketoError
from marketo_assets.cli.screen import Screen, wrapped

Level = Literal["ok", "note", "warning", "problem"]
NOTHING_TO_DO = "Nothing to do."
_STYLES = {"ok": "green", "note": "cyan", "warning": "bold yellow", "problem": "bold red"}
_ARROW = "→ "
_LEVEL_COLUMNS, _SUBJECT_COLUMNS, _LEAST_COLUMNS = 9, 18, 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; a problem prevents work, a warning may cost something later."""

    level: Level
    subject: str
    text: str
    todo: str = NOTHING_TO_DO


@dataclass
class Findings:
    """Findings, told as they come."""

    screen: Screen
    items: list[Finding] = field(default_factory=list)

    def add(self, level: Level, subject: str, text: str, todo: str = NOTHING_TO_DO) -> None:
        """Keep a finding and print it: in columns on a terminal, elsewhere as one line that can be searched."""
        self.items.append(Finding(level, subject, text, todo))
        if self.screen.is_terminal:
            self._show(self.items[-1])
        else:
            self.screen.say(f"{level:<8} {subject}: {text} {todo}")

    def _show(self, finding: Finding) -> None:
        margin = _LEVEL_COLUMNS + _SUBJECT_COLUMNS
        width = max(self.screen.width - margin, _LEAST_COLUMNS)
        first, *more = wrapped(finding.text, width)
        style = _STYLES[finding.level]
        self.screen.say_parts(
            (f"{finding.level:<{_LEVEL_COLUMNS}}", style),
            (f"{finding.subject:<{_SUBJECT_COLUMNS}}", "bold"),
            (first, ""),
        )
        for line in more:
            self.screen.say(" " * margin + line)
        if finding.todo == NOTHING_TO_DO:
            return
        lead = _ARROW
        for line in wrapped(finding.todo, width - len(_ARROW)):
            self.screen.say_parts((" " * margin, ""), (f"{lead}{line}", style))
            lead = " " * len(_ARROW)

    def count(self, level: Level) -> int:
        """Return how many findings are of *level*."""
        return sum(item.level == level for item in self.items)

    @contextmanager
    def explaining(self, subject: str, level: Level = "problem") -> Iterator[None]:
        """Turn an error of Marketo's inside the block into a finding, and go on after it."""
        try:
            yield
        except MarketoError as error:
            said, todo = f"{error}".removesuffix(error.advice).strip(), error.advice
            self.add(level, subject, said, todo)
