"""A run in a process of its own, which can be told to stop at a named place, there to be killed.

Nothing is patched: it stops in what a run is given from outside (the log it writes to, the file it is handed) or
between two steps. Prints `stopped` when it has stopped and then waits for ever; the settings come from the environment.
"""

from __future__ import annotations

import argparse
import logging
import resource
import signal
import sys
from dataclasses import fields

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import MarketoError
from marketo_assets.extract.bulk import ExportError
from marketo_assets.land.lead_exports import land_lead_export, read_landed
from marketo_assets.land.manifest import LandedFile, LandingError
from marketo_assets.load.file_reading import LoadError
from marketo_assets.load.lead_snapshots import load_lead_snapshot
from marketo_assets.publish import publish
from marketo_assets.settings import Settings, SettingsError, load_settings
from marketo_assets.warehouse import Warehouse, WarehouseError

EXPECTED = (MarketoError, ExportError, LandingError, LoadError, WarehouseError, SettingsError)
"""What a run may end with; anything else is a traceback."""
STEPS = ("land", "load", "publish")


class Stopping(LandedFile):
    """A landed file that stops whoever asks for its SHA-256: the load does so when its rows are in, before COMMIT."""

    def __getattribute__(self, name: str) -> object:
        if name == "sha256":
            stop()
        return super().__getattribute__(name)


def stop() -> None:
    """Say so, and wait for the end."""
    sys.stdout.write("stopped\n")
    sys.stdout.flush()
    while True:
        signal.pause()


def main() -> int:
    told = _parser().parse_args()
    if told.file_limit:
        # Writing beyond this size fails like a full disk: Python ignores SIGXFSZ, so it is an OSError.
        resource.setrlimit(resource.RLIMIT_FSIZE, (told.file_limit, told.file_limit))
    logging.basicConfig(level=told.log_level, stream=sys.stderr)
    settings = load_settings()
    try:
        for month in told.months:
            for step in told.steps:
                if told.stop == f"before {step}":
                    stop()
                _take(step, settings, month, told.stop)
    except EXPECTED as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _take(step: str, settings: Settings, month: str, stop_at: str) -> None:
    warehouse, now = Warehouse(settings.data_dir), settings.clock.now()

    def log(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        if stop_at.startswith("log ") and stop_at.removeprefix("log ") in line:
            stop()

    with MarketoClient.open(settings) as client:
        if step == "land":
            land_lead_export(client, settings, month, log=log)
        elif step == "load":
            landed = read_landed(settings.landing_dir, month)
            if stop_at == "inside the transaction":
                landed = Stopping(**{field.name: getattr(landed, field.name) for field in fields(landed)})
            load_lead_snapshot(warehouse, landed, run_id="a-child", now=now)
        else:
            publish(warehouse, client.ledger, now=now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("months", nargs="+")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    parser.add_argument("--stop", default="", help="`before STEP`, `log TEXT`, or `inside the transaction`")
    parser.add_argument("--file-limit", type=int, default=0, help="no file may grow beyond so many bytes")
    parser.add_argument("--log-level", default="WARNING")
    return parser


if __name__ == "__main__":
    sys.exit(main())
