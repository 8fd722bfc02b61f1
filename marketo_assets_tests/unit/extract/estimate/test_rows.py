"""The bytes of a cell, told from its REST value, are those that an export file has."""

from __future__ import annotations

import csv
import io

import pytest

from marketo_assets.api.values import Number
from marketo_assets.extract.estimate.rows import cell_bytes, header_bytes, row_sizes


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "null"),
        ("", ""),
        ("plain", "plain"),
        ("漢字", "漢字"),
        ("a,b", '"a,b"'),
        ('say "yes"', '"say ""yes"""'),
        ("two\nlines", '"two\nlines"'),
        ("null", '"null"'),
        (True, "true"),
        (-12, "-12"),
        (Number("1234.50"), "1234.50"),
    ],
    ids=repr,
)
def test_a_cell_is_as_long_as_marketo_writes_it(value: object, cell: str) -> None:
    """Nothing is the word null, texts are quoted where they must be, numbers come as they were spelled."""
    assert len(cell.encode()) == cell_bytes(value)


def test_a_row_is_the_sum_of_its_cells() -> None:
    """Commas and the line end belong to it."""
    lead = {"id": 7, "email": "a@example.com", "notes": 'a "b", c'}
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([7, "a@example.com", "null", 'a "b", c'])
    names = ["id", "email", "phone", "notes"]

    assert len(line.getvalue().encode()) == sum(row_sizes(lead, names))
    assert len("id,email,phone,notes\n") == header_bytes(names)
