"""Files in shapes that Marketo has been seen to write, or may: each value arrives, or the file is refused whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_assets.load.file_reading import LoadError
from marketo_assets.load.parse import ParseError
from marketo_assets_tests.pipeline.handmade import land, land_and_load, lead_fields, load, published, released

S = "2026-03-05T10:00:00Z"
LATER = "2026-03-06T10:00:00Z"
HEAD = "id,createdAt,updatedAt,note\n"
NOTE = {"note": "string"}
NOTES = "SELECT id, note FROM main.leads ORDER BY id"

SHAPES: dict[str, tuple[str, list[tuple[int, str | None]]]] = {
    "an ordinary file": (f"{HEAD}1,{S},{S},a\n2,{S},{S},b\n", [(1, "a"), (2, "b")]),
    "no line end at the end": (f"{HEAD}1,{S},{S},a\n2,{S},{S},b", [(1, "a"), (2, "b")]),
    "a byte order mark": (f"\ufeff{HEAD}1,{S},{S},a\n", [(1, "a")]),
    "columns in another order": (f"note,updatedAt,id,createdAt\na,{S},1,{S}\n", [(1, "a")]),
    "a column that was not asked for": (f"id,extra,createdAt,updatedAt,note\n1,x,{S},{S},a\n", [(1, "a")]),
    "a header in another case": (f"ID,CREATEDAT,updatedat,Note\n1,{S},{S},a\n", [(1, "a")]),
    "null bare, null quoted, nothing, quoted nothing": (
        f'{HEAD}1,{S},{S},null\n2,{S},{S},"null"\n3,{S},{S},\n4,{S},{S},""\n5,{S},{S},NULL\n6,{S},{S}, null\n',
        [(1, None), (2, "null"), (3, None), (4, None), (5, "NULL"), (6, " null")],
    ),
    "quotes where none are needed": (f'"id","createdAt","updatedAt","note"\n"1","{S}","{S}","a"\n', [(1, "a")]),
    "quotes inside a cell without quotes": (f'{HEAD}1,{S},{S},a"b"c\n2,{S},{S},d\n', [(1, 'a"b"c'), (2, "d")]),
    "a bare CR in a cell": (f"{HEAD}1,{S},{S},a\rb\n2,{S},{S},c\n", [(1, "a\rb"), (2, "c")]),
    "a bare CR at the end of a line": (f"{HEAD}1,{S},{S},a\r\n2,{S},{S},c\n", [(1, "a\r"), (2, "c")]),
    "a bare CR, and others in quotes": (
        f'{HEAD}1,{S},{S},a\rb\n2,{S},{S},"c\rd"\n3,{S},{S},"e\r\nf"\n4,{S},{S},"g\nh"\n',
        [(1, "a\rb"), (2, "c\rd"), (3, "e\r\nf"), (4, "g\nh")],
    ),
    "a bare CR, and the character that stands in for it": (
        f"{HEAD}1,{S},{S},a\rb\U0010fffd0\n2,{S},{S},\U0010fffd\n",
        [(1, "a\rb\U0010fffd0"), (2, "\U0010fffd")],
    ),
    "CRLF line ends": (
        f"{HEAD}1,{S},{S},a\n2,{S},{S},null\n".replace("\n", "\r\n") + f'3,{S},{S},"b\nc"\r\n4,{S},{S},"d\r\ne"\r\n',
        [(1, "a"), (2, None), (3, "b\nc"), (4, "d\r\ne")],
    ),
    "CRLF line ends and a bare CR": (
        f"{HEAD}1,{S},{S},a\rz\n".replace("\n", "\r\n") + f'2,{S},{S},"b\nc"\r\n3,{S},{S},"d\r\n""e"\r\n',
        [(1, "a\rz"), (2, "b\nc"), (3, 'd\r\n"e')],
    ),
    "NUL": (f'{HEAD}1,{S},{S},a\0b\n2,{S},{S},"\0,"\n', [(1, "a\0b"), (2, "\0,")]),
    "a line of three megabytes": (
        f"{HEAD}1,{S},{S},{'x' * 3_000_000}\n2,{S},{S},b\n",
        [(1, "x" * 3_000_000), (2, "b")],
    ),
    "the same lead twice, the later update counts": (
        f"{HEAD}1,{S},{LATER},new\n1,{S},{S},old\n2,{S},{S},x\n2,{S},{S},x\n",
        [(1, "new"), (2, "x")],
    ),
}


@pytest.mark.parametrize(("content", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_a_file_in_an_unusual_shape(data_dir: Path, content: str, expected: list[tuple[int, str | None]]) -> None:
    """Every value of the file is in the table as it was in the file."""
    loaded = land_and_load(data_dir, content, NOTE)

    assert expected == published(data_dir, NOTES)
    assert (len(expected), 0) == (loaded.rows, loaded.rejected_values)


def test_bytes_that_are_not_utf_8(data_dir: Path) -> None:
    """A month with a broken byte is loaded all the same, and the byte is to be seen where it stood."""
    land_and_load(data_dir, f"{HEAD}1,{S},{S},caf".encode() + b"\xe9\n" + f"2,{S},{S},café\n".encode(), NOTE)

    assert [(1, "caf\\xe9"), (2, "café")] == published(data_dir, NOTES)


def test_duplicates_are_counted(data_dir: Path) -> None:
    """Rows that repeat a lead are told from rows that are missing: the file's count is right, the table's is lower."""
    content = f"{HEAD}1,{S},{S},a\n1,{S},{S},a\n1,{S},{LATER},b\n2,{S},{S},c\n"
    loaded = land_and_load(data_dir, content, NOTE, records=4)

    assert (2, 2) == (loaded.rows, loaded.duplicates)
    assert [(4, 2, 2)] == published(data_dir, "SELECT records, rows, duplicates FROM meta.loads")


NAMES: dict[str, list[str]] = {
    "columns of ours": ["_as_of", "_load_id", "_partition", "_source"],
    "DuckDB's rowid": ["rowid"],
    "names that the loader uses": ["c0", "c1", "texts", "carried", "file", "version", "superseded", "lead_id"],
    "SQL keywords": ["select", "from", "order", "group", "table", "null", "true", "end"],
    "other alphabets and signs": ['say "hi"', "x,y", "größe", "a b", "semi;colon", "it's", "$1", "{x}"],
    "id and the stamps in another case": ["ID", "CreatedAt", "UPDATEDAT"],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("order", [1, -1], ids=["described after ours", "described before ours"])
def test_fields_with_unusual_names(data_dir: Path, names: list[str], order: int) -> None:
    """Whatever a field is called, its values are in the column that `lead_fields` names, and ours are unharmed."""
    kinds = dict.fromkeys(names, "string")
    header = ",".join(["id", "createdAt", "updatedAt", *('"' + name.replace('"', '""') + '"' for name in names)])
    rows = "".join(f"{n},{S},{S},{','.join(f'{place} of {n}' for place in range(len(names)))}\n" for n in (1, 2, 2))
    described = lead_fields(kinds)[::order]
    loaded = load(data_dir, land(data_dir, f"{header}\n{rows}", kinds, records=3, described=described))
    with released(data_dir) as ask:
        columns = dict(ask("SELECT name, column_name FROM main.lead_fields"))
        quoted = ", ".join('"' + columns[name].replace('"', '""') + '"' for name in names)
        found = ask(f"SELECT id, _load_id, _source, {quoted} FROM main.leads ORDER BY id")

    assert (2, 1) == (loaded.rows, loaded.duplicates)
    assert len({column.lower() for column in columns.values()}) == len(names) + 3
    assert [
        (n, loaded.load_id, "bulk export", *(f"{place} of {n}" for place in range(len(names)))) for n in (1, 2)
    ] == found


REFUSED: dict[str, tuple[str | bytes, int | None, type[Exception], str]] = {
    "a cell too few": (f"{HEAD}1,{S},{S}\n2,{S},{S},b\n", None, LoadError, "not CSV that can be read"),
    "a cell too many": (f"{HEAD}1,{S},{S},a,secret\n", None, LoadError, "not CSV that can be read"),
    "quotes that do not end": (f'{HEAD}1,{S},{S},"secret\n2,{S},{S},b\n', None, LoadError, "not CSV that can be read"),
    "a field that is missing": (f"id,createdAt,updatedAt\n1,{S},{S}\n", None, ParseError, "lacks note"),
    "fewer rows than Marketo counted": (f"{HEAD}1,{S},{S},secret\n", 2, LoadError, "reports 2 records.* has 1"),
    "more rows than Marketo counted": (f"{HEAD}1,{S},{S},a\n2,{S},{S},b\n", 1, LoadError, "reports 1 records.* has 2"),
    "a row without id": (f"{HEAD}null,{S},{S},secret\n", 1, LoadError, "1 rows have no id"),
    "an id that is no number": (f"{HEAD}secret,{S},{S},a\n", 1, LoadError, "1 rows have no id"),
    "nothing at all": ("", None, ParseError, "lacks id, createdAt, updatedAt, note"),
}


@pytest.mark.parametrize(("content", "records", "error", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_not_what_was_asked_for(
    data_dir: Path, content: str | bytes, records: int | None, error: type[Exception], words: str
) -> None:
    """A file that cannot be right is refused whole, with what to do and no person's data; what was there stays."""
    land_and_load(data_dir, f"{HEAD}7,{S},{S},before\n", NOTE)
    with pytest.raises(error, match=f"(?s){words}.*(Materialize|Export)") as caught:
        land_and_load(data_dir, content, NOTE, records=records)

    assert "secret" not in str(caught.value)
    assert [(7, "before")] == published(data_dir, NOTES)
    assert [(1,)] == published(data_dir, "SELECT count(*) FROM meta.loads")
