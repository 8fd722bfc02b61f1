"""A value that its type does not allow: the row loads, the text is kept word for word, and nothing is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.handmade import csv_text, land, land_and_load, lead_rows, load, published
from marketo_assets_tests.pipeline.road import Road

MONTHS = ("2026-06", "2026-07", "2026-08")
FORTY = "1234567890" * 4
HEAD = ["id", "createdAt", "updatedAt", "field"]

FITTING: dict[str, dict[str, object]] = {
    "integer": {"-9223372036854775808": -(2**63), "007": 7, " 12 ": 12, "+5": 5, "-0": 0},
    "score": {"-20": -20},
    "float": {"1e3": 1000.0, "-0.000000000001": -1e-12, ".5": 0.5, "123456789012345": 123456789012345.0},
    "percent": {"33.333333": 33.333333, "100": 100.0},
    "currency": {"-0.5": Decimal("-0.5"), "1.25000": Decimal("1.25"), "1.2345678E7": Decimal(12345678)},
    "boolean": {"true": True, "false": False, "1": True, "0": False, "TRUE": True},
    "date": {"2024-02-29": date(2024, 2, 29), "0001-01-01": date(1, 1, 1), "9999-12-31": date(9999, 12, 31)},
    "datetime": {
        "2013-09-26T06:56:35+0000": datetime(2013, 9, 26, 6, 56, 35, tzinfo=UTC),
        "2022-02-13T14:06:20-08:00": datetime(2022, 2, 13, 22, 6, 20, tzinfo=UTC),
        "2022-02-13T14:06:20Z": datetime(2022, 2, 13, 14, 6, 20, tzinfo=UTC),
        "1970-01-01T00:00:00Z": datetime(1970, 1, 1, tzinfo=UTC),
        "2022-02-13T14:06:20.25Z": datetime(2022, 2, 13, 14, 6, 20, 250_000, tzinfo=UTC),
    },
}
MISFITS = {
    "integer": ["1.5", "1.0", "1e3", "9223372036854775808", FORTY, "0x10", "0b11", "1_000", "twelve", "null", "NaN"],
    "float": ["NaN", "inf", "1e400", "0x10", "1_0.5", "1,5", "abc"],
    "currency": [FORTY, "1_000", "12,50", "$5", "NaN", "0x10"],
    "boolean": ["2", "maybe", "-1"],
    "date": ["2024-02-31", "2023-02-29", "epoch", "infinity", "2024-01-01T10:00:00Z", "01.02.2024", "20240101"],
    "datetime": ["2024-02-31T00:00:00Z", "epoch", "infinity", "now", "10:00", "2024-01-01T00:00:00.1234567Z"],
}


@pytest.mark.parametrize("kind", FITTING)
@pytest.mark.parametrize("others", [[], ["no value of any type"]], ids=["alone", "beside a misfit"])
def test_a_value_that_fits(data_dir: Path, kind: str, others: list[str]) -> None:
    """A text that says a value of its type is loaded as that value, whatever else the file holds."""
    texts = [*FITTING[kind], *others]
    loaded = land_and_load(data_dir, csv_text(HEAD, lead_rows([[text] for text in texts])), {"field": kind})

    assert [*FITTING[kind].values(), *(None for _ in others)] == [
        found for (found,) in published(data_dir, "SELECT field FROM main.leads ORDER BY id")
    ]
    assert len(others) == loaded.rejected_values


@pytest.mark.parametrize("kind", MISFITS)
def test_a_value_that_does_not_fit(data_dir: Path, kind: str) -> None:
    """A text that is no value of its type leaves NULL in the cell and stands in `meta.rejected_values` as it was."""
    texts = MISFITS[kind]
    loaded = land_and_load(data_dir, csv_text(HEAD, lead_rows([[text] for text in texts])), {"field": kind})

    assert (len(texts), len(texts)) == (loaded.rows, loaded.rejected_values)
    assert [(0, len(texts))] == published(data_dir, "SELECT count(field), count(*) FROM main.leads")
    assert [(loaded.load_id, number, "field", text) for number, text in enumerate(texts, start=1)] == published(
        data_dir, "SELECT load_id, lead_id, field, value FROM meta.rejected_values ORDER BY lead_id"
    )


AMOUNTS = {
    "five decimals": (["1.5", "0.00001"], "DECIMAL(19,5)"),
    "twenty digits": (["1.5", "12345678901234567890"], "DECIMAL(24,4)"),
    "both": (["12345678901234567890", "0.00001"], "DECIMAL(25,5)"),
    "thirteen zeros": (["0.00000000000049"], "DECIMAL(28,14)"),
    "thirty-four digits": (["1234567890123456789012345678901234.5678"], "DECIMAL(38,4)"),
    "an exponent": (["1.23E-5", "1.5E15"], "DECIMAL(23,7)"),
}


@pytest.mark.parametrize(("texts", "column_type"), AMOUNTS.values(), ids=AMOUNTS.keys())
def test_currency_widens_for_every_digit(data_dir: Path, texts: list[str], column_type: str) -> None:
    """A currency column grows to hold what is delivered, and what it held before stays what it was."""
    land_and_load(data_dir, csv_text(HEAD, lead_rows([["99999999999999.9999"]])), {"field": "currency"})
    landed = land(
        data_dir,
        csv_text(HEAD, lead_rows([[text] for text in texts], first_id=2)),
        {"field": "currency"},
        month="2026-04",
    )
    loaded = load(data_dir, landed)

    assert (0, column_type) == (loaded.rejected_values, loaded.columns["field"])
    assert [(Decimal(text),) for text in ["99999999999999.9999", *texts]] == published(
        data_dir, "SELECT field FROM main.leads ORDER BY id"
    )


def test_more_digits_than_a_decimal_has(data_dir: Path) -> None:
    """Where 38 digits are not enough, digits before the point count first, and the other text is kept as rejected."""
    texts = ["123456789012345678901234567890", "0.1234567890"]
    loaded = land_and_load(data_dir, csv_text(HEAD, lead_rows([[text] for text in texts])), {"field": "currency"})

    assert ("DECIMAL(38,8)", 1) == (loaded.columns["field"], loaded.rejected_values)
    assert [(Decimal(texts[0]),), (None,)] == published(data_dir, "SELECT field FROM main.leads ORDER BY id")
    assert [(texts[1],)] == published(data_dir, "SELECT value FROM meta.rejected_values")


def test_rejected_again_and_mended(data_dir: Path) -> None:
    """A month loaded again has its own rejected values; when Marketo's value is mended, the cell is filled."""
    for text, count in (("1.5", 1), ("1.5", 1), ("2", 0)):
        loaded = land_and_load(data_dir, csv_text(HEAD, lead_rows([[text]])), {"field": "integer"})
        assert count == loaded.rejected_values
    held = "SELECT field, (SELECT count(*) FROM meta.rejected_values WHERE load_id = _load_id) FROM main.leads"

    assert [(2, 0)] == published(data_dir, held)


