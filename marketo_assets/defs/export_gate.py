"""The gate of the export pool: when it is closed, when it opens again, and what it says meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import dagster as dg

from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import Pause, pauses
from marketo_assets.defs.export_pool import POOL, PoolState, close_pool, heed_hand, open_pool, read_pool
from marketo_assets.extract.export_jobs import usual_bytes
from marketo_assets.settings import Settings, SettingsError, load_settings

Decision = Literal["close", "open", "heed", "leave"]


def decide(found: Sequence[Pause], pool: PoolState) -> Decision:
    """Return what is to be done with the pool, now that exports wait for *found*, or for nothing.

    `heed` is for a pool that somebody opened by hand after this project had closed it.
    """
    if pool.is_ours and not pool.is_closed:
        return "heed"
    if found and not pool.is_closed:
        return "close"
    return "open" if pool.is_ours and not found else "leave"


def tell(found: Sequence[Pause], pool: PoolState, ledger: Ledger, now: datetime) -> str:
    """Return in a line how the gate stands, for its ticks."""
    if pool.is_closed and not pool.is_ours:
        return f"closed by hand: set the limit of pool {POOL} under Deployment, Concurrency, to let exports run"
    if found:
        others = [pause.text for pause in found[1:] if pause.reason != found[0].reason]
        return "; ".join([f"paused: {found[0].told(now)}", *others])
    exports = ledger.exports
    beyond = " (opened by hand: beyond this project's share, until Marketo refuses)"
    return (
        f"open: {exports.remaining() / 1e6:,.0f} of {exports.daily_bytes / 1e6:,.0f} MB and "
        f"{ledger.calls_remaining():,} of {ledger.limits.daily_calls:,} calls left"
        f"{beyond if ledger.closed_until('overruled') else ''}"
    )


def look(instance: dg.DagsterInstance, ledger: Ledger) -> str:
    """Close or open the pool as the ledger says, and return how it stands then. Makes no call."""
    found, pool = _pauses(ledger), read_pool(instance)
    match decide(found, pool):
        case "heed":
            heed_hand(instance, ledger)
        case "close":
            close_pool(instance, ledger)
        case "open":
            open_pool(instance, ledger)
    return tell(_pauses(ledger), read_pool(instance), ledger, ledger.clock.now())


@dg.sensor(
    name="export_quota_gate",
    # It starts no run, but belongs to the assets whose runs it holds back.
    target=dg.AssetSelection.assets(["landing", "lead_exports"]),
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        f"Closes pool {POOL} while exports have to rest (export quota or daily calls spent, Marketo down) and opens it "
        "again; its ticks say why and until when. Leave it running: nothing else opens the pool. To go on beyond this "
        "project's share, set the pool's limit by hand under Deployment, Concurrency. Makes no call."
    ),
)
def export_quota_gate(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at ledger and pool, and say how exports stand."""
    try:
        return dg.SkipReason(_look_from(context.instance, load_settings(is_local=True)))
    except (SettingsError, LedgerUnusable) as error:
        return dg.SkipReason(f"not looked at: {error}")


def _look_from(instance: dg.DagsterInstance, settings: Settings) -> str:
    if not settings.ledger_path.exists() and not read_pool(instance).is_ours:
        return "open: nothing has been asked of Marketo yet"
    ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock)
    try:
        return look(instance, ledger)
    finally:
        ledger.shut()


def _pauses(ledger: Ledger) -> list[Pause]:
    return pauses(ledger, next_bytes=usual_bytes(ledger))
