"""What tests of the ledger do with it: make one, spend calls, count the places that are taken."""

from __future__ import annotations

from pathlib import Path

from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.clock import ManualClock


def make_ledger(path: Path, clock: ManualClock, **limits: float) -> Ledger:
    return Ledger(path / "ledger.sqlite", Limits(**limits), clock)  # type: ignore[arg-type]  # ints and floats as named


def spend(ledger: Ledger, calls: int = 1) -> None:
    for _ in range(calls):
        with ledger.call(route="/rest/v1/leads.json"):
            pass


def places_taken(ledger: Ledger) -> int:
    with ledger.transaction() as db:
        return int(db.execute("SELECT count(*) FROM lease").fetchone()[0])
