"""The judge itself: whatever is not as the instance has it, it finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketo_assets_tests.pipeline.road import Road, local_road
from marketo_assets_tests.truth import differences

MONTHS = ("2026-06", "2026-07", "2026-08")
RAW = "main.leads"
HARMS = {
    "a lead is missing": (f"DELETE FROM {RAW} WHERE id = 1001", "lead 1001 is missing"),
    "a lead that does not exist": (
        f"INSERT INTO {RAW} BY NAME SELECT * REPLACE (7 AS id) FROM {RAW} WHERE id = 1001",
        "lead 7 does not exist",
    ),
    "a lead is there twice": (f"INSERT INTO {RAW} SELECT * FROM {RAW} WHERE id = 1001", "1 leads are there twice"),
    "a text": (
        f"UPDATE {RAW} SET planName = concat(planName, ' ') WHERE planName <> ''",
        "planName (string): expected",
    ),
    "a number": (
        f"UPDATE {RAW} SET bigCounter = bigCounter - 1 WHERE bigCounter > 0",
        "bigCounter (integer): expected",
    ),
    "a cent": (f"UPDATE {RAW} SET balance = balance + 0.0001", "balance (currency): expected"),
    "a second": (f"UPDATE {RAW} SET lastVisitAt = lastVisitAt + INTERVAL 1 SECOND", "lastVisitAt (datetime): expected"),
    "a day": (f"UPDATE {RAW} SET foundedOn = foundedOn + 1", "foundedOn (date): expected"),
    "a truth": (f'UPDATE {RAW} SET "group" = NOT "group"', "group (boolean): expected"),
    "a value that was lost": (f"UPDATE {RAW} SET seatCount = NULL", "found None"),
    "a value out of nothing": (f"UPDATE {RAW} SET neverFilled = 'x'", "expected None, found 'x'"),
    "another type": (f"ALTER TABLE {RAW} ALTER seatCount SET DATA TYPE DOUBLE", "column seatCount (integer) is DOUBLE"),
    "a column that is missing": (f"ALTER TABLE {RAW} DROP COLUMN planName", "column planName is missing"),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with local_road(tmp_path_factory.mktemp("judge") / "data") as road:
        road.travel(*MONTHS)
        yield road


@pytest.mark.parametrize(("harm", "words"), HARMS.values(), ids=HARMS.keys())
def test_a_difference_is_found(copied: Road, harm: str, words: str) -> None:
    """One harm done to a copy that equals the instance, and the judge names it."""
    with copied.warehouse.held() as con:
        assert [] == differences(con, copied.control)
        con.execute("BEGIN")
        con.execute(harm)
        found = differences(con, copied.control)
        con.execute("ROLLBACK")

    assert [line for line in found if words in line]
