"""The command line `marketo-assets`: the rightmost room, which may import every other.

One file per command. Nothing heavy is imported until a command needs it, so `--help` answers at once. Dagster is
reached through `defs/runs.py`, and the sandbox as a process.
"""


def main() -> None:
    """Run the command line and end the process: 0 done, 1 failed, 2 wrong use."""
    from marketo_assets.cli.app import app

    app(prog_name="marketo-assets")
