"""Hammer one ledger from many processes and print the most calls in any window and at once.

Run by hand: `python -m marketo_assets_tests.benchmarks.hammer_ledger`, with `--help` for the numbers.
Exit code 1 when a limit was exceeded.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ScaledClock

Span = tuple[float, float]


@dataclass(frozen=True)
class Measured:
    """What was seen from the callers' side."""

    calls: int
    most_in_window: int
    most_at_once: int
    fewest_of_one_process: int
    longest_wait_seconds: float


def hammer(path: Path, limits: Limits, *, processes: int, seconds: float, seed: int, scale: float = 1.0) -> Measured:
    """Make calls from *processes* processes for *seconds*, as fast as the ledger lets them; return what was seen.

    With a *scale* above 1, limits and measures count on a clock that runs so much faster.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        began = datetime.now(UTC) + timedelta(seconds=1)
        clock = ScaledClock(began, began, scale)
        work = [(path, limits, clock, seconds, seed + number) for number in range(processes)]
        seen = pool.starmap(_call_until, work)
    spans = sorted(span for each, _ in seen for span in each)
    return Measured(
        calls=len(spans),
        most_in_window=most_in_window([begin for begin, _ in spans], limits.rate_seconds),
        most_at_once=most_at_once(spans),
        fewest_of_one_process=min(len(each) for each, _ in seen),
        longest_wait_seconds=max(wait for _, wait in seen),
    )


def most_in_window(moments: Sequence[float], seconds: float) -> int:
    """Return the most of the sorted *moments* that lie within *seconds* of each other, both ends included."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_at_once(spans: Sequence[Span]) -> int:
    """Return the most *spans* that overlap at any moment."""
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _call_until(path: Path, limits: Limits, clock: ScaledClock, seconds: float, seed: int) -> tuple[list[Span], float]:
    ledger, dice = Ledger(path, limits, clock), random.Random(seed)
    spans: list[Span] = []
    longest = 0.0
    began, ends = clock.anchor.timestamp(), clock.anchor.timestamp() + seconds
    time.sleep(max(0.0, began - time.time()))
    while time.time() < ends:
        asked = clock.now().timestamp()
        with ledger.call(route="/hammer"):
            begin = clock.now().timestamp()
            time.sleep(dice.expovariate(1 / 0.05))
            end = clock.now().timestamp()
        spans.append((begin, end))
        longest = max(longest, begin - asked)
    ledger.shut()
    return spans, longest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the hammer as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--calls", type=int, default=100, help="calls allowed in a window")
    parser.add_argument("--window", type=float, default=20.0, help="length of the window in seconds")
    parser.add_argument("--concurrency", type=int, default=10, help="calls allowed at once")
    parser.add_argument("--scale", type=float, default=1.0, help="how much faster than life the clock runs")
    parser.add_argument("--seed", type=int, default=20_240_301)
    told = parser.parse_args(arguments)
    limits = Limits(rate_calls=told.calls, rate_seconds=told.window, concurrency=told.concurrency, daily_calls=10**9)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        seen = hammer(path, limits, processes=told.processes, seconds=told.seconds, seed=told.seed, scale=told.scale)
    print(f"seed {told.seed}: {seen.calls} calls from {told.processes} processes in {told.seconds:g} s")
    print(f"most in any {told.window:g} s: {seen.most_in_window} of {told.calls} allowed")
    print(f"most at once: {seen.most_at_once} of {told.concurrency} allowed")
    print(f"fewest of one process: {seen.fewest_of_one_process}; longest wait: {seen.longest_wait_seconds:.1f} s")
    is_kept = seen.most_in_window <= told.calls and seen.most_at_once <= told.concurrency
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
