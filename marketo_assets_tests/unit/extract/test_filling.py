"""How bytes lie in the time of a month, and where that has a month cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from marketo_assets.extract.filling import Filling, spread
from marketo_assets.extract.pieces import LEAST_OF_DAY, Cut, Known, cut, has_room
from marketo_assets.extract.windows import month_window

MONTH = month_window("2026-07")
LATER = datetime(2026, 9, 1, tzinfo=UTC)


def at(day: float) -> datetime:
    return MONTH.start + timedelta(days=day - 1)


def filling_of(*sizes: tuple[float, float], end: datetime = MONTH.end) -> Filling:
    found = Filling.of([(at(day).timestamp(), size) for day, size in sizes], MONTH.start, end)
    assert found
    return found


def evenly(count: int) -> list[tuple[float, float]]:
    return [(1 + 31 * place / count, 10.0) for place in range(count)]


def test_an_import_of_a_moment_is_a_step() -> None:
    """All that came in one second is there a second later, and none of it before."""
    imported = at(20)
    found = filling_of(*evenly(100), (20.0, 9000.0))

    before, after = found.before(imported), found.before(imported + timedelta(seconds=1))
    assert after - before == pytest.approx(0.9, abs=0.02)
    assert imported == found.latest(0.5)
    assert imported + timedelta(seconds=1) == found.earliest(0.5)
    assert (0.0, 1.0) == (found.before(MONTH.start), found.before(MONTH.end))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_told_to_a_hundredth(seed: int) -> None:
    """Whatever the shape, at every moment it tells what had come by then to a hundredth, in some hundred points."""
    random = Random(seed)
    places = [random.betavariate(0.3, 2) * 31 if random.random() < 0.7 else 25.5 for _ in range(3000)]
    sizes = [(at(1 + place).timestamp(), random.expovariate(0.01)) for place in places]
    found = Filling.of(sizes, MONTH.start, MONTH.end)
    assert found
    assert len(found.parts) <= 510
    total = sum(size for _, size in sizes)
    for day in range(1, 32):
        came = sum(size for second, size in sizes if second < at(day).timestamp()) / total
        assert abs(came - found.before(at(day))) <= 0.01, day
    for part in (0.1, 0.33, 0.5, 0.9):
        assert found.before(found.latest(part)) <= part + 1e-6 <= found.before(found.earliest(part)) + 2e-6


def test_a_lead_that_stands_for_others_is_no_import() -> None:
    """Sampled leads stand for what came around them; those of one second stand for that second."""
    sampled = [(at(day).timestamp(), 100, 10.0) for day in range(1, 32)]
    spread_out = Filling.of(spread(sampled), MONTH.start, MONTH.end)
    assert spread_out
    assert spread_out.before(at(16.3)) - spread_out.before(at(15.7)) < 0.05

    together = Filling.of(spread([(at(16).timestamp(), 100, 10.0)] * 30), MONTH.start, MONTH.end)
    assert together
    assert (0.0, 1.0) == (together.before(at(16)), together.before(at(16) + timedelta(seconds=1)))


def test_a_running_month_goes_on_as_it_began() -> None:
    """Half a month later there is twice as much, and what is new came evenly."""
    seen = filling_of(*[(1 + place / 10, 10.0) for place in range(100)], end=at(11))
    grown = seen.grown(at(21))
    assert 2.0 == seen.growth(at(21))
    assert [0.5, 0.75, 1.0] == pytest.approx([grown.before(at(day)) for day in (11, 16, 21)], abs=0.01)
    assert seen == seen.grown(at(11)) == seen.grown(at(5))


def pieces_of(filling: Filling | None, expected: float, daily: float, left: float | None = None) -> list[Cut]:
    """Return how a month is cut while it comes just as was expected, a day being waited for where there is no room."""
    truth = filling or Filling.even(MONTH.start, MONTH.end)
    known, free, found = Known(MONTH.start), daily if left is None else left, list[Cut]()
    while known.until < MONTH.end:
        piece = cut(MONTH, known, expected=expected, filling=filling, left=free, daily=daily, now=LATER)
        if not has_room(piece.file_bytes, free, daily):
            assert free < daily, "a whole day has room for anything"
            free = daily
            continue
        came = expected * (truth.before(piece.window.end) - truth.before(piece.window.start))
        found.append(piece)
        free -= came
        known = Known(piece.window.end, known.file_bytes + came)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_pieces_tile_a_month_and_leave_no_day_short(seed: int) -> None:
    """Whatever its shape, pieces touch, are the whole month, hold all of it, and fit their days but for an import."""
    random = Random(seed)
    places = [random.choice([random.random(), 0.5]) for _ in range(2000)]
    filling = filling_of(*[(1 + 31 * place, random.expovariate(0.01)) for place in places])
    daily = random.uniform(0.05, 0.6) * 200_000
    found = pieces_of(filling, 200_000, daily, left=random.random() * daily)

    assert MONTH.start == found[0].window.start
    assert MONTH.end == found[-1].window.end
    assert all(one.window.end == other.window.start for one, other in pairwise(found))
    assert sum(piece.part for piece in found) == pytest.approx(1.0)
    noon = at(16.5)
    larger = [piece for piece in found if piece.file_bytes > daily]
    assert all(piece.window.start <= noon < piece.window.end for piece in larger)
    assert all(piece.file_bytes >= 0.99 * LEAST_OF_DAY * daily for piece in found[:-1])


def test_what_nobody_knows_is_a_guess_at_first() -> None:
    """Half of what is left is taken where nothing tells how a month is filled; most of it where a sample does."""
    guessed = pieces_of(None, 1000, 500)[0]
    assert guessed.file_bytes == pytest.approx(250, abs=1)
    known = pieces_of(filling_of(*evenly(1000)), 1000, 500)[0]
    assert known.file_bytes == pytest.approx(465, abs=2)


def test_an_import_larger_than_a_day_has_one_to_itself() -> None:
    """It cannot be parted; what came before goes first, and it goes on the next day with nothing spent."""
    filling = filling_of(*evenly(100), (20.0, 2000.0))
    before, imported, after = pieces_of(filling, 3000, 1000)
    assert at(20) == before.window.end == imported.window.start
    assert imported.file_bytes == pytest.approx(2000, abs=60)
    assert after.window.start - imported.window.start <= timedelta(minutes=1)


def test_more_than_was_expected_is_learnt_from() -> None:
    """Where what came is twice what was expected of it, so is what is still to come."""
    filling = filling_of(*evenly(1000))
    known = Known(at(11), 2 * 1000 * filling.before(at(11)))
    piece = cut(MONTH, known, expected=1000, filling=filling, left=2000, daily=2000, now=LATER)
    assert piece.file_bytes == pytest.approx(2 * 1000 * 21 / 31, rel=0.02)
