"""`sandbox`: the local Marketo alone, as a process that takes this one's place."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from marketo_assets.cli.sandbox_process import MODULE


def run_sandbox(arguments: Sequence[str]) -> NoReturn:
    """Become a sandbox started with *arguments*, so that signals and exit code are its own."""
    os.execv(sys.executable, [sys.executable, "-m", MODULE, *arguments])  # noqa: S606 - no shell is wanted
