"""The gate of the export pool: when it is closed, when it opens again, and what it says meanwhile."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import dagster as dg
import httpx

from marketo_assets.api.client import MarketoClient
from marketo_assets.api.errors import LedgerUnusable
from marketo_assets.api.export_quota import FIRST_PLACES
from marketo_assets.api.limits import Ledger, Limits
from marketo_assets.api.pauses import Pause, export_left, pauses
from marketo_assets.api.retrying import Patience
from marketo_assets.api.usage import learn_usage
from marketo_assets.defs.automation_switch import show_automation_as_on
from marketo_assets.defs.export_pool import POOL, PoolState, heed_hand, read_pool, set_pool, settle_pool
from marketo_assets.extract.estimate.next_export import next_bytes
from marketo_assets.settings import Settings, SettingsError, load_settings

Decision = int | Literal["heed", "leave"]
_NO_PATIENCE = Patience(seconds=0.0)


def decide(found: Sequence[Pause], pool: PoolState, places: int) -> Decision:
    """Return the limit that the pool is to have, now that exports wait for *found*, or have *places* and need not.

    Fewer places than the pool has narrow it, for a run more would only start to be refused. `heed` is for a pool that
    somebody changed by hand after this project had.
    """
    if pool.is_by_hand:
        return "heed"
    wanted = 0 if found else min(pool.configured, places)
    is_closed_by_hand = pool.limit == 0 and not pool.is_ours
    return "leave" if is_closed_by_hand or wanted == pool.limit else wanted


def tell(found: Sequence[Pause], pool: PoolState, ledger: Ledger, now: datetime) -> str:
    """Return in a line how the gate stands, for its ticks."""
    if pool.limit == 0 and not pool.is_ours:
        return f"closed by hand: set the limit of pool {POOL} under Deployment, Concurrency, to let exports run"
    if found:
        others = [pause.text for pause in found[1:] if pause.reason != found[0].reason]
        return "; ".join([f"paused: {found[0].told(now)}", *others])
    text = f"open: {export_left(ledger)} and {ledger.calls_remaining():,} of {ledger.day.daily_calls:,} calls left"
    if ledger.day.is_short_of_others():
        text += f" (others have made {ledger.day.others() or 0:,} of the instance's {ledger.day.instance_calls:,})"
    if ledger.closed_until("overruled"):
        return f"{text} (opened by hand: beyond this project's share, until Marketo refuses)"
    if not pool.is_ours:
        return text
    if not ledger.exports.is_proven():
        return f"{text}; {pool.limit} of {pool.configured} runs at once until Marketo takes an export today"
    narrow = f"{text}; {pool.limit} of {pool.configured} runs at once"
    if ledger.exports.room(next_bytes(ledger)) <= pool.limit:
        return f"{text}; enough for {pool.limit} of {pool.configured} runs at once"
    if ledger.day.may_end_early():
        return f"{narrow}, as others may spend the rest of the day's calls"
    return f"{narrow}, the others when Marketo has queued an export of these"


def look(instance: dg.DagsterInstance, ledger: Ledger) -> str:
    """Close, narrow or open the pool as the ledger says, and return how it stands then. Makes no call."""
    settle_pool(instance, ledger)
    needed = next_bytes(ledger)
    places = ledger.exports.places(needed)
    if ledger.day.may_end_early():
        # Every run under way meets the end of the calls, and fails once.
        places = min(places, FIRST_PLACES)
    decision = decide(pauses(ledger, next_bytes=needed), read_pool(instance), places)
    if decision == "heed":
        heed_hand(instance, ledger)
    elif decision != "leave":
        set_pool(instance, ledger, decision)
    return tell(pauses(ledger, next_bytes=needed), read_pool(instance), ledger, ledger.clock.now())


@dg.sensor(
    name="export_quota_gate",
    # It starts no run, but belongs to the assets whose runs it holds back.
    target=dg.AssetSelection.assets(["landing", "lead_exports"]),
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        f"Closes pool {POOL} while exports have to rest (export quota or daily calls spent, Marketo down) and opens it "
        "again; its ticks say why and until when. Leave it running: nothing else opens the pool. To go on beyond this "
        "project's share, set the pool's limit by hand under Deployment, Concurrency. Makes one call for each hour of "
        "use, to learn what other integrations have spent."
    ),
)
def export_quota_gate(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at ledger and pool, and say how exports stand."""
    # No other sensor of ours that runs by default is at hand as often.
    show_automation_as_on(context.instance)
    try:
        learn_from_others()
        return dg.SkipReason(_look_from(context.instance, load_settings(is_local=True)))
    except (SettingsError, LedgerUnusable) as error:
        return dg.SkipReason(f"not looked at: {error}")


def learn_from_others(*, transport: httpx.BaseTransport | None = None) -> None:
    """Leave in the ledger what all integrations have spent, if that is worth a call now.

    **Cost:** one call, an hour of use after the last one at the earliest; a quarter of an hour once others crowd us.
    Without credentials, or where nothing was asked of Marketo yet, none.
    """
    try:
        settings = load_settings()
    except SettingsError:
        return  # whoever needs Marketo says what is missing
    if settings.ledger_path.exists():
        with MarketoClient.open(settings, transport=transport, patience=_NO_PATIENCE, is_backfill=True) as client:
            if client.ledger.day.is_usage_due():
                learn_usage(client)


def _look_from(instance: dg.DagsterInstance, settings: Settings) -> str:
    pool = read_pool(instance)
    if not settings.ledger_path.exists() and not (pool.is_ours and pool.limit == 0):
        if pool.limit > FIRST_PLACES and not pool.is_by_hand:
            set_pool(instance, None, FIRST_PLACES)
        return "open: nothing has been asked of Marketo yet"
    ledger = Ledger(settings.ledger_path, Limits.from_settings(settings), settings.clock, is_backfill=True)
    try:
        return look(instance, ledger)
    finally:
        ledger.shut()
