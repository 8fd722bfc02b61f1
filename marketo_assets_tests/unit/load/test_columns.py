"""Columns: their names and types, and how a table follows the fields."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from marketo_assets.load.columns import (
    Column,
    column_type,
    fit_columns,
    name_columns,
    quoted,
    table_columns,
    text_literal,
    widen_column,
    wider,
)
from marketo_assets.warehouse import DuckDBConnection

MOMENT = "TIMESTAMP WITH TIME ZONE"
# As the interface page has them.
TYPES = {
    **dict.fromkeys(["string", "text", "email", "phone", "url", "reference", "array", "something new"], "VARCHAR"),
    **dict.fromkeys(["integer", "score", "Integer"], "BIGINT"),
    **dict.fromkeys(["float", "percent"], "DOUBLE"),
    "currency": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": MOMENT,
}


@pytest.mark.parametrize(("data_type", "expected"), TYPES.items())
def test_the_type_of_a_column(data_type: str, expected: str) -> None:
    """Each of Marketo's types becomes the one of the interface page; an unknown one is text."""
    assert expected == column_type("field", data_type)


def test_the_key_is_a_number_whatever_describe_says() -> None:
    """The lead id is BIGINT, also where Describe calls it a string."""
    assert "BIGINT" == column_type("id", "string")


WIDER = [
    ("BIGINT", "BIGINT", "BIGINT"),
    ("DATE", MOMENT, MOMENT),
    ("BIGINT", "DECIMAL(18,4)", "DECIMAL(23,4)"),
    ("DECIMAL(18,4)", "DECIMAL(19,5)", "DECIMAL(19,5)"),
    ("DECIMAL(24,4)", "DECIMAL(19,5)", "DECIMAL(25,5)"),
    ("DECIMAL(38,4)", "DECIMAL(38,10)", "VARCHAR"),
    ("BIGINT", "DOUBLE", "VARCHAR"),
    ("DOUBLE", "DECIMAL(18,4)", "VARCHAR"),
    ("BOOLEAN", "BIGINT", "VARCHAR"),
    ("DATE", "BIGINT", "VARCHAR"),
    ("VARCHAR", "DATE", "VARCHAR"),
]


@pytest.mark.parametrize(("one", "other", "expected"), WIDER)
def test_the_wider_type(one: str, other: str, expected: str) -> None:
    """Two types meet in the narrowest that holds all values of both, in text if there is none."""
    assert expected == wider(one, other) == wider(other, one)


WIDENED = {
    "integers to text": ("BIGINT", "VARCHAR", -(2**63), "-9223372036854775808"),
    "integers to currency": ("BIGINT", "DECIMAL(23,4)", 2**63 - 1, Decimal(2**63 - 1)),
    "currency to text": ("DECIMAL(18,4)", "VARCHAR", Decimal("-0.5000"), "-0.5"),
    "whole currency to text": ("DECIMAL(18,4)", "VARCHAR", Decimal(1200), "1200"),
    "no currency to text": ("DECIMAL(18,4)", "VARCHAR", Decimal(0), "0"),
    "currency to more digits": (
        "DECIMAL(18,4)",
        "DECIMAL(25,9)",
        Decimal("99999999999999.9999"),
        Decimal("99999999999999.9999"),
    ),
    "floats to text": ("DOUBLE", "VARCHAR", 33.25, "33.25"),
    "whole floats to text": ("DOUBLE", "VARCHAR", 123456789012345.0, "123456789012345"),
    "large floats to text": ("DOUBLE", "VARCHAR", 1e300, "1e+300"),
    "small floats to text": ("DOUBLE", "VARCHAR", 1e-12, "1e-12"),
    "booleans to text": ("BOOLEAN", "VARCHAR", True, "true"),
    "dates to moments": ("DATE", MOMENT, date(1801, 1, 1), datetime(1801, 1, 1, tzinfo=UTC)),
    "dates to text": ("DATE", "VARCHAR", date(1801, 1, 1), "1801-01-01"),
    "moments to text": (MOMENT, "VARCHAR", datetime(1955, 2, 3, 4, 5, 6, tzinfo=UTC), "1955-02-03T04:05:06Z"),
    "fractions of seconds to text": (
        MOMENT,
        "VARCHAR",
        datetime(2020, 1, 1, 0, 0, 0, 5, UTC),
        "2020-01-01T00:00:00.000005Z",
    ),
}


@pytest.mark.parametrize(("before", "after", "value", "expected"), WIDENED.values(), ids=WIDENED.keys())
def test_a_column_that_is_widened(
    con: DuckDBConnection, before: str, after: str, value: object, expected: object
) -> None:
    """Values read the same in the wider type, as text the way Marketo spells them; no value stays none."""
    con.execute(f'CREATE TABLE t ("the column" {before})')
    con.execute("INSERT INTO t VALUES (?), (NULL)", [value])
    widen_column(con, "t", "the column", before, after)

    assert [(expected,), (None,)] == con.execute("SELECT * FROM t").fetchall()
    assert {"the column": after} == table_columns(con, "main", "t")


def test_a_table_follows_its_fields(con: DuckDBConnection) -> None:
    """A table is made, then grows and widens; what is not asked for any more stays, with its values."""
    first = [Column("a", "a", "BIGINT"), Column("b", "b", "DATE")]
    assert {} == fit_columns(con, "main", "t", first, {"_own": "VARCHAR"})
    con.execute("INSERT INTO t VALUES (1, DATE '2020-01-01', 'x')")
    later = [Column("A", "A", "VARCHAR"), Column("c", "c", "DOUBLE")]

    assert {"a": ("BIGINT", "VARCHAR")} == fit_columns(con, "main", "t", later, {"_own": "VARCHAR"})
    assert {"a": "VARCHAR", "b": "DATE", "_own": "VARCHAR", "c": "DOUBLE"} == table_columns(con, "main", "t")
    assert [("1", date(2020, 1, 1), "x", None)] == con.execute("SELECT * FROM t").fetchall()
    assert {} == fit_columns(con, "main", "t", [*first, *later], {"_own": "VARCHAR"})


def test_a_table_that_does_not_exist_has_no_columns(con: DuckDBConnection) -> None:
    """Asking for the columns of no table gives none."""
    assert {} == table_columns(con, "main", "nothing")


def test_names_that_meet() -> None:
    """The first keeps its name, others count up past names that are taken, and reserved names are taken."""
    found = name_columns(["a", "A", "A_2", "_as_of", "_AS_OF", "b"], {}, ["_as_of"])

    assert {"a": "a", "A": "A_2", "A_2": "A_2_2", "_as_of": "_as_of_2", "_AS_OF": "_AS_OF_3", "b": "b"} == found
    assert found == name_columns(["b", "A_2", "A", "a"], found, ["_as_of"])


@pytest.mark.parametrize("text", ["plain", 'with "quotes"', "with 'single' ones", "", "a;b", "ä\n", "select"])
def test_texts_in_sql(con: DuckDBConnection, text: str) -> None:
    """Any text can be a literal, and any but the empty one a name."""
    assert [(text,)] == con.execute(f"SELECT {text_literal(text)}").fetchall()
    if text:
        con.execute(f"CREATE TABLE t ({quoted(text)} INTEGER)")
        assert [text] == list(table_columns(con, "main", "t"))
