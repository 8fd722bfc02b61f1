"""The values that activities of the seed draw from: for attributes any JSON value, for primary ones id and text.

None is an attribute that the activity does not have. No real person, address or domain appears.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random

from marketo_assets.sandbox import pools
from marketo_assets.sandbox.fields import Json
from marketo_assets.sandbox.reference import CAMPAIGNS, EMAILS, FORMS, PAGES, PROGRAMS, SEGMENTATIONS, Named

Pair = tuple[int | None, str | None]


def _texts(maker: pools.Maker) -> Callable[[Random], list[Json]]:
    return lambda rng: list(maker(rng))


def _numbers(*makers: pools.Maker) -> Callable[[Random], list[Json]]:
    return lambda rng: [None if text is None else json.loads(text) for maker in makers for text in maker(rng)]


def _among(*values: Json) -> Callable[[Random], list[Json]]:
    return lambda _: list(values)


ATTRIBUTES: Mapping[str, Callable[[Random], list[Json]]] = {
    "phrase": _texts(pools.phrases(200, 4, empty=15, extra=("null", "007"))),
    "awkward": _texts(pools.awkward(60, empty=20)),
    "source": _among("Web", "Web service API", "Marketo Flow Action", "null", None),
    "score": _among("0", "5", "10", "-3", "100", None, "+5"),
    "token": _texts(pools.phrases(80, 1, empty=10, extra=("0012", "1e5", "true"))),
    "address": _texts(pools.choice("a.b+tag@example.org", "kim@example.com", empty=20)),
    "phone": _texts(pools.choice("+1 555 0100", "0049-30-5550100", empty=40)),
    "ip": _texts(pools.choice("203.0.113.9", "198.51.100.77", "2001:db8::7", empty=10)),
    "query": _texts(pools.choice("utm_source=a&utm_medium=%22b%22", "q=né,2&x=\\", "a=1;b=2", empty=50)),
    "url": _texts(pools.choice("https://example.com/a?b=1,2&c=%22", "example.net/ä", "http://x.example/", empty=20)),
    "agent": _texts(pools.choice('Mozilla/5.0 (X11; "x86", Linux)', "curl/8.0", "Opera/9.80; U; en", empty=10)),
    "platform": _texts(pools.choice("iOS", "Linux", "unknown", empty=20)),
    "json": _among('a:1:{s:5:"Email";s:3:"a@b"}', '{"Email": "kim@example.com", "n": [1, null]}', "[]", None, "\n"),
    "cadence": _among("paus", "norm", None),
    "flag": _among(True, False, False, None),
    "small": _numbers(pools.integers(0, 5, empty=20)),
    "whole": _numbers(pools.integers(-500, 5_000, empty=20)),
    "number": _numbers(pools.integers(1, 900, empty=15)),
    "big": _numbers(pools.integers(0, 2**40, empty=10, extra=(2**31, 2**53 + 1, 2**63 - 1))),
    "decimal": _numbers(pools.decimals(-90, 9_000, 4, extra=("0.1", "1234567890.1234", "-0.0001"))),
    "date": _texts(pools.dates("1969-12-31", "2031-12-31", extra=("2024-02-29",))),
    "moment": _texts(pools.moments("2015-01-01", "2026-01-01", empty=25)),
}
"""What stands in an attribute, by the name of its pool."""

UNFIT: Mapping[str, Sequence[Json]] = {
    "integer": ("n/a", 1.5, 2**63, "12", True, "1,000"),
    "float": ("1,5", "high", False),
    "currency": ("€ 5", "0.12345", 10**15),
    "boolean": ("yes", 1, "true", "maybe"),
    "date": ("31/12/2025", "2025-02-30", "2025-06-01T00:00:00Z", 20250601),
    "datetime": ("yesterday", "2025-06-01", 1_750_000_000, "2025-13-01T00:00:00Z"),
    "string": (5, 0.5, True),
    "email": (7,),
    "url": (0,),
    "link": (False,),
    "phone": (15550100,),
    "text": (1.25,),
}
"""What an attribute of that data type may hold all the same, when a switch says so."""


def _named(*groups: Sequence[Named]) -> list[Pair]:
    return [(asset.id, asset.full_name) for group in groups for asset in group]


PRIMARY: Mapping[str, list[Pair]] = {
    "email": _named(EMAILS),
    "form": _named(FORMS),
    "campaign": _named(CAMPAIGNS),
    # A page that Marketo does not host has no name: its address stands there instead.
    "page": [
        *_named(PAGES),
        *((90_001 + n, f"example.com/page/{n}?a=1,2") for n in range(40)),
        (None, "example.net/ü"),
    ],
    "link": [(80_001 + n, f'https://example.com/click/{n}?q="{n}"') for n in range(60)],
    "program": [(program.id, program.name) for program in PROGRAMS],
    "segmentation": [(9_100 + n, name) for n, name in enumerate(SEGMENTATIONS)],
    "field": [(16, "Person Score"), (1017, "Behavior Score"), (1018, "Fit Score")],
    "number": [(n, f"Thing {n}") for n in range(700, 760)] + [(None, None)],
    "milestone": [(None, text) for text in ("Web", "Email", "Offline, at a booth", 'Said "yes"', "null", "漢字\nline")],
}
"""Id and text of a primary attribute, by the name of its pool; without a pool it is the lead itself."""


def attribute_values(pool: str, rng: Random) -> list[Json]:
    """Return the values of that pool; the ids of segments and programs are those of the seed's."""
    if pool == "segment":
        return [segment.id for segments in SEGMENTATIONS.values() for segment in segments]
    return ATTRIBUTES[pool](rng) if pool in ATTRIBUTES else [None]
