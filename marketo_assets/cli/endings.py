"""How a command ends other than well: each says what to do next, and carries its exit code."""

from __future__ import annotations


class CommandError(Exception):
    """A command that did not do what was asked; the text says why, and what to do."""

    exit_code = 1


class Failed(CommandError):  # noqa: N818 - the name is how the command ended
    """Something went wrong while the command worked."""


class WrongUse(CommandError):  # noqa: N818 - the name is how the command ended
    """The command cannot be used like this, or here; nothing was begun."""

    exit_code = 2
