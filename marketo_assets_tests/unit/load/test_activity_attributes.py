"""One activity's attributes come out in one form, whichever of Marketo's shapes they came in."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_assets.api.activities import ActivityAttribute, ActivityType
from marketo_assets.load.activity_attributes import with_canonical

TYPES = [
    ActivityType(
        1,
        "Visit Webpage",
        None,
        (
            ActivityAttribute("Zeta"),
            ActivityAttribute("Count", "integer"),
            ActivityAttribute("Ok", "boolean"),
            ActivityAttribute("Rate", "float"),
            ActivityAttribute('q"x\\'),
            ActivityAttribute("é", "date"),
            ActivityAttribute("zETA"),
        ),
    ),
    ActivityType(2, "Bare", None, ()),
]
NAMES = [*(known.name for known in TYPES[0].attributes), "Unlisted", "a:b", "$.x", "u"]
VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            ":",
            '":""',
            "21",
            "-3",
            "007",
            "true",
            "False",
            "TRUE",
            "tru\u0065",
            "1.50",
            "null",
            "{}",
            "a,b}",
            '\\"',
            " ",
        ]
    ),
    st.text(max_size=6).filter(lambda text: "\x00" not in text),
    st.integers(-(10**17), 10**17),
    st.sampled_from([1.5, 0.25, 100.0, 1e5, 1e22, -2.0, 0.1]),
    st.sampled_from([0, 1, 1111, -111, 10000]),  # as long as the words for truths
    st.booleans(),
    st.none(),
    st.just({"a": 1}),
)


def canonical(*cells: str | None, type_id: int = 1) -> list[str | None]:
    """Return the one form of each of *cells*."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE told (place INTEGER, kind BIGINT, cell VARCHAR)")
        con.executemany("INSERT INTO told VALUES (?, ?, ?)", [[n, type_id, cell] for n, cell in enumerate(cells)])
        source = with_canonical("told", "cell", "kind", TYPES)
        return [row[0] for row in con.execute(f"SELECT attributes FROM {source} ORDER BY place").fetchall()]


def pairs(found: dict[str, Any]) -> str:
    """Return *found* as REST writes it."""
    return json.dumps([{"name": name, "value": value} for name, value in found.items()])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param('{"Zeta":"z","Count":21}', '{"Count":21,"Zeta":"z"}', id="names in order"),
        pytest.param('[{"name":"Count","value":21},{"name":"Zeta","value":"z"}]', '{"Count":21,"Zeta":"z"}', id="list"),
        pytest.param('[{"apiName":"Count","value":21}]', '{"Count":21}', id="list by API names"),
        pytest.param('{"Count":"21","Ok":"True","Rate":"1.50"}', '{"Count":21,"Ok":true,"Rate":1.5}', id="as declared"),
        pytest.param('{"Count":"007","Zeta":5}', '{"Count":"007","Zeta":"5"}', id="what does not fit stays"),
        pytest.param('{"Zeta":"","Count":null,"Ok":false,"é":""}', '{"Ok":false}', id="without value"),
        pytest.param('{"Zeta":"a","New One":"b"}', '{"New One":"b","Zeta":"a"}', id="a name that no type declares"),
        pytest.param('{"Ok":1111,"Zeta":"true"}', '{"Ok":1111,"Zeta":"true"}', id="a number as long as a truth"),
        pytest.param('{"Ok":"tru\\u0065"}', '{"Ok":true}', id="a truth as an escaped text"),
        pytest.param('{"Ok":{"true":1}}', '{"Ok":{"true":1}}', id="an object in place of a truth"),
        pytest.param('{"Ok": true , "Count": 5}', '{"Count":5,"Ok":true}', id="spaces"),
        pytest.param('{"Rate":100.0,"Count":12.0}', '{"Count":12,"Rate":100}', id="numbers spelt at length"),
        pytest.param(
            '{"Zeta": {"a": 1}, "Count": 5}', '{"Count":5,"Zeta":{"a":1}}', id="an object as long as its text"
        ),
        pytest.param(
            '{"Zeta":1,"é":2,"q\\"x\\\\":3,"":4}', '{"":4,"Zeta":"1","q\\"x\\\\":"3","é":"2"}', id="as long by chance"
        ),
        pytest.param(None, "{}", id="none"),
        pytest.param("[]", "{}", id="empty list"),
        pytest.param("5", None, id="no object"),
    ],
)
def test_attributes_have_one_form(told: str | None, expected: str | None) -> None:
    """Names in order, nothing empty, each value of the kind its type declares where it can be."""
    assert [expected] == canonical(told)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=7), st.sampled_from([1, 2, 9]))
def test_object_and_list_come_out_the_same(found: dict[str, Any], type_id: int) -> None:
    """Whatever the values, in whatever order and spelling, both shapes read the same, and no value is lost."""
    backwards = dict(reversed(found.items()))
    told = canonical(
        json.dumps(found),
        json.dumps(found, ensure_ascii=False, separators=(",", ":")),
        json.dumps(backwards, ensure_ascii=False, separators=(",", ":")),
        pairs(found),
        pairs(backwards),
        type_id=type_id,
    )

    assert len(set(told)) == 1, told
    kept = {name for name, value in found.items() if value not in ("", None)}
    assert kept == set(json.loads(told[0] or ""))
    assert told == canonical(*told, type_id=type_id)
