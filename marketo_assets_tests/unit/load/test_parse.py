"""The header of a landed file: which cell fills which column."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from marketo_assets.load.columns import Column
from marketo_assets.load.parse import ParseError, match_header, read_header


def packed(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "a.csv.zst"
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(zstandard.ZstdCompressor().compress(raw))
    return path


def columns(*names: str) -> list[Column]:
    return [Column(name, f"column of {name}", "VARCHAR") for name in names]


HEADERS: dict[str, tuple[str, list[str], str]] = {
    "plain": ("id,email\n1,a\n", ["id", "email"], "\n"),
    "quoted": ('"id","a ""b"", c"\n', ["id", 'a "b", c'], "\n"),
    "CRLF": ("id,email\r\n1,a\r\n", ["id", "email"], "\r\n"),
    "a byte order mark": ("\ufeffid,email\n", ["id", "email"], "\n"),
    "nothing else": ("id,email", ["id", "email"], "\n"),
    "nothing": ("", [], "\n"),
    "U+2028 in a name": ("id,a\u2028b\n", ["id", "a\u2028b"], "\n"),
}


@pytest.mark.parametrize(("content", "cells", "line_end"), HEADERS.values(), ids=HEADERS.keys())
def test_the_first_line(tmp_path: Path, content: str, cells: list[str], line_end: str) -> None:
    """Cells and line end are those of the first line, without the mark that may stand before it."""
    assert (cells, line_end) == read_header(packed(tmp_path, content))


def test_cells_find_their_columns() -> None:
    """Cells are matched by name, in any order; one that was not asked for fills nothing."""
    id_column, email = columns("id", "email")

    assert [email, None, id_column] == match_header(["email", "more", "id"], [id_column, email])


def test_case_matters_only_where_it_must() -> None:
    """A cell in another case is the only field of that name; where there are two, it is neither."""
    asked = columns("id", "regionCode", "RegionCode", "Email")

    assert [asked[0], asked[2], asked[1], asked[3]] == match_header(["ID", "RegionCode", "regionCode", "email"], asked)
    with pytest.raises(ParseError, match="lacks regionCode, which were asked for"):
        match_header(["id", "REGIONCODE", "RegionCode", "Email"], asked)


def test_many_fields_that_are_missing() -> None:
    """A header that lacks what was asked for is refused: a few are named, and what to do."""
    with pytest.raises(ParseError, match=r"lacks f0, f1, f2, f3, f4 and more.*refresh switched on"):
        match_header(["id"], columns("id", *(f"f{n}" for n in range(9))))
