"""`python -m marketo_assets.cli`: the command line without its script."""

from __future__ import annotations

from marketo_assets.cli import main

if __name__ == "__main__":
    main()
