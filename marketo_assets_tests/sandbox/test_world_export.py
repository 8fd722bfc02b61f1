"""The file of an export, the REST answer and the true state tell of the same values."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from marketo_assets.sandbox.fields import Json
from marketo_assets.sandbox.world import World

NOW = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
WHEN = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    """A world in which something has happened: edits, an addition, a merge, a deletion, a new field."""
    world = World(seed=1, leads=2_000, months=24, now=NOW)
    ids = world.ids_between("createdAt", world.start, NOW)
    world.add_field("addedLater", "currency")
    world.edit(ids[3], {"firstName": "null", "notes": 'a "b"\r\nc', "isPartner": False, "addedLater": -1.2345}, WHEN)
    world.edit(
        ids[4], {"email": None, "lastName": "", "bigCounter": 2**63 - 1, "syncedAt": "2001-02-03T04:05:06Z"}, WHEN
    )
    world.add({"email": "new@example.com", "isPartner": True, "lastAnswer": " , "}, WHEN)
    world.merge(ids[10], [ids[11]], WHEN)
    world.delete(ids[12], WHEN)
    return world


@pytest.fixture(scope="module")
def leads(world: World) -> list[dict[str, Json]]:
    return world.truth()


def exportable(world: World) -> list[str]:
    return [name for name, field in world.fields.items() if field.is_exportable]


def export(world: World, names: list[str], delimiter: str = ",", **headers: str) -> str:
    out = io.BytesIO()
    ids = world.ids_between("createdAt", world.start, NOW)
    written = world.write_export(ids, names, out, delimiter=delimiter, headers=headers)
    assert written == len(ids)
    return out.getvalue().decode("utf-8")


def parsed(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def with_quotes(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each cell of a comma-separated file and whether it stood in quotes, which Python's reader does not tell."""
    end = 0
    for cell in re.finditer(r'(?:"([^"]*(?:""[^"]*)*)"|([^,\n"]*))[,\n]', text):
        assert cell.start() == end
        end = cell.end()
        quoted, bare = cell.groups()
        yield (bare, False) if quoted is None else (quoted.replace('""', '"'), True)
    assert end == len(text)


def from_cell(kind: str, text: str) -> object:
    """Return what a careful reader makes of a cell that is not missing."""
    if kind in ("integer", "score"):
        return int(text)
    if kind in ("percent", "float", "currency"):
        return Decimal(text)
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}[text]
    return datetime.fromisoformat(text) if kind == "datetime" else text


def from_json(kind: str, value: Json) -> object:
    """Return the same of a JSON value."""
    if isinstance(value, int | float) and kind in ("percent", "float", "currency"):
        return Decimal(str(value))
    return datetime.fromisoformat(str(value)) if kind == "datetime" and value is not None else value


@pytest.mark.parametrize("delimiter", [",", "\t", ";", " "], ids=["comma", "tab", "semicolon", "space"])
def test_file_equals_the_truth(delimiter: str, world: World, leads: list[dict[str, Json]]) -> None:
    """Every cell, read back by Python's own reader and by its field's type, is what the instance holds."""
    names = exportable(world)
    header, *rows = parsed(export(world, names, delimiter), delimiter)
    assert header == names
    assert len(rows) == len(leads)
    for lead, row in zip(leads, rows, strict=True):
        for name, cell in zip(names, row, strict=True):
            kind, truth = world.fields[name].data_type, lead[name]
            if truth is None or truth == "null":
                assert cell == "null"
            else:
                assert from_cell(kind, cell) == from_json(kind, truth), (lead["id"], name)


def test_rest_answers_equal_the_truth(world: World, leads: list[dict[str, Json]]) -> None:
    """A lead read by REST, in a batch or alone, survives JSON, has the true values, and lacks the empty fields."""
    names = exportable(world)
    batch = json.loads(json.dumps(world.leads([lead["id"] for lead in leads], names)))  # type: ignore[misc]
    for lead, answer in zip(leads, batch, strict=True):
        expected = {name: value for name, value in lead.items() if value is not None}
        assert expected == {
            name: f"{value[:-5]}Z" if world.fields[name].spelling == "offset" else value
            for name, value in answer.items()
        }
        assert answer == world.lead(int(str(lead["id"])), names)


