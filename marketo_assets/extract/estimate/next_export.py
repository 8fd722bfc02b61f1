"""How much of a day the export that comes next may take: the gate of the export pool asks, and the plan knows why.

Why not only as much as those of late: months differ, and a day closed for a small month because those before it were
large is a day more to wait.
"""

from __future__ import annotations

from collections.abc import Callable

from marketo_assets.api.limits import Ledger
from marketo_assets.extract.estimate.activity_plan import foreseen_activity_bytes
from marketo_assets.extract.estimate.plan import foreseen_bytes
from marketo_assets.extract.export_jobs import ACTIVITIES, LEADS
from marketo_assets.extract.export_sizes import least_of, months_taken, newest_export, usual_bytes
from marketo_assets.extract.pieces import month_of

_FORESEEN: dict[str, Callable[[Ledger], dict[str, int]]] = {
    LEADS: foreseen_bytes,
    ACTIVITIES: foreseen_activity_bytes,
}


def next_bytes(ledger: Ledger) -> int:
    """Return how much the next export may take of a day: of the newest month that is not here, from the last one on.

    What it is known from is the sample of `marketo-assets plan`; without one, what exports of late took. Makes no call.
    """
    last = newest_export(ledger)
    exported = last.object if last else LEADS
    foreseen = _FORESEEN[exported](ledger)
    waiting = sorted(foreseen.keys() - months_taken(ledger, exported))
    # Backfills go from new to old, and need not begin with the newest of all.
    older = [month for month in waiting if last and month <= month_of(last.partition)]
    return least_of(foreseen[(older or waiting)[-1]], ledger.exports.daily_bytes) if waiting else usual_bytes(ledger)
