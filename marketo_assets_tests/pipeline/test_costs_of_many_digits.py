"""Costs that have more digits than a float holds."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from marketo_assets.models.reference import count_misfits
from marketo_assets_tests.pipeline.conftest import MakeRoad
from marketo_assets_tests.pipeline.reference_road import land, load


class Precise(httpx.BaseTransport):
    """Marketo, as it writes a number with more digits than the instance of a test can hold."""

    def __init__(self, inner: httpx.BaseTransport, told: str, meant: str) -> None:
        self._inner, self._told, self._meant = inner, told.encode(), meant.encode()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = answer.read().replace(self._told, self._meant)
        return httpx.Response(answer.status_code, content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("digits", "cost"),
    [
        ("12345678901234.5678", Decimal("12345678901234.5678")),
        ("0.1000", Decimal("0.1000")),
        ("99999999999999.9999", Decimal("99999999999999.9999")),
        ("123456789012345678.25", None),
        ("1.23456", None),
    ],
)
def test_costs_keep_every_digit(make_road: MakeRoad, digits: str, cost: Decimal | None) -> None:
    """A cost of eighteen digits is that cost; one that the column cannot hold is empty there, counted, and kept."""
    road = make_road(leads=5, months=1)
    one = road.with_settings(objects=("program_costs",))
    costs = [{"startDate": "2026-01-01T00:00:00Z+0000", "cost": 4242.75, "note": ""}]
    road.desk("PATCH", "/assets/program/1003", values={"costs": costs})
    assert road.transport
    land(one, transport=Precise(road.transport, "4242.75", digits))
    load(one)
    one.publish()

    assert [(cost,)] == one.query("SELECT cost FROM program_costs WHERE program_id = 1003")
    ((record,),) = one.query(
        "SELECT record::VARCHAR FROM raw.reference_versions WHERE object = 'program_details' AND id = '1003'"
    )
    assert digits.rstrip("0") in record
    with one.warehouse.held() as con:
        assert ({} if cost else {"program_costs.cost": 1}) == count_misfits(con)
