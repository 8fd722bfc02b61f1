"""Names and types of columns, for any fields."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from marketo_assets.load.columns import column_type, name_columns, wider
from marketo_assets_tests.properties.conftest import REPEATABLE

# Few letters, so that names meet; suffixes, so that they meet what the naming makes of others.
names = st.text("aAbB", min_size=1, max_size=3).flatmap(lambda text: st.sampled_from([text, f"{text}_2", f"{text}_3"]))
fields = st.lists(names, unique=True, max_size=12)
reserved = st.lists(names, max_size=3)
decimals = st.tuples(st.integers(1, 38), st.integers(0, 37)).filter(lambda size: size[1] <= size[0])
types = st.one_of(
    st.sampled_from(["VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP WITH TIME ZONE", "DECIMAL(18,4)"]),
    decimals.map(lambda size: f"DECIMAL({size[0]},{size[1]})"),
)
KINDS = [
    *("string", "text", "email", "phone", "url", "reference", "array"),
    *("integer", "score", "percent", "float", "currency", "boolean", "date", "datetime"),
]


@REPEATABLE
@given(fields, reserved)
def test_names_never_meet(described: list[str], taken: list[str]) -> None:
    """Every field has a column, no two have one that differs only in case, and none has a reserved one."""
    found = name_columns(described, {}, taken)
    lower = [column.lower() for column in found.values()]

    assert set(described) == set(found)
    assert len(set(lower)) == len(lower)
    assert not set(lower) & {name.lower() for name in taken}


@REPEATABLE
@given(fields, fields, reserved)
def test_names_are_kept_for_ever(first: list[str], later: list[str], taken: list[str]) -> None:
    """What a field was called once it is called for ever, whatever fields come and go, in whatever order."""
    before = name_columns(first, {}, taken)
    after = name_columns([*later, *first], before, taken)

    assert before == {field: after[field] for field in before}
    assert after == name_columns(sorted(after), after, taken)
    assert len({column.lower() for column in after.values()}) == len(after)


@REPEATABLE
@given(fields)
def test_a_field_that_meets_no_other_keeps_its_name(described: list[str]) -> None:
    """Only a field whose name is taken gets a suffix, and the first of those that meet is not one of them."""
    found, seen = name_columns(described, {}), set[str]()
    for field in described:
        if field.lower() not in seen:
            assert field == found[field]
        seen |= {field.lower(), found[field].lower()}


@REPEATABLE
@given(types, types, types)
def test_widening_has_one_answer(one: str, two: str, three: str) -> None:
    """The wider of types is the same in whatever order and grouping they meet, and of a type with itself that type."""
    assert one == wider(one, one)
    assert wider(one, two) == wider(two, one)
    assert wider(one, wider(one, two)) == wider(one, two)
    assert 1 == len({wider(wider(a, b), c) for a, b, c in permutations((one, two, three))})


@REPEATABLE
@given(st.sampled_from(KINDS), st.sampled_from(KINDS))
def test_a_retype_never_narrows(before: str, after: str) -> None:
    """Whatever types a field has had, its column's type changes no more when it goes back."""
    column = wider(column_type("field", before), column_type("field", after))

    assert column == wider(column, column_type("field", before)) == wider(column, column_type("field", after))