@pytest.mark.parametrize("data_type", ["integer", "float", "currency", "boolean", "date", "datetime"])
def test_awkward_texts_in_a_field_that_was_a_text(make_road: MakeRoad, data_type: str) -> None:
    """Texts in a field that became another type before it was copied are loaded exactly, or kept as rejected."""
    road = make_road()
    for name in ("select", "codeWithZeros", "regionCode", "legacyTags"):
        road.desk("POST", f"/fields/{name}/retype", data_type=data_type)
    road.travel(*MONTHS)

    assert [] == road.differences()
    assert [(True,)] == road.query("SELECT count(*) > 50 FROM meta.rejected_values")


EDITS = {
    "NUL": "a\0b\0",
    "the character that stands in for CR": "\U0010fffd\r\U0010fffd0",
    "CR, LF and both": "\r\n\r\r\n\n",
    "quotes only": '""""',
    "the highest character": "\U0010ffff",
    "30,000 bytes": 'ä,"\r\n' * 5_000,
    "one blank": " ",
    "the word null": "null",
    "null in quotes": '"null"',
}


def test_awkward_texts_by_edit(road: Road) -> None:
    """Every text that can be written into Marketo comes out as it went in."""
    road.travel(*MONTHS)
    ids = [found for (found,) in road.query("SELECT id FROM main.leads ORDER BY id LIMIT ?", len(EDITS))]
    for lead_id, text in zip(ids, EDITS.values(), strict=True):
        road.desk("PATCH", f"/leads/{lead_id}", values={"notes": text})
    road.travel(*MONTHS, is_refresh=True)

    assert list(EDITS.values()) == [
        road.query("SELECT notes FROM main.leads WHERE id = ?", lead_id)[0][0] for lead_id in ids
    ]
    assert [] == road.differences()


def test_an_instance_that_does_not_quote_the_word_null(road: Road) -> None:
    """Where nobody can tell the word null from no value, NULL is the answer, and nothing else differs."""
    road.desk("PATCH", "/switches", quote_null_text=False)
    road.travel(*MONTHS)
    found = road.differences(most=10_000)

    assert found
    assert [] == [line for line in found if not line.endswith("expected 'null', found None")]