@pytest.mark.parametrize("is_quoted", [True, False], ids=["quoted", "bare"])
def test_word_null_is_quoted_by_switch(is_quoted: bool, world: World) -> None:
    """A missing value is the bare word null; the text null is quoted, unless the switch says bare."""
    world = World(seed=1, leads=2_000, months=24, now=NOW, quote_null_text=is_quoted)
    names = exportable(world)
    cells = list(with_quotes(export(world, names)))[len(names) :]
    truths = [lead[name] for lead in world.truth() for name in names]
    assert len(cells) == len(truths)
    assert {("null", False)} == {cell for cell, value in zip(cells, truths, strict=True) if value is None}
    assert {("null", is_quoted)} == {cell for cell, value in zip(cells, truths, strict=True) if value == "null"}


def test_only_what_needs_quotes_is_quoted(world: World) -> None:
    """A cell stands in quotes when it holds the delimiter, a quote or a line end, or is the word null."""
    cells = list(with_quotes(export(world, exportable(world))))
    for text, is_quoted in cells:
        if text != "null":
            assert is_quoted == any(mark in text for mark in ',"\r\n'), text


def test_lines_end_with_lf(world: World) -> None:
    """Every line ends with LF alone, the last one too, and there is no byte order mark."""
    lines = export(world, ["id", "createdAt"]).split("\n")
    assert lines[0] == "id,createdAt"
    assert lines[-1] == ""
    assert all(line.endswith("Z") for line in lines[1:-1])


def test_booleans_and_moments_have_their_spellings(world: World) -> None:
    """One boolean is written 1 and 0 and one moment with +0000; the others are true and false, and end with Z."""
    _, *rows = parsed(export(world, ["isPartner", "wantsDemo", "syncedAt", "lastVisitAt"]))
    partner, demo, synced, visit = (set(column) - {"null"} for column in zip(*rows, strict=True))
    assert [partner, demo] == [{"0", "1"}, {"true", "false"}]
    assert all(moment.endswith("+0000") for moment in synced)
    assert all(moment.endswith("Z") for moment in visit)


def test_headers_can_be_renamed(world: World) -> None:
    """A renamed field has its new name in the header, quoted where it must be; the rest keep theirs."""
    text = export(world, ["id", "email", "select"], email="E-mail, main", select="null")
    assert text.startswith('id,"E-mail, main",null\n')


def test_columns_stand_in_the_order_asked_even_twice(world: World) -> None:
    """Columns follow the request, also when it names a field twice."""
    header, first, *_ = parsed(export(world, ["email", "id", "email"]))
    assert header == ["email", "id", "email"]
    assert first[0] == first[2]


def test_leads_that_are_gone_are_left_out() -> None:
    """A lead deleted between the asking and the writing is not in the file, nor in its count."""
    world = World(seed=1, leads=10, months=1, now=NOW)
    ids = world.ids_between("createdAt", world.start, NOW)
    world.delete(ids[4], NOW)
    out = io.BytesIO()
    assert world.write_export([*ids, 999], ["id"], out) == 9
    assert out.getvalue().decode().split() == ["id", *(str(lead_id) for lead_id in ids if lead_id != ids[4])]


def test_empty_file_is_a_header(world: World) -> None:
    """An export of no leads is one line."""
    out = io.BytesIO()
    assert world.write_export([], ["id", "email"], out) == 0
    assert out.getvalue() == b"id,email\n"


class Scale:
    """A place to write to that only weighs."""

    def __init__(self) -> None:
        self.pieces: list[int] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(len(data))


def test_file_is_written_in_pieces() -> None:
    """A big file comes in pieces of a bounded number of rows, so nobody ever holds it whole."""
    world = World(seed=1, leads=50_000, months=1, now=NOW, fields=20)
    scale = Scale()
    world.write_export(world.ids_between("createdAt", world.start, NOW), exportable(world), scale)
    assert len(scale.pieces) == 4
    assert max(scale.pieces) < 0.5 * sum(scale.pieces)


WEIGH = """
import resource
from datetime import UTC, datetime
from marketo_assets.sandbox.world import World
class Scale:
    total = 0
    def write(self, data):
        self.total += len(data)
now = datetime(2026, 8, 15, 12, 0, 0, tzinfo=UTC)
world = World(seed=1, leads=150_000, months=24, now=now)
ids = world.ids_between("createdAt", world.start, now)
names = [name for name, field in world.fields.items() if field.is_exportable]
world.write_export(ids[:40_000], names, Scale())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
scale = Scale()
world.write_export(ids, names, scale)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, scale.total // 2**20)
"""


def test_memory_does_not_follow_the_file() -> None:
    """Writing 150,000 leads of 60 fields takes hardly more memory than 40,000 of them had taken."""
    answer = subprocess.run([sys.executable, "-c", WEIGH], capture_output=True, text=True, check=True)
    grown_mb, file_mb = map(int, answer.stdout.split())
    assert file_mb > 80
    assert grown_mb < 40
