"""The world of a seed: the same every time, and worth testing on."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from marketo_assets.sandbox.fields import Json
from marketo_assets.sandbox.world import World

NOW = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
RECIPE = """
import hashlib, io
from datetime import UTC, datetime
from marketo_assets.sandbox.world import World
now = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
world = World(seed=7, leads=500, months=6, now=now)
out = io.BytesIO()
world.write_export(world.ids_between("createdAt", world.start, now), list(world.truth(limit=1)[0]), out)
print(hashlib.sha256(out.getvalue()).hexdigest())
"""


def digest(world: World) -> str:
    out = io.BytesIO()
    world.write_export(world.ids_between("createdAt", world.start, NOW), exportable(world), out)
    return hashlib.sha256(out.getvalue()).hexdigest()


def exportable(world: World) -> list[str]:
    return [name for name, field in world.fields.items() if field.is_exportable]


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=1, leads=2_000, months=24, now=NOW)


@pytest.fixture(scope="module")
def leads(world: World) -> list[dict[str, Json]]:
    return world.truth()


@pytest.fixture(scope="module")
def texts(leads: list[dict[str, Json]]) -> set[str]:
    return {value for lead in leads for value in lead.values() if isinstance(value, str)}


def test_same_seed_same_bytes_in_another_process() -> None:
    """The same arguments give the same file, whatever the process, its hash seed and its number of threads."""
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "POLARS_MAX_THREADS": "1"}
    answer = subprocess.run([sys.executable, "-c", RECIPE], capture_output=True, text=True, env=environment, check=True)
    assert digest(World(seed=7, leads=500, months=6, now=NOW)) == answer.stdout.strip()


def test_another_seed_gives_another_world() -> None:
    """Two seeds share neither ids and stamps nor values."""
    one, other = (World(seed=seed, leads=500, months=6, now=NOW) for seed in (7, 8))
    assert [lead["id"] for lead in one.truth(["id"])] != [lead["id"] for lead in other.truth(["id"])]
    assert digest(one) != digest(other)


def test_every_field_has_its_own_dice(leads: list[dict[str, Json]]) -> None:
    """Two fields of one lead are drawn independently: knowing one does not tell the other."""
    pairs = Counter((lead["order"], lead["country"]) for lead in leads)
    assert len(pairs) == 11 * 6


@pytest.mark.parametrize("fields", [20, 47, 60, 61, 85, 250])
def test_instance_has_as_many_fields_as_asked(fields: int) -> None:
    """The number of fields that an export accepts is the number asked for, each with its own id and name."""
    known = World(seed=1, leads=0, months=1, now=NOW, fields=fields).fields.values()
    assert fields == sum(field.is_exportable for field in known)
    assert len(known) == len({field.id for field in known}) == len({field.name for field in known})
    assert {field.name for field in known if not field.is_exportable} == {
        "fullAddressFormula",
        "retiredCode",
        "soapOnlyFlag",
    }


def test_too_few_fields_are_refused() -> None:
    """An instance without the standard fields that every world has cannot be made."""
    with pytest.raises(ValueError, match="at least 20"):
        World(seed=1, leads=0, months=1, now=NOW, fields=19)


def test_custom_fields_cover_every_data_type(world: World) -> None:
    """Forty exportable custom fields and more hold every data type of Marketo's, and one it does not know."""
    custom = [field for field in world.fields.values() if field.custom]
    assert sum(field.is_exportable for field in custom) == 40
    assert {field.data_type for field in custom} == {
        "string", "text", "email", "phone", "url", "reference", "integer", "score", "percent", "float", "currency",
        "boolean", "date", "datetime", "formula", "array",
    }  # fmt: skip


def test_field_names_are_awkward(world: World) -> None:
    """Two names differ only in case, and three are SQL keywords."""
    assert {"regionCode", "RegionCode", "select", "order", "group"} <= set(world.fields)


def test_fields_that_an_export_refuses_are_told_apart(world: World) -> None:
    """A formula is described but not exported, one field is hidden, and one is unknown to REST."""
    fields = world.fields
    assert [
        fields["fullAddressFormula"].data_type,
        fields["retiredCode"].hidden,
        fields["soapOnlyFlag"].rest,
    ] == ["formula", True, False]


