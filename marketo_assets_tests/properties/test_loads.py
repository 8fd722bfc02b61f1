"""Loads, in any order and any number: the same files leave the same tables."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets_tests.pipeline.handmade import (
    AS_OF,
    csv_text,
    land,
    land_and_load,
    lead_rows,
    load,
    published,
    released,
)
from marketo_assets_tests.properties.conftest import BOUNDED

MONTHS = ("2026-01", "2026-02", "2026-03")
STAMP = "2026-02-14T00:00:00Z"
KINDS = {"note": "string", "amount": "currency", "whole": "integer", "is_set": "boolean", "day": "date"}
EVERYTHING = "SELECT * EXCLUDE _load_id FROM main.leads ORDER BY id"
FITTING = st.tuples(
    st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)),
    st.one_of(st.none(), st.decimals(-(10**9), 10**9, places=4).map(lambda number: f"{number:f}")),
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1).map(str)),
    st.sampled_from([None, "true", "false", "0", "1"]),
    st.one_of(st.none(), st.dates().map(str)),
)
"""Texts of one lead, each of which fits its type."""
MISFIT = ("a", "b", "c", "d", "e")
MONTH_FILES = st.lists(
    st.tuples(st.integers(0, 2), st.dictionaries(st.integers(1, 6), FITTING, max_size=5)), min_size=3, max_size=3
)
"""For each month, when it was read (two may have been read in the same minute), and its leads."""


@dataclass(frozen=True)
class State:
    """What a data folder holds that may not depend on how it came there."""

    leads: list[tuple[object, ...]]
    snapshots: list[tuple[object, ...]]
    fields: list[tuple[object, ...]]


def loaded(files: Sequence[tuple[int, dict[int, tuple[str | None, ...]]]], order: Sequence[int]) -> State:
    """Return the state after loading the months in *order*."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        landed = [
            land(
                data_dir,
                csv_text(
                    ["id", "createdAt", "updatedAt", *KINDS],
                    [[str(lead_id), STAMP, STAMP, *texts] for lead_id, texts in leads.items()],
                ),
                KINDS,
                month=month,
                as_of=AS_OF + timedelta(minutes=minutes),
            )
            for month, (minutes, leads) in zip(MONTHS, files, strict=True)
        ]
        for place in order:
            load(data_dir, landed[place])
        with released(data_dir) as ask:
            return State(
                ask(EVERYTHING),
                ask("SELECT * EXCLUDE _load_id FROM raw.lead_snapshots ORDER BY id, _partition"),
                ask("SELECT name, column_name, data_type, is_hidden FROM main.lead_fields ORDER BY name"),
            )


@settings(BOUNDED, max_examples=6)
@given(MONTH_FILES, st.permutations(range(3)), st.lists(st.integers(0, 2), max_size=3))
def test_order_and_repetition_do_not_matter(
    files: list[tuple[int, dict[int, tuple[str | None, ...]]]], order: list[int], again: list[int]
) -> None:
    """Months loaded in any order, some of them again, leave what loading each once in its turn leaves."""
    once = loaded(files, range(3))

    assert once == loaded(files, [*order, *again])
    # The judge knows only that the later reading counts, and of two at once the later month.
    readings = sorted((minutes, place) for place, (minutes, _) in enumerate(files))
    notes = {lead_id: texts[0] for _, place in readings for lead_id, texts in files[place][1].items()}
    assert sorted(notes) == [row[0] for row in once.leads]
    assert [notes[lead_id] for lead_id in sorted(notes)] == [row[3] for row in once.leads]


@settings(BOUNDED, max_examples=8)
@given(st.lists(FITTING, min_size=1, max_size=20))
def test_both_readings_say_the_same(leads: list[tuple[str | None, ...]]) -> None:
    """A file whose texts all fit gives the same rows when one more lead forces the slow, lenient reading."""
    names = ["id", "createdAt", "updatedAt", *KINDS]
    with tempfile.TemporaryDirectory() as folder:
        fast, slow = Path(folder) / "fast", Path(folder) / "slow"
        assert 0 == land_and_load(fast, csv_text(names, lead_rows(leads)), KINDS).rejected_values
        assert 4 == land_and_load(slow, csv_text(names, lead_rows([*leads, MISFIT])), KINDS).rejected_values
        rows = published(fast, EVERYTHING)

        assert rows == published(slow, EVERYTHING)[: len(leads)]
        assert [text if text is None else Decimal(text) for _, text, *_ in leads] == [row[4] for row in rows]
