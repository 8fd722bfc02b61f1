"""What `doctor` found: each finding says how bad it is, what is so, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from marketo_assets.api.errors import MarketoError
from marketo_assets.cli.screen import Screen

Level = Literal["ok", "note", "warning", "problem"]
NOTHING_TO_DO = "Nothing to do."
_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "bold red"}


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
        """Keep a finding and print it."""
        self.items.append(Finding(level, subject, text, todo))
        self.screen.say(f"{level:<8} {subject}: {text} {todo}", style=_STYLES[level])

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
