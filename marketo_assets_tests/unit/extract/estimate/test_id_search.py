"""Ids that lie in many ways: the search counts them within its budget."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from marketo_assets.extract.estimate.id_search import BATCH, IdSearch

YEARS = 2 * 365 * 86_400.0


def dense(*_: object) -> int:
    return 1


def sparse(random: Random, *_: int) -> int:
    return 1 + int(random.expovariate(1 / 40))


def with_holes(random: Random, *_: int) -> int:
    return 1 + random.randrange(3) + (random.randrange(500) if random.random() < 0.02 else 0)


def with_a_jump(random: Random, place: int, count: int) -> int:
    return 2**31 if place == count - count // 20 else with_holes(random)


def thinned(random: Random, place: int, count: int) -> int:
    return 1 if place > count // 2 else 1 + int(random.expovariate(1 / 20))


class Instance:
    """Answers what is asked of ids, and counts the calls."""

    def __init__(self, gap: object, count: int) -> None:
        random, lead_id = Random(count), 1000
        seconds = sorted(random.random() * YEARS for _ in range(count))
        self.leads: dict[int, float] = {}
        self.calls = 0
        for place in range(count):
            lead_id += gap(random, place, count)  # type: ignore[operator]
            self.leads[lead_id] = seconds[place]

    def read(self, ids: Sequence[int]) -> dict[int, float]:
        assert len(ids) <= BATCH
        self.calls += 1
        return {lead_id: self.leads[lead_id] for lead_id in ids if lead_id in self.leads}


def counted(instance: Instance, calls: int, *looks: int) -> int:
    search = IdSearch(instance.read, calls, earliest=0.0)
    search.explore(max(instance.leads) - 5)
    weights: dict[int, int] = {}
    for look in looks:
        weights = search.sample(look)
    assert instance.calls <= calls
    return sum(weights.values())


@pytest.mark.parametrize("gap", [dense, with_holes, with_a_jump, thinned], ids=lambda gap: gap.__name__)
def test_few_leads_are_all_found(gap: object) -> None:
    """Where the calls suffice for every id, the count is exact, also beyond a void of two thousand million ids."""
    assert 400 == counted(Instance(gap, 400), 200, 200)


@pytest.mark.parametrize("gap", [dense, sparse, with_holes, with_a_jump, thinned], ids=lambda gap: gap.__name__)
@pytest.mark.parametrize("count", [10_000, 60_000])
def test_many_leads_are_counted_to_a_few_percent(gap: object, count: int) -> None:
    """A hundred and fifty calls tell how many there are."""
    assert abs(counted(Instance(gap, count), 150, 150) / count - 1) < 0.08


def test_sampling_in_two_goes_is_one_sample() -> None:
    """What the first go looked up is not paid for again, and the count is as good."""
    assert abs(counted(Instance(with_holes, 20_000), 100, 30, 70) / 20_000 - 1) < 0.08


def test_nobody_there_is_no_lead() -> None:
    """An instance without leads is found empty."""
    search = IdSearch(lambda _: {}, 30, earliest=0.0)
    search.explore(10_000)
    assert {} == search.sample(30)
