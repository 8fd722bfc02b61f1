"""How changed leads are read again: by id, three hundred a call, or all at once by an updatedAt export.

Why shares: calls and bytes are both scarce and have no common price. What either way takes of what is left of the day
can be compared; the smaller part is the better bargain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from marketo_assets.api.lead_database import BATCH
from marketo_assets.api.limits import Ledger

EXPORT_CALLS = 7
"""What one export probably costs: create, enqueue, file, and a status call a minute for as long as most take."""


@dataclass(frozen=True)
class Bargain:
    """Both ways to read some leads again, what each costs, and which is taken."""

    leads: int
    calls_by_id: int
    calls_by_export: int
    export_bytes: int
    """Zero where an export that is paid for is taken up."""
    share_by_id: float
    """Of what is left of the day's calls."""
    share_by_export: float
    """Of what is left of the day's calls and bytes, added up."""
    obstacle: str | None
    """Why there can be no export."""

    @property
    def is_export(self) -> bool:
        """Whether the export is cheaper, and possible."""
        return self.obstacle is None and self.share_by_export < self.share_by_id

    @property
    def told(self) -> str:
        """The arithmetic in a sentence."""
        by_id = f"by id {self.calls_by_id:,} calls, {_percent(self.share_by_id)} of what is left of the day"
        if self.obstacle:
            return f"{self.leads:,} leads to read again: {by_id}; no updatedAt export, because {self.obstacle}"
        size = f"{self.export_bytes / 1e6:,.2f} MB" if self.export_bytes else "no byte, being paid for"
        by_export = f"by export {self.calls_by_export:,} calls and {size}, {_percent(self.share_by_export)}"
        return f"{self.leads:,} leads to read again: {by_id}; {by_export}: {'export' if self.is_export else 'by id'}"


def weigh(
    ledger: Ledger,
    leads: int,
    *,
    exported: int,
    windows: int,
    lead_bytes: float | None,
    is_paid: bool = False,
    obstacle: str | None = None,
) -> Bargain:
    """Return what it costs to read *leads* again by id, and by an export of *windows* that would hold *exported* leads.

    *lead_bytes* is what a lead has in a file, None where that is not known. Makes no call.
    """
    calls_left, bytes_left = ledger.calls_remaining(), ledger.exports.remaining()
    by_id, by_export = ceil(leads / BATCH), windows * EXPORT_CALLS
    size = 0 if is_paid else ceil(exported * (lead_bytes or 0.0))
    if obstacle is None and lead_bytes is None and not is_paid:
        obstacle = "no month was loaded yet, so that nobody knows how large it would be"
    if obstacle is None and (size > bytes_left or by_export > calls_left):
        obstacle = f"it takes {size / 1e6:,.2f} MB and {by_export:,} calls, and {bytes_left / 1e6:,.2f} MB and " + (
            f"{calls_left:,} calls are left"
        )
    return Bargain(
        leads=leads,
        calls_by_id=by_id,
        calls_by_export=by_export,
        export_bytes=size,
        share_by_id=_share(by_id, calls_left),
        share_by_export=_share(by_export, calls_left) + _share(size, bytes_left),
        obstacle=obstacle,
    )


def _share(wanted: float, left: float) -> float:
    if not wanted:
        return 0.0
    return wanted / left if left > 0 else inf


def _percent(share: float) -> str:
    return "more than is left" if share > 1 else f"{share:.2%}"
