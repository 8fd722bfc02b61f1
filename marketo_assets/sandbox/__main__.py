"""`python -m marketo_assets.sandbox`: the local Marketo alone."""

from __future__ import annotations

import sys

from marketo_assets.sandbox.command import main

if __name__ == "__main__":
    sys.exit(main())
