"""How a seed becomes leads: which ids there are, when each was created, and when it was last changed.

All of it is arithmetic on 64-bit numbers, so the same seed gives the same leads on every machine and with every
version of the libraries beneath.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl

FIRST_ID = 1001
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 2**64
_FEW = 300


def salt(seed: int, *names: object) -> int:
    """Return an odd 64-bit number that belongs to *seed* and *names*."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") | 1


def mixed(numbers: pl.Series, key: int) -> pl.Series:
    """Return each of *numbers* scattered over 64 bits, another way for every *key*."""
    x = numbers.cast(pl.UInt64) * _u64(_GOLDEN) + _u64(key)
    for shift, factor in zip((2**30, 2**27), _MIX, strict=True):
        x = (x ^ (x // _u64(shift))) * _u64(factor)
    return x ^ (x // _u64(2**31))


def pick(hashes: pl.Series, key: int, size: int) -> pl.Series:
    """Return for each hash a number below *size*, another one for every odd *key*."""
    if len(hashes) < _FEW:
        # For a few rows the price of an operation on columns is higher than that of the work.
        few = [None if number is None else pick_one(number, key, size) for number in hashes.to_list()]
        return pl.Series(hashes.name, few, dtype=pl.UInt64)
    return hashes * _u64(key) // _u64(2**32) % _u64(size)


def pick_one(number: int, key: int, size: int) -> int:
    """Return what `pick` returns, for one hash."""
    return (number * key % _WORD >> 32) % size


def month_starts(months: int, now: datetime) -> list[datetime]:
    """Return the first moments of the *months* calendar months that end with the one *now* lies in, in UTC."""
    running = (now.astimezone(UTC) - timedelta(seconds=1)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    index = running.year * 12 + running.month - 1
    return [running.replace(year=past // 12, month=past % 12 + 1) for past in range(index - months + 1, index + 1)]


def stamps(seed: int, leads: int, starts: list[datetime], now: datetime) -> pl.DataFrame:
    """Return one row per lead, sorted by id and by creation: id, hash, and seconds of three moments.

    `created` and `updated` are what the fields show; `latest` is the last change to any field at all.
    The first and the last second of every month hold leads, and some seconds hold many.
    """
    last = int(now.timestamp()) - 1
    edges = [int(start.timestamp()) for start in starts] + [last + 1]
    created = pl.concat(
        [
            seconds_of_month(seed, month, count, edges[month], edges[month + 1] - 1)
            for month, count in enumerate(shares(seed, leads, edges))
        ]
    )
    rank = pl.int_range(leads, eager=True)
    ids = _ids(mixed(rank, salt(seed, "gap")))
    hashes = mixed(ids, salt(seed, "lead"))
    updated = _later(hashes, salt(seed, "updated"), created, last)
    latest = _later(hashes, salt(seed, "latest"), updated, last)
    return pl.DataFrame({"id": ids, "hash": hashes, "created": created, "updated": updated, "latest": latest})


def _u64(number: int) -> pl.Series:
    return pl.Series([number % _WORD], dtype=pl.UInt64)


def shares(seed: int, count: int, edges: Sequence[int]) -> Iterator[int]:
    """Yield how many of *count* things each month gets; *edges* are the seconds at which the months begin and end."""
    weights = [(end - start) * (600 + salt(seed, "month", start) % 800) for start, end in pairwise(edges)]
    done = 0
    for reached in range(1, len(weights) + 1):
        until = count * sum(weights[:reached]) // sum(weights)
        yield until - done
        done = until


def seconds_of_month(seed: int, month: int, count: int, first: int, last: int) -> pl.Series:
    """Return *count* seconds from *first* to *last*, ascending, some of them several times."""
    span = last - first + 1
    hashes = mixed(pl.int_range(count, eager=True), salt(seed, "second", month))
    free = pick(hashes, salt(seed, "free"), span)
    bursts = mixed(pick(hashes, salt(seed, "burst"), count // 200 + 1), salt(seed, "moment", month)) % _u64(span)
    offset = free.zip_with(pick(hashes, salt(seed, "kind"), 10) > 0, bursts).cast(pl.Int64)
    if count > 1:
        at_edge = 1 if count < 20 else 2
        offset = pl.concat(
            [
                pl.Series([0] * at_edge, dtype=pl.Int64),
                offset.slice(0, count - 2 * at_edge),
                pl.Series([span - 1] * at_edge, dtype=pl.Int64),
            ]
        )
    return offset.sort() + first


def _ids(hashes: pl.Series) -> pl.Series:
    odd = salt(0, "gap")
    gaps = (
        1
        + pick(hashes, odd, 3)
        + pick(hashes, salt(0, "hole"), 500).zip_with(
            pick(hashes, salt(0, "often"), 50) == 0, pl.zeros(len(hashes), pl.UInt64, eager=True)
        )
    )
    ids = gaps.cast(pl.Int64).cum_sum() + (FIRST_ID - 1)
    beyond = len(ids) - len(ids) // 20
    # Lead ids are int64: the newest ones lie above what 32 bits hold.
    jump = (pl.int_range(len(ids), eager=True) >= beyond).cast(pl.Int64) * 2**31
    return ids + jump


def _later(hashes: pl.Series, key: int, since: pl.Series, last: int) -> pl.Series:
    part = pick(hashes, key, 65_536).cast(pl.Int64)
    moved = since + (last - since) * part // 65_536
    edge = pl.from_epoch(moved, "s").dt.truncate("1mo").dt.epoch("s")
    edge = edge - (part % 2)
    moved = edge.zip_with((part % 40 < 2) & (edge >= since), moved)
    return moved.zip_with(pick(hashes, salt(0, "moves", key), 3) > 0, since)
