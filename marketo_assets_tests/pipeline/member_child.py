"""A run of reference objects, program members or list members in a process of its own, to be killed at a named step.

Nothing is patched: it stops in what a run is given from outside, the way to Marketo or the database. Prints `stopped`
when it has, and then waits for ever; the settings come from the environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.land.reference import land_reference
from marketo_assets.load.list_capture import capture_list_members
from marketo_assets.load.member_capture import capture_program_members
from marketo_assets.load.member_runs import ReadingTerms
from marketo_assets.load.reference import load_reference, read_known
from marketo_assets.publish import publish
from marketo_assets.settings import Settings, load_settings
from marketo_assets.warehouse import DuckDBConnection, Warehouse
from marketo_assets_tests.pipeline.child import EXPECTED, stop

JOBS = ("reference", "program_members", "list_members")
NEVER = 1_000_000


class StoppingTransport(httpx.HTTPTransport):
    """Passes so many requests on, and stops when the next one was answered and nobody has heard of it yet."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        self._left -= 1
        if self._left < 0:
            answer.read()
            stop()
        return answer


@dataclass
class StoppingWarehouse(Warehouse):
    """Stops inside a transaction, when all but the commit is done, after so many others."""

    left: int = NEVER

    @contextmanager
    def transaction(self) -> Iterator[DuckDBConnection]:
        with super().transaction() as con:
            yield con
            self.left -= 1
            if self.left < 0:
                stop()


def main() -> int:
    told = _parser().parse_args()
    settings = load_settings()
    warehouse = StoppingWarehouse(settings.data_dir, left=told.commits)
    try:
        with MarketoClient.open(settings, transport=StoppingTransport(told.calls)) as client:
            _run(told.job, client, warehouse, settings)
            if told.commits == NEVER == told.calls:
                publish(warehouse, client.ledger, now=settings.clock.now())
    except EXPECTED as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _run(job: str, client: MarketoClient, warehouse: Warehouse, settings: Settings) -> None:
    def log(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    if job == "reference":
        land_reference(client, settings, read_known(warehouse), log=log)
        load_reference(warehouse, settings.landing_dir, run_id="a-child", now=settings.clock.now(), log=log)
        return
    capture = capture_program_members if job == "program_members" else capture_list_members
    capture(client, warehouse, settings, run_id="a-child", log=log, terms=ReadingTerms(is_whole=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--calls", type=int, default=NEVER, help="stop after so many calls, those for tokens included")
    parser.add_argument("--commits", type=int, default=NEVER, help="stop after so many transactions, inside the next")
    return parser


if __name__ == "__main__":
    sys.exit(main())
