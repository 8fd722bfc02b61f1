"""How the properties are tried: the same examples every time, a bounded number of them."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

REPEATABLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    # The folder for tests, which each example gets a part of its own in, is the only fixture.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Many examples of what takes next to no time."""
BOUNDED = settings(REPEATABLE, max_examples=20, phases=[Phase.explicit, Phase.generate, Phase.target, Phase.shrink])
"""Few examples of what loads a file."""
