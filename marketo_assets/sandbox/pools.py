"""The values that leads draw from: ordinary ones, and every awkward one that a reader must survive.

A pool is a list of texts as a CSV cell would carry them, None for an empty value. A value that stands in a pool
of *n* is drawn by about one lead in *n*. No real person, address or domain appears.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from marketo_assets.sandbox.fields import plain_decimal

Pool = list[str | None]
Maker = Callable[[Random], Pool]

FIRST = ("Ada", "Ben", "Chloé", "Elif", "Femi", "Göran", "Hana", "Ines", "Jörg", "Kim", "Łukasz", "Mai")
LAST = ("Abara", "Brandt", "Castro", "Dubois", "Eriksen", "Farkaš", "García", "Hoang", "Jensen", "O'Neil", "Null")
COMPANY = ("Acme", "Bluewater", "Copper & Sons", "Duneside, Inc.", "Evergreen", "Fjord", "Granite", "Harbor", "Ibex")
WORD = ("north", "solar", "quiet", "harvest", "signal", "copper", "meadow", "lattice", "ember", "delta", "mint")

AWKWARD: tuple[str, ...] = (
    "null",
    "NULL",
    "Null",
    "None",
    "NaN",
    "N/A",
    "\\N",
    '""',
    '"',
    'She said "yes"',
    '"quoted whole"',
    "one, two, three",
    "a;b;c",
    "tab\there",
    "line one\nline two",
    "carriage\rreturn",
    "both\r\nends",
    "\nstarts and ends\n",
    "trailing return\r",
    " leading space",
    "trailing space ",
    " ",
    "\t",
    "000123",
    "1e5",
    "+15550100",
    "-0",
    "true",
    "2020-02-30",
    "=1+1",
    'comma,"quote",\nline\r\nnull',
    "back\\slash",
    "single 'quote'",
    "smile 😀 family 👩‍👩‍👧 flag 🇧🇷",
    "漢字とカナ",
    "한국어",
    "العربية",
    "combining e\u0301 against \u00e9",
    "line\u2028separator\u2029paragraph",
    "next\u0085line",
    "no\u00a0break\u200bzero width",
    "byte order \ufeffmark",
    "%s {0} $1 #{x}",
    "<b>html</b> &amp; &nbsp;",
    "-- '; DROP TABLE leads; --",
)


def draw(rng: Random, items: Sequence[str]) -> str:
    """Return one of *items*."""
    return items[int(rng.random() * len(items))]


def whole(rng: Random, low: int, high: int) -> int:
    """Return a whole number from *low* to *high*, both included."""
    return low + int(rng.random() * (high - low + 1))


def with_empties(pool: Sequence[str | None], percent: int) -> Pool:
    """Return *pool* followed by so many empty values that they are *percent* of the whole."""
    return [*pool, *([None] * (len(pool) * percent // (100 - percent)))]


def choice(*values: str, empty: int = 0) -> Maker:
    """Return a maker of the given *values*, equally likely, *empty* percent null; without any value all are."""
    return lambda _rng: with_empties(list(values) * 20, empty) or [None]


def phrases(size: int = 300, words: int = 3, *, empty: int = 10, extra: Sequence[str] = ()) -> Maker:
    """Return a maker of *size* short phrases, with *extra* values among them."""

    def make(rng: Random) -> Pool:
        made = [" ".join(draw(rng, WORD) for _ in range(1 + int(rng.random() * words))) for _ in range(size)]
        return with_empties([*made, *extra], empty)

    return make


def names(parts: Sequence[str], *, empty: int, extra: Sequence[str] = ()) -> Maker:
    """Return a maker of *parts* as they are, alone or hyphenated in pairs, with *extra* values among them."""

    def make(rng: Random) -> Pool:
        pairs = [f"{draw(rng, parts)}-{draw(rng, parts)}" for _ in range(40)]
        return with_empties([*list(parts) * 12, *pairs, *extra], empty)

    return make


def awkward(size: int = 150, *, empty: int = 20) -> Maker:
    """Return a maker in which every awkward text stands once among *size* phrases."""
    return phrases(size, 6, empty=empty, extra=AWKWARD)


def long_texts(rng: Random) -> Pool:
    """Return phrases and awkward texts, with one of 5,000 characters and one of 5,000 that needs every quoting."""
    plain = "".join(f"{draw(rng, WORD)} " for _ in range(1000))[:5000]
    mixed = ('He wrote: "né 漢 😀",\r\n\t' * 300)[:5000]
    return [*awkward(100, empty=30)(rng), plain, mixed]


def integers(low: int, high: int, *, empty: int = 10, extra: Sequence[int] = ()) -> Maker:
    """Return a maker of whole numbers from *low* to *high*, with *extra* ones among them."""

    def make(rng: Random) -> Pool:
        return with_empties([*(str(whole(rng, low, high)) for _ in range(300)), *map(str, extra)], empty)

    return make


def decimals(low: int, high: int, places: int, *, empty: int = 10, extra: Sequence[str] = ()) -> Maker:
    """Return a maker of decimal numbers from *low* to *high* with at most *places* decimals."""

    def make(rng: Random) -> Pool:
        scale = 10**places
        made = [plain_decimal(Decimal(whole(rng, low * scale, high * scale)).scaleb(-places)) for _ in range(300)]
        return with_empties([*made, *extra], empty)

    return make


def dates(first: str, last: str, *, empty: int = 20, extra: Sequence[str] = ()) -> Maker:
    """Return a maker of days from *first* to *last*, with *extra* ones among them."""
    start = date.fromisoformat(first)
    days = (date.fromisoformat(last) - start).days

    def make(rng: Random) -> Pool:
        made = [(start + timedelta(days=whole(rng, 0, days))).isoformat() for _ in range(300)]
        return with_empties([*made, *extra], empty)

    return make


def moments(first: str, last: str, *, empty: int = 20, extra: Sequence[str] = ()) -> Maker:
    """Return a maker of moments from *first* to *last*, to the second, with *extra* ones among them."""
    start = datetime.fromisoformat(first)
    seconds = int((datetime.fromisoformat(last) - start).total_seconds())

    def make(rng: Random) -> Pool:
        made = [f"{(start + timedelta(seconds=whole(rng, 0, seconds))).isoformat()}Z" for _ in range(300)]
        return with_empties([*made, *extra], empty)

    return make