def test_values_have_their_fields_types(world: World, leads: list[dict[str, Json]]) -> None:
    """Every value of a fresh world has the JSON type of its field's data type."""
    kinds = {"boolean": bool, "integer": int, "score": int, "percent": (int, float)}
    kinds |= {"float": (int, float), "currency": (int, float)}
    wrong = [
        (name, value)
        for lead in leads
        for name, value in lead.items()
        if value is not None and not isinstance(value, kinds.get(world.fields[name].data_type, str))
    ]
    assert wrong == []


def test_lengths_hold(world: World, leads: list[dict[str, Json]]) -> None:
    """No value is longer than Describe says."""
    for name, field in world.fields.items():
        if field.is_exportable and field.length is not None:
            assert all(len(lead[name] or "") <= field.length for lead in leads), name  # type: ignore[arg-type]


PRESENT: dict[str, Callable[[str], bool]] = {
    "the word null": lambda text: text == "null",
    "quotes": lambda text: '"' in text,
    "commas": lambda text: "," in text,
    "semicolons": lambda text: ";" in text,
    "line feeds": lambda text: "\n" in text.replace("\r\n", ""),
    "carriage returns alone": lambda text: "\r" in text.replace("\r\n", ""),
    "CRLF": lambda text: "\r\n" in text,
    "tabs": lambda text: "\t" in text,
    "emoji": lambda text: "😀" in text,
    "CJK": lambda text: "漢" in text,
    "U+2028": lambda text: "\u2028" in text,
    "5,000 characters": lambda text: len(text) == 5_000,
    "5,000 characters to be quoted": lambda text: len(text) == 5_000 and '"' in text and "\r\n" in text,
    "leading zeros": lambda text: text.isascii() and text.isdigit() and text.startswith("00"),
    "leading spaces": lambda text: text.startswith(" ") and text.strip() != "",
    "trailing spaces": lambda text: text.endswith(" ") and text.strip() != "",
    "spaces alone": lambda text: text == " ",
    "a moment before 1970": lambda text: text.startswith("19") and text[:4] < "1970" and text.endswith("Z"),
    "a day before 1970": lambda text: len(text) == 10 and text[:2] in ("18", "19") and text[4::3] == "--",
}


@pytest.mark.parametrize("kind", PRESENT)
def test_awkward_texts_are_there(kind: str, texts: set[str]) -> None:
    """Two thousand leads hold every kind of text that has broken a reader."""
    assert any(map(PRESENT[kind], texts))


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("bigCounter", lambda number: number > 2**53),
        ("bigCounter", lambda number: number < -(2**53)),
        ("storeNumber", lambda number: abs(number) > 2**31 - 1),
        ("winPercent", lambda number: number != int(number)),
        ("balance", lambda number: number < 0 and round(number, 3) != number),
        ("annualRevenue", lambda number: number == 1234567890.1234),
        ("tinyRatio", lambda number: 0 < number < 1e-9),
        ("leadScore", lambda number: number < 0),
    ],
    ids=["above 2^53", "below -2^53", "beyond 32 bits", "percent with decimals", "debt", "4 decimals", "tiny", "minus"],
)
def test_awkward_numbers_are_there(field: str, wanted: Callable[[float], bool], leads: list[dict[str, Json]]) -> None:
    """Two thousand leads hold numbers that a careless type would bend."""
    assert any(isinstance(lead[field], int | float) and wanted(lead[field]) for lead in leads)  # type: ignore[arg-type]


def test_empty_values_are_there(leads: list[dict[str, Json]]) -> None:
    """Most fields are empty in some lead, one is empty in all, and none holds an empty text."""
    empty = {name for lead in leads for name, value in lead.items() if value is None}
    assert len(empty) > 45
    assert all(lead["neverFilled"] is None for lead in leads)
    assert all(value != "" for lead in leads for value in lead.values())


def test_addresses_are_nobodys(leads: list[dict[str, Json]]) -> None:
    """E-mail addresses are ASCII, lie in domains kept for examples, and some leads share one."""
    addresses = [str(lead["email"]) for lead in leads if lead["email"]]
    assert all(address.isascii() for address in addresses)
    assert {"example.com", "example.org", "mail.example.net"} == {address.split("@")[1] for address in addresses}
    assert len(set(addresses)) < len(addresses)
