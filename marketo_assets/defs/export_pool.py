"""The pool that every export runs in: closed while exports rest, so that runs wait in the queue without a process.

Why not a public function: Dagster 1.13 has none for the limit of a pool. The storage of events is what its own command
line and webserver ask, and only the functions at the end of this file do.
"""

import json
from dataclasses import dataclass

import dagster as dg

from marketo_assets.api.limits import Ledger

POOL = "marketo_export"
# Kept beside the pool's limit, so that whoever deletes Dagster's storage deletes both.
_MEMORY = "marketo_assets/export_pool"
_DEFAULT = "default"


@dataclass(frozen=True)
class PoolState:
    """How the pool stands."""

    limit: int | None
    """Runs at once; 0 is closed, None that the default of dagster.yaml holds."""
    is_ours: bool = False
    """Whether this project closed it, and so may open it again."""

    @property
    def is_closed(self) -> bool:
        """Whether no run is taken from the queue."""
        return self.limit == 0


def read_pool(instance: dg.DagsterInstance) -> PoolState:
    """Return how the pool stands."""
    return PoolState(_limit(instance), _remembered(instance) is not None)


def close_pool(instance: dg.DagsterInstance, ledger: Ledger) -> bool:
    """Close the pool and remember its limit; return whether it was open. Runs under way go on.

    A pool that somebody closed by hand is left as it is.
    """
    # The ledger's transaction keeps other processes from opening and closing meanwhile.
    with ledger.transaction():
        limit = _limit(instance)
        if limit == 0:
            return False
        _remember(instance, _DEFAULT if limit is None else str(limit))
        _set_limit(instance, 0)
        return True


def open_pool(instance: dg.DagsterInstance, ledger: Ledger) -> bool:
    """Give the pool the limit that it had before it was closed; return whether it was closed by this project."""
    with ledger.transaction():
        kept = _remembered(instance)
        if kept is None or _limit(instance) != 0:
            return False
        _forget(instance)
        if kept == _DEFAULT:
            _follow_default(instance)
        else:
            _set_limit(instance, int(kept))
        return True


def heed_hand(instance: dg.DagsterInstance, ledger: Ledger) -> bool:
    """Let exports go on if somebody opened by hand the pool that this project closed; return whether it was so.

    From then on until the reset only Marketo's own refusal closes it again.
    """
    with ledger.transaction():
        if _remembered(instance) is None or _limit(instance) == 0:
            return False
        _forget(instance)
    ledger.overrule()
    return True


def _remembered(instance: dg.DagsterInstance) -> str | None:
    text = instance.daemon_cursor_storage.get_cursor_values({_MEMORY}).get(_MEMORY)
    return json.loads(text)["limit"] if text else None


def _remember(instance: dg.DagsterInstance, limit: str | None) -> None:
    instance.daemon_cursor_storage.set_cursor_values({_MEMORY: json.dumps({"limit": limit})})


def _forget(instance: dg.DagsterInstance) -> None:
    _remember(instance, None)


def _limit(instance: dg.DagsterInstance) -> int | None:
    limits = {pool.name: pool for pool in instance.event_log_storage.get_pool_limits()}
    found = limits.get(POOL)
    return None if found is None or found.from_default else found.limit


def _set_limit(instance: dg.DagsterInstance, limit: int) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, limit)


def _follow_default(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.delete_concurrency_limit(POOL)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
