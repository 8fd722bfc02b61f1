"""Any text in any column: it loads exactly, or it is kept as a rejected value. Nothing third happens."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.load import parse
from marketo_assets.load.columns import column_type
from marketo_assets.warehouse import DuckDBConnection, DuckDBTextError, Warehouse
from marketo_assets_tests.pipeline.handmade import csv_text, land_and_load, lead_rows, released
from marketo_assets_tests.properties.conftest import BOUNDED, REPEATABLE

BLANKS = " \t\n\v\f\r"
KINDS = ("string", "integer", "float", "currency", "boolean", "date", "datetime")
# What is near to a value is more telling than any text: digits, signs and separators in every wrong order.
near_misses = st.text("0123456789+-.,eExbT:Z/_ \t", max_size=14)
numbers = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["0x1F", "1_000", "infinity", "NaN", "epoch", "today", "yes", "no", "t", "on", "null", "-0", "1e400"]
    ),
)
days = st.dates().map(str)
moments = st.datetimes(timezones=st.sampled_from([UTC, None])).map(lambda moment: moment.isoformat())
texts = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), near_misses, numbers, days, moments)
cells = st.one_of(
    st.none(), texts, st.sampled_from(["", " ", "\r", "\n", "\r\n", '"', ",", "\0", "\U0010fffd", "\ufeff"])
)


def as_integer(text: str) -> object:
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None


def as_float(text: str) -> object:
    return float(text) if re.fullmatch(r"[-+0-9.eE]+", text) and isfinite(float(text)) else None


def as_currency(text: str) -> object:
    return Decimal(text) if re.fullmatch(r"[-+0-9.eE]+", text) else None


def as_boolean(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def as_date(text: str) -> object:
    return date(*map(int, re.split("[-/]", text)))


def as_datetime(text: str) -> object:
    moment = datetime.fromisoformat(text.replace("/", "-"))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


READINGS: dict[str, Callable[[str], object]] = {
    "integer": as_integer,
    "float": as_float,
    "currency": as_currency,
    "boolean": as_boolean,
    "date": as_date,
    "datetime": as_datetime,
}
"""How a person reads a text as a value of each type, written without a look at the loader."""


def is_right(kind: str, text: str | None, found: object, rejected: str | None) -> bool:
    if text is None or text == "":
        return found is None and rejected is None
    if kind == "string":
        return found == text and rejected is None
    if found is None:
        return rejected == text
    try:
        return rejected is None and READINGS[kind](text.strip(BLANKS)) == found
    except (ValueError, ArithmeticError):
        return False


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBConnection]:
    with Warehouse(tmp_path_factory.mktemp("strict")).held() as con:
        yield con


@settings(REPEATABLE, max_examples=2_000)
@given(st.sampled_from(KINDS), cells)
def test_the_fast_reading_is_exact_or_gives_up(con: DuckDBConnection, kind: str, text: str | None) -> None:
    """The reading that most files get never changes a value: what it gives reads like the text, or it gives nothing."""
    wanted = column_type(kind, kind)
    read_as = parse.reading_type(wanted, is_strict=True)
    # Of an empty cell, the CSV reader makes no value.
    cell = text or None
    try:
        row = con.execute(f"SELECT {parse.strict_cast('c', wanted)} FROM (SELECT CAST(? AS {read_as}) AS c)", [cell])
        ((found,),) = row.fetchall()
    except DuckDBTextError:
        return
    assert is_right(kind, cell, found, None), found


@BOUNDED
@given(st.lists(cells, min_size=1, max_size=60))
def test_a_text_loads_exactly_or_is_kept(texts: list[str | None]) -> None:
    """Each text stands in a column of each type; what is loaded reads the same, what is not is in rejected_values."""
    rows = lead_rows([[text] * len(KINDS) for text in texts])
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        loaded = land_and_load(
            data_dir, csv_text(["id", "createdAt", "updatedAt", *KINDS], rows), {kind: kind for kind in KINDS}
        )
        with released(data_dir) as ask:
            found = ask(f"SELECT id, {', '.join(KINDS)} FROM main.leads")
            kept = {(row[0], row[1]): row[2] for row in ask("SELECT lead_id, field, value FROM meta.rejected_values")}

    assert len(texts) == loaded.rows == len(found)
    assert len(kept) == loaded.rejected_values
    wrong = [
        (kind, texts[lead_id - 1], value, kept.get((lead_id, kind)))
        for lead_id, *values in found
        for kind, value in zip(KINDS, values, strict=True)
        if not is_right(kind, texts[lead_id - 1], value, kept.get((lead_id, kind)))
    ]
    assert [] == wrong
