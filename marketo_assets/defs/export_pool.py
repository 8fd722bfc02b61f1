"""The pool that every export runs in: closed while exports rest, so that runs wait in the queue without a process.

Why not a public function: Dagster 1.13 has none for the limit of a pool. The storage of events is what its own command
line and webserver ask, and nobody else here does.
"""

import json
from contextlib import nullcontext
from dataclasses import asdict, dataclass

import dagster as dg

from marketo_assets.api.limits import Ledger

POOL = "marketo_export"
# Kept beside the pool's limit, so that whoever deletes Dagster's storage deletes both.
_MEMORY = "marketo_assets/export_pool"
_UNLIMITED = 1000


@dataclass(frozen=True)
class PoolState:
    """How the pool stands."""

    limit: int
    """Runs at once; 0 is closed."""
    configured: int
    """The same, as dagster.yaml or a person wants it."""
    is_ours: bool = False
    """Whether this project closed or narrowed it, and so may open it again."""
    is_by_hand: bool = False
    """Whether somebody changed it after that."""


@dataclass(frozen=True)
class _Memory:
    """What was done to the pool."""

    kept: int | None
    """Its limit before; None where it followed the default of dagster.yaml."""
    given: int
    """The limit that it was given."""
    was: int | None = None
    """The limit that it had until then, as long as nobody knows whether it was given another: a kill may come between.
    """


def read_pool(instance: dg.DagsterInstance) -> PoolState:
    """Return how the pool stands."""
    default = instance.global_op_concurrency_default_limit
    usual = _UNLIMITED if default is None else default
    found, memory = _limit(instance), _remembered(instance)
    limit = usual if found is None else found
    if memory is None or limit not in (memory.given, memory.was):
        return PoolState(limit, limit, is_by_hand=memory is not None)
    return PoolState(limit, usual if memory.kept is None else memory.kept, is_ours=True)


def set_pool(instance: dg.DagsterInstance, ledger: Ledger | None, limit: int) -> None:
    """Give the pool a lower *limit*, 0 to close it, or what is configured if *limit* is not lower. Runs go on.

    A pool that somebody closed by hand is left as it is. There is no *ledger* as long as nothing was asked of Marketo.
    """
    # The ledger's transaction keeps other processes from doing the same meanwhile.
    with ledger.transaction() if ledger else nullcontext():
        pool, memory = read_pool(instance), _remembered(instance)
        if pool.limit == limit or (pool.limit == 0 and not pool.is_ours):
            return
        kept = memory.kept if memory and pool.is_ours else _limit(instance)
        storage = instance.event_log_storage
        if limit < pool.configured:
            _remember(instance, _Memory(kept, limit, was=pool.limit))
            storage.set_concurrency_slots(POOL, limit)
            _remember(instance, _Memory(kept, limit))
            return
        # Forgotten at the end: a pool that a kill leaves as it was must not pass for one that a person wants so.
        _remember(instance, _Memory(kept, pool.configured, was=pool.limit))
        # A pool of which a step holds a place cannot be deleted and made again: Dagster 1.13 fails over what is left.
        if kept is None and not storage.get_concurrency_info(POOL).active_slot_count:
            storage.delete_concurrency_limit(POOL)
            storage.initialize_concurrency_limit_to_default(POOL)
        else:
            storage.set_concurrency_slots(POOL, pool.configured)
        _remember(instance, None)


def settle_pool(instance: dg.DagsterInstance, ledger: Ledger) -> None:
    """Let what a killed process began count as undone, or as done, by the limit that it left; it is tried again then.

    Without this a hand that sets one of the two limits would not be told from that process.
    """
    memory = _remembered(instance)
    if memory is None or memory.was is None:
        return
    with ledger.transaction():
        pool, memory = read_pool(instance), _remembered(instance)
        if memory and memory.was is not None and pool.is_ours:
            _remember(instance, None if pool.limit == pool.configured else _Memory(memory.kept, pool.limit))


def heed_hand(instance: dg.DagsterInstance, ledger: Ledger) -> bool:
    """Let exports go on if somebody opened by hand the pool that this project closed; return whether it was so.

    From then on until the reset only Marketo's own refusal closes it again. A pool that was closed by hand stays so.
    """
    with ledger.transaction():
        pool = read_pool(instance)
        if pool.is_by_hand:
            _remember(instance, None)
    if pool.is_by_hand and pool.limit:
        ledger.overrule()
    return pool.is_by_hand


def _remembered(instance: dg.DagsterInstance) -> _Memory | None:
    text = instance.daemon_cursor_storage.get_cursor_values({_MEMORY}).get(_MEMORY)
    return _Memory(**json.loads(text)) if text and text != "null" else None


def _remember(instance: dg.DagsterInstance, memory: _Memory | None) -> None:
    instance.daemon_cursor_storage.set_cursor_values({_MEMORY: json.dumps(asdict(memory) if memory else None)})


def _limit(instance: dg.DagsterInstance) -> int | None:
    limits = {pool.name: pool for pool in instance.event_log_storage.get_pool_limits()}
    found = limits.get(POOL)
    return None if found is None or found.from_default else found.limit
